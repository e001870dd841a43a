package dev.troupe.examples.party.request;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How to plan. Part of the request, so a plan that goes on after a crash keeps its options.
 *
 * @param strategy the recommender's name, null to assign one by the plan's key
 * @param fail agents told to fail, as {@code venue} or {@code venue:2} for the first two attempts
 * @param hang agents told to hang, in the same form
 * @param slow how long each agent takes on purpose
 * @param agentTimeLimit how long one agent may work on one question, all attempts together
 * @param deadline how long the whole plan may take from its submission, null for no limit; time in
 *     which no process runs counts too
 * @param again tells plans of the same text apart
 */
public record Options(
    @Nullable String strategy,
    List<String> fail,
    List<String> hang,
    Duration slow,
    Duration agentTimeLimit,
    @Nullable Duration deadline,
    @Nullable String again) {
  /** Copies the lists. */
  public Options {
    fail = List.copyOf(fail);
    hang = List.copyOf(hang);
  }

  /**
   * The options when nothing is said.
   *
   * @return no faults, ten seconds for an agent, no deadline
   */
  public static Options standard() {
    return new Options(
        null, List.of(), List.of(), Duration.ZERO, Duration.ofSeconds(10), null, null);
  }

  /**
   * Whether an agent is told to fail.
   *
   * @param agent its name
   * @param attempt which attempt this is
   * @return true when this attempt has to fail
   */
  public boolean fails(String agent, int attempt) {
    return told(fail, agent, attempt);
  }

  /**
   * Whether an agent is told to hang.
   *
   * @param agent its name
   * @param attempt which attempt this is
   * @return true when this attempt has to hang
   */
  public boolean hangs(String agent, int attempt) {
    return told(hang, agent, attempt);
  }

  private static boolean told(List<String> orders, String agent, int attempt) {
    for (String order : orders) {
      int colon = order.indexOf(':');
      if (colon < 0 ? order.equals(agent) : order.substring(0, colon).equals(agent)) {
        return colon < 0 || attempt <= Integer.parseInt(order.substring(colon + 1));
      }
    }
    return false;
  }
}
