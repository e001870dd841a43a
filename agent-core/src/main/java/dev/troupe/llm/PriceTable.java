package dev.troupe.llm;

import java.math.BigDecimal;
import java.util.Optional;

/** What tokens cost. */
@SuppressWarnings("DoNotCallSuggester")
public final class PriceTable {
  PriceTable() {}

  /** In US dollars; empty when the model has no price. */
  Optional<BigDecimal> cost(String provider, String model, long inputTokens, long outputTokens) {
    throw new UnsupportedOperationException("being built");
  }
}
