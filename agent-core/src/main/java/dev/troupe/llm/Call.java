package dev.troupe.llm;

import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.ErrorCode;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One call of the governed model, on its way along the chain.
 *
 * @param request what to ask
 * @param described the same for providers that do not take its JSON schema; null when it has none
 * @param options for whom and how
 * @param shown to whom parts are handed on; null for a whole answer
 */
record Call(
    ChatRequest request,
    @Nullable ChatRequest described,
    CallOptions options,
    @Nullable Shown shown) {

  /** What a candidate is asked. */
  ChatRequest to(Candidate candidate, Candidate first) {
    ChatRequest plain = candidate.provider.takesJsonSchema() ? null : described;
    return candidate.request(plain == null ? request : plain, first);
  }

  boolean partShown() {
    return shown != null && shown.any();
  }

  /** When everything has to be over. */
  record Deadline(Ticker ticker, long began, Duration limit) {
    Duration left() {
      return limit.minusNanos(ticker.nanos() - began);
    }

    Duration took() {
      return Duration.ofNanos(ticker.nanos() - began);
    }

    boolean over() {
      return left().isNegative() || left().isZero();
    }

    LlmException passed(Candidate candidate) {
      return LlmException.of(
              ErrorCode.TIMEOUT,
              candidate.provider.name(),
              "the deadline of %s for the whole call passed before %s was asked"
                  .formatted(limit, candidate.provider.model()))
          .build();
    }
  }
}
