package dev.troupe.resilience;

import dev.troupe.resilience.CircuitBreaker.Mode;
import dev.troupe.resilience.CircuitBreaker.Ruling;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What all processes share about a breaker, and its form in a store. Times are milliseconds since
 * 1970 on the store's clock.
 *
 * @param opening since it is open; null while it is closed
 * @param probe the call that probes; null when none does
 * @param ruling what an operator said last
 */
record BreakerRecord(@Nullable Opening opening, @Nullable Probe probe, @Nullable Ruling ruling) {
  static final BreakerRecord CLOSED = new BreakerRecord(null, null, null);

  private static final Logger LOG = LoggerFactory.getLogger(CircuitBreakers.class);
  private static final Duration KEPT = Duration.ofDays(1);
  private static final int MOST_TEXT = 500;

  /**
   * An opening.
   *
   * @param until when a call may probe
   * @param times how often in a row, from 1
   * @param by who opened it
   * @param why the reason
   */
  record Opening(long until, int times, String by, String why) {}

  /**
   * A lease to probe.
   *
   * @param id unique
   * @param until when it is over, whatever became of the call
   */
  record Probe(String id, long until) {}

  boolean forced() {
    return ruling != null && ruling.mode() != Mode.AUTOMATIC;
  }

  BreakerRecord opened(Opening anew) {
    return new BreakerRecord(anew, null, ruling);
  }

  BreakerRecord closed() {
    return new BreakerRecord(null, null, ruling);
  }

  BreakerRecord probed(@Nullable Probe by) {
    return new BreakerRecord(opening, by, ruling);
  }

  BreakerRecord ruled(Ruling anew) {
    return new BreakerRecord(opening, probe, anew);
  }

  /** When it may leave the store by itself; null for never. */
  @Nullable Instant expires(long now) {
    if (forced()) {
      return null;
    }
    long last = opening == null ? now : Math.max(now, opening.until);
    return Instant.ofEpochMilli(last).plus(KEPT);
  }

  /** One line of text: people may have written it. */
  static String oneLine(String text) {
    String line = text.replaceAll("[\\p{Cntrl}\\p{Cs}\u0085\u2028\u2029]+", " ").strip();
    if (line.length() <= MOST_TEXT) {
      return line;
    }
    int end = Character.isHighSurrogate(line.charAt(MOST_TEXT - 1)) ? MOST_TEXT - 1 : MOST_TEXT;
    return line.substring(0, end);
  }

  byte[] encode() {
    StringBuilder text = new StringBuilder();
    if (opening != null) {
      text.append("open ").append(opening.until).append(' ').append(opening.times).append('\n');
      text.append("by ").append(oneLine(opening.by)).append('\n');
      text.append("why ").append(oneLine(opening.why)).append('\n');
    }
    if (probe != null) {
      text.append("probe ").append(probe.until).append(' ').append(probe.id).append('\n');
    }
    if (ruling != null) {
      text.append("ruling ").append(ruling.mode()).append(' ');
      text.append(ruling.at().toEpochMilli()).append('\n');
      text.append("ruled-by ").append(oneLine(ruling.by())).append('\n');
      text.append("ruled-why ").append(oneLine(ruling.reason())).append('\n');
    }
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  /** What can't be read counts as closed, so that the next change mends it. */
  static BreakerRecord decode(String name, byte[] value) {
    Map<String, String> lines = new HashMap<>();
    new String(value, StandardCharsets.UTF_8)
        .lines()
        .forEach(
            line -> {
              int space = line.indexOf(' ');
              if (space > 0) {
                lines.put(line.substring(0, space), line.substring(space + 1));
              }
            });
    try {
      return new BreakerRecord(opening(lines), probe(lines), ruling(lines));
    } catch (RuntimeException e) {
      LOG.debug("the record of breaker '{}' can't be read and counts as closed", name, e);
      return CLOSED;
    }
  }

  private static @Nullable Opening opening(Map<String, String> lines) {
    String[] open = lines.getOrDefault("open", "").split(" ");
    return open.length < 2
        ? null
        : new Opening(
            Long.parseLong(open[0]),
            Integer.parseInt(open[1]),
            lines.getOrDefault("by", ""),
            lines.getOrDefault("why", ""));
  }

  private static @Nullable Probe probe(Map<String, String> lines) {
    String[] probe = lines.getOrDefault("probe", "").split(" ");
    return probe.length < 2 ? null : new Probe(probe[1], Long.parseLong(probe[0]));
  }

  private static @Nullable Ruling ruling(Map<String, String> lines) {
    String[] ruling = lines.getOrDefault("ruling", "").split(" ");
    return ruling.length < 2
        ? null
        : new Ruling(
            Mode.valueOf(ruling[0]),
            lines.getOrDefault("ruled-by", ""),
            lines.getOrDefault("ruled-why", ""),
            Instant.ofEpochMilli(Long.parseLong(ruling[1])));
  }
}
