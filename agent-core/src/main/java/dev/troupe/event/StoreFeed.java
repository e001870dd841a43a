package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.ShardLog.Entry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;

/** What feeds over a store have in common: they wait for local news, and look in between. */
abstract class StoreFeed implements Feed {
  private static final long SHORTEST_NANOS = Duration.ofMillis(2).toNanos();

  final StoreTopics source;
  final Subscription subscription;
  private final Arrivals arrivals;
  private final long lookEvery;
  private final ConcurrentLinkedQueue<List<Settlement>> settled = new ConcurrentLinkedQueue<>();
  private final Set<String> followed = new HashSet<>();
  private long idle = SHORTEST_NANOS;
  private volatile boolean closed;

  /** What feeds of a transport share. */
  record Parts(
      StoreAccess access,
      Arrivals arrivals,
      StoreTransport.Pace pace,
      EventText texts,
      StoreTopics topics) {}

  StoreFeed(Parts parts, Subscription subscription) {
    this.source = parts.topics();
    this.subscription = subscription;
    this.arrivals = parts.arrivals();
    this.lookEvery = parts.pace().lookEvery().toNanos();
  }

  /** Reads one more topic, in which the group begins at a position if it is new there. */
  abstract void add(String topic, Position from);

  /** Reads what the subscription names. */
  final void addAll() {
    subscription.topics().stream().distinct().forEach(topic -> follow(topic, subscription.from()));
  }

  private void follow(String topic, Position from) {
    add(topic, from);
    followed.add(topic);
  }

  @Override
  public final Set<String> follow(Function<Set<String>, Map<String, Position>> choice) {
    if (closed) {
      throw new AgentException(ErrorCode.CLOSED, "the feed was closed");
    }
    Map<String, Position> chosen = Map.copyOf(choice.apply(source.names()));
    chosen.forEach(
        (topic, from) -> {
          if (!followed.contains(topic)) {
            follow(topic, from);
          }
        });
    return chosen.keySet();
  }

  /** Does what has to be done, and gives what there is. */
  abstract List<Delivery> round(int max);

  /** Leaves. */
  abstract void leave();

  @Override
  public final List<Delivery> poll(int max, Duration wait) {
    if (closed) {
      throw new AgentException(ErrorCode.CLOSED, "the feed was closed");
    }
    long end = System.nanoTime() + wait.toNanos();
    while (true) {
      long seen = arrivals.count();
      List<Delivery> found = round(max);
      if (!found.isEmpty()) {
        idle = SHORTEST_NANOS;
        return found;
      }
      long left = end - System.nanoTime();
      if (max == 0 || left <= 0 || Thread.currentThread().isInterrupted()) {
        return found;
      }
      arrivals.await(seen, Math.min(left, idle));
      idle = Math.min(lookEvery, idle * 2);
    }
  }

  @Override
  public final void settle(List<Settlement> settlements) {
    settled.add(List.copyOf(settlements));
    arrivals.signal();
  }

  /** What was settled since this was last asked. */
  final List<Settlement> settlements() {
    List<Settlement> first = settled.poll();
    if (first == null || settled.isEmpty()) {
      return first == null ? List.of() : first;
    }
    List<Settlement> all = new ArrayList<>(first);
    for (List<Settlement> some = settled.poll(); some != null; some = settled.poll()) {
      all.addAll(some);
    }
    return all;
  }

  /** How often feeds look for what other processes did, when nothing is going on. */
  final long idle() {
    return idle;
  }

  @Override
  public final void close() {
    if (!closed) {
      closed = true;
      leave();
      arrivals.signal();
    }
  }

  static long position(Delivery delivery) {
    try {
      return Long.parseLong(delivery.offset());
    } catch (NumberFormatException e) {
      return -1; // no delivery of this transport
    }
  }

  static Delivery delivery(EventText texts, Shard shard, Entry entry, int count) {
    byte[] value = entry.value();
    int end = 0;
    long millis = 0;
    while (end < value.length && value[end] >= '0' && value[end] <= '9') {
      millis = millis * 10 + value[end] - '0';
      end++;
    }
    String offset = Long.toString(entry.position());
    Instant appended = texts.time(Math.min(millis, LATEST_MILLIS));
    if (end == 0 || end == value.length || value[end] != '\n') {
      return new Delivery(
          shard,
          offset,
          appended,
          count,
          new Delivery.Raw(value, Map.of(), "has no time before it"));
    }
    try {
      Event event = texts.read(value, end + 1);
      return new Delivery(shard, offset, appended, count, new Delivery.Decoded(event));
    } catch (AgentException undecodable) {
      byte[] bytes = Arrays.copyOfRange(value, end + 1, value.length);
      String why = String.valueOf(undecodable.getMessage());
      return new Delivery(shard, offset, appended, count, new Delivery.Raw(bytes, Map.of(), why));
    }
  }

  private static final long LATEST_MILLIS = 253_402_300_799_999L;
}
