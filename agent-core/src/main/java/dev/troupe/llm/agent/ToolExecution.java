package dev.troupe.llm.agent;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.Failure;
import dev.troupe.agent.Step;
import dev.troupe.agent.StepAttempt;
import dev.troupe.agent.StepFailedException;
import dev.troupe.llm.guard.ProposedCall;
import dev.troupe.resilience.RateLimiter;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One call in its branch of the run: guards, approval, and the step that makes it. */
final class ToolExecution {
  private static final String NO = "not called: ";

  private final Settings<?, ?> settings;
  private final Guarding guards;
  private final AgentTool tool;
  private final AgentContext context;

  ToolExecution(Settings<?, ?> settings, Guarding guards, AgentTool tool, AgentContext context) {
    this.settings = settings;
    this.guards = guards;
    this.tool = tool;
    this.context = context;
  }

  /** What the model is told of a call that did not succeed. */
  private static final class NotDone extends Exception {
    private static final long serialVersionUID = 1L;

    NotDone(String message) {
      super(message);
    }
  }

  ToolResult make(ToolExecutionRequest request, String key, ProposedCall asked) {
    try {
      ProposedCall call = guarded(asked);
      approved(call);
      String text = done(call);
      return new ToolResult(request, key, text, ToolResult.Kind.DONE, tool.origin());
    } catch (NotDone e) {
      // what an exception said may be somebody else's text, as the tool's result would be
      String text = String.valueOf(e.getMessage());
      return new ToolResult(request, key, text, ToolResult.Kind.FAILED, tool.origin());
    }
  }

  private ProposedCall guarded(ProposedCall asked) throws NotDone {
    String arguments;
    try {
      arguments = guards.beforeTool(asked);
    } catch (AgentException refused) {
      if (refused.code() != ErrorCode.CONTENT_REFUSED) {
        throw refused;
      }
      throw new NotDone(String.valueOf(refused.getMessage()));
    }
    if (arguments.equals(asked.arguments())) {
      return asked;
    }
    if (Arguments.check(tool, arguments) instanceof Arguments.Fit fit) {
      return new ProposedCall(
          asked.run(), asked.tenant(), asked.tool(), fit.json(), asked.origins());
    }
    throw new AgentException(
        ErrorCode.INVALID_INPUT,
        "a guard changed the arguments of tool '%s' to what does not fit its schema; mend the guard"
            .formatted(tool.name()));
  }

  private void approved(ProposedCall call) throws NotDone {
    if (!tool.needsApproval(call) && !settings.approval.test(call)) {
      return;
    }
    Optional<Decision> decision;
    try {
      decision = settings.approvals.await(context, call, () -> guards.permit(call));
    } catch (StepFailedException failed) {
      throw notDone(failed);
    }
    if (decision.isEmpty()) {
      throw new NotDone(NO + "nobody approved it in time");
    }
    if (!decision.get().approved()) {
      throw new NotDone(NO + "it was denied: " + decision.get().reason());
    }
  }

  private String done(ProposedCall call) throws NotDone {
    try {
      Optional<AgentTool.Delegate> delegate = tool.delegate();
      return delegate.isPresent() ? delegated(call, delegate.get()) : stepped(call);
    } catch (StepFailedException failed) {
      if (tool.onError() == OnToolError.FAIL_RUN && !isRefusal(failed.failure())) {
        throw failed;
      }
      throw notDone(failed);
    }
  }

  private String stepped(ProposedCall call) {
    Step.Builder<String> step =
        Step.of("tool " + tool.name(), String.class).whenUnknown(tool.whenUnknown());
    tool.timeLimit().ifPresent(step::timeLimit);
    tool.retry().ifPresent(step::retry);
    return context.step(step.build(), attempt -> act(call, attempt));
  }

  /** In the step, so what is decided and changed here is journaled with the result. */
  private String act(ProposedCall call, StepAttempt attempt) throws Exception {
    guards.permit(call);
    ToolAction action = tool.action().orElseThrow();
    Optional<ToolRate> rate = tool.rate();
    RateLimiter.Reservation reservation = rate.map(ToolRate::take).orElse(null);
    try {
      return guards.afterTool(call, cut(text(action.run(new ToolCall(call, attempt)))));
    } finally {
      if (rate.isPresent() && reservation != null) {
        rate.get().over(reservation);
      }
    }
  }

  private String delegated(ProposedCall call, AgentTool.Delegate delegate) {
    context.step(
        "permit " + tool.name(),
        Boolean.class,
        attempt -> {
          guards.permit(call);
          Binding.read(call.arguments(), delegate.input()); // what does not fit fails the step
          return true;
        });
    Object input = Binding.read(call.arguments(), delegate.input());
    Object result =
        delegate.call(context, "tool " + tool.name(), input, tool.timeLimit().orElse(null));
    return context.step(
        "result of " + tool.name(),
        String.class,
        attempt -> guards.afterTool(call, cut(text(result))));
  }

  private static String text(@Nullable Object result) {
    if (result == null) {
      return "done";
    }
    return result instanceof String text
        ? text
        : new String(Codec.json().encode(result, result.getClass()), StandardCharsets.UTF_8);
  }

  private String cut(String text) {
    int most = tool.maxResult();
    return text.length() <= most
        ? text
        : "%s\n[cut: these are the first %d of %d characters]"
            .formatted(text.substring(0, most), most, text.length());
  }

  private static boolean isRefusal(Failure failure) {
    return failure.kind().equals(ErrorCode.CONTENT_REFUSED.name());
  }

  private NotDone notDone(StepFailedException failed) {
    Failure failure = failed.failure();
    if (isRefusal(failure)) {
      return new NotDone(failure.message());
    }
    if (failure.kind().equals(ErrorCode.OUTCOME_UNKNOWN.name())) {
      return new NotDone(
          "nobody knows whether the call had its effect: the process was gone before its result was"
              + " stored; do not make it again");
    }
    String kind = failure.kind().substring(failure.kind().lastIndexOf('.') + 1);
    boolean quiet = tool.onError() == OnToolError.TELL_NO_DETAILS || failure.message().isEmpty();
    return new NotDone("the tool failed: " + (quiet ? kind : kind + ": " + failure.message()));
  }
}
