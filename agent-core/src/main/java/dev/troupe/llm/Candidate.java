package dev.troupe.llm;

import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.BreakerSettings;
import dev.troupe.resilience.CircuitBreaker;
import dev.troupe.resilience.CircuitBreakers;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A provider's place in the chain, with its breaker, and the pause after it failed. */
final class Candidate {
  private static final Set<ErrorCode> COUNTED =
      Set.of(
          ErrorCode.MODEL_OVERLOADED,
          ErrorCode.MODEL_FAILED,
          ErrorCode.MODEL_UNREACHABLE,
          ErrorCode.TIMEOUT,
          ErrorCode.ANSWER_INCOMPLETE);

  final LlmProvider provider;
  final Set<Fallback> ahead;
  final CircuitBreaker breaker;
  private final AtomicReference<@Nullable Pause> pause = new AtomicReference<>();

  /** Until when it is asked only if no other is left, and since which failure. */
  record Pause(long until, ErrorCode code) {}

  Candidate(
      LlmProvider provider,
      Set<Fallback> ahead,
      CircuitBreakers breakers,
      BreakerSettings opening) {
    this.provider = provider;
    this.ahead = ahead;
    String account = provider.account().equals("default") ? "" : ":" + provider.account();
    this.breaker =
        breakers.breaker("llm:" + provider.name() + ":" + provider.model() + account, opening);
  }

  /** The usual settings for calls that take so long at most. */
  static BreakerSettings.Builder settings(Duration timeLimit) {
    Duration longest = Duration.ofDays(1);
    Duration probe = timeLimit.compareTo(longest) > 0 ? longest : timeLimit;
    return BreakerSettings.builder()
        .probeTime(probe.plusSeconds(10))
        .failure(thrown -> !(thrown instanceof LlmException known) || counts(known.code()));
  }

  /** Whether a failure says that the provider itself is not well. */
  static boolean counts(ErrorCode code) {
    return COUNTED.contains(code);
  }

  /** The pause that is under way. */
  @Nullable Pause paused(long now) {
    Pause known = pause.get();
    return known != null && known.until - now > 0 ? known : null;
  }

  void pause(long until, ErrorCode code) {
    pause.set(new Pause(until, code));
  }

  void served() {
    if (pause.get() != null) {
      pause.set(null);
    }
  }

  /**
   * What is asked of this candidate: all as it was given, but for the model's name. A name in the
   * request is meant for the first candidate and those that stand for the same model elsewhere.
   */
  ChatRequest request(ChatRequest request, Candidate first) {
    String named = request.modelName();
    boolean meant =
        named == null
            || this == first
            || (provider.name().equals(first.provider.name())
                && provider.model().equals(first.provider.model()));
    return meant ? request : request.toBuilder().modelName(provider.model()).build();
  }

  /** The model that answers a request. */
  String model(ChatRequest adapted) {
    String named = adapted.modelName();
    return named == null ? provider.model() : named;
  }
}
