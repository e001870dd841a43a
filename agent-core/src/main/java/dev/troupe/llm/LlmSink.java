package dev.troupe.llm;

/**
 * Is given an answer as it comes, by the thread that asked. May block: the provider then waits.
 * What it throws ends the call.
 */
@FunctionalInterface
public interface LlmSink {
  /**
   * More of the text.
   *
   * @param part not empty
   */
  void text(String part);

  /**
   * More of what the model thinks, where it says so.
   *
   * @param part not empty
   */
  default void thinking(String part) {}

  /**
   * More of a tool call's arguments. The call is made only when the whole answer is there.
   *
   * @param index which call of this answer, from 0
   * @param name the tool's name
   * @param part of its arguments, JSON in pieces
   */
  default void toolCall(int index, String name, String part) {}

  /**
   * All that was given so far is void: the answer begins anew. Comes only where the caller chose
   * {@link Partial#RESTART}.
   *
   * @param why what happened, for people
   */
  default void restarted(String why) {}

  /**
   * The answer was journaled before: all of it at once. The run is executed again, and the sink of
   * an earlier execution may have been given this, or a part of it, already.
   *
   * @param thinking what the model thought, empty when it did not say so
   * @param text its text, empty when it only called tools
   */
  default void replayed(String thinking, String text) {
    if (!thinking.isEmpty()) {
      thinking(thinking);
    }
    if (!text.isEmpty()) {
      text(text);
    }
  }
}
