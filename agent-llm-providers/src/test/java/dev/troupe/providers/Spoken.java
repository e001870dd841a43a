package dev.troupe.providers;

import dev.troupe.llm.LlmProvider;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import software.amazon.eventstream.HeaderValue;
import software.amazon.eventstream.Message;

/** How each provider that is asked over our wire speaks. */
enum Spoken {
  OPEN_AI("openai", "/v1", "Authorization: Bearer ") {
    @Override
    Preset preset(URI at) {
      return OpenAi.model("m-1").endpoint(at);
    }
  },
  AZURE("azure.ai.openai", "", "api-key: ") {
    @Override
    Preset preset(URI at) {
      return AzureOpenAi.model("m-1").endpoint(at);
    }
  },
  MISTRAL("mistral_ai", "/v1", "Authorization: Bearer ") {
    @Override
    Preset preset(URI at) {
      return Mistral.model("m-1").endpoint(at);
    }

    @Override
    String tool(String name, String arguments) {
      return chunk(
          "{\"tool_calls\":[{\"id\":\"t1\",\"function\":{\"name\":\""
              + name
              + "\",\"arguments\":"
              + quoted(arguments)
              + "}}]}",
          null);
    }

    @Override
    String error(String type, String message) {
      return data(
          "{\"object\":\"error\",\"type\":\"" + type + "\",\"message\":\"" + message + "\"}");
    }
  },
  ANTHROPIC("anthropic", "/v1", "x-api-key: ") {
    @Override
    Preset preset(URI at) {
      return Anthropic.model("m-1").endpoint(at);
    }

    @Override
    List<String> begin() {
      return List.of(
          named(
              "message_start",
              "{\"type\":\"message_start\",\"message\":{\"id\":\"a1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m-1-x\",\"content\":[],\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}"),
          named(
              "content_block_start",
              "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}"));
    }

    @Override
    String part(String text) {
      return named(
          "content_block_delta",
          "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":"
              + quoted(text)
              + "}}");
    }

    @Override
    String tool(String name, String arguments) {
      return named(
              "content_block_start",
              "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\""
                  + name
                  + "\",\"input\":{}}}")
          + named(
              "content_block_delta",
              "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":"
                  + quoted(arguments)
                  + "}}")
          + named("content_block_stop", "{\"type\":\"content_block_stop\",\"index\":1}");
    }

    @Override
    List<String> end(String reason) {
      String native0 =
          switch (reason) {
            case "stop" -> "end_turn";
            case "tool_calls" -> "tool_use";
            case "length" -> "max_tokens";
            case "content_filter" -> "refusal";
            default -> reason;
          };
      return List.of(
          named("content_block_stop", "{\"type\":\"content_block_stop\",\"index\":0}"),
          named(
              "message_delta",
              "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\""
                  + native0
                  + "\"},\"usage\":{\"output_tokens\":5}}"),
          named("message_stop", "{\"type\":\"message_stop\"}"));
    }

    @Override
    String error(String type, String message) {
      return named(
          "error",
          "{\"type\":\"error\",\"error\":{\"type\":\""
              + type
              + "\",\"message\":\""
              + message
              + "\"}}");
    }

    @Override
    String whole(String text, String reason) {
      return "{\"id\":\"a1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m-1-x\",\"content\":[{\"type\":\"text\",\"text\":"
          + quoted(text)
          + "}],\"stop_reason\":"
          + (reason == null ? "null" : "\"" + (reason.equals("stop") ? "end_turn" : reason) + "\"")
          + ",\"usage\":{\"input_tokens\":3,\"output_tokens\":5}}";
    }

    @Override
    String wholeTool(String name, String arguments) {
      return "{\"id\":\"a1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m-1-x\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\""
          + name
          + "\",\"input\":"
          + arguments
          + "}],\"stop_reason\":\"tool_use\",\"usage\":{\"input_tokens\":3,\"output_tokens\":5}}";
    }
  },
  GEMINI("gcp.gemini", "/v1beta", "x-goog-api-key: ") {
    @Override
    Preset preset(URI at) {
      return Gemini.model("m-1").endpoint(at);
    }

    @Override
    String part(String text) {
      return data(candidate("{\"text\":" + quoted(text) + "}", null));
    }

    @Override
    String tool(String name, String arguments) {
      return data(candidate(call(name, arguments), null));
    }

    private String call(String name, String arguments) {
      return "{\"functionCall\":{\"name\":\"" + name + "\",\"args\":" + arguments + "}}";
    }

    @Override
    List<String> end(String reason) {
      return List.of(data(candidate("{\"text\":\"\"}", upper(reason))));
    }

    private String upper(String reason) {
      return switch (reason) {
        case "stop", "tool_calls" -> "STOP";
        case "length" -> "MAX_TOKENS";
        case "content_filter" -> "SAFETY";
        default -> reason;
      };
    }

    private String candidate(String part, String reason) {
      return "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":["
          + part
          + "]}"
          + (reason == null ? "" : ",\"finishReason\":\"" + reason + "\"")
          + "}],\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":5,\"totalTokenCount\":8},\"modelVersion\":\"m-1-x\",\"responseId\":\"g1\"}";
    }

    @Override
    String error(String type, String message) {
      int code =
          switch (type) {
            case "overloaded_error" -> 503;
            case "rate_limit_error" -> 429;
            default -> 500;
          };
      String status = code == 503 ? "UNAVAILABLE" : code == 429 ? "RESOURCE_EXHAUSTED" : "INTERNAL";
      return data(
          "{\"error\":{\"code\":"
              + code
              + ",\"message\":\""
              + message
              + "\",\"status\":\""
              + status
              + "\"}}");
    }

    @Override
    String whole(String text, String reason) {
      return candidate("{\"text\":" + quoted(text) + "}", reason == null ? null : upper(reason));
    }

    @Override
    String wholeTool(String name, String arguments) {
      return candidate(call(name, arguments), "STOP");
    }
  },
  BEDROCK("aws.bedrock", "", "Authorization: Bearer ") {
    @Override
    Preset preset(URI at) {
      return Bedrock.model("m-1", "eu-central-1").endpoint(at);
    }

    @Override
    String type() {
      return "application/vnd.amazon.eventstream";
    }

    @Override
    byte[] bytes(String event) {
      return event.getBytes(StandardCharsets.ISO_8859_1);
    }

    private String frame(String message, String kind, String json) {
      Map<String, HeaderValue> headers = new LinkedHashMap<>();
      headers.put(":message-type", HeaderValue.fromString(message));
      headers.put(
          message.equals("event") ? ":event-type" : ":exception-type",
          HeaderValue.fromString(kind));
      headers.put(":content-type", HeaderValue.fromString("application/json"));
      ByteBuffer bytes = new Message(headers, json.getBytes(StandardCharsets.UTF_8)).toByteBuffer();
      return StandardCharsets.ISO_8859_1.decode(bytes).toString();
    }

    private String event(String kind, String json) {
      return frame("event", kind, json);
    }

    @Override
    List<String> begin() {
      return List.of(event("messageStart", "{\"role\":\"assistant\"}"));
    }

    @Override
    String part(String text) {
      return event(
          "contentBlockDelta",
          "{\"contentBlockIndex\":0,\"delta\":{\"text\":" + quoted(text) + "}}");
    }

    @Override
    String tool(String name, String arguments) {
      return event(
              "contentBlockStart",
              "{\"contentBlockIndex\":1,\"start\":{\"toolUse\":{\"toolUseId\":\"t1\",\"name\":\""
                  + name
                  + "\"}}}")
          + event(
              "contentBlockDelta",
              "{\"contentBlockIndex\":1,\"delta\":{\"toolUse\":{\"input\":"
                  + quoted(arguments)
                  + "}}}")
          + event("contentBlockStop", "{\"contentBlockIndex\":1}");
    }

    private String reason(String reason) {
      return switch (reason) {
        case "stop" -> "end_turn";
        case "tool_calls" -> "tool_use";
        case "length" -> "max_tokens";
        case "content_filter" -> "content_filtered";
        default -> reason;
      };
    }

    @Override
    List<String> end(String reason) {
      return List.of(
          event("contentBlockStop", "{\"contentBlockIndex\":0}"),
          event("messageStop", "{\"stopReason\":\"" + reason(reason) + "\"}"),
          event(
              "metadata",
              "{\"usage\":{\"inputTokens\":3,\"outputTokens\":5,\"totalTokens\":8},\"metrics\":{\"latencyMs\":9}}"));
    }

    @Override
    String error(String type, String message) {
      return frame(
          "exception",
          type.startsWith("over")
              ? "serviceUnavailableException"
              : type.startsWith("rate") ? "throttlingException" : "internalServerException",
          "{\"message\":\"" + message + "\"}");
    }

    @Override
    String whole(String text, String reason) {
      return content("{\"text\":" + quoted(text) + "}", reason);
    }

    private String content(String content, String reason) {
      return "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":["
          + content
          + "]}},"
          + (reason == null ? "" : "\"stopReason\":\"" + reason(reason) + "\",")
          + "\"usage\":{\"inputTokens\":3,\"outputTokens\":5,\"totalTokens\":8},\"metrics\":{\"latencyMs\":9}}";
    }

    @Override
    String wholeTool(String name, String arguments) {
      return content(
          "{\"toolUse\":{\"toolUseId\":\"t1\",\"name\":\""
              + name
              + "\",\"input\":"
              + arguments
              + "}}",
          "tool_calls");
    }
  },
  OLLAMA("ollama", "", "Authorization: Bearer ") {
    @Override
    Preset preset(URI at) {
      return Ollama.model("m-1").endpoint(at);
    }

    @Override
    String type() {
      return "application/x-ndjson";
    }

    private String message(String message, String reason) {
      return "{\"model\":\"m-1-x\",\"created_at\":\"2026-01-22T11:22:42.180546Z\",\"message\":{\"role\":\"assistant\","
          + message
          + "},\"done\":"
          + (reason == null
              ? "false"
              : "true,\"done_reason\":\""
                  + (reason.equals("tool_calls") ? "stop" : reason)
                  + "\",\"prompt_eval_count\":3,\"eval_count\":5")
          + "}";
    }

    private String call(String name, String arguments) {
      return "\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\""
          + name
          + "\",\"arguments\":"
          + arguments
          + "}}]";
    }

    @Override
    String part(String text) {
      return message("\"content\":" + quoted(text), null) + "\n";
    }

    @Override
    String tool(String name, String arguments) {
      return message(call(name, arguments), null) + "\n";
    }

    @Override
    List<String> end(String reason) {
      return List.of(message("\"content\":\"\"", reason) + "\n");
    }

    @Override
    String error(String type, String message) {
      return "{\"error\":\"" + (type.startsWith("over") ? "server busy" : message) + "\"}\n";
    }

    @Override
    String whole(String text, String reason) {
      return message("\"content\":" + quoted(text), reason);
    }

    @Override
    String wholeTool(String name, String arguments) {
      return message(call(name, arguments), "stop");
    }
  };

  final String provider;
  final String path;
  private final String keyHeader;

  Spoken(String provider, String path, String keyHeader) {
    this.provider = provider;
    this.path = path;
    this.keyHeader = keyHeader;
  }

  abstract Preset preset(URI at);

  /** The path of the usual endpoint. */
  String path() {
    return path;
  }

  LlmProvider at(RawPeer peer, String key) {
    return preset(peer.at(path)).apiKey(key).build();
  }

  LlmProvider at(RawPeer peer, Supplier<String> key) {
    return preset(peer.at(path)).apiKey(key).build();
  }

  /** The header that carries the key. */
  String keyName() {
    return keyHeader.split(": ", 2)[0].toLowerCase(Locale.ROOT);
  }

  /** The key that a request carried, as it has to be carried. */
  String key(RawPeer.Request request) {
    String[] header = keyHeader.split(": ", 2);
    String value = String.valueOf(request.headers().get(keyName()));
    return value.startsWith(header[1]) ? value.substring(header[1].length()) : value;
  }

  /** OpenAI's comes in an event of its own, which these streams do not have. */
  boolean hasUsageInStreams() {
    return this != OPEN_AI && this != AZURE && this != MISTRAL;
  }

  String type() {
    return "text/event-stream";
  }

  byte[] bytes(String event) {
    return event.getBytes(StandardCharsets.UTF_8);
  }

  /** What comes before the first part of a stream. */
  List<String> begin() {
    return List.of();
  }

  String part(String text) {
    return chunk("{\"content\":" + quoted(text) + "}", null);
  }

  String tool(String name, String arguments) {
    return chunk(
        "{\"tool_calls\":[{\"index\":0,\"id\":\"t1\",\"type\":\"function\",\"function\":{\"name\":\""
            + name
            + "\",\"arguments\":"
            + quoted(arguments)
            + "}}]}",
        null);
  }

  /** What ends a stream, as each provider says such a reason; given in OpenAI's words. */
  List<String> end(String reason) {
    return List.of(chunk("{}", reason), data("[DONE]"));
  }

  /** An error within a stream; given in Anthropic's words. */
  String error(String type, String message) {
    return data("{\"error\":{\"type\":\"" + type + "\",\"message\":\"" + message + "\"}}");
  }

  String whole(String text, String reason) {
    return "{\"id\":\"o1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m-1-x\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"
        + quoted(text)
        + "},\"finish_reason\":"
        + (reason == null ? "null" : "\"" + reason + "\"")
        + "}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5,\"total_tokens\":8}}";
  }

  String wholeTool(String name, String arguments) {
    return "{\"id\":\"o1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m-1-x\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"t1\",\"type\":\"function\",\"function\":{\"name\":\""
        + name
        + "\",\"arguments\":"
        + quoted(arguments)
        + "}}]},\"finish_reason\":\"tool_calls\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5,\"total_tokens\":8}}";
  }

  /** A whole stream with these parts of text. */
  List<String> stream(List<String> parts, String reason) {
    List<String> all = new ArrayList<>(begin());
    parts.forEach(part -> all.add(part(part)));
    all.addAll(end(reason));
    return all;
  }

  String data(String data) {
    return "data: " + data + "\n\n";
  }

  String named(String event, String data) {
    return "event: " + event + "\n" + data(data);
  }

  String chunk(String delta, String reason) {
    return data(
        "{\"id\":\"o1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m-1-x\",\"choices\":[{\"index\":0,\"delta\":"
            + delta
            + ",\"finish_reason\":"
            + (reason == null ? "null" : "\"" + reason + "\"")
            + "}]}");
  }

  static String quoted(String text) {
    return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + "\"";
  }
}
