package dev.troupe.providers.langchain;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.exception.ToolArgumentsException;
import dev.langchain4j.exception.ToolExecutionException;
import dev.langchain4j.invocation.InvocationContext;
import dev.langchain4j.service.tool.ToolExecutionResult;
import dev.langchain4j.service.tool.ToolExecutor;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentContext;
import dev.troupe.llm.guard.Guards;
import dev.troupe.llm.guard.Origin;
import dev.troupe.llm.guard.ProposedCall;
import java.util.EnumSet;

/** A tool of a service in one run: the host's guards, and the step that calls it. */
final class StepTool implements ToolExecutor {
  private final ToolSpecification tool;
  private final ToolExecutor executor;
  private final AgentContext context;
  private final Guards guards;

  StepTool(ToolSpecification tool, ToolExecutor executor, AgentContext context, Guards guards) {
    this.tool = tool;
    this.executor = executor;
    this.context = context;
    this.guards = guards;
  }

  /** Asks the tool, in whichever way langchain4j asked for. */
  @FunctionalInterface
  private interface Action {
    String with(ToolExecutionRequest request);
  }

  @Override
  public String execute(ToolExecutionRequest request, Object memoryId) {
    return guarded(request, allowed -> executor.execute(allowed, memoryId));
  }

  @Override
  public ToolExecutionResult executeWithContext(
      ToolExecutionRequest request, InvocationContext invocation) {
    String text =
        guarded(request, allowed -> executor.executeWithContext(allowed, invocation).resultText());
    return ToolExecutionResult.builder().resultText(text).build();
  }

  private String guarded(ToolExecutionRequest request, Action action) {
    String arguments = request.arguments() == null ? "{}" : request.arguments();
    ProposedCall asked = proposed(arguments);
    ProposedCall call;
    try {
      call = proposed(guards.beforeTool(asked));
    } catch (AgentException refused) {
      return told(refused);
    }
    ToolExecutionRequest allowed =
        call.arguments().equals(arguments)
            ? request
            : request.toBuilder().arguments(call.arguments()).build();
    return context.step(
        "tool " + tool.name(), String.class, attempt -> result(call, allowed, action));
  }

  /** In the step, so that what guards take away is not stored. */
  private String result(ProposedCall call, ToolExecutionRequest allowed, Action action)
      throws Exception {
    String text;
    try {
      text = action.with(allowed);
    } catch (ToolArgumentsException wrong) { // the same again would be as wrong
      return "The arguments do not fit the tool: " + wrong.getMessage();
    } catch (ToolExecutionException failed) {
      throw failed.getCause() instanceof Exception cause ? cause : failed;
    }
    try {
      return guards.afterTool(call, text);
    } catch (AgentException withheld) {
      return told(withheld);
    }
  }

  private ProposedCall proposed(String arguments) {
    return new ProposedCall(
        context.runId(), context.tenant(), tool.name(), arguments, EnumSet.allOf(Origin.class));
  }

  /** What the model is told of a refusal; what else went wrong is no refusal. */
  private static String told(AgentException refused) {
    if (refused.code() != ErrorCode.CONTENT_REFUSED) {
      throw refused;
    }
    return String.valueOf(refused.getMessage());
  }
}
