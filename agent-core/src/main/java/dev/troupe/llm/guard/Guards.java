package dev.troupe.llm.guard;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.List;
import java.util.function.BiFunction;

/**
 * Guards that are asked one after another: each is shown what the one before it made of it, and the
 * first that refuses ends it.
 *
 * @param guards in their order
 */
public record Guards(List<Guard> guards) {
  /** Nobody looks. */
  public static final Guards NONE = new Guards(List.of());

  /** Copies. */
  public Guards {
    guards = List.copyOf(guards);
  }

  /**
   * Asks before a model is asked.
   *
   * @param turn the call
   * @return the messages that are left
   * @throws AgentException with {@link ErrorCode#CONTENT_REFUSED}
   */
  public List<ChatMessage> beforeModel(Turn turn) {
    return through(
        turn.messages(),
        turn + " may not be made",
        (guard, messages) ->
            guard.beforeModel(new Turn(turn.run(), turn.tenant(), turn.number(), messages)));
  }

  /**
   * Asks after a model answered.
   *
   * @param turn the call
   * @param answer the answer
   * @return what is left of it
   * @throws AgentException with {@link ErrorCode#CONTENT_REFUSED}
   */
  public AiMessage afterModel(Turn turn, AiMessage answer) {
    return through(
        answer,
        "the answer to " + turn + " may not be used",
        (guard, message) -> guard.afterModel(turn, message));
  }

  /**
   * Asks before a tool is called.
   *
   * @param call the call
   * @return what is left of the arguments
   * @throws AgentException with {@link ErrorCode#CONTENT_REFUSED}; its message is for the model
   */
  public String beforeTool(ProposedCall call) {
    return through(
        call.arguments(),
        "not called, for it is refused",
        (guard, arguments) ->
            guard.beforeTool(
                new ProposedCall(
                    call.run(), call.tenant(), call.tool(), arguments, call.origins())));
  }

  /**
   * Asks after a tool gave its result.
   *
   * @param call what was done
   * @param result what it gave
   * @return what is left of the result
   * @throws AgentException with {@link ErrorCode#CONTENT_REFUSED}; its message is for the model
   */
  public String afterTool(ProposedCall call, String result) {
    return through(
        result,
        "the call was made, and its result is withheld",
        (guard, text) -> guard.afterTool(call, text));
  }

  private <T> T through(T shown, String refusal, BiFunction<Guard, T, Verdict<T>> ask) {
    T value = shown;
    for (Guard guard : guards) {
      Verdict<T> verdict = ask.apply(guard, value);
      if (verdict instanceof Verdict.Refuse<T> no) {
        throw new AgentException(ErrorCode.CONTENT_REFUSED, refusal + ": " + no.reason());
      }
      if (verdict instanceof Verdict.Change<T> change) {
        value = change.value();
      }
    }
    return value;
  }
}
