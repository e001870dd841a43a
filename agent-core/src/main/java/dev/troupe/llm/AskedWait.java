package dev.troupe.llm;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How long a provider asks to wait, in all the forms in which they say it. Points in time are read
 * against the {@code date} header of the same answer: the peer's clock then is the only one.
 */
final class AskedWait {
  /** Longer waits are cut to this, so that every unit can hold them. */
  private static final Duration LONGEST = Duration.ofDays(36_500);

  private static final Pattern NUMBER = Pattern.compile("[+-]?\\d{1,40}(\\.\\d{0,40})?");

  /** As OpenAI ({@code 1m2.5s}, {@code 20ms}) and Google ({@code 12s}) write durations. */
  private static final Pattern PARTS =
      Pattern.compile("(\\d{1,20}(?:\\.\\d{0,20})?)(ms|us|µs|ns|s|m|h|d)");

  private static final Map<String, BigDecimal> SECONDS =
      Map.of(
          "ns",
          new BigDecimal("1e-9"),
          "us",
          new BigDecimal("1e-6"),
          "µs",
          new BigDecimal("1e-6"),
          "ms",
          new BigDecimal("1e-3"),
          "s",
          BigDecimal.ONE,
          "m",
          BigDecimal.valueOf(60),
          "h",
          BigDecimal.valueOf(3_600),
          "d",
          BigDecimal.valueOf(86_400));

  private static final Pattern SENTENCE =
      Pattern.compile(
          "(?:try again|retry|retry after)(?: after| in)?"
              + " ((?:\\d+(?:\\.\\d+)?(?:ms|s|m|h|d))+|\\d+(?:\\.\\d+)? seconds?)",
          Pattern.CASE_INSENSITIVE);

  private static final List<String> LIMITS =
      List.of(
          "x-ratelimit-%s-requests",
          "x-ratelimit-%s-tokens",
          "anthropic-ratelimit-requests-%s",
          "anthropic-ratelimit-tokens-%s",
          "anthropic-ratelimit-input-tokens-%s",
          "anthropic-ratelimit-output-tokens-%s");

  private final Map<String, String> headers;
  private final @Nullable Instant date;

  private AskedWait(Map<String, String> headers) {
    this.headers = headers;
    this.date = instant(headers.getOrDefault("date", ""));
  }

  /**
   * The wait that an answer asks for.
   *
   * @param headers in lower case
   * @param said what its body says
   * @param limited whether it was refused for a limit: only then do the limits' resets count
   * @return at least zero; null when it asks for none
   */
  static @Nullable Duration of(Map<String, String> headers, Said said, boolean limited) {
    AskedWait answer = new AskedWait(headers);
    Duration wait = answer.retryAfter();
    if (wait == null) {
      wait = parts(said.delay());
    }
    if (wait == null && limited) {
      wait = answer.resets();
    }
    if (wait == null && limited) {
      Matcher sentence = SENTENCE.matcher(said.words());
      wait = sentence.find() ? parts(sentence.group(1).replaceAll(" seconds?", "s")) : null;
    }
    return wait == null || !wait.isNegative() ? wait : Duration.ZERO;
  }

  private @Nullable Duration retryAfter() {
    for (String millis : List.of("retry-after-ms", "x-ms-retry-after-ms")) {
      Duration wait = number(headers.getOrDefault(millis, ""), "ms");
      if (wait != null) {
        return wait;
      }
    }
    String value = headers.getOrDefault("retry-after", "").strip();
    Duration wait = number(value, "s");
    return wait != null ? wait : until(instant(value));
  }

  /** The longest wait for a limit of which nothing is left; of any, when none says so. */
  private @Nullable Duration resets() {
    List<Duration> spent = new ArrayList<>();
    List<Duration> all = new ArrayList<>();
    for (String limit : LIMITS) {
      String value = headers.getOrDefault(limit.formatted("reset"), "").strip();
      Duration wait = parts(value);
      wait = wait != null ? wait : number(value, "s");
      wait = wait != null ? wait : until(instant(value));
      if (wait != null) {
        all.add(wait);
        if ("0".equals(headers.getOrDefault(limit.formatted("remaining"), "").strip())) {
          spent.add(wait);
        }
      }
    }
    return (spent.isEmpty() ? all : spent).stream().max(Duration::compareTo).orElse(null);
  }

  private @Nullable Duration until(@Nullable Instant then) {
    return then == null || date == null ? null : Duration.between(date, then);
  }

  private static @Nullable Duration number(String value, String unit) {
    Matcher number = NUMBER.matcher(value.strip());
    return number.matches() ? seconds(new BigDecimal(number.group()), unit) : null;
  }

  private static @Nullable Duration parts(String value) {
    Matcher part = PARTS.matcher(value);
    Duration sum = Duration.ZERO;
    int end = 0;
    while (part.find() && part.start() == end) {
      end = part.end();
      sum = sum.plus(seconds(new BigDecimal(part.group(1)), part.group(2)));
    }
    return end > 0 && end == value.length() ? shorter(sum) : null;
  }

  private static Duration seconds(BigDecimal number, String unit) {
    BigDecimal seconds = number.multiply(SECONDS.getOrDefault(unit, BigDecimal.ONE));
    if (seconds.compareTo(BigDecimal.valueOf(LONGEST.toSeconds())) >= 0) {
      return LONGEST;
    }
    if (seconds.signum() < 0) {
      return Duration.ZERO;
    }
    return Duration.ofNanos(
        seconds.movePointRight(9).setScale(0, RoundingMode.CEILING).longValueExact());
  }

  private static Duration shorter(Duration wait) {
    return wait.compareTo(LONGEST) > 0 ? LONGEST : wait;
  }

  private static @Nullable Instant instant(String value) {
    for (boolean rfc1123 : new boolean[] {true, false}) {
      try {
        return rfc1123
            ? ZonedDateTime.parse(value.strip(), DateTimeFormatter.RFC_1123_DATE_TIME).toInstant()
            : OffsetDateTime.parse(value.strip()).toInstant();
      } catch (DateTimeException another) {
        // the other form, or none
      }
    }
    return null;
  }
}
