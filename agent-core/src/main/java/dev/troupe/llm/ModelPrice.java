package dev.troupe.llm;

import java.math.BigDecimal;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a million tokens of a model cost, in US dollars.
 *
 * @param input of the prompt
 * @param output of the answer, with what the model thought
 * @param cachedInput of what of the prompt the provider still knew, null where that costs as much
 *     as any input
 */
public record ModelPrice(BigDecimal input, BigDecimal output, @Nullable BigDecimal cachedInput) {
  /** Checks the sums. */
  public ModelPrice {
    check("input", input);
    check("output", output);
    if (cachedInput != null) {
      check("cachedInput", cachedInput);
    }
  }

  private static void check(String what, BigDecimal price) {
    Objects.requireNonNull(price, what);
    if (price.signum() < 0) {
      throw new IllegalArgumentException(what + " must not be negative: " + price);
    }
  }

  /**
   * A price without one of its own for cached input.
   *
   * @param input US dollars for a million tokens, such as {@code 2.50}
   * @param output the same
   * @return the price
   */
  public static ModelPrice of(String input, String output) {
    return new ModelPrice(new BigDecimal(input), new BigDecimal(output), null);
  }

  BigDecimal cost(long inputTokens, long cachedTokens, long outputTokens) {
    BigDecimal cached = cachedInput == null ? input : cachedInput;
    return input
        .multiply(BigDecimal.valueOf(inputTokens - cachedTokens))
        .add(cached.multiply(BigDecimal.valueOf(cachedTokens)))
        .add(output.multiply(BigDecimal.valueOf(outputTokens)))
        .movePointLeft(6);
  }
}
