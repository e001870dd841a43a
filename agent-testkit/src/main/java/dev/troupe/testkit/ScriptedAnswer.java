package dev.troupe.testkit;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import dev.troupe.ErrorCode;
import dev.troupe.llm.LlmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link ScriptedModel} says or does to one request. Immutable: each method gives another
 * answer.
 *
 * <p>A stream gives an answer in parts: thinking first, then the text, by words unless {@link
 * #textInParts} says otherwise, then the arguments of each tool call in pieces of eight characters.
 * An answer that is asked for as a whole meets the same faults: one that stalls or is cut does not
 * come at all.
 */
public final class ScriptedAnswer {
  private static final Pattern BETWEEN_WORDS = Pattern.compile("(?<=\\s)(?=\\S)");
  private static final int PIECE = 8;
  private static final int WHOLE = -1;
  private static final int ENDLESS = -2;

  /** What is said. */
  private record Content(
      AiMessage message,
      List<String> text,
      FinishReason finish,
      @Nullable TokenUsage usage,
      Map<String, String> headers,
      @Nullable String id,
      @Nullable String model) {}

  /** How it comes: what ends it after some parts, and for a null code that is silence. */
  private record Manner(
      Duration delay,
      Duration pause,
      int whole,
      @Nullable ErrorCode code,
      @Nullable LlmException failure) {
    static final Manner PLAIN = new Manner(Duration.ZERO, Duration.ZERO, WHOLE, null, null);
  }

  /** One part of a stream. */
  record Part(Kind kind, int call, String text) {
    enum Kind {
      TEXT,
      THINKING,
      TOOL_CALL
    }
  }

  private final Content content;
  private final Manner manner;

  private ScriptedAnswer(Content content, Manner manner) {
    this.content = content;
    this.manner = manner;
  }

  /**
   * A text.
   *
   * @param text the whole text
   * @return the answer
   */
  public static ScriptedAnswer text(String text) {
    return of(AiMessage.from(text), words(text), FinishReason.STOP);
  }

  /**
   * A text that a stream gives in these parts.
   *
   * @param parts the text's parts, none empty
   * @return the answer
   */
  public static ScriptedAnswer textInParts(String... parts) {
    List<String> text = List.of(parts);
    if (text.contains("")) {
      throw new IllegalArgumentException("a part of a text is empty: " + text);
    }
    return of(AiMessage.from(String.join("", text)), text, FinishReason.STOP);
  }

  /**
   * A text without end: one part, again and again, until the caller's limits end the call.
   *
   * @param part not empty
   * @return the answer
   */
  public static ScriptedAnswer endless(String part) {
    ScriptedAnswer once = textInParts(part);
    Manner m = once.manner;
    return new ScriptedAnswer(once.content, new Manner(m.delay, m.pause, ENDLESS, null, null));
  }

  /**
   * A call of a tool. What is not JSON is called with nevertheless: that happens.
   *
   * @param tool the tool's name
   * @param arguments as JSON
   * @return the answer
   */
  public static ScriptedAnswer toolCall(String tool, String arguments) {
    return of(AiMessage.from(call(tool, arguments)), List.of(), FinishReason.TOOL_EXECUTION);
  }

  /**
   * A message as it is.
   *
   * @param message with text, thinking, tool calls; calls without an id are given one
   * @return the answer
   */
  public static ScriptedAnswer message(AiMessage message) {
    return of(
        message,
        message.text() == null ? List.of() : words(message.text()),
        message.hasToolExecutionRequests() ? FinishReason.TOOL_EXECUTION : FinishReason.STOP);
  }

  /**
   * A failure instead of an answer.
   *
   * @param failure thrown as it is
   * @return the answer
   */
  public static ScriptedAnswer failure(LlmException failure) {
    return text("").failsAfter(0, failure);
  }

  /**
   * A failure instead of an answer, in the model's name and with the HTTP status that is usual.
   *
   * @param code one of those that {@link LlmException} names
   * @return the answer
   */
  public static ScriptedAnswer failure(ErrorCode code) {
    ScriptedFailures.status(code); // knows the codes of models
    return text("").ending(0, code, null);
  }

  private static ScriptedAnswer of(AiMessage message, List<String> text, FinishReason finish) {
    return new ScriptedAnswer(
        new Content(message, text, finish, null, Map.of(), null, null), Manner.PLAIN);
  }

  private static List<String> words(String text) {
    return text.isEmpty() ? List.of() : List.of(BETWEEN_WORDS.split(text));
  }

  private static ToolExecutionRequest call(String tool, String arguments) {
    return ToolExecutionRequest.builder().name(tool).arguments(arguments).build();
  }

  // more of what is said

  /**
   * One more call of a tool, behind what there is.
   *
   * @param tool the tool's name
   * @param arguments as JSON
   * @return the answer
   */
  public ScriptedAnswer andToolCall(String tool, String arguments) {
    List<ToolExecutionRequest> calls = new ArrayList<>(content.message.toolExecutionRequests());
    calls.add(call(tool, arguments));
    AiMessage message = content.message.toBuilder().toolExecutionRequests(calls).build();
    FinishReason finish =
        content.finish == FinishReason.STOP ? FinishReason.TOOL_EXECUTION : content.finish;
    return with(message, finish, content.usage, content.headers);
  }

  /**
   * What the model thought before.
   *
   * @param thinking in words
   * @return the answer
   */
  public ScriptedAnswer thinking(String thinking) {
    AiMessage message = content.message.toBuilder().thinking(thinking).build();
    return with(message, content.finish, content.usage, content.headers);
  }

  /**
   * Why the answer ends here; {@code LENGTH} for one that ran into the limit of tokens.
   *
   * @param reason the reason
   * @return the answer
   */
  public ScriptedAnswer finish(FinishReason reason) {
    return with(content.message, reason, content.usage, content.headers);
  }

  /**
   * What the answer took, instead of what its characters let expect.
   *
   * @param inputTokens of the request
   * @param outputTokens of the answer
   * @return the answer
   */
  public ScriptedAnswer usage(int inputTokens, int outputTokens) {
    TokenUsage usage = new TokenUsage(inputTokens, outputTokens);
    return with(content.message, content.finish, usage, content.headers);
  }

  /**
   * Headers of the provider's answer.
   *
   * @param headers in lower case
   * @return the answer
   */
  public ScriptedAnswer headers(Map<String, String> headers) {
    return with(content.message, content.finish, content.usage, Map.copyOf(headers));
  }

  private ScriptedAnswer with(
      AiMessage message,
      FinishReason finish,
      @Nullable TokenUsage usage,
      Map<String, String> headers) {
    Content changed =
        new Content(message, content.text, finish, usage, headers, content.id, content.model);
    return new ScriptedAnswer(changed, manner);
  }

  /** Under an id, and by a model, that are not made up here. */
  ScriptedAnswer from(@Nullable String id, @Nullable String model) {
    Content c = content;
    return new ScriptedAnswer(
        new Content(c.message, c.text, c.finish, c.usage, c.headers, id, model), manner);
  }

  // how it comes

  /**
   * Silence before the first part, or before the whole answer.
   *
   * @param delay how long
   * @return the answer
   */
  public ScriptedAnswer after(Duration delay) {
    return new ScriptedAnswer(
        content, new Manner(delay, manner.pause, manner.whole, manner.code, manner.failure));
  }

  /**
   * Silence before each part of a stream but the first.
   *
   * @param pause how long
   * @return the answer
   */
  public ScriptedAnswer pause(Duration pause) {
    return new ScriptedAnswer(
        content, new Manner(manner.delay, pause, manner.whole, manner.code, manner.failure));
  }

  /**
   * Nothing comes any more after some parts: until the caller's limits end the call.
   *
   * @param parts how many come, from 0
   * @return the answer
   */
  public ScriptedAnswer stallsAfter(int parts) {
    return ending(parts, null, null);
  }

  /**
   * The connection breaks after some parts. Before the first that is {@code MODEL_UNREACHABLE},
   * later {@code ANSWER_INCOMPLETE}.
   *
   * @param parts how many come, from 0
   * @return the answer
   */
  public ScriptedAnswer cutAfter(int parts) {
    return ending(
        parts, parts == 0 ? ErrorCode.MODEL_UNREACHABLE : ErrorCode.ANSWER_INCOMPLETE, null);
  }

  /**
   * The provider fails after some parts.
   *
   * @param parts how many come, from 0
   * @param failure thrown, with the text that had come
   * @return the answer
   */
  public ScriptedAnswer failsAfter(int parts, LlmException failure) {
    return ending(parts, failure.code(), failure);
  }

  private ScriptedAnswer ending(
      int parts, @Nullable ErrorCode code, @Nullable LlmException failure) {
    if (parts < 0) {
      throw new IllegalArgumentException("after " + parts + " parts");
    }
    return new ScriptedAnswer(
        content, new Manner(manner.delay, manner.pause, parts, code, failure));
  }

  // for the one who plays it

  AiMessage said() {
    return content.message;
  }

  FinishReason reason() {
    return content.finish;
  }

  @Nullable TokenUsage tokens() {
    return content.usage;
  }

  @Nullable String id() {
    return content.id;
  }

  @Nullable String model() {
    return content.model;
  }

  Map<String, String> header() {
    return content.headers;
  }

  Duration delay() {
    return manner.delay;
  }

  Duration pause() {
    return manner.pause;
  }

  /** How many parts come before its end comes too early; negative for all. */
  int whole() {
    return manner.whole;
  }

  boolean endless() {
    return manner.whole == ENDLESS;
  }

  /** Why it ends too early; empty for silence. */
  @Nullable LlmException failure(String provider) {
    if (manner.failure != null || manner.code == null) {
      return manner.failure;
    }
    return ScriptedFailures.of(manner.code, provider);
  }

  List<Part> parts() {
    List<Part> parts = new ArrayList<>();
    String thinking = content.message.thinking();
    if (thinking != null) {
      words(thinking).forEach(word -> parts.add(new Part(Part.Kind.THINKING, 0, word)));
    }
    content.text.forEach(text -> parts.add(new Part(Part.Kind.TEXT, 0, text)));
    List<ToolExecutionRequest> calls = content.message.toolExecutionRequests();
    for (int i = 0; i < calls.size(); i++) {
      String arguments = calls.get(i).arguments() == null ? "" : calls.get(i).arguments();
      for (int from = 0; from < arguments.length(); from += PIECE) {
        String piece = arguments.substring(from, Math.min(arguments.length(), from + PIECE));
        parts.add(new Part(Part.Kind.TOOL_CALL, i, piece));
      }
    }
    return parts;
  }

  @Override
  public String toString() {
    String said = '"' + RequestJson.cut(RequestJson.text(content.message)) + '"';
    if (manner.whole < 0) {
      return endless() ? said + " without end" : said;
    }
    String end = manner.code == null ? "silence" : manner.code.toString();
    return manner.whole == 0 ? end : end + " after " + manner.whole + " parts of " + said;
  }
}
