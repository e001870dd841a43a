package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.ShardLog.Chunk;
import dev.troupe.event.ShardLog.Entry;
import dev.troupe.state.Page;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads a topic's shards without joining: of the next events of all shards always the one that was
 * appended first. A cursor names how far each shard was read, {@code position.position…}.
 */
final class StoreHistory {
  private final List<ShardLog> logs;

  private static final class Reader {
    final ShardLog log;
    final EventText texts;
    final ArrayDeque<Entry> buffer = new ArrayDeque<>();
    long readTo;
    long given;
    @Nullable Delivery head;

    Reader(ShardLog log, EventText texts, long from) {
      this.log = log;
      this.texts = texts;
      this.readTo = from;
      this.given = from;
    }

    @Nullable Delivery peek() {
      if (head != null) {
        return head;
      }
      if (buffer.isEmpty()) {
        Chunk chunk = log.read(readTo);
        readTo = chunk.next();
        buffer.addAll(chunk.entries());
      }
      Entry first = buffer.peekFirst();
      head = first == null ? null : StoreFeed.delivery(texts, log.shard, first, 0);
      return head;
    }

    void take() {
      given = buffer.removeFirst().position();
      head = null;
    }
  }

  StoreHistory(List<ShardLog> logs) {
    this.logs = logs;
  }

  Page<Delivery> read(Position from, int limit) {
    List<Reader> readers = new ArrayList<>();
    EventText texts = new EventText(null);
    long[] at = from instanceof Position.At cursor ? positions(cursor.cursor()) : new long[0];
    long since = from instanceof Position.Since time ? time.time().toEpochMilli() : 0;
    for (int i = 0; i < logs.size(); i++) {
      ShardLog log = logs.get(i);
      long begin;
      if (from instanceof Position.At) {
        begin = at[i];
      } else if (from instanceof Position.End) {
        begin = log.end();
      } else {
        begin = from instanceof Position.Since ? log.before(since) : log.start();
      }
      readers.add(new Reader(log, texts, begin));
    }
    List<Delivery> found = new ArrayList<>();
    while (true) {
      Reader first = null;
      Delivery next = null;
      for (Reader reader : readers) {
        Delivery one = reader.peek();
        while (one != null && one.appended().toEpochMilli() < since) {
          reader.take();
          one = reader.peek();
        }
        if (one != null && (next == null || one.appended().isBefore(next.appended()))) {
          next = one;
          first = reader;
        }
      }
      if (first == null || next == null) {
        return new Page<>(found, (@Nullable String) null);
      }
      if (found.size() == limit) {
        return new Page<>(found, cursor(readers));
      }
      found.add(next);
      first.take();
    }
  }

  private static String cursor(List<Reader> readers) {
    StringBuilder text = new StringBuilder();
    for (Reader reader : readers) {
      text.append(text.isEmpty() ? "" : ".").append(reader.given);
    }
    return text.toString();
  }

  private long[] positions(String cursor) {
    String[] parts = cursor.split("\\.");
    long[] positions = new long[parts.length];
    try {
      for (int i = 0; i < parts.length; i++) {
        positions[i] = Long.parseLong(parts[i]);
      }
    } catch (NumberFormatException e) {
      throw new AgentException(ErrorCode.INVALID_INPUT, "not a cursor of a page: " + cursor, e);
    }
    if (parts.length != logs.size()) {
      throw new AgentException(ErrorCode.INVALID_INPUT, "a cursor of another topic: " + cursor);
    }
    return positions;
  }
}
