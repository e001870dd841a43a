package dev.troupe.providers;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import dev.troupe.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Looks at what came before LangChain4j does: whether it is an answer, an error or a page. */
record Reading(Dialect dialect) {
  private static final ObjectReader JSON =
      new ObjectMapper().reader().with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  /** Checks a whole answer. */
  JsonNode whole(Call call, String body) {
    JsonNode answer = parsed(body);
    if (answer == null) {
      // What begins like an object was meant as an answer; anything else is a proxy's page.
      throw call.broken(
          body.stripLeading().startsWith("{"),
          body.isBlank()
              ? "answered with nothing. Check endpoint and proxy"
              : "answered with what is not JSON. Check endpoint and proxy",
          null);
    }
    if (InBand.isError(answer)) {
      throw call.refused(body);
    }
    note(call, answer);
    return answer;
  }

  /** Keeps what the wire says about the end. */
  void note(Call call, JsonNode json) {
    String reason = dialect.reason(json);
    if (reason == null) {
      return;
    }
    Finish finish = Dialect.finish(reason);
    call.finished(finish);
    if (finish == Finish.REFUSED) {
      throw call.refusedAs(
          ErrorCode.CONTENT_REFUSED, "refused (" + reason.toLowerCase(Locale.ROOT) + ")");
    }
    if (finish == Finish.BROKEN) {
      throw call.incomplete("broke off (" + reason.toLowerCase(Locale.ROOT) + ")");
    }
  }

  /** Something else came where an event was due: maybe an error that does not know of streams. */
  static RuntimeException stray(Call call, Exchange exchange, String begin)
      throws InterruptedException {
    String text = begin + text(exchange.page());
    JsonNode json = parsed(text);
    return json != null && InBand.isError(json)
        ? call.refused(text)
        : call.broken(
            exchange.hasBegun(),
            "sent what is no part of an answer. Check endpoint and proxy",
            null);
  }

  /** The object; null when it is none, or broken, or a bomb. */
  static @Nullable JsonNode parsed(String text) {
    try {
      JsonNode node = JSON.readTree(text);
      return node.isObject() ? node : null;
    } catch (JsonProcessingException e) {
      return null;
    }
  }

  static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
