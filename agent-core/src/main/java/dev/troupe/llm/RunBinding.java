package dev.troupe.llm;

import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.Step;
import dev.troupe.agent.StepFailedException;
import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A branch of a run in which each call is a step: made once, and read from the journal after. */
final class RunBinding {
  /** A longer wait is somebody's decision, not a run's. */
  private static final Duration LONGEST_WAIT = Duration.ofDays(1);

  private final ModelParts parts;
  private final Governor governor;
  private final AgentContext context;
  private final String step;
  private int calls;

  RunBinding(ModelParts parts, AgentContext context, String step) {
    this.parts = parts;
    this.governor = parts.governor;
    this.context = context;
    this.step = step;
  }

  LlmResponse answer(
      ChatRequest request,
      @Nullable ChatRequest described,
      CallOptions options,
      @Nullable LlmSink sink) {
    Shown shown = sink == null ? null : governor.shown(sink);
    GuardedCall guarded = parts.guarded(context.runId(), ++calls);
    boolean[] made = new boolean[1];
    Step<Journaled> once =
        Step.of(step, Journaled.class).retry(attempt -> again(attempt, shown)).build();
    Journaled entry;
    try {
      entry =
          context.step(
              once,
              attempt -> {
                made[0] = true;
                Call call = new Call(request, described, inRun(options), shown);
                return Journaled.of(guarded.make(call));
              });
    } catch (StepFailedException failed) {
      throw asOfAModel(failed);
    }
    LlmResponse answer = entry.answer();
    if (sink != null && !made[0]) {
      showWhole(answer, sink);
    }
    return answer;
  }

  private CallOptions inRun(CallOptions options) {
    CallOptions.Builder own = options.toBuilder();
    if (options.tenant().isEmpty()) {
      own.tenant(context.tenant());
    }
    if (options.root().isEmpty()) {
      own.root(context.rootId());
    }
    Duration limit = options.deadline().orElse(governor.terms().deadline());
    timeLeft().filter(left -> left.compareTo(limit) < 0).ifPresent(own::deadline);
    return own.build();
  }

  /** Nothing when the run has no deadline, or it passes right now and the run sees to that. */
  private Optional<Duration> timeLeft() {
    return context
        .deadline()
        .map(deadline -> Duration.between(context.now(), deadline))
        .filter(left -> !left.isNegative() && !left.isZero());
  }

  /** The call was given up; the run waits without a thread where waiting helps. */
  private Optional<Duration> again(RetryPolicy.Attempt attempt, @Nullable Shown shown) {
    boolean mayPass = attempt.failure() instanceof AgentException known && known.retryable();
    if (!mayPass || (shown != null && (shown.any() || shown.broke()))) {
      return Optional.empty();
    }
    return parts
        .durable
        .next(attempt)
        .filter(wait -> wait.compareTo(LONGEST_WAIT) <= 0)
        .filter(wait -> timeLeft().map(left -> wait.compareTo(left) < 0).orElse(true));
  }

  /** The same whether the call failed now or before a crash: code and message, no more. */
  private RuntimeException asOfAModel(StepFailedException failed) {
    String kind = failed.failure().kind();
    for (ErrorCode code : ErrorCode.values()) {
      if (code.name().equals(kind)) {
        return LlmException.of(code, governor.first().provider.name(), failed.failure().message())
            .cause(failed)
            .build();
      }
    }
    return failed;
  }

  private static void showWhole(LlmResponse answer, LlmSink sink) {
    String thinking = answer.message().thinking();
    sink.replayed(thinking == null ? "" : thinking, answer.text());
  }
}
