package dev.troupe.providers;

import dev.troupe.ErrorCode;
import java.net.http.HttpRequest;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where a provider wants its key, and where the host's lies. It is asked for at each request, so
 * that it can change while the process runs.
 */
final class Key {
  /** What LangChain4j is given in place of a key, where it insists on one. */
  static final String ELSEWHERE = "set-at-each-request";

  /** The headers that may hold a key. */
  private static final List<String> HEADERS =
      List.of("authorization", "x-api-key", "api-key", "x-goog-api-key");

  private final String header;
  private final String prefix;
  private final @Nullable Supplier<String> source;

  /** A null source for providers that want none. */
  Key(String header, String prefix, @Nullable Supplier<String> source) {
    this.header = header;
    this.prefix = prefix;
    this.source = source;
  }

  static boolean carries(String header) {
    return HEADERS.contains(header.toLowerCase(Locale.ROOT));
  }

  void write(HttpRequest.Builder request, Call call) {
    if (source == null) {
      return;
    }
    String key = source.get();
    if (key == null || key.isBlank()) {
      throw call.refusedAs(
          ErrorCode.ACCESS_DENIED, "was not asked: there is no key; apiKey(...) gave an empty one");
    }
    call.sends(key.strip());
    try {
      request.setHeader(header, prefix + key.strip());
    } catch (IllegalArgumentException e) {
      // The JDK's message holds the key.
      throw call.refusedAs(
          ErrorCode.ACCESS_DENIED,
          "was not asked: the key has characters that no header may have; check apiKey(...)");
    }
  }

  @Override
  public String toString() {
    return "Key[" + header + "]";
  }
}
