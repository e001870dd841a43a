package dev.troupe.llm.agent;

import dev.troupe.llm.guard.Origin;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;

/**
 * A tool call that waits for somebody to approve it.
 *
 * @param run the run that waits
 * @param call which call it is, for {@link ApprovalDesk#approve} and {@link ApprovalDesk#deny}
 * @param tenant for whom the run is, empty text for nobody in particular
 * @param tool the tool's name
 * @param shown what the approver is shown of the arguments
 * @param origins what is in the conversation that led to the call
 * @param expiry after which time without a decision it counts as denied
 */
public record ApprovalRequest(
    String run,
    String call,
    String tenant,
    String tool,
    String shown,
    Set<Origin> origins,
    Duration expiry) {
  /** Copies. */
  public ApprovalRequest {
    Objects.requireNonNull(run, "run");
    Objects.requireNonNull(call, "call");
    Objects.requireNonNull(tool, "tool");
    origins = Set.copyOf(origins);
  }

  /** Without the arguments, which belong in no log. */
  @Override
  public String toString() {
    return "approval of call %s by run %s".formatted(call, run);
  }
}
