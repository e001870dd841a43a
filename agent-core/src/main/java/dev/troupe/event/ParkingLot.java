package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.PriorityBlockingQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Events that wait in the store's due index: those to be published later, and those that a group
 * handles later. Each is a record in a queue; what has a key stands in a lane, which the store
 * hands out one by one in the order in which they came. Whoever claims one holds it until it is
 * done.
 */
final class ParkingLot implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ParkingLot.class);
  private static final String PUBLISH = "$later";
  private static final String HANDLE = "$park:";
  private static final int TOGETHER = 64;
  private static final int MOST_BYTES = 4 << 20;
  private static final Duration LATER = Duration.ofSeconds(1);

  /** What the event itself is to blame for, so that no later try can do better. */
  private static final Set<ErrorCode> FOR_GOOD =
      EnumSet.of(ErrorCode.INVALID_INPUT, ErrorCode.LIMIT_EXCEEDED);

  private final StoreAccess access;
  private final EventTransport transport;
  private final Holders holders;
  private final long lookEvery;
  private final Map<String, List<Taker>> served = new ConcurrentHashMap<>();
  private final PriorityBlockingQueue<Long> hints =
      new PriorityBlockingQueue<>(16, Comparator.naturalOrder());
  private final Thread thread;

  /** Claimed to be published and not settled; tried again while the store is away. */
  private final List<Parked> held = new ArrayList<>();

  private volatile boolean closed;
  private volatile @Nullable String trouble;
  private BiConsumer<Parked, AgentException> buried = (parked, why) -> {};
  private boolean started;

  /** Who handles what was parked. */
  interface Taker {
    /** Whether more can be taken now. */
    boolean hasRoom();

    /** Handles it; a few more than there is room for do no harm. */
    void take(Task task);
  }

  ParkingLot(StoreAccess access, EventTransport transport, Duration lease, Duration lookEvery) {
    this.access = access;
    this.transport = transport;
    this.holders = new Holders(access, lease);
    this.lookEvery = lookEvery.toNanos();
    this.thread = new Thread(this::run, "troupe-events-parked");
    thread.setDaemon(true);
  }

  /**
   * Begins to look.
   *
   * @param letters keeps what can't be published
   */
  void start(BiConsumer<Parked, AgentException> letters) {
    buried = letters;
    started = true;
    holders.begin();
    thread.start();
  }

  /** From now on what a group has parked of some topics is handed to this. */
  void serve(String group, Set<String> topics, Taker subscriber) {
    for (String topic : topics) {
      served
          .computeIfAbsent(queue(group, topic), q -> new CopyOnWriteArrayList<>())
          .add(subscriber);
    }
    LockSupport.unpark(thread);
  }

  void serveNoMore(String group, Set<String> topics, Taker subscriber) {
    for (String topic : topics) {
      served.computeIfPresent(
          queue(group, topic),
          (queue, subscribers) -> {
            subscribers.remove(subscriber);
            return subscribers.isEmpty() ? null : subscribers;
          });
    }
  }

  private static String queue(String group, String topic) {
    return HANDLE + group + ":" + topic;
  }

  // what waits

  /** The event is published at a time; a second time under the same id changes nothing. */
  void publishAt(Outgoing outgoing, Instant due) {
    Event event = outgoing.event();
    String name = Hash.of(outgoing.topic() + " " + event.source() + " " + event.id());
    RecordId id = access.id(PUBLISH + ":" + name);
    Parked.Note note = new Parked.Note(1, "", outgoing.topic(), 0, name, 0, 0, "");
    lay(new Parked(id, null, note, event), due);
  }

  /** What a change has to do so that an event is published when the change is done. */
  List<Edit> laid(String key, Outgoing outgoing) {
    @Nullable String lane = outgoing.event().key().orElse(null);
    Parked.Note note =
        new Parked.Note(1, "", outgoing.topic(), 0, key, 0, 0, lane == null ? "" : lane);
    Parked parked = new Parked(access.id(key), null, note, outgoing.event());
    List<Edit> edits = new ArrayList<>(parked.edits(key));
    edits.add(new Edit.Queue(key, PUBLISH, 0, Instant.EPOCH, lane(parked), Long.MAX_VALUE));
    return edits;
  }

  /** Something was laid down by others. */
  void look() {
    hints.add(System.nanoTime());
    LockSupport.unpark(thread);
  }

  /** Has a group handle an event later, in the order of its lane. */
  void park(String group, Task task, Event event, String lane, Duration wait) {
    Parked.Note note =
        new Parked.Note(
            1,
            group,
            task.shard.topic(),
            task.shard.number(),
            task.offset(),
            task.attempts,
            0,
            lane);
    RecordId id = access.id(key(group, task.shard, lane, task.identity()));
    long now = access.now(id);
    lay(new Parked(id, null, note, event), Instant.ofEpochMilli(now).plus(wait));
  }

  void replay(DeadLetter letter, Event event) {
    Shard shard = new Shard(letter.topic(), letter.shard());
    String key = event.key;
    String lane = key == null ? "" : key;
    Parked.Note note =
        new Parked.Note(
            1, letter.group(), letter.topic(), letter.shard(), letter.offset(), 0, 0, lane);
    // what was parked when it died may still be there for a moment, under the offset alone
    String again = letter.offset() + "r" + letter.since().toEpochMilli();
    RecordId id = access.id(key(letter.group(), shard, lane, again));
    lay(new Parked(id, null, note, event), Instant.EPOCH);
  }

  /** All that a group has parked of a shard lies in one partition, and that of a key together. */
  private static String key(String group, Shard shard, String lane, String offset) {
    return prefix(group, shard) + laneKey(lane) + "-" + offset;
  }

  private static String prefix(String group, Shard shard) {
    return HANDLE + Hash.of(group + ":" + shard) + "/";
  }

  private static String laneKey(String lane) {
    return lane.isEmpty() ? "-" : Hash.of(lane);
  }

  static String queue(Parked.Note note) {
    return note.group().isEmpty() ? PUBLISH : queue(note.group(), note.topic());
  }

  static @Nullable String lane(Parked parked) {
    String lane = parked.note().lane();
    return lane.isEmpty() ? null : prefix(parked.note().group(), parked.shard()) + laneKey(lane);
  }

  private void lay(Parked parked, Instant due) {
    String key = parked.id().key();
    List<Edit> edits = new ArrayList<>();
    edits.add(new Edit.Absent(key));
    edits.addAll(parked.edits(key));
    edits.add(new Edit.Queue(key, queue(parked.note()), 0, due, lane(parked), Long.MAX_VALUE));
    access.apply(parked.id().partition(), edits);
    hints.add(
        System.nanoTime() + Math.max(0, due.toEpochMilli() - access.time.millis()) * 1_000_000);
    LockSupport.unpark(thread);
  }

  /** Lanes of a shard in which something waits. */
  Set<String> lanes(String group, Shard shard) {
    Set<String> lanes = new HashSet<>();
    String prefix = prefix(group, shard);
    String after = null;
    int partition = access.id(prefix).partition();
    do {
      Page<Stored> page = access.store.scan(new Scan.Records(partition, prefix, after, false, 500));
      for (Stored found : page.items()) {
        String rest = found.id().key().substring(prefix.length());
        lanes.add(rest.substring(0, rest.indexOf('-', 1)));
      }
      after = page.next();
    } while (after != null);
    return lanes;
  }

  static String laneOf(String key) {
    return laneKey(key);
  }

  /** Whether something waits in a lane. */
  boolean waits(String group, Shard shard, String lane) {
    String prefix = prefix(group, shard) + lane + "-";
    int partition = access.id(prefix).partition();
    return !access
        .store
        .scan(new Scan.Records(partition, prefix, null, false, 1))
        .items()
        .isEmpty();
  }

  // what became of it

  void done(Parked parked) {
    Grant grant = parked.grant();
    if (grant != null) {
      String key = parked.id().key();
      access.apply(
          parked.id().partition(), List.of(new Edit.Held(key, grant), new Edit.Delete(key)));
    }
    look(); // the next of its lane may come
  }

  /** It is to come again, and keeps its place in its lane. */
  void again(Parked parked, int attempts, Duration wait) {
    Grant grant = parked.grant();
    if (grant == null) {
      return;
    }
    Parked.Note old = parked.note();
    Parked next = new Parked(parked.id(), null, old.with(attempts, old.deaths()), parked.event());
    String key = parked.id().key();
    List<Edit> edits = new ArrayList<>();
    edits.add(new Edit.Held(key, grant));
    edits.addAll(next.edits(key));
    Instant due = Instant.ofEpochMilli(access.now(parked.id())).plus(wait);
    edits.add(new Edit.Queue(key, queue(old), 0, due, lane(next), Long.MAX_VALUE));
    access.apply(parked.id().partition(), edits);
    hints.add(System.nanoTime() + wait.toNanos());
  }

  // the thread that looks

  private void run() {
    long pause = lookEvery;
    while (!closed) {
      boolean more = false;
      try {
        holders.tend();
        more = claim();
        pause = lookEvery;
      } catch (AgentException e) {
        LOG.warn("parked events can't be looked for now: {}", e.toString());
        pause = Math.min(pause * 2, Duration.ofSeconds(10).toNanos());
      } catch (RuntimeException e) {
        LOG.error("parked events can't be looked for now", e);
        pause = Math.min(pause * 2, Duration.ofSeconds(10).toNanos());
      }
      if (!more) {
        rest(pause);
      }
    }
  }

  private void rest(long pause) {
    long now = System.nanoTime();
    Long hint = hints.peek();
    while (hint != null && hint - now <= 0) {
      hints.poll();
      hint = hints.peek();
    }
    long wait = hint == null ? pause : Math.min(pause, hint - now);
    if (!closed) {
      LockSupport.parkNanos(this, wait);
    }
  }

  private boolean claim() {
    publish(List.copyOf(held));
    List<String> queues = new ArrayList<>();
    queues.add(PUBLISH);
    served.forEach(
        (queue, subscribers) -> {
          if (subscribers.stream().anyMatch(Taker::hasRoom)) {
            queues.add(queue);
          }
        });
    List<Stored> due =
        access.store.claim(
            new Claim(
                holders.next(),
                new Claim.From.Due(queues),
                access.store.info().all(),
                TOGETHER,
                MOST_BYTES));
    for (Stored found : due) {
      hand(found);
    }
    publish(List.copyOf(held));
    return due.size() == TOGETHER;
  }

  private void hand(Stored found) {
    Parked parked;
    try {
      parked = Parked.decode(found);
    } catch (AgentException unreadable) {
      LOG.error("{}; it stays where it is", unreadable.getMessage());
      return;
    }
    if (parked.note().group().isEmpty()) {
      held.add(parked);
      return;
    }
    List<Taker> subscribers = served.getOrDefault(queue(parked.note()), List.of());
    for (Taker subscriber : subscribers) {
      if (subscriber.hasRoom()) {
        subscriber.take(Task.of(parked));
        return;
      }
    }
    again(parked, parked.attempts(), LATER);
  }

  /** Those of a lane come one by one, so that none overtakes another that is not published yet. */
  private void publish(List<Parked> some) {
    if (some.isEmpty()) {
      return;
    }
    List<Outgoing> outgoing = new ArrayList<>(some.size());
    some.forEach(one -> outgoing.add(new Outgoing(one.note().topic(), one.event())));
    List<Outgoing> failed = List.of();
    AgentException why = null;
    try {
      transport.append(outgoing);
      trouble = null;
    } catch (AppendFailedException e) {
      failed = e.failed();
      why = e;
    } catch (AgentException e) {
      failed = outgoing;
      why = e;
    }
    Set<Event> notAppended = Collections.newSetFromMap(new IdentityHashMap<>());
    failed.forEach(one -> notAppended.add(one.event()));
    List<Parked> published = new ArrayList<>(some.size());
    List<Parked> refused = new ArrayList<>();
    for (Parked one : some) {
      (notAppended.contains(one.event()) ? refused : published).add(one);
    }
    done(published);
    if (why != null) {
      notPublished(refused, why, some.size() == 1);
    }
  }

  private void notPublished(List<Parked> refused, AgentException why, boolean alone) {
    if (!FOR_GOOD.contains(why.code())) {
      trouble = "events that wait in the store can't be published: " + why.getMessage();
      LOG.warn(
          "{} event(s) are published later than they should: {}", refused.size(), why.toString());
      for (Parked one : refused) {
        again(one, one.attempts() + 1, LATER);
        settled(one);
      }
    } else if (alone) {
      for (Parked one : refused) {
        LOG.error("{} can't be published and is a dead letter: {}", one.event(), why.toString());
        buried.accept(one, why);
        done(List.of(one));
      }
    } else {
      refused.forEach(one -> publish(List.of(one))); // one of them may be to blame
    }
  }

  private void done(List<Parked> published) {
    List<Change> changes = new ArrayList<>(published.size());
    for (Parked one : published) {
      Grant grant = one.grant();
      if (grant != null) {
        String key = one.id().key();
        changes.add(
            access.change(
                one.id().partition(), List.of(new Edit.Held(key, grant), new Edit.Delete(key))));
      }
    }
    if (!changes.isEmpty()) {
      access.apply(changes);
      published.forEach(this::settled);
      look();
    }
  }

  private void settled(Parked one) {
    held.removeIf(other -> other.id().equals(one.id()));
  }

  /** What keeps events from being published, null when all is well. */
  @Nullable String trouble() {
    return trouble;
  }

  @Override
  public void close() {
    closed = true;
    if (!started) {
      return;
    }
    LockSupport.unpark(thread);
    try {
      thread.join(Duration.ofSeconds(5).toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    try {
      holders.leave();
    } catch (AgentException e) {
      LOG.debug("others will find out by themselves that this bus has gone: {}", e.toString());
    }
  }
}
