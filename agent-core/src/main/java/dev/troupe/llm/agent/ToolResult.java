package dev.troupe.llm.agent;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.troupe.llm.guard.Origin;

/**
 * What became of a call, as the model is told.
 *
 * @param request the call
 * @param key tool and arguments, equal for equal calls; empty where they could not be read
 * @param text what the model is told
 * @param kind what became of it
 * @param origin where the text comes from
 */
record ToolResult(ToolExecutionRequest request, String key, String text, Kind kind, Origin origin) {
  enum Kind {
    /** The tool gave a result. */
    DONE,
    /** The tool was called and failed, or somebody refused the call. */
    FAILED,
    /** The call can't be made as it is. */
    INVALID
  }
}
