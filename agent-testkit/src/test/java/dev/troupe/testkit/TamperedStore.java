package dev.troupe.testkit;

import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A memory store whose calls and answers pass through hooks, where mistakes are made on purpose.
 * One call at a time, except where the mistake is a race.
 */
class TamperedStore implements StateStore {
  static final int PARTITIONS = 8;

  final StateStore inner;
  private final ReentrantLock lock = new ReentrantLock();
  private final AtomicInteger count = new AtomicInteger();

  TamperedStore(MovableClock clock) {
    this(new MemoryStateStore(PARTITIONS, clock));
  }

  TamperedStore(StateStore inner) {
    this.inner = inner;
  }

  /** False when other calls may come in between. */
  boolean exclusive() {
    return true;
  }

  /** What is sent to the store instead of this line. */
  List<Edit> lines(Change change, Edit edit) {
    return List.of(line(change, edit));
  }

  /** As {@link #lines}, one for one. */
  Edit line(Change change, Edit edit) {
    return edit;
  }

  /** The id under which a change is sent to the store. */
  String sentId(Change change) {
    return change.id();
  }

  /** Runs after a change was done. */
  void afterDone(Change change, Outcome.Done done) {}

  Outcome.Seen shown(Change change, Outcome.Seen seen) {
    return seen;
  }

  Stored shown(Stored stored) {
    return stored;
  }

  Instant shown(Instant now) {
    return now;
  }

  List<Stored> answer(Claim claim) {
    return inner.claim(claim);
  }

  Page<Stored> answer(Scan scan) {
    return inner.scan(scan);
  }

  Page<Stored> answer(Find find) {
    return inner.find(find);
  }

  @Override
  public List<Outcome> apply(List<Change> changes) {
    info().check(changes);
    List<Outcome> outcomes = new ArrayList<>();
    for (Change change : changes) {
      outcomes.add(guarded(() -> applyOne(change)));
    }
    return outcomes;
  }

  Outcome applyOne(Change change) {
    IdentityHashMap<Edit, Edit> originals = new IdentityHashMap<>();
    List<Edit> sent = new ArrayList<>();
    for (Edit edit : change.edits()) {
      for (Edit line : lines(change, edit)) {
        originals.put(line, edit);
        sent.add(line);
      }
    }
    Outcome outcome = send(new Change(sentId(change), change.partition(), sent));
    if (outcome instanceof Outcome.Refused refused) {
      Edit because = originals.get(refused.because());
      return new Outcome.Refused(
          shown(refused.now()),
          because == null ? refused.because() : because,
          refused.found() == null ? null : shown(refused.found()));
    }
    Outcome.Done done = (Outcome.Done) outcome;
    afterDone(change, done);
    return new Outcome.Done(
        shown(done.now()), done.seen().stream().map(seen -> shown(change, seen)).toList());
  }

  final Outcome send(Change change) {
    return inner.apply(List.of(change)).get(0);
  }

  /** Does something to a record that nobody asked for. */
  final Outcome meddle(RecordId id, Edit... edits) {
    return send(new Change("meddled-" + count.incrementAndGet(), id.partition(), List.of(edits)));
  }

  final int next() {
    return count.incrementAndGet();
  }

  final RecordId id(String key) {
    return RecordId.of(key, info().partitions());
  }

  final @Nullable Stored peek(String key) {
    List<Stored> items = inner.scan(Scan.whole(id(key))).items();
    return items.isEmpty() ? null : items.get(0);
  }

  /** Time for another thread to come in between. */
  static void pause() {
    LockSupport.parkNanos(100_000);
  }

  static Stored.Builder copy(Stored s, Instant now) {
    return Stored.builder(s.id(), now)
        .value(s.value())
        .version(s.version(), s.lastChange())
        .tags(s.tags())
        .place(s.place())
        .created(s.created())
        .rows(s.rows())
        .mail(s.mailNumber(), s.mail())
        .counters(s.counters());
  }

  final <T> T guarded(Supplier<T> call) {
    if (!exclusive()) {
      return call.get();
    }
    lock.lock();
    try {
      return call.get();
    } finally {
      lock.unlock();
    }
  }

  private Page<Stored> shown(Page<Stored> page) {
    return new Page<>(page.items().stream().map(this::shown).toList(), page.next());
  }

  @Override
  public List<Stored> claim(Claim claim) {
    return guarded(() -> answer(claim).stream().map(this::shown).toList());
  }

  @Override
  public Page<Stored> scan(Scan scan) {
    return guarded(() -> shown(answer(scan)));
  }

  @Override
  public Page<Stored> find(Find find) {
    return guarded(() -> shown(answer(find)));
  }

  @Override
  public StoreInfo info() {
    return inner.info();
  }

  @Override
  public void close() {
    inner.close();
  }
}
