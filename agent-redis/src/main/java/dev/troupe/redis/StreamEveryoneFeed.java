package dev.troupe.redis;

import dev.troupe.event.Delivery;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.Subscription;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** A feed in mode EVERYONE: reads all streams from their ends on, and writes nothing. */
final class StreamEveryoneFeed extends StreamFeed {
  private static final int MOST = 200;

  private final StreamWaiter waiter;
  private final List<Shard> shards = new ArrayList<>();
  private final List<byte[]> logs = new ArrayList<>();
  private final List<String> readTo = new ArrayList<>();
  private final ArrayDeque<Delivery> buffer = new ArrayDeque<>();
  private volatile List<ShardState> states = List.of();

  StreamEveryoneFeed(StreamParts parts, Subscription subscription) {
    super(parts, subscription);
    this.waiter = new StreamWaiter(parts.waiting());
    addAll();
    note();
  }

  @Override
  void add(List<Shard> some) {
    List<byte[]> more = some.stream().map(parts.keys()::log).toList();
    readTo.addAll(waiter.ends(more));
    logs.addAll(more);
    shards.addAll(some);
  }

  @Override
  List<Delivery> round(int max) {
    settlements();
    if (max > 0 && buffer.isEmpty()) {
      read(0);
    }
    List<Delivery> out = new ArrayList<>();
    while (out.size() < max && !buffer.isEmpty()) {
      out.add(buffer.remove());
    }
    note();
    return out;
  }

  @Override
  void await(long nanos) {
    read(nanos);
  }

  private void read(long nanos) {
    if (logs.isEmpty()) {
      LockSupport.parkNanos(this, Math.min(nanos, NOTHING_READ));
      return;
    }
    List<List<?>> came = waiter.read(logs, readTo, MOST, nanos);
    for (int i = 0; i < came.size(); i++) {
      for (Object entry : came.get(i)) {
        Delivery one = StreamEntry.decode(shards.get(i), (List<?>) entry, 1);
        buffer.add(one);
        readTo.set(i, one.offset());
      }
    }
  }

  private void note() {
    int[] waiting = new int[shards.size()];
    buffer.forEach(one -> waiting[shards.indexOf(one.shard())]++);
    List<ShardState> now = new ArrayList<>(waiting.length);
    for (int i = 0; i < waiting.length; i++) {
      now.add(new ShardState(shards.get(i), waiting[i], null));
    }
    states = now;
  }

  @Override
  void leave() {
    states = List.of();
  }

  @Override
  public List<ShardState> shards() {
    return states;
  }
}
