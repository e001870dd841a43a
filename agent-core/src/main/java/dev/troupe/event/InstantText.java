package dev.troupe.event;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicReference;

/**
 * RFC 3339 for instants in UTC, as {@link Instant#toString} writes them; for transports, which
 * write and read one for each event. Whole milliseconds between the years 1970 and 9999, which is
 * nearly all there is, are written and read without a formatter; days are counted as in H.
 * Hinnant's "chrono-compatible low-level date algorithms". Safe for use by many threads.
 */
public final class InstantText {
  private static final long DAY = 86_400_000L;
  private static final long FIRST = 0L;
  private static final long LAST = 253_402_300_799_999L;
  private static final int LENGTH = "2026-11-21T10:15:30.123Z".length();

  /** What was asked for last: a thousand events and more are of one millisecond. */
  private static final AtomicReference<Known> KNOWN =
      new AtomicReference<>(new Known(Instant.EPOCH, "1970-01-01T00:00:00Z"));

  private static final AtomicReference<Known> READ = new AtomicReference<>(KNOWN.get());

  private record Known(Instant instant, String text) {}

  private InstantText() {}

  /** An instant, the same object as before when it is the same. */
  static Instant ofMillis(long millis) {
    Instant last = KNOWN.get().instant;
    return last.getEpochSecond() == Math.floorDiv(millis, 1_000L)
            && last.getNano() == Math.floorMod(millis, 1_000L) * 1_000_000
        ? last
        : Instant.ofEpochMilli(millis);
  }

  /**
   * Writes an instant.
   *
   * @param time the instant
   * @return the text, such as {@code 2026-11-21T10:15:30.123Z}
   */
  public static String of(Instant time) {
    Known known = KNOWN.get();
    if (known.instant.equals(time)) {
      return known.text;
    }
    String text = written(time);
    KNOWN.lazySet(new Known(time, text));
    return text;
  }

  private static String written(Instant time) {
    if (time.getNano() % 1_000_000 != 0
        || time.getEpochSecond() < FIRST
        || time.getEpochSecond() > LAST / 1_000) {
      return time.toString();
    }
    long millis = time.toEpochMilli();
    long z = Math.floorDiv(millis, DAY) + 719_468;
    long era = z / 146_097;
    long dayOfEra = z - era * 146_097;
    long yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
    long dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
    long shifted = (5 * dayOfYear + 2) / 153;
    long month = shifted < 10 ? shifted + 3 : shifted - 9;
    long year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
    long rest = Math.floorMod(millis, DAY);
    boolean whole = rest % 1_000 == 0;
    byte[] text = new byte[whole ? LENGTH - 4 : LENGTH];
    digits(text, 0, 4, year, '-');
    digits(text, 5, 2, month, '-');
    digits(text, 8, 2, dayOfYear - (153 * shifted + 2) / 5 + 1, 'T');
    digits(text, 11, 2, rest / 3_600_000, ':');
    digits(text, 14, 2, rest / 60_000 % 60, ':');
    digits(text, 17, 2, rest / 1_000 % 60, whole ? 'Z' : '.');
    if (!whole) {
      digits(text, 20, 3, rest % 1_000, 'Z');
    }
    return new String(text, StandardCharsets.ISO_8859_1);
  }

  private static void digits(byte[] text, int from, int count, long number, char behind) {
    long rest = number;
    for (int i = from + count - 1; i >= from; i--) {
      text[i] = (byte) ('0' + rest % 10);
      rest /= 10;
    }
    text[from + count] = (byte) behind;
  }

  /**
   * Reads an instant.
   *
   * @param text what {@link Instant#parse} takes
   * @return the instant
   * @throws java.time.format.DateTimeParseException when it is none
   */
  public static Instant parse(String text) {
    Known known = READ.get();
    if (known.text.equals(text)) {
      return known.instant;
    }
    Instant read = read(text);
    READ.lazySet(new Known(read, text));
    return read;
  }

  private static Instant read(String text) {
    if (text.length() != LENGTH || text.charAt(LENGTH - 1) != 'Z' || text.charAt(10) != 'T') {
      return Instant.parse(text);
    }
    int year = number(text, 0, 4);
    int month = number(text, 5, 7);
    int day = number(text, 8, 10);
    int hour = number(text, 11, 13);
    int minute = number(text, 14, 16);
    int second = number(text, 17, 19);
    int milli = number(text, 20, 23);
    boolean plain =
        text.charAt(4) == '-'
            && text.charAt(7) == '-'
            && text.charAt(13) == ':'
            && text.charAt(16) == ':'
            && text.charAt(19) == '.'
            && year >= 1970
            && month >= 1
            && month <= 12
            && day >= 1
            && day <= 28 // later days need the calendar, which Instant.parse has
            && hour >= 0
            && hour < 24
            && minute >= 0
            && minute < 60
            && second >= 0
            && second < 60
            && milli >= 0;
    if (!plain) {
      return Instant.parse(text);
    }
    long y = month <= 2 ? year - 1L : year;
    long era = y / 400;
    long yearOfEra = y - era * 400;
    long dayOfYear = (153L * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    long dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
    long days = era * 146_097 + dayOfEra - 719_468;
    return Instant.ofEpochMilli(days * DAY + ((hour * 60L + minute) * 60 + second) * 1_000 + milli);
  }

  private static int number(String text, int from, int to) {
    int number = 0;
    for (int i = from; i < to; i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        return -1;
      }
      number = number * 10 + digit;
    }
    return number;
  }
}
