package dev.troupe.llm.agent;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;

/** The guards and policies of an agent, asked in their order. */
record Guards(List<Guard> guards, List<ToolPolicy> policies) {
  private static final String REFUSED = "not called, for it is refused";

  Guards {
    guards = List.copyOf(guards);
    policies = List.copyOf(policies);
  }

  List<ChatMessage> beforeModel(Turn turn) {
    return through(
        turn.messages(),
        turn + " may not be made",
        (guard, messages) ->
            guard.beforeModel(new Turn(turn.run(), turn.tenant(), turn.number(), messages)));
  }

  AiMessage afterModel(Turn turn, AiMessage answer) {
    return through(
        answer, "the answer to " + turn + " may not be used", (g, a) -> g.afterModel(turn, a));
  }

  /** What is left of the arguments; throws when a guard refuses the call. */
  String beforeTool(ProposedCall call) {
    return through(
        call.arguments(),
        REFUSED,
        (guard, arguments) ->
            guard.beforeTool(
                new ProposedCall(
                    call.run(), call.tenant(), call.tool(), arguments, call.origins())));
  }

  /** What is left of the result; throws when a guard refuses it. */
  String afterTool(ProposedCall call, String result) {
    return through(
        result,
        "the call was made, and its result is withheld",
        (g, text) -> g.afterTool(call, text));
  }

  /** Throws when a policy refuses the call. */
  void permit(ProposedCall call) {
    for (ToolPolicy policy : policies) {
      Optional<String> refusal = policy.refusal(call);
      if (refusal.isPresent()) {
        throw refused(REFUSED, refusal.get());
      }
    }
  }

  private <T> T through(T shown, String refusal, BiFunction<Guard, T, Verdict<T>> ask) {
    T value = shown;
    for (Guard guard : guards) {
      Verdict<T> verdict = ask.apply(guard, value);
      if (verdict instanceof Verdict.Refuse<T> no) {
        throw refused(refusal, no.reason());
      }
      if (verdict instanceof Verdict.Change<T> change) {
        value = change.value();
      }
    }
    return value;
  }

  private static AgentException refused(String what, String reason) {
    return new AgentException(ErrorCode.CONTENT_REFUSED, what + ": " + reason);
  }
}
