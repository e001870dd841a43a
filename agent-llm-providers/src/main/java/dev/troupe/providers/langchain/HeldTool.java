package dev.troupe.providers.langchain;

import dev.langchain4j.agent.tool.ToolSpecification;
import java.util.Objects;

/**
 * A tool of an MCP server that agents are not given, because it is new or has changed.
 *
 * @param server the server's name
 * @param specification what the server says of it now
 * @param fingerprint of all that the server says of it; what is approved is this, and nothing that
 *     comes after
 * @param isNew whether no tool of this name was approved before
 */
public record HeldTool(
    String server, ToolSpecification specification, String fingerprint, boolean isNew) {
  /** Checks that nothing is missing. */
  public HeldTool {
    Objects.requireNonNull(server, "server");
    Objects.requireNonNull(specification, "specification");
    Objects.requireNonNull(fingerprint, "fingerprint");
  }
}
