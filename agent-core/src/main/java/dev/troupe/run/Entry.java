package dev.troupe.run;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * One line of a journal.
 *
 * <p>Stored as {@code 1 kind number at attempts payload}: ASCII fields parted by one space, then
 * the payload's bytes as the codec gave them. The first field is the format.
 *
 * @param kind what the line records
 * @param number its place in the order of writing, from 1
 * @param at the store's time when it was written, in milliseconds since 1970
 * @param attempts how many attempts it took
 * @param payload what the kind says
 */
public record Entry(Kind kind, long number, long at, int attempts, byte[] payload) {
  /** What a line records; the letter is what is stored. */
  public enum Kind {
    /** A step's result. */
    DONE('d'),
    /** A step's or call's failure. */
    FAILED('f'),
    /** A sleep; the payload is when it ends. */
    SLEEP('s'),
    /** A call; the payload is the child's id, a line feed, and when it has to be over or 0. */
    CALL('c'),
    /** A signal received; the payload is the name of its mail. */
    SIGNAL('g'),
    /** A wait for a signal that ended without one. */
    TIMED_OUT('o'),
    /** The branch that won; the payload is its index. */
    WINNER('w'),
    /** Progress that was told. */
    PROGRESS('p'),
    /** An event that goes out; the payload is its topic, a line feed, and its id. */
    PUBLISHED('b'),
    /** An effect under way: the payload is when it goes on, a line feed, and the last failure. */
    OPEN('t'),
    /** An effect that was begun and must not be repeated blindly. */
    INTENT('i'),
    /**
     * A process began to execute the run; the payload is its incarnation, a line feed, and where it
     * runs.
     */
    EXECUTED('e'),
    /** The run fails; what is left is compensation. */
    FAILING('x'),
    /** The run was stopped. */
    STOPPED('z');

    private final char letter;

    Kind(char letter) {
      this.letter = letter;
    }

    private static Kind of(byte letter) {
      for (Kind kind : values()) {
        if (kind.letter == letter) {
          return kind;
        }
      }
      throw new IllegalArgumentException("unknown kind '" + (char) letter + "'");
    }
  }

  private static final byte FORMAT = '1';

  /**
   * The stored form.
   *
   * @return new bytes
   */
  public byte[] encode() {
    int head = 4 + digits(number) + 1 + digits(at) + 1 + digits(attempts) + 1;
    byte[] out = new byte[head + payload.length];
    out[0] = FORMAT;
    out[1] = ' ';
    out[2] = (byte) kind.letter;
    out[3] = ' ';
    int end = write(out, 4, number);
    end = write(out, end, at);
    end = write(out, end, attempts);
    System.arraycopy(payload, 0, out, end, payload.length);
    return out;
  }

  private static int digits(long value) {
    int digits = 1;
    for (long rest = value; rest >= 10; rest /= 10) {
      digits++;
    }
    return digits;
  }

  private static int write(byte[] out, int start, long value) {
    int end = start + digits(value);
    long rest = value;
    for (int i = end - 1; i >= start; i--) {
      out[i] = (byte) ('0' + rest % 10);
      rest /= 10;
    }
    out[end] = ' ';
    return end + 1;
  }

  /**
   * Reads the stored form.
   *
   * @param bytes what was stored
   * @param where run and row, for the message
   * @return the entry
   * @throws AgentException with {@link ErrorCode#UNDECODABLE}
   */
  public static Entry decode(byte[] bytes, String where) {
    try {
      if (bytes[0] != FORMAT) {
        throw new IllegalArgumentException(
            "format '" + (char) bytes[0] + "' is not known to this version, which reads 1");
      }
      Kind kind = Kind.of(bytes[2]);
      if (bytes[1] != ' ' || bytes[3] != ' ') {
        throw new IllegalArgumentException("its fields are not apart");
      }
      long[] fields = new long[3];
      int i = 4;
      for (int field = 0; field < fields.length; field++) {
        int start = i;
        while (bytes[i] != ' ') {
          if (bytes[i] < '0' || bytes[i] > '9') {
            throw new IllegalArgumentException("not a number at byte " + i);
          }
          fields[field] =
              Math.addExact(Math.multiplyExact(fields[field], 10L), (long) (bytes[i] - '0'));
          i++;
        }
        if (i == start) {
          throw new IllegalArgumentException("a number is missing at byte " + i);
        }
        i++;
      }
      return new Entry(
          kind,
          fields[0],
          fields[1],
          Math.toIntExact(fields[2]),
          Arrays.copyOfRange(bytes, i, bytes.length));
    } catch (IllegalArgumentException | ArithmeticException | IndexOutOfBoundsException broken) {
      throw new AgentException(
          ErrorCode.UNDECODABLE,
          "%s can't be read: %s".formatted(where, broken.getMessage()),
          broken);
    }
  }

  /** A number of the payload. */
  private long number(String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException broken) {
      throw new AgentException(
          ErrorCode.UNDECODABLE,
          "journal entry %d of kind %s holds no number where one belongs".formatted(number, kind),
          broken);
    }
  }

  /**
   * The payload up to its first line feed, as text.
   *
   * @return the payload's first line
   */
  public String head() {
    int end = lineEnd();
    return new String(payload, 0, end, StandardCharsets.UTF_8);
  }

  /** The payload after its first line feed. */
  byte[] tail() {
    int end = lineEnd();
    return end == payload.length
        ? new byte[0]
        : Arrays.copyOfRange(payload, end + 1, payload.length);
  }

  private int lineEnd() {
    int end = 0;
    while (end < payload.length && payload[end] != '\n') {
      end++;
    }
    return end;
  }

  /** The payload after its first line feed as a number. */
  long tailNumber() {
    return number(new String(tail(), StandardCharsets.UTF_8));
  }

  /**
   * The payload's first line as a number.
   *
   * @return the number
   * @throws AgentException with {@link ErrorCode#UNDECODABLE} when there is none
   */
  public long headNumber() {
    return number(head());
  }

  static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static byte[] text(String head, byte[] tail) {
    byte[] first = text(head);
    byte[] both = Arrays.copyOf(first, first.length + 1 + tail.length);
    both[first.length] = '\n';
    System.arraycopy(tail, 0, both, first.length + 1, tail.length);
    return both;
  }
}
