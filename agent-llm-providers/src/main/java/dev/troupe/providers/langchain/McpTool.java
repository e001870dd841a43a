package dev.troupe.providers.langchain;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.service.tool.ToolExecutor;
import dev.troupe.AgentException;
import dev.troupe.llm.agent.AgentTool;
import java.util.Objects;

/** A tool of an MCP server, with the schema that was approved. Safe for use by many threads. */
public final class McpTool implements ToolExecutor {
  private final McpTools tools;
  private final String server;
  private final ToolSpecification specification;
  private final String fingerprint;

  McpTool(McpTools tools, String server, ToolSpecification specification, String fingerprint) {
    this.tools = tools;
    this.server = server;
    this.specification = Objects.requireNonNull(specification, "specification");
    this.fingerprint = fingerprint;
  }

  /**
   * What the model is told of the tool.
   *
   * @return name, description and schema
   */
  public ToolSpecification specification() {
    return specification;
  }

  /**
   * The tool for an {@code LlmAgent}, ready for more options. What it gives counts as retrieved.
   *
   * @return a builder
   */
  public AgentTool.Builder asTool() {
    return AgentTool.of(specification, call -> run(call.arguments())).retrieves();
  }

  /**
   * Calls the tool.
   *
   * @param arguments JSON, an object
   * @return what the model is told; begins with {@code Error:} where the tool says that it failed
   * @throws AgentException with {@code TRANSPORT_UNAVAILABLE} when the server died or can't be
   *     reached, and whether the tool acted is unknown; {@code TIMEOUT} when it took too long;
   *     {@code LIMIT_EXCEEDED} when its result is too large; {@code ACCESS_DENIED} when the tool is
   *     no longer the one that was approved
   */
  public String run(String arguments) {
    return tools.run(server, specification.name(), fingerprint, arguments);
  }

  @Override
  public String execute(ToolExecutionRequest request, Object memoryId) {
    return run(request.arguments());
  }

  /** Shows which tool it is. */
  @Override
  public String toString() {
    return "McpTool[" + server + "/" + specification.name() + "]";
  }
}
