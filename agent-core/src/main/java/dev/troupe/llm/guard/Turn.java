package dev.troupe.llm.guard;

import dev.langchain4j.data.message.ChatMessage;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * A model call.
 *
 * @param run the run, empty text outside runs
 * @param tenant for whom the run is, empty text for nobody in particular
 * @param number which call of the loop, or of a model's binding to the run, it is, from 1; 0
 *     outside runs
 * @param messages what the model is asked with; {@link Provenance#of(ChatMessage)} says of each
 *     where it comes from
 */
public record Turn(String run, String tenant, int number, List<ChatMessage> messages) {
  /** Copies. */
  public Turn {
    Objects.requireNonNull(run, "run");
    Objects.requireNonNull(tenant, "tenant");
    messages = List.copyOf(messages);
  }

  /**
   * What is in the conversation.
   *
   * @return each origin once
   */
  public Set<Origin> origins() {
    return Provenance.of(messages);
  }

  /** Without the messages, which belong in no log. */
  @Override
  public String toString() {
    return run.isEmpty()
        ? "a model call outside runs"
        : "model call %d of run %s".formatted(number, run);
  }
}
