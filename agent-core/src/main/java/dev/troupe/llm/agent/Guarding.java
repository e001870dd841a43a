package dev.troupe.llm.agent;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.llm.guard.Guards;
import dev.troupe.llm.guard.ProposedCall;
import dev.troupe.llm.guard.Turn;
import java.util.List;
import java.util.Optional;

/**
 * What looks at an agent's calls: its own guards, then those of the host's model, which see what
 * the agent's made of it, and policies. Around model calls the model asks the host's itself.
 */
record Guarding(Guards own, Guards host, List<ToolPolicy> policies) {
  Guarding {
    policies = List.copyOf(policies);
  }

  List<ChatMessage> beforeModel(Turn turn) {
    return own.beforeModel(turn);
  }

  AiMessage afterModel(Turn turn, AiMessage answer) {
    return own.afterModel(turn, answer);
  }

  /** What is left of the arguments; throws when a guard refuses the call. */
  String beforeTool(ProposedCall call) {
    String arguments = own.beforeTool(call);
    return host.beforeTool(
        new ProposedCall(call.run(), call.tenant(), call.tool(), arguments, call.origins()));
  }

  /** What is left of the result; throws when a guard refuses it. */
  String afterTool(ProposedCall call, String result) {
    return host.afterTool(call, own.afterTool(call, result));
  }

  /** Throws when a policy refuses the call. */
  void permit(ProposedCall call) {
    for (ToolPolicy policy : policies) {
      Optional<String> refusal = policy.refusal(call);
      if (refusal.isPresent()) {
        throw new AgentException(
            ErrorCode.CONTENT_REFUSED, "not called, for it is refused: " + refusal.get());
      }
    }
  }
}
