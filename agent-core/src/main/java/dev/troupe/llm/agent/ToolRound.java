package dev.troupe.llm.agent;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.Branch;
import dev.troupe.llm.guard.Origin;
import dev.troupe.llm.guard.ProposedCall;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Takes the tool calls of one answer to their tools, those that may be made, side by side. */
final class ToolRound {
  /** More calls in one answer than this are no plan but a fault. */
  static final int MOST_CALLS = 64;

  private static final int MOST_SHOWN = 64;

  private final Settings<?, ?> settings;
  private final Guarding guards;
  private final RepeatWatch repeats;
  private final AgentContext context;

  ToolRound(Settings<?, ?> settings, Guarding guards, AgentContext context) {
    this.settings = settings;
    this.guards = guards;
    this.context = context;
    this.repeats = new RepeatWatch(settings.maxRepeats);
  }

  /** Results in the model's order. */
  List<ToolResult> make(
      AiMessage answer, @Nullable FinishReason finish, Set<Origin> origins, int round) {
    List<Branch<ToolResult>> branches = new ArrayList<>();
    boolean alone = false;
    for (ToolExecutionRequest request : answer.toolExecutionRequests()) {
      AgentTool tool = settings.tools.get(request.name());
      // what is refused has its branch, too, so that each call's place in the journal depends on
      // nothing but the answer
      branches.add(branch(request, tool, finish, origins, new Position(round, branches.size())));
      alone |= tool != null && tool.alone();
    }
    return context.all("tools", alone ? 1 : settings.parallelTools, branches);
  }

  /** Which round of the conversation, and which call of the round. */
  private record Position(int round, int index) {}

  private Branch<ToolResult> branch(
      ToolExecutionRequest request,
      @Nullable AgentTool tool,
      @Nullable FinishReason finish,
      Set<Origin> origins,
      Position at) {
    if (finish != FinishReason.TOOL_EXECUTION) {
      return refused(
          request,
          finish == FinishReason.LENGTH
              ? "not called: your answer was cut off before its end; write less at once"
              : "not called: your answer did not end with a tool call");
    }
    if (at.index >= MOST_CALLS) {
      return refused(request, "not called: at most %d calls in one answer".formatted(MOST_CALLS));
    }
    if (tool == null) {
      return refused(
          request,
          "not called: there is no tool '%s' for you; there are %s"
              .formatted(shown(request.name()), settings.tools.keySet()));
    }
    Arguments arguments = Arguments.check(tool, request.arguments());
    if (arguments instanceof Arguments.Unfit unfit) {
      return refused(
          request, "not called: the arguments do not fit the tool's schema: " + unfit.why());
    }
    String json = ((Arguments.Fit) arguments).json();
    String key = tool.name() + "\n" + json;
    if (!tool.repeatable() && !repeats.mayMake(key, tool.name(), at.round, context.runId())) {
      return branch ->
          new ToolResult(
              request,
              key,
              "not called: you made this very call before and know its result; do something else,"
                  + " or answer",
              ToolResult.Kind.FAILED,
              Origin.HOST);
    }
    ProposedCall proposed =
        new ProposedCall(context.runId(), context.tenant(), tool.name(), json, origins);
    return branch -> new ToolExecution(settings, guards, tool, branch).make(request, key, proposed);
  }

  private static Branch<ToolResult> refused(ToolExecutionRequest request, String why) {
    return branch -> new ToolResult(request, "", why, ToolResult.Kind.INVALID, Origin.HOST);
  }

  private static String shown(String name) {
    String cut = name.length() > MOST_SHOWN ? name.substring(0, MOST_SHOWN) + "…" : name;
    return cut.replaceAll("\\p{Cntrl}", "?");
  }
}
