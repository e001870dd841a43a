package dev.troupe.llm;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What a provider's answer says about how much is left. The one place that knows the names. */
final class QuotaHeaders {
  private static final Pattern PART = Pattern.compile("(\\d{1,9}(?:\\.\\d{1,9})?)(ms|s|m|h|d)");
  private static final Pattern NUMBER = Pattern.compile("\\d{1,15}");
  private static final Pattern SECONDS = Pattern.compile("\\d{1,9}(?:\\.\\d{1,9})?");

  private static final List<Names> KNOWN =
      List.of(
          // OpenAI, and Azure, Groq and others after it
          Names.of(QuotaKind.REQUESTS, "x-ratelimit-%s-requests"),
          Names.of(QuotaKind.TOKENS, "x-ratelimit-%s-tokens"),
          // Anthropic
          Names.of(QuotaKind.REQUESTS, "anthropic-ratelimit-requests-%s"),
          Names.of(QuotaKind.INPUT, "anthropic-ratelimit-input-tokens-%s"),
          Names.of(QuotaKind.OUTPUT, "anthropic-ratelimit-output-tokens-%s"),
          Names.of(QuotaKind.TOKENS, "anthropic-ratelimit-tokens-%s"),
          // Mistral, today and before
          Names.of(QuotaKind.REQUESTS, "x-ratelimit-%s-req-minute"),
          Names.of(QuotaKind.TOKENS, "x-ratelimit-%s-tokens-minute"),
          Names.of(QuotaKind.TOKENS, "ratelimitbysize-%s"));

  private record Names(QuotaKind kind, String remaining, String limit, String reset) {
    static Names of(QuotaKind kind, String form) {
      return new Names(
          kind, form.formatted("remaining"), form.formatted("limit"), form.formatted("reset"));
    }
  }

  /**
   * What is left of one limit.
   *
   * @param remaining so many
   * @param limit of so many; 0 when the provider does not say
   * @param reset until all is there again; null when the provider does not say, or names a time of
   *     its clock, which nobody here knows
   */
  record Left(QuotaKind kind, long remaining, long limit, @Nullable Duration reset) {}

  private QuotaHeaders() {}

  /** What is said; what is not understood is left out. */
  static List<Left> read(Map<String, String> headers) {
    if (headers.isEmpty()) {
      return List.of();
    }
    List<Left> all = new ArrayList<>();
    for (Names names : KNOWN) {
      long remaining = number(headers.get(names.remaining));
      long limit = number(headers.get(names.limit));
      // a limit of 0 says that the key may do nothing at all, which no waiting changes
      if (remaining >= 0 && limit != 0) {
        all.add(
            new Left(
                names.kind, remaining, Math.max(0, limit), duration(headers.get(names.reset))));
      }
    }
    return all;
  }

  /**
   * How long all have to wait so that what is left is enough until more comes. A provider either
   * fills up steadily, or all at once at the end of its window; how much is left and when all is
   * there again tells which.
   *
   * @return zero when nobody has to
   */
  static Duration pause(Left left, Quota.Rate rate) {
    double window = rate.window().toMillis() / 1e3;
    double limit = left.limit > 0 ? left.limit : rate.permits();
    double remaining = Math.min((double) left.remaining, limit);
    double steady = (limit - remaining) * window / limit;
    double reset = left.reset == null ? steady : Math.min(left.reset.toMillis() / 1e3, window);
    double seconds;
    if (Math.abs(reset - steady) <= Math.max(1.5, window / 20)) {
      // fills up steadily, faster than we use it: only what calls on their way need must be left
      double low = Math.max((double) rate.limit().burst(), limit / 50);
      seconds = remaining >= low ? 0 : (2 * low - remaining) * window / limit;
    } else {
      seconds = reset - remaining / rate.perSecond();
    }
    return seconds < 0.05 ? Duration.ZERO : Duration.ofMillis((long) Math.ceil(seconds * 1e3));
  }

  private static long number(@Nullable String text) {
    return text != null && NUMBER.matcher(text.strip()).matches()
        ? Long.parseLong(text.strip())
        : -1;
  }

  /** {@code 6m0s}, {@code 8.64s}, {@code 20ms}, or a bare number of seconds. */
  private static @Nullable Duration duration(@Nullable String text) {
    if (text == null) {
      return null;
    }
    String plain = text.strip();
    if (SECONDS.matcher(plain).matches()) {
      return seconds(Double.parseDouble(plain));
    }
    Matcher part = PART.matcher(plain);
    double sum = 0;
    int end = 0;
    while (part.find() && part.start() == end) {
      sum += Double.parseDouble(part.group(1)) * unit(part.group(2));
      end = part.end();
    }
    return end > 0 && end == plain.length() ? seconds(sum) : null;
  }

  private static double unit(String name) {
    return switch (name) {
      case "ms" -> 1e-3;
      case "m" -> 60;
      case "h" -> 3_600;
      case "d" -> 86_400;
      default -> 1;
    };
  }

  private static Duration seconds(double seconds) {
    return Duration.ofMillis((long) Math.ceil(seconds * 1e3));
  }
}
