package dev.troupe.llm.agent;

import com.fasterxml.jackson.databind.JsonNode;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import java.util.List;

/** Arguments of a tool call that fit the tool's schema, or what is wrong with them. */
sealed interface Arguments {
  /** They fit; the JSON is canonical. */
  record Fit(String json) implements Arguments {}

  /** They do not; in words for the model. */
  record Unfit(String why) implements Arguments {}

  static Arguments check(AgentTool tool, String text) {
    JsonNode node;
    try {
      // models write nothing where there is nothing to say
      node = StrictJson.read(text.isBlank() ? "{}" : text);
    } catch (StrictJson.Unreadable e) {
      return new Unfit(e.why);
    }
    JsonObjectSchema schema = tool.specification().parameters();
    List<String> problems =
        SchemaCheck.problems(schema == null ? JsonObjectSchema.builder().build() : schema, node);
    return problems.isEmpty()
        ? new Fit(StrictJson.canonical(node))
        : new Unfit(String.join("; ", problems));
  }

  /** Whether a provider can be shown these arguments again. */
  static boolean isObject(String text) {
    try {
      return StrictJson.read(text).isObject();
    } catch (StrictJson.Unreadable e) {
      return false;
    }
  }
}
