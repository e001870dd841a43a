package dev.troupe.testkit;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What a {@link RawHttpStub} sends for one request, whole or broken. Immutable: each method gives
 * another answer, and what is said about parts goes to the answer's end.
 *
 * <p>Begin with {@link #openAiText}, {@link #openAiStream}, {@link #status} or, where there is not
 * even a head, {@link #raw}; then break it:
 *
 * <pre>{@code
 * RawHttpAnswer.openAiStream("Tea ", "costs ", "three.").first(2).reset()
 * }</pre>
 *
 * <p>A body that has one part and does not wait is sent with its length, others in chunks, a part
 * each, which {@link #contentLength} and {@link #untilClose} change.
 */
public final class RawHttpAnswer {
  /** One thing that is done, after the one before. */
  sealed interface Act {
    record Send(byte[] bytes) implements Act {}

    record Repeat(byte[] bytes) implements Act {}

    record Pause(Duration time) implements Act {}

    record Stall() implements Act {}

    record Cut(boolean reset) implements Act {}
  }

  /** How the end of a body is told. */
  enum Framing {
    AS_FITS,
    LENGTH,
    UNTIL_CLOSE,
    RAW
  }

  /** What is before the body. */
  record Head(
      int status,
      List<Map.Entry<String, String>> headers,
      Framing framing,
      long length,
      Duration delay) {
    boolean has(String name) {
      return headers.stream().anyMatch(header -> header.getKey().equalsIgnoreCase(name));
    }
  }

  /** How bytes leave: in slices with pauses, and up to which one. */
  record Pace(int slice, Duration every, long last, boolean reset) {
    static final Pace FREE = new Pace(Integer.MAX_VALUE, Duration.ZERO, Long.MAX_VALUE, false);
  }

  private final Head head;
  private final List<Act> acts;
  private final Pace pace;

  private RawHttpAnswer(Head head, List<Act> acts, Pace pace) {
    this.head = head;
    this.acts = List.copyOf(acts);
    this.pace = pace;
  }

  /**
   * Nothing but the parts that follow: also the head is theirs.
   *
   * @return an empty answer; the connection stays open behind it
   */
  public static RawHttpAnswer raw() {
    return new RawHttpAnswer(
        new Head(0, List.of(), Framing.RAW, 0, Duration.ZERO), List.of(), Pace.FREE);
  }

  /**
   * An answer with a status line, to be given headers and parts of a body.
   *
   * @param status from 100 to 999
   * @return the answer, without a body so far
   */
  public static RawHttpAnswer status(int status) {
    if (status < 100 || status > 999) {
      throw new IllegalArgumentException("a status has three digits: " + status);
    }
    Head head = new Head(status, List.of(), Framing.AS_FITS, 0, Duration.ZERO);
    return new RawHttpAnswer(head, List.of(), Pace.FREE);
  }

  /**
   * A whole answer of a chat in OpenAI's form.
   *
   * @param text what the model says
   * @return the answer
   */
  public static RawHttpAnswer openAiText(String text) {
    return status(200).header("content-type", "application/json").part(OpenAiBodies.text(text));
  }

  /**
   * A whole answer in OpenAI's form that calls a tool.
   *
   * @param tool the tool's name
   * @param arguments as JSON, or what is not JSON
   * @return the answer
   */
  public static RawHttpAnswer openAiToolCall(String tool, String arguments) {
    return status(200)
        .header("content-type", "application/json")
        .part(OpenAiBodies.toolCall(tool, arguments));
  }

  /**
   * A whole stream in OpenAI's form: an event for each text, one with the reason for the end, one
   * with the usage, and {@code [DONE]}; each a part of the body.
   *
   * @param texts what the model says, in pieces
   * @return the answer
   */
  public static RawHttpAnswer openAiStream(String... texts) {
    RawHttpAnswer answer = status(200).header("content-type", "text/event-stream");
    for (String event : OpenAiBodies.stream(List.of(texts))) {
      answer = answer.event(event);
    }
    return answer;
  }

  /**
   * A failure in OpenAI's form.
   *
   * @param status of HTTP
   * @param code as {@code rate_limit_exceeded} or {@code context_length_exceeded}
   * @param message for people
   * @return the answer
   */
  public static RawHttpAnswer openAiError(int status, String code, String message) {
    return status(status)
        .header("content-type", "application/json")
        .part(OpenAiBodies.error(code, message));
  }

  /**
   * Adds a header. The stub writes {@code content-length}, {@code transfer-encoding} and {@code
   * connection} itself unless they are given here.
   *
   * @param name its name
   * @param value its value
   * @return the answer
   */
  public RawHttpAnswer header(String name, String value) {
    List<Map.Entry<String, String>> headers = new ArrayList<>(head.headers);
    headers.add(Map.entry(name, value));
    return with(new Head(head.status, List.copyOf(headers), head.framing, head.length, head.delay));
  }

  /**
   * Claims a length, however long the body really is. With more than there is, the client waits for
   * the rest.
   *
   * @param bytes what {@code content-length} says
   * @return the answer
   */
  public RawHttpAnswer contentLength(long bytes) {
    return with(new Head(head.status, head.headers, Framing.LENGTH, bytes, head.delay));
  }

  /**
   * Ends the body by closing the connection, without a length.
   *
   * @return the answer
   */
  public RawHttpAnswer untilClose() {
    return with(new Head(head.status, head.headers, Framing.UNTIL_CLOSE, 0, head.delay));
  }

  /**
   * Waits before the first byte.
   *
   * @param delay how long
   * @return the answer
   */
  public RawHttpAnswer after(Duration delay) {
    return with(new Head(head.status, head.headers, head.framing, head.length, delay));
  }

  private RawHttpAnswer with(Head changed) {
    return new RawHttpAnswer(changed, acts, pace);
  }

  // the body, and what happens to it

  /**
   * Sends a part of the body.
   *
   * @param text in UTF-8
   * @return the answer
   */
  public RawHttpAnswer part(String text) {
    return part(text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Sends a part of the body.
   *
   * @param bytes as they are
   * @return the answer
   */
  public RawHttpAnswer part(byte[] bytes) {
    return and(new Act.Send(bytes.clone()));
  }

  /**
   * Sends an event of a stream.
   *
   * @param data what stands behind {@code data:}
   * @return the answer
   */
  public RawHttpAnswer event(String data) {
    return part("data: " + data + "\n\n");
  }

  /**
   * Keeps of what was given so far only the first parts.
   *
   * @param parts how many, from 0
   * @return the answer: its body ends there as if it were whole, unless more is said
   */
  public RawHttpAnswer first(int parts) {
    List<Act> kept = new ArrayList<>();
    int left = parts;
    for (Act act : acts) {
      if (act instanceof Act.Send && left-- <= 0) {
        break;
      }
      kept.add(act);
    }
    return new RawHttpAnswer(head, kept, pace);
  }

  /**
   * Sends a part again and again, until the client closes the connection.
   *
   * @param text in UTF-8
   * @return the answer
   */
  public RawHttpAnswer endless(String text) {
    return and(new Act.Repeat(text.getBytes(StandardCharsets.UTF_8)));
  }

  /**
   * Waits.
   *
   * @param time how long
   * @return the answer
   */
  public RawHttpAnswer pause(Duration time) {
    return and(new Act.Pause(time));
  }

  /**
   * Sends nothing more until the client closes the connection.
   *
   * @return the answer
   */
  public RawHttpAnswer stall() {
    return and(new Act.Stall());
  }

  /**
   * Closes the connection as a process that ends (FIN), whatever is still to come.
   *
   * @return the answer
   */
  public RawHttpAnswer cut() {
    return and(new Act.Cut(false));
  }

  /**
   * Breaks the connection off (RST). What was sent before may be lost with it.
   *
   * @return the answer
   */
  public RawHttpAnswer reset() {
    return and(new Act.Cut(true));
  }

  private RawHttpAnswer and(Act act) {
    List<Act> more = Stream.concat(acts.stream(), Stream.of(act)).toList();
    return new RawHttpAnswer(head, more, pace);
  }

  /**
   * Lets all bytes, also those of the head, leave slowly.
   *
   * @param bytes in one write, at least 1
   * @param every how long the stub waits between two
   * @return the answer
   */
  public RawHttpAnswer drip(int bytes, Duration every) {
    if (bytes < 1) {
      throw new IllegalArgumentException("drops of " + bytes + " bytes");
    }
    return new RawHttpAnswer(head, acts, new Pace(bytes, every, pace.last, pace.reset));
  }

  /**
   * Closes the connection (FIN) behind a byte, counted with head and frames.
   *
   * @param bytes how many are sent
   * @return the answer
   */
  public RawHttpAnswer cutAtByte(long bytes) {
    return new RawHttpAnswer(head, acts, new Pace(pace.slice, pace.every, bytes, false));
  }

  /**
   * Breaks the connection off (RST) behind a byte, counted with head and frames.
   *
   * @param bytes how many are sent
   * @return the answer
   */
  public RawHttpAnswer resetAtByte(long bytes) {
    return new RawHttpAnswer(head, acts, new Pace(pace.slice, pace.every, bytes, true));
  }

  // for the one who sends it

  List<Act> acts() {
    return acts;
  }

  Pace pace() {
    return pace;
  }

  Duration delay() {
    return head.delay;
  }

  boolean chunked() {
    return head.framing == Framing.AS_FITS
        && !head.has("content-length")
        && !acts.isEmpty()
        && !(acts.size() == 1 && acts.get(0) instanceof Act.Send);
  }

  boolean closes() {
    return head.framing == Framing.UNTIL_CLOSE
        || head.headers.stream()
            .anyMatch(
                header ->
                    header.getKey().equalsIgnoreCase("connection")
                        && header.getValue().toLowerCase(Locale.ROOT).contains("close"));
  }

  /** Status line and headers, empty for a raw answer. */
  byte[] head() {
    if (head.framing == Framing.RAW) {
      return new byte[0];
    }
    StringBuilder text = new StringBuilder("HTTP/1.1 ").append(head.status).append(" Scripted\r\n");
    head.headers.forEach(h -> line(text, h.getKey(), h.getValue()));
    if (chunked()) {
      line(text, "transfer-encoding", "chunked");
    } else if (head.framing == Framing.LENGTH) {
      line(text, "content-length", Long.toString(head.length));
    } else if (head.framing == Framing.AS_FITS && !head.has("content-length")) {
      int length = acts.isEmpty() ? 0 : ((Act.Send) acts.get(0)).bytes().length;
      line(text, "content-length", Integer.toString(length));
    }
    if (head.framing == Framing.UNTIL_CLOSE && !head.has("connection")) {
      line(text, "connection", "close");
    }
    return text.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
  }

  private static void line(StringBuilder text, String name, String value) {
    text.append(name).append(": ").append(value).append("\r\n");
  }

  @Override
  public String toString() {
    long parts = acts.stream().filter(Act.Send.class::isInstance).count();
    String start = head.framing == Framing.RAW ? "raw bytes" : "status " + head.status;
    return start + ", " + parts + (parts == 1 ? " part" : " parts");
  }
}
