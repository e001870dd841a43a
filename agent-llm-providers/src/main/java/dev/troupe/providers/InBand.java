package dev.troupe.providers;

import com.fasterxml.jackson.databind.JsonNode;

/** Errors that providers send in the place of an answer after they said 200. */
final class InBand {
  private InBand() {}

  /** Whether this is an error, in any of the providers' forms. */
  static boolean isError(JsonNode node) {
    JsonNode error = node.path("error");
    return error.isObject()
        || (error.isTextual() && !error.asText().isEmpty())
        || node.path("object").asText().equals("error")
        || node.path("type").asText().equals("error");
  }
}
