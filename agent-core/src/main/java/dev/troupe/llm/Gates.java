package dev.troupe.llm;

import dev.troupe.ErrorCode;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What an attempt has to pass, and what is told of it. Each is a function of the configured object,
 * and costs nothing where there is none.
 */
record Gates(Quota quota, Budget budget, Price price, @Nullable Ears ears) {
  static final Gates NONE =
      new Gates(
          (ask, maxWait) -> NoTicket.NONE,
          (root, tenant, input, output, cost) -> NoCharge.NONE,
          (provider, model, input, output) -> Optional.empty(),
          null);

  /** As {@link Quotas#acquire}. */
  @FunctionalInterface
  interface Quota {
    Quotas.Ticket acquire(Quotas.Ask ask, Duration maxWait) throws InterruptedException;
  }

  /** As {@link Budgets#charge}. */
  @FunctionalInterface
  interface Budget {
    Budgets.Charge charge(
        @Nullable String root,
        String tenant,
        long inputTokens,
        long outputTokens,
        @Nullable BigDecimal cost);
  }

  /** As {@link PriceTable#cost}. */
  @FunctionalInterface
  interface Price {
    Optional<BigDecimal> cost(String provider, String model, long inputTokens, long outputTokens);
  }

  /** As {@link GenAiMetrics}. */
  interface Ears {
    void attempted(String provider, String requested, @Nullable ErrorCode error);

    void answered(
        LlmResponse response, String requested, CallOptions options, @Nullable Duration firstToken);

    void failed(
        String provider, String requested, CallOptions options, Duration took, Throwable why);
  }

  Gates with(Quota other) {
    return new Gates(other, budget, price, ears);
  }

  Gates with(Budget other) {
    return new Gates(quota, other, price, ears);
  }

  Gates with(Price other) {
    return new Gates(quota, budget, other, ears);
  }

  Gates with(Ears other) {
    return new Gates(quota, budget, price, other);
  }

  /** Whether somebody wants to know before an attempt how many tokens it may take. */
  boolean estimates() {
    return quota != NONE.quota || budget != NONE.budget;
  }

  private enum NoTicket implements Quotas.Ticket {
    NONE;

    @Override
    public void used(long inputTokens, long outputTokens, Map<String, String> headers) {}

    @Override
    public void unused() {}

    @Override
    public void failed(LlmException failure) {}
  }

  private enum NoCharge implements Budgets.Charge {
    NONE;

    @Override
    public void used(long inputTokens, long outputTokens, @Nullable BigDecimal cost) {}

    @Override
    public void unused() {}
  }
}
