package dev.troupe.llm.agent;

import java.util.Objects;

/**
 * What somebody decided about a tool call.
 *
 * @param approved whether it may be made
 * @param by who decided
 * @param reason why; the model is told when it is denied
 */
public record Decision(boolean approved, String by, String reason) {
  /** Checks. */
  public Decision {
    Objects.requireNonNull(by, "by");
    Objects.requireNonNull(reason, "reason");
  }
}
