package dev.troupe.testkit;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Answers as OpenAI's endpoint for chats words them. */
final class OpenAiBodies {
  private static final String ID = "chatcmpl-scripted";
  private static final String MODEL = "scripted-model";
  private static final long CREATED = 1_767_225_600; // any time, always the same

  private OpenAiBodies() {}

  static String text(String text) {
    return whole("stop", message(text), text.length());
  }

  static String toolCall(String tool, String arguments) {
    ObjectNode message = message(null);
    ObjectNode call = message.putArray("tool_calls").addObject();
    call.put("id", "call_scripted").put("type", "function");
    call.putObject("function").put("name", tool).put("arguments", arguments);
    return whole("tool_calls", message, arguments.length());
  }

  private static ObjectNode message(@Nullable String text) {
    return RequestJson.MAPPER.createObjectNode().put("role", "assistant").put("content", text);
  }

  private static String whole(String reason, ObjectNode message, int characters) {
    ObjectNode body = body("chat.completion");
    ObjectNode choice = body.putArray("choices").addObject().put("index", 0);
    choice.set("message", message);
    choice.put("finish_reason", reason);
    body.set("usage", usage(characters));
    return body.toString();
  }

  /** The data of each event, {@code [DONE]} last. */
  static List<String> stream(List<String> texts) {
    List<String> events = new ArrayList<>();
    int characters = 0;
    for (String text : texts) {
      ObjectNode event = body("chat.completion.chunk");
      ObjectNode choice = event.putArray("choices").addObject().put("index", 0);
      choice.putObject("delta").put("role", "assistant").put("content", text);
      choice.putNull("finish_reason");
      events.add(event.toString());
      characters += text.length();
    }
    ObjectNode last = body("chat.completion.chunk");
    ObjectNode choice = last.putArray("choices").addObject().put("index", 0);
    choice.putObject("delta");
    choice.put("finish_reason", "stop");
    events.add(last.toString());
    ObjectNode usage = body("chat.completion.chunk");
    usage.putArray("choices");
    usage.set("usage", usage(characters));
    events.add(usage.toString());
    events.add("[DONE]");
    return events;
  }

  static String error(String code, String message) {
    ObjectNode body = RequestJson.MAPPER.createObjectNode();
    body.putObject("error").put("message", message).put("type", code).put("code", code);
    return body.toString();
  }

  private static ObjectNode body(String object) {
    return RequestJson.MAPPER
        .createObjectNode()
        .put("id", ID)
        .put("object", object)
        .put("created", CREATED)
        .put("model", MODEL);
  }

  private static ObjectNode usage(int characters) {
    int output = RequestJson.tokens(characters);
    return RequestJson.MAPPER
        .createObjectNode()
        .put("prompt_tokens", 10)
        .put("completion_tokens", output)
        .put("total_tokens", 10 + output);
  }
}
