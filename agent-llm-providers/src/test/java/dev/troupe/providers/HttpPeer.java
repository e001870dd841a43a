package dev.troupe.providers;

import dev.troupe.llm.LlmProvider;
import dev.troupe.testkit.LlmPeer;
import dev.troupe.testkit.LlmPeer.Script;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Brings about over HTTP what the contract's scripts say, in a provider's words. */
final class HttpPeer implements LlmPeer {
  private static final String PART = LlmPeer.PARTS.get(0);
  private final Spoken spoken;
  private final Script script;
  private final RawPeer raw = new RawPeer(this::answer);
  private final LlmProvider provider;
  private final CountDownLatch closed = new CountDownLatch(1);

  HttpPeer(Spoken spoken, Script script) {
    this.spoken = spoken;
    this.script = script;
    this.provider = spoken.at(raw, LlmPeer.KEY);
  }

  private void answer(RawPeer.Request request, RawPeer.Reply reply)
      throws IOException, InterruptedException {
    switch (script) {
      case LIMITED ->
          refuse(
              reply,
              429,
              "rate_limit_error",
              "slow down",
              "Retry-After: 7",
              "Date: Sun, 22 Nov 2026 10:00:00 GMT");
      case SPENT -> refuse(reply, 429, "insufficient_quota", spent());
      case OVERLOADED ->
          refuse(reply, spoken == Spoken.ANTHROPIC ? 529 : 503, "overloaded_error", "overloaded");
      case FAILED -> refuse(reply, 500, "api_error", "it broke");
      case DENIED -> refuse(reply, 401, "authentication_error", "no such key: " + LlmPeer.KEY);
      case TOO_LONG -> tooLong(reply);
      case FILTERED -> filtered(request, reply);
      case REFUSED -> refuse(reply, 400, "invalid_request_error", "what is: " + LlmPeer.PROMPT);
      case SILENT -> reply.silence();
      default -> {
        if (request.stream()) {
          stream(reply);
        } else {
          whole(reply);
        }
      }
    }
  }

  private String spent() {
    return switch (spoken) {
      case GEMINI -> "Quota exceeded: GenerateRequestsPerDayPerProjectPerModel-FreeTier";
      case BEDROCK -> "Too many tokens per day, please wait before trying again.";
      case OLLAMA -> "this account has insufficient credits";
      default -> "You exceeded your current quota, please check your plan and billing details";
    };
  }

  private void filtered(RawPeer.Request request, RawPeer.Reply reply) throws IOException {
    boolean byReason = spoken == Spoken.GEMINI || spoken == Spoken.BEDROCK;
    if (!byReason) {
      refuse(reply, 400, "content_filter", "rejected by our safety system");
    } else if (request.stream()) {
      reply.begin(200, spoken.type());
      end(reply, "content_filter");
    } else {
      reply.whole(200, "application/json", spoken.whole("", "content_filter"));
    }
  }

  private void tooLong(RawPeer.Reply reply) throws IOException {
    String message =
        switch (spoken) {
          case ANTHROPIC -> "prompt is too long: 210000 tokens > 200000 maximum";
          case GEMINI ->
              "The input token count (1300000) exceeds the maximum number of tokens allowed"
                  + " (1048576).";
          case MISTRAL ->
              "Prompt contains 40000 tokens, too large for model with 32768 maximum context length";
          case BEDROCK -> "Input is too long for requested model.";
          case OLLAMA -> "the input length exceeds the context length";
          default -> "This model's maximum context length is 8192 tokens";
        };
    boolean code = spoken == Spoken.OPEN_AI || spoken == Spoken.AZURE;
    refuse(reply, 400, code ? "context_length_exceeded" : "invalid_request_error", message);
  }

  private void refuse(
      RawPeer.Reply reply, int status, String type, String message, String... headers)
      throws IOException {
    String body =
        switch (spoken) {
          case OPEN_AI, AZURE ->
              "{\"error\":{\"message\":\""
                  + message
                  + "\",\"type\":\""
                  + type
                  + "\",\"code\":\""
                  + type
                  + "\"}}";
          case ANTHROPIC ->
              "{\"type\":\"error\",\"error\":{\"type\":\""
                  + type
                  + "\",\"message\":\""
                  + message
                  + "\"}}";
          case GEMINI ->
              "{\"error\":{\"code\":"
                  + status
                  + ",\"message\":\""
                  + message
                  + "\",\"status\":\"X\"}}";
          case MISTRAL ->
              "{\"object\":\"error\",\"message\":\""
                  + message
                  + "\",\"type\":\""
                  + type
                  + "\",\"code\":null}";
          case BEDROCK -> "{\"message\":\"" + message + "\"}";
          case OLLAMA -> "{\"error\":\"" + message + "\"}";
        };
    reply.whole(status, "application/json", body, headers);
  }

  private void whole(RawPeer.Reply reply) throws IOException {
    String body =
        switch (script) {
          case TOOL -> spoken.wholeTool(LlmPeer.TOOL, LlmPeer.ARGUMENTS);
          case NO_REASON -> spoken.whole(String.join("", LlmPeer.PARTS), null);
          case LARGE -> spoken.whole("x".repeat(100_000), "stop");
          case WHOLE -> spoken.whole(String.join("", LlmPeer.PARTS), "stop");
          default -> throw new IllegalStateException(script + " is for streams");
        };
    reply.whole(200, "application/json", body, "X-Request-Id: r-1");
  }

  private void stream(RawPeer.Reply reply) throws IOException, InterruptedException {
    reply.begin(200, spoken.type(), "X-Request-Id: r-1");
    for (String event : spoken.begin()) {
      reply.part(spoken.bytes(event));
    }
    switch (script) {
      case WHOLE -> {
        parts(reply, LlmPeer.PARTS);
        end(reply, "stop");
      }
      case TOOL -> {
        reply.part(spoken.bytes(spoken.tool(LlmPeer.TOOL, LlmPeer.ARGUMENTS)));
        end(reply, "tool_calls");
      }
      case NO_REASON -> {
        parts(reply, LlmPeer.PARTS);
        reply.end();
      }
      case LARGE -> {
        for (int i = 0; i < 100; i++) {
          reply.part(spoken.bytes(spoken.part("x".repeat(1_000))));
        }
        end(reply, "stop");
      }
      case STALLS -> {
        parts(reply, List.of(PART));
        reply.silence();
      }
      case CUT -> {
        parts(reply, List.of(PART));
        reply.cut();
      }
      case DRIPS -> {
        while (!closed.await(100, TimeUnit.MILLISECONDS)) {
          parts(reply, List.of(PART));
        }
      }
      case ENDLESS -> {
        while (closed.getCount() > 0) {
          parts(reply, List.of("y".repeat(2_000)));
        }
      }
      default -> throw new IllegalStateException(String.valueOf(script));
    }
  }

  private void parts(RawPeer.Reply reply, List<String> texts) throws IOException {
    for (String text : texts) {
      reply.part(spoken.bytes(spoken.part(text)));
    }
  }

  private void end(RawPeer.Reply reply, String reason) throws IOException {
    for (String event : spoken.end(reason)) {
      reply.part(spoken.bytes(event));
    }
    reply.end();
  }

  @Override
  public LlmProvider provider() {
    return provider;
  }

  @Override
  public int requests() {
    return raw.requests.size();
  }

  @Override
  public long sent() {
    return raw.sent.get();
  }

  @Override
  public boolean left() {
    return raw.isLeft();
  }

  @Override
  public void close() {
    closed.countDown();
    provider.close();
    raw.close();
  }
}
