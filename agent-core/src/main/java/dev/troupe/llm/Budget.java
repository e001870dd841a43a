package dev.troupe.llm;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How much may be used: each part may be left open, at least one is given. Begin with one of the
 * factories and join more by {@link #and}.
 *
 * @param tokens of input and output together, null for any number
 * @param money in US dollars, to the billionth; null for any sum
 * @param calls attempts at a provider, null for any number
 * @param time from the first call on, on the store's clock, waits and stops counted; null for any
 *     time. Only the budget of a run's tree may have one
 */
public record Budget(
    @Nullable Long tokens,
    @Nullable BigDecimal money,
    @Nullable Long calls,
    @Nullable Duration time) {
  private static final long MOST = 1_000_000_000_000_000L;
  private static final BigDecimal MOST_MONEY = BigDecimal.valueOf(1_000_000_000);
  private static final BigDecimal NANOS = BigDecimal.valueOf(1_000_000_000);
  private static final Duration MOST_TIME = Duration.ofDays(36_500);

  /** Checks the numbers. */
  public Budget {
    if (tokens == null && money == null && calls == null && time == null) {
      throw new IllegalArgumentException(
          "a budget limits at least one of tokens, money, calls and time");
    }
    count("tokens", tokens);
    count("calls", calls);
    if (money != null && (money.signum() < 0 || money.compareTo(MOST_MONEY) > 0)) {
      throw new IllegalArgumentException(
          "money must be 0 to %s US dollars: %s".formatted(MOST_MONEY, money));
    }
    if (time != null && (time.isNegative() || time.compareTo(MOST_TIME) > 0)) {
      throw new IllegalArgumentException("time must be 0 to %s: %s".formatted(MOST_TIME, time));
    }
  }

  private static void count(String what, @Nullable Long number) {
    if (number != null && (number < 0 || number > MOST)) {
      throw new IllegalArgumentException(what + " must be 0 to " + MOST + ": " + number);
    }
  }

  /**
   * Limits tokens only.
   *
   * @param tokens of input and output together
   * @return the budget
   */
  public static Budget ofTokens(long tokens) {
    return new Budget(tokens, null, null, null);
  }

  /**
   * Limits money only.
   *
   * @param dollars US dollars, such as {@code 12.50}
   * @return the budget
   */
  public static Budget ofMoney(String dollars) {
    return new Budget(null, new BigDecimal(dollars), null, null);
  }

  /**
   * Limits calls only.
   *
   * @param calls attempts at a provider
   * @return the budget
   */
  public static Budget ofCalls(long calls) {
    return new Budget(null, null, calls, null);
  }

  /**
   * Limits time only.
   *
   * @param time from the first call on
   * @return the budget
   */
  public static Budget ofTime(Duration time) {
    return new Budget(null, null, null, time);
  }

  /**
   * Joins the limits of another budget.
   *
   * @param other its parts that are given replace those here
   * @return both
   */
  public Budget and(Budget other) {
    return new Budget(
        other.tokens == null ? tokens : other.tokens,
        other.money == null ? money : other.money,
        other.calls == null ? calls : other.calls,
        other.time == null ? time : other.time);
  }

  /**
   * Raises what is limited. A part that is open stays so.
   *
   * @param more what to add
   * @return the sum
   */
  public Budget plus(Budget more) {
    return new Budget(
        sum(tokens, more.tokens),
        money == null || more.money == null ? money : money.add(more.money),
        sum(calls, more.calls),
        time == null || more.time == null ? time : time.plus(more.time));
  }

  private static @Nullable Long sum(@Nullable Long limit, @Nullable Long more) {
    return limit == null || more == null ? limit : Long.valueOf(limit + more);
  }

  // amounts as they are stored: whole numbers, money in billionths of a dollar

  /** What of a sum is stored: rounded up, so that nothing is free. */
  static long nanos(BigDecimal dollars) {
    return dollars.multiply(NANOS).setScale(0, RoundingMode.UP).longValueExact();
  }

  static BigDecimal dollars(long nanos) {
    BigDecimal exact = BigDecimal.valueOf(nanos, 9).stripTrailingZeros();
    return exact.scale() < 0 ? exact.setScale(0) : exact;
  }
}
