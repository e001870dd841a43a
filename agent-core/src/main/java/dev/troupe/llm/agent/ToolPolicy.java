package dev.troupe.llm.agent;

import dev.troupe.llm.guard.Origin;
import dev.troupe.llm.guard.ProposedCall;
import java.util.Optional;

/**
 * Decides whether a tool call is allowed, right before each attempt at it: by tenant, by what is in
 * the conversation ({@link ProposedCall#saw}), by anything that the host knows. What it decided for
 * a call that was made is journaled with the call's result, so it is not asked again on replay, and
 * may ask the world. It is also asked before somebody is asked to approve the call.
 */
@FunctionalInterface
public interface ToolPolicy {
  /**
   * Decides.
   *
   * @param call what the model wants to do
   * @return why it may not, in words that the model is told; empty to allow it
   */
  Optional<String> refusal(ProposedCall call);

  /**
   * Allows a tool only while nothing that somebody else wrote is in the conversation.
   *
   * @param tool the tool's name
   * @return the policy
   */
  static ToolPolicy notAfterRetrieved(String tool) {
    return call ->
        call.tool().equals(tool) && call.saw(Origin.RETRIEVED)
            ? Optional.of("it is not allowed once retrieved content is in the conversation")
            : Optional.empty();
  }
}
