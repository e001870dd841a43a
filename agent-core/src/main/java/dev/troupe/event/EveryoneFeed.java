package dev.troupe.event;

import dev.troupe.event.ShardLog.Chunk;
import dev.troupe.event.ShardLog.Entry;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/** A feed in mode EVERYONE: reads all shards from their ends on, and writes nothing. */
final class EveryoneFeed extends StoreFeed {
  private final List<Reader> readers = new ArrayList<>();
  private final EventText texts;
  private volatile List<ShardState> states = List.of();
  private int turn;

  private static final class Reader {
    final ShardLog log;
    final ArrayDeque<Entry> buffer = new ArrayDeque<>();
    long readTo;
    long seenAppends = -1;
    long nextLook = System.nanoTime();

    Reader(ShardLog log) {
      this.log = log;
      this.readTo = log.end();
    }

    boolean fill(long idle) {
      long appends = log.appends();
      long now = System.nanoTime();
      if (buffer.isEmpty() && (appends != seenAppends || nextLook - now <= 0)) {
        Chunk chunk = log.read(readTo);
        readTo = chunk.next();
        buffer.addAll(chunk.entries());
        if (buffer.isEmpty()) {
          seenAppends = appends;
          nextLook = now + idle;
        }
      }
      return !buffer.isEmpty();
    }
  }

  EveryoneFeed(Parts parts, Subscription subscription) {
    super(parts, subscription);
    this.texts = parts.texts();
    addAll();
  }

  @Override
  void add(String topic, Position from) {
    source.logs(topic).forEach(log -> readers.add(new Reader(log)));
  }

  @Override
  List<Delivery> round(int max) {
    settlements();
    List<Delivery> out = new ArrayList<>();
    turn = (turn + 1) % Math.max(1, readers.size());
    for (int i = 0; i < readers.size(); i++) {
      Reader reader = readers.get((turn + i) % readers.size());
      while (out.size() < max && reader.fill(idle())) {
        out.add(StoreFeed.delivery(texts, reader.log.shard, reader.buffer.removeFirst(), 1));
      }
    }
    List<ShardState> now = new ArrayList<>();
    for (Reader reader : readers) {
      long lag = reader.log.behind(reader.readTo) + reader.buffer.size();
      now.add(new ShardState(reader.log.shard, lag, null));
    }
    states = now;
    return out;
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
