package dev.troupe.providers;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The headers by which providers name a request. */
final class Headers {
  private static final List<String> REQUEST_IDS =
      List.of("x-request-id", "request-id", "x-amzn-requestid", "apim-request-id", "cf-ray");

  private Headers() {}

  static @Nullable String requestId(Map<String, String> headers) {
    for (String name : REQUEST_IDS) {
      String id = headers.get(name);
      if (id != null) {
        return id;
      }
    }
    return null;
  }
}
