package dev.troupe.llm.guard;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import java.util.List;

/**
 * Looks at what goes into a model and its tools and at what comes out; passes, changes or refuses
 * it. Guards are asked in the order in which they were given, each sees what the one before it made
 * of it. No instruction, tool or answer gets around one.
 *
 * <p>Guards that the host gives to the {@code GovernedModel} are asked by the model itself, whoever
 * calls it and however, before it is asked and after it answered; and for each tool call by the
 * loops of this library, {@code LlmAgent} and {@code AiServiceAgents}. Code that uses the model
 * gets around none of them: it can't leave them out, and adds others only on its own side. In the
 * code of a loop of its own, tools are Java methods that nobody sees; but the call that a model
 * asks for is in the answer, and what came of it in the next prompt. Guards that an agent's author
 * gives to an {@code LlmAgent} are asked by its loop.
 *
 * <p>An agent's guards are asked again on every replay of the run, but for {@link #afterTool}, and
 * so are the host's before a tool call. They must give the same answer to the same question: a
 * guard decides by what it is shown and by nothing else. What must ask the world is a {@code
 * ToolPolicy}.
 *
 * <p>One instance serves many runs at the same time.
 */
public interface Guard {
  /**
   * Before a model is asked. A change holds for this one call; a refusal fails the run with {@code
   * CONTENT_REFUSED}.
   *
   * @param turn the call, with its messages; where a provider is sent a prompt of its own that
   *     describes the answer's form, it is asked for that one too
   * @return the verdict
   */
  default Verdict<List<ChatMessage>> beforeModel(Turn turn) {
    return Verdict.pass();
  }

  /**
   * After a model answered, before anything is done with the answer. A refusal fails the run with
   * {@code CONTENT_REFUSED}. What is streamed was shown before.
   *
   * @param turn the call
   * @param answer the whole answer
   * @return the verdict
   */
  default Verdict<AiMessage> afterModel(Turn turn, AiMessage answer) {
    return Verdict.pass();
  }

  /**
   * Before a tool call. Changed arguments have to fit the tool's schema again. A refusal is told to
   * the model.
   *
   * @param call what the model asks for
   * @return the verdict, with the arguments as JSON
   */
  default Verdict<String> beforeTool(ProposedCall call) {
    return Verdict.pass();
  }

  /**
   * After a tool gave its result, before the result is journaled or shown to a model. A refusal is
   * told to the model in place of the result.
   *
   * @param call what was done
   * @param result what the tool gave
   * @return the verdict
   */
  default Verdict<String> afterTool(ProposedCall call, String result) {
    return Verdict.pass();
  }
}
