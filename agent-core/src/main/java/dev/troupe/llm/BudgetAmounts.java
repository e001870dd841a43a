package dev.troupe.llm;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.math.BigDecimal;
import org.jspecify.annotations.Nullable;

/**
 * What one call takes.
 *
 * @param input tokens
 * @param output tokens
 * @param nanos its cost in billionths of a dollar, 0 where the model has no price
 * @param priced whether it has one
 */
record BudgetAmounts(long input, long output, long nanos, boolean priced) {
  static BudgetAmounts of(long input, long output, @Nullable BigDecimal cost) {
    if (input < 0 || output < 0 || (cost != null && cost.signum() < 0)) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "tokens and cost of a call must not be negative: %d, %d, %s"
              .formatted(input, output, cost));
    }
    return new BudgetAmounts(input, output, cost == null ? 0 : Budget.nanos(cost), cost != null);
  }

  long tokens() {
    return input + output;
  }

  byte[] encode() {
    return (input + " " + output + " " + nanos).getBytes(US_ASCII);
  }

  static BudgetAmounts decode(byte[] row) {
    String[] parts = new String(row, US_ASCII).split(" ");
    return new BudgetAmounts(
        Long.parseLong(parts[0]), Long.parseLong(parts[1]), Long.parseLong(parts[2]), true);
  }
}
