package dev.troupe.llm;

import java.time.Duration;
import java.util.Map;

/** The limits of providers, kept by all processes together. */
@SuppressWarnings("DoNotCallSuggester")
public final class Quotas implements AutoCloseable {
  Quotas() {}

  /** What a call is about to use. Tokens are estimates. */
  record Ask(
      String provider,
      String account,
      String model,
      String tenant,
      int priority,
      long inputTokens,
      long outputTokens) {}

  /** What was reserved for one attempt. Exactly one of its methods is called, once. */
  interface Ticket {
    /** The attempt was answered. */
    void used(long inputTokens, long outputTokens, Map<String, String> headers);

    /** The attempt never reached the provider: all is given back. */
    void unused();

    /** It reached the provider and failed; what it used is unknown and counts as reserved. */
    void failed(LlmException failure);
  }

  /**
   * Waits for what an attempt needs.
   *
   * @throws LlmException with RATE_LIMITED and the wait in retryAfter when it would be longer than
   *     maxWait; at once
   */
  Ticket acquire(Ask ask, Duration maxWait) throws InterruptedException {
    throw new UnsupportedOperationException("being built");
  }

  @Override
  public void close() {}
}
