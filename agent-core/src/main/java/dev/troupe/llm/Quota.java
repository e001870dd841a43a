package dev.troupe.llm;

import dev.troupe.resilience.Limit;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How much may be asked of a model: requests and tokens in a window of time, and calls at the same
 * time. All processes that share the limiter are held to it together. Immutable.
 *
 * <p>A window never sees more than its limit at the provider, wherever it begins, as long as
 * requests take equally long to get there but for the {@linkplain Builder#margin margin}. Of a
 * limit, a part may be used at once, the burst; the rest comes back steadily. The larger the burst,
 * the slower: {@code (limit - burst + 1) / (window + margin)}. With the usual burst of a fiftieth
 * of the requests and the usual margin of a second in a minute, 96 % of a limit can be used. Tokens
 * have a burst of a tenth, which leaves 89 %.
 *
 * <p>A call whose tokens are estimated at more than the burst goes when the whole burst is free and
 * takes the rest in advance: a window may then see as many more tokens as the call has beyond the
 * burst. Who must not have that raises the burst to the largest call.
 */
public final class Quota {
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final List<Rate> rates;
  private final Limit.@Nullable InFlight inFlight;

  /** So much in any window; the limit is asked for with the window that is longer by the margin. */
  record Rate(QuotaKind kind, long permits, Duration window, Limit.Rate limit) {
    /** How many come back in a second. */
    double perSecond() {
      return (limit.permits() - limit.burst() + 1) / (limit.window().toNanos() / 1e9);
    }
  }

  private Quota(List<Rate> rates, Limit.@Nullable InFlight inFlight) {
    this.rates = rates;
    this.inFlight = inFlight;
  }

  /**
   * Starts a quota that limits nothing.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  List<Rate> rates() {
    return rates;
  }

  Limit.@Nullable InFlight inFlight() {
    return inFlight;
  }

  /** How many lines it takes in a demand. */
  int lines() {
    return rates.size() + (inFlight == null ? 0 : 1);
  }

  /** Collects limits. Several of a kind may be set, with different windows. */
  public static final class Builder {
    private record Wanted(QuotaKind kind, long permits, Duration window, long burst) {}

    private final List<Wanted> wanted = new ArrayList<>();
    private @Nullable Duration margin;
    private Limit.@Nullable InFlight inFlight;

    private Builder() {}

    /**
     * Limits requests in any minute.
     *
     * @param requests at most, at least 1
     * @return this
     */
    public Builder requestsPerMinute(long requests) {
      return requests(requests, MINUTE);
    }

    /**
     * Limits tokens of prompts in any minute.
     *
     * @param tokens at most, at least 1
     * @return this
     */
    public Builder inputTokensPerMinute(long tokens) {
      return inputTokens(tokens, MINUTE);
    }

    /**
     * Limits tokens of answers in any minute.
     *
     * @param tokens at most, at least 1
     * @return this
     */
    public Builder outputTokensPerMinute(long tokens) {
      return outputTokens(tokens, MINUTE);
    }

    /**
     * Limits tokens of prompts and answers together in any minute.
     *
     * @param tokens at most, at least 1
     * @return this
     */
    public Builder tokensPerMinute(long tokens) {
      return tokens(tokens, MINUTE);
    }

    /**
     * Limits requests, of which a fiftieth may go at once.
     *
     * @param requests at most in any window, at least 1
     * @param window its length
     * @return this
     */
    public Builder requests(long requests, Duration window) {
      return requests(requests, window, Math.max(1, requests / 50));
    }

    /**
     * Limits requests.
     *
     * @param requests at most in any window, at least 1
     * @param window its length
     * @param burst how many may go at once
     * @return this
     */
    public Builder requests(long requests, Duration window, long burst) {
      return add(QuotaKind.REQUESTS, requests, window, burst);
    }

    /**
     * Limits tokens of prompts, of which a tenth may be used at once.
     *
     * @param tokens at most in any window, at least 1
     * @param window its length
     * @return this
     */
    public Builder inputTokens(long tokens, Duration window) {
      return inputTokens(tokens, window, Math.max(1, tokens / 10));
    }

    /**
     * Limits tokens of prompts.
     *
     * @param tokens at most in any window, at least 1
     * @param window its length
     * @param burst how many may be used at once
     * @return this
     */
    public Builder inputTokens(long tokens, Duration window, long burst) {
      return add(QuotaKind.INPUT, tokens, window, burst);
    }

    /**
     * Limits tokens of answers, of which a tenth may be used at once.
     *
     * @param tokens at most in any window, at least 1
     * @param window its length
     * @return this
     */
    public Builder outputTokens(long tokens, Duration window) {
      return outputTokens(tokens, window, Math.max(1, tokens / 10));
    }

    /**
     * Limits tokens of answers.
     *
     * @param tokens at most in any window, at least 1
     * @param window its length
     * @param burst how many may be used at once
     * @return this
     */
    public Builder outputTokens(long tokens, Duration window, long burst) {
      return add(QuotaKind.OUTPUT, tokens, window, burst);
    }

    /**
     * Limits tokens of prompts and answers together, of which a tenth may be used at once.
     *
     * @param tokens at most in any window, at least 1
     * @param window its length
     * @return this
     */
    public Builder tokens(long tokens, Duration window) {
      return tokens(tokens, window, Math.max(1, tokens / 10));
    }

    /**
     * Limits tokens of prompts and answers together.
     *
     * @param tokens at most in any window, at least 1
     * @param window its length
     * @param burst how many may be used at once
     * @return this
     */
    public Builder tokens(long tokens, Duration window, long burst) {
      return add(QuotaKind.TOKENS, tokens, window, burst);
    }

    /**
     * Limits calls at the same time. A call whose process died counts for ten minutes.
     *
     * @param calls at the same time, 1 to 1000
     * @return this
     */
    public Builder inFlight(int calls) {
      return inFlight(calls, Duration.ofMinutes(10));
    }

    /**
     * Limits calls at the same time.
     *
     * @param calls at the same time, 1 to 1000
     * @param expiry after which a call that nobody ended no longer counts; longer than any call
     * @return this
     */
    public Builder inFlight(int calls, Duration expiry) {
      this.inFlight = Limit.inFlight(calls, expiry);
      return this;
    }

    /**
     * Sets by how much the times may differ that requests take to the provider's counter: new
     * connections, pauses of the process, the network. Requests that were let go one after another
     * arrive closer together by as much, so windows count as longer by it. A second in a minute by
     * default, a sixtieth of shorter windows, and never more than a second; for windows of a few
     * seconds that is little, and a margin of their own should be set.
     *
     * @param margin whole milliseconds, at least 0
     * @return this
     */
    public Builder margin(Duration margin) {
      if (margin.isNegative()) {
        throw new IllegalArgumentException("margin must not be negative: " + margin);
      }
      this.margin = margin;
      return this;
    }

    private Builder add(QuotaKind kind, long permits, Duration window, long burst) {
      if (wanted.stream().anyMatch(w -> w.kind == kind && w.window.equals(window))) {
        throw new IllegalArgumentException(
            "%s in %s are limited already; set each window once".formatted(kind.words(), window));
      }
      Limit.rate(permits, window, burst); // says what is wrong with the numbers
      wanted.add(new Wanted(kind, permits, window, burst));
      return this;
    }

    /**
     * Builds the quota.
     *
     * @return the quota
     */
    public Quota build() {
      List<Rate> rates = new ArrayList<>();
      for (Wanted one : wanted) {
        Duration more = margin == null ? usual(one.window) : margin;
        Limit.Rate limit = Limit.rate(one.permits, one.window.plus(more), one.burst);
        rates.add(new Rate(one.kind, one.permits, one.window, limit));
      }
      return new Quota(List.copyOf(rates), inFlight);
    }

    private static Duration usual(Duration window) {
      return Duration.ofMillis(Math.min(1_000, Math.max(1, window.toMillis() / 60)));
    }
  }
}
