package dev.troupe.llm;

import dev.troupe.ErrorCode;
import java.math.BigDecimal;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.SSLHandshakeException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What was set aside for one attempt, of budget and quota. Settled once. */
record Reserved(
    Budgets.Charge charge,
    Quotas.Ticket ticket,
    TokenEstimate estimate,
    @Nullable BigDecimal cost) {
  private static final Logger LOG = LoggerFactory.getLogger(GovernedModel.class);

  /** What a provider refuses before its model begins, and does not bill. */
  private static final Set<ErrorCode> REFUSED =
      Set.of(
          ErrorCode.RATE_LIMITED,
          ErrorCode.MODEL_OVERLOADED,
          ErrorCode.ACCESS_DENIED,
          ErrorCode.QUOTA_SPENT,
          ErrorCode.MODEL_REFUSED,
          ErrorCode.CONTEXT_TOO_LONG);

  private static final int CAUSES = 20;

  /** The attempt was answered. */
  void used(TokenEstimate used, @Nullable BigDecimal price, Map<String, String> headers) {
    quietly(() -> charge.used(used.input(), used.output(), price));
    quietly(() -> ticket.used(used.input(), used.output(), headers));
  }

  /** The attempt was not made. */
  void unused() {
    quietly(charge::unused);
    quietly(ticket::unused);
  }

  /**
   * The attempt failed. What its tokens were nobody says, so all that was set aside stays charged,
   * unless the provider refused at once or was not reached.
   */
  void failed(LlmException failure) {
    if (neverArrived(failure)) {
      unused();
      return;
    }
    if (REFUSED.contains(failure.code()) && failure.partial().isEmpty()) {
      quietly(() -> charge.used(0, 0, cost == null ? null : BigDecimal.ZERO));
    } else {
      quietly(() -> charge.used(estimate.input(), estimate.output(), cost));
    }
    quietly(() -> ticket.failed(failure));
  }

  private static boolean neverArrived(LlmException failure) {
    if (failure.code() != ErrorCode.MODEL_UNREACHABLE) {
      return false;
    }
    Throwable cause = failure.getCause();
    for (int depth = 0; cause != null && depth < CAUSES; depth++) {
      if (cause instanceof ConnectException
          || cause instanceof UnknownHostException
          || cause instanceof UnresolvedAddressException
          || cause instanceof HttpConnectTimeoutException
          || cause instanceof SSLHandshakeException) {
        return true;
      }
      cause = cause.getCause();
    }
    return false;
  }

  /** An answer that was paid for is not lost because its books could not be closed. */
  private static void quietly(Runnable settle) {
    try {
      settle.run();
    } catch (RuntimeException notSettled) {
      LOG.warn("what a model call used could not be settled; it counts as set aside", notSettled);
    }
  }
}
