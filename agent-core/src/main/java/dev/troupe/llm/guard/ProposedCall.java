package dev.troupe.llm.guard;

import java.util.Objects;
import java.util.Set;

/**
 * A tool call that a model asks for, whose arguments fit the tool's schema. Nothing of it has
 * happened yet.
 *
 * @param run the run that it is for
 * @param tenant for whom the run is, empty text for nobody in particular
 * @param tool the tool's name
 * @param arguments JSON, an object, with its properties sorted by name
 * @param origins what is in the conversation that led to the call
 */
public record ProposedCall(
    String run, String tenant, String tool, String arguments, Set<Origin> origins) {
  /** Copies. */
  public ProposedCall {
    Objects.requireNonNull(run, "run");
    Objects.requireNonNull(tenant, "tenant");
    Objects.requireNonNull(tool, "tool");
    Objects.requireNonNull(arguments, "arguments");
    origins = Set.copyOf(origins);
  }

  /**
   * Whether something of this origin is in the conversation that led to the call.
   *
   * @param origin the origin
   * @return whether
   */
  public boolean saw(Origin origin) {
    return origins.contains(origin);
  }

  /** Without the arguments, which belong in no log. */
  @Override
  public String toString() {
    return "call of tool '%s' by run %s".formatted(tool, run);
  }
}
