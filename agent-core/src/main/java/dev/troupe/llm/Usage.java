package dev.troupe.llm;

import java.math.BigDecimal;
import java.util.Objects;

/**
 * What calls of language models took.
 *
 * @param calls attempts that reached a provider
 * @param inputTokens tokens of their prompts
 * @param outputTokens tokens of their answers
 * @param cost in US dollars by the price table; calls of models without a price count nothing
 */
public record Usage(long calls, long inputTokens, long outputTokens, BigDecimal cost) {
  /** Nothing. */
  public static final Usage NONE = new Usage(0, 0, 0, BigDecimal.ZERO);

  /** Checks. */
  public Usage {
    Objects.requireNonNull(cost, "cost");
  }

  /**
   * Input and output together.
   *
   * @return the tokens
   */
  public long tokens() {
    return inputTokens + outputTokens;
  }
}
