package dev.troupe.providers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Set;

/** What a provider said, in words that LangChain4j reads as they were meant. For one answer. */
final class Rewording {
  /** Gemini's reasons that LangChain4j knows; any other fails its parser, and the whole answer. */
  private static final Set<String> REASONS =
      Set.of(
          "FINISH_REASON_UNSPECIFIED",
          "STOP",
          "MAX_TOKENS",
          "SAFETY",
          "RECITATION",
          "LANGUAGE",
          "OTHER",
          "BLOCKLIST",
          "PROHIBITED_CONTENT",
          "SPII",
          "MALFORMED_FUNCTION_CALL");

  private final Dialect dialect;
  private final Call call;
  private int tools;

  Rewording(Dialect dialect, Call call) {
    this.dialect = dialect;
    this.call = call;
  }

  /** The text, which is this object; another text where that would be read wrongly. */
  String of(String text, JsonNode json) {
    boolean changed =
        switch (dialect) {
          case GEMINI -> known(json);
          case OLLAMA -> numbered(json);
          default -> false;
        };
    return changed ? json.toString() : text;
  }

  /** Servers that speak as Gemini does may say that an answer ended with a call of a tool. */
  private boolean known(JsonNode json) {
    boolean changed = false;
    for (JsonNode candidate : json.path("candidates")) {
      String reason = candidate.path("finishReason").asText("STOP");
      if (REASONS.contains(reason)) {
        continue;
      }
      if (!reason.equals("FUNCTION_CALL")) {
        // The answer may have a hole that nobody here knows of.
        throw call.incomplete(
            "ended its answer for a reason that is not known"
                + (reason.matches("[A-Z_]{1,60}") ? " (" + reason + ")" : ""));
      }
      ((ObjectNode) candidate).put("finishReason", "STOP");
      changed = true;
    }
    return changed;
  }

  /**
   * A call of a tool comes whole, and not every Ollama gives each a number of its own; LangChain4j
   * makes one call of those with the same.
   */
  private boolean numbered(JsonNode json) {
    boolean changed = false;
    for (JsonNode tool : json.path("message").path("tool_calls")) {
      if (tool.path("function") instanceof ObjectNode function) {
        changed |= tools > 0 && function.path("index").asInt() != tools;
        function.put("index", tools++);
      }
    }
    return changed;
  }
}
