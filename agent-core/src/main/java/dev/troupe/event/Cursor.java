package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * How far a group has come in one shard. Everything up to {@code prefix} is settled; beyond it,
 * what was settled out of order, and in mode SHARED what is with a feed or was given back.
 *
 * <p>Stored as three lines of text: {@code 1 prefix owner until restarts suspect}; runs of settled
 * positions as {@code first+more}; runs of what was taken in the same way as {@code
 * first+more:owner:until:count}. Nobody is written as {@code -}.
 */
final class Cursor {
  /** Who owns nothing. */
  static final String NOBODY = "-";

  long prefix;
  String owner = NOBODY;
  long until;

  /** How many owners died since the prefix last moved; one as long as it may be anybody's fault. */
  int restarts;

  /** Up to here events may have been in the hands of an owner when it died. */
  long suspect;

  final NavigableSet<Long> done = new TreeSet<>();
  final TreeMap<Long, Taken> taken = new TreeMap<>();

  /**
   * A delivery that is with a feed, or that was.
   *
   * @param owner which feed
   * @param until when it counts as given back
   * @param count how often it was delivered
   */
  record Taken(String owner, long until, int count) {}

  boolean free(long now) {
    return owner.equals(NOBODY) || until <= now;
  }

  byte[] encode() {
    StringBuilder text = new StringBuilder(64);
    text.append("1 ").append(prefix).append(' ').append(owner).append(' ').append(until);
    text.append(' ').append(restarts).append(' ').append(suspect).append('\n');
    Iterator<Long> positions = done.iterator();
    long first = -1;
    long last = -1;
    while (positions.hasNext()) {
      long next = positions.next();
      if (first >= 0 && next == last + 1) {
        last = next;
      } else {
        run(text, first, last);
        first = next;
        last = next;
      }
    }
    run(text, first, last);
    text.append('\n');
    first = -1;
    last = -1;
    Taken same = null;
    for (Map.Entry<Long, Taken> entry : taken.entrySet()) {
      long next = entry.getKey();
      if (same != null && next == last + 1 && entry.getValue().equals(same)) {
        last = next;
      } else {
        run(text, first, last, same);
        first = next;
        last = next;
        same = entry.getValue();
      }
    }
    run(text, first, last, same);
    return text.toString().getBytes(StandardCharsets.US_ASCII);
  }

  private static void run(StringBuilder text, long first, long last, @Nullable Taken one) {
    if (one != null) {
      text.append(first).append('+').append(last - first).append(':').append(one.owner());
      text.append(':').append(one.until()).append(':').append(one.count()).append(' ');
    }
  }

  private static void run(StringBuilder text, long first, long last) {
    if (first >= 0) {
      text.append(first).append('+').append(last - first).append(' ');
    }
  }

  static Cursor decode(String key, byte[] value) {
    String[] lines = new String(value, StandardCharsets.US_ASCII).split("\n", -1);
    String[] head = lines[0].split(" ");
    if (!head[0].equals("1")) {
      throw new AgentException(
          ErrorCode.STORE_MISMATCH, key + " was written by another version of the library");
    }
    try {
      Cursor cursor = new Cursor();
      cursor.prefix = Long.parseLong(head[1]);
      cursor.owner = head[2];
      cursor.until = Long.parseLong(head[3]);
      cursor.restarts = Integer.parseInt(head[4]);
      cursor.suspect = Long.parseLong(head[5]);
      for (String run : words(lines[1])) {
        int plus = run.indexOf('+');
        long first = Long.parseLong(run.substring(0, plus));
        long more = Long.parseLong(run.substring(plus + 1));
        for (long i = 0; i <= more; i++) {
          cursor.done.add(first + i);
        }
      }
      for (String one : words(lines[2])) {
        String[] parts = one.split(":");
        int plus = parts[0].indexOf('+');
        long first = Long.parseLong(parts[0].substring(0, plus));
        long more = Long.parseLong(parts[0].substring(plus + 1));
        Taken taken = new Taken(parts[1], Long.parseLong(parts[2]), Integer.parseInt(parts[3]));
        for (long i = 0; i <= more; i++) {
          cursor.taken.put(first + i, taken);
        }
      }
      return cursor;
    } catch (IndexOutOfBoundsException | NumberFormatException e) {
      throw new AgentException(ErrorCode.UNDECODABLE, key + " can't be read", e);
    }
  }

  private static String[] words(String line) {
    return line.isEmpty() ? new String[0] : line.trim().split(" ");
  }
}
