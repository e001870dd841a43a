package dev.troupe.examples.party.agents;

import dev.troupe.agent.AgentContext;
import dev.troupe.examples.party.plan.Sheet;
import dev.troupe.examples.party.request.Understanding;
import java.time.LocalDate;
import java.util.Optional;

/**
 * What a language model does for the planner: it says what kind of party a text means, and words
 * the plan. Nothing depends on it: where it fails, the rules' reading stands and the plan goes
 * without its words. Safe for use by many threads.
 */
@FunctionalInterface
public interface PartyModel {
  /**
   * Reads a text, knowing what the rules read.
   *
   * @param text the request, sanitised and neither too short nor too long
   * @param today the day on which the request was made
   * @param ruled what the rules understood
   * @param context journals what the model says
   * @return what the text says
   * @throws Exception when it can't; then what the rules understood counts
   */
  Understanding read(String text, LocalDate today, Understanding ruled, AgentContext context)
      throws Exception;

  /**
   * Words a plan.
   *
   * @param sheet the plan
   * @param context journals what the model says
   * @return a few sentences for those who are invited, empty for none
   * @throws Exception when it can't; then the plan goes without
   */
  default Optional<String> word(Sheet sheet, AgentContext context) throws Exception {
    return Optional.empty();
  }
}
