package dev.troupe.kafka;

import java.io.ByteArrayOutputStream;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Offsets that are done although something before them is not. Kept in a commit's metadata as
 * {@code troupe1:} and, in Base64, pairs of numbers: how many offsets from the end of the last
 * range to this one (at first: from the committed offset), and how many this one has; each as
 * groups of seven bits, the lowest first.
 */
final class DoneRanges {
  private static final String MARK = "troupe1:";
  private static final int LONGEST_NUMBER = 9;

  private final TreeMap<Long, Long> ranges = new TreeMap<>();

  void add(long offset) {
    addRange(offset, offset + 1);
  }

  private void addRange(long from, long to) {
    long begin = from;
    long end = to;
    Map.Entry<Long, Long> before = ranges.floorEntry(from);
    if (before != null && before.getValue() >= from) {
      begin = before.getKey();
      end = Math.max(end, before.getValue());
    }
    Long after = ranges.remove(to);
    ranges.put(begin, after == null ? end : Math.max(end, after));
  }

  boolean contains(long offset) {
    Map.Entry<Long, Long> range = ranges.floorEntry(offset);
    return range != null && offset < range.getValue();
  }

  /** Forgets what lies before an offset. */
  void dropBelow(long offset) {
    while (!ranges.isEmpty() && ranges.firstKey() < offset) {
      long end = ranges.pollFirstEntry().getValue();
      if (end > offset) {
        ranges.put(offset, end);
      }
    }
  }

  /** As many ranges behind the offset as fit, the lowest ones. */
  String encode(long offset, int mostChars) {
    int most = Math.max(0, mostChars - MARK.length()) / 4 * 3;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    long last = offset;
    for (Map.Entry<Long, Long> range : ranges.tailMap(offset, true).entrySet()) {
      if (bytes.size() + 2 * LONGEST_NUMBER > most) {
        break;
      }
      write(bytes, range.getKey() - last);
      write(bytes, range.getValue() - range.getKey());
      last = range.getValue();
    }
    return bytes.size() == 0
        ? ""
        : MARK + Base64.getEncoder().withoutPadding().encodeToString(bytes.toByteArray());
  }

  private static void write(ByteArrayOutputStream to, long number) {
    long rest = number;
    while (rest > 0x7f) {
      to.write((int) ((rest & 0x7f) | 0x80));
      rest >>>= 7;
    }
    to.write((int) rest);
  }

  /**
   * What a commit says; nothing when it is not ours or can't be read, which repeats and loses none.
   */
  static DoneRanges decode(long offset, @Nullable String metadata) {
    DoneRanges done = new DoneRanges();
    if (metadata == null || !metadata.startsWith(MARK)) {
      return done;
    }
    try {
      Reader in = new Reader(Base64.getDecoder().decode(metadata.substring(MARK.length())));
      for (long last = offset; in.at < in.bytes.length; ) {
        long begin = Math.addExact(last, in.next());
        last = Math.addExact(begin, in.next());
        done.addRange(begin, last);
      }
    } catch (IllegalArgumentException | ArithmeticException | IndexOutOfBoundsException e) {
      return new DoneRanges();
    }
    return done;
  }

  private static final class Reader {
    final byte[] bytes;
    int at;

    Reader(byte[] bytes) {
      this.bytes = bytes;
    }

    long next() {
      long number = 0;
      for (int shift = 0; ; shift += 7) {
        byte one = bytes[at++];
        number |= (one & 0x7fL) << shift;
        if (one >= 0) {
          return number;
        }
        if (shift >= 7 * (LONGEST_NUMBER - 1)) {
          throw new IllegalArgumentException("no number");
        }
      }
    }
  }
}
