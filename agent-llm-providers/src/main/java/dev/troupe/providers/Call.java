package dev.troupe.providers;

import dev.langchain4j.exception.ContentFilteredException;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.troupe.ErrorCode;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.LlmException;
import java.net.http.HttpHeaders;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One call of a provider: its limits, what its answer's head said, and why it failed. What fails
 * first is what counts, whatever LangChain4j makes of it. Used by the calling thread alone.
 */
final class Call {
  private final String provider;
  private final CallLimits limits;
  private final boolean streaming;
  private final long started = System.nanoTime();

  private SentKey key = SentKey.NONE;
  private boolean asked;
  private int status;
  private Map<String, String> headers = Map.of();
  private @Nullable Throwable failure;
  private @Nullable ChatResponse response;
  private @Nullable Finish finish;

  Call(String provider, CallLimits limits, boolean streaming) {
    this.provider = provider;
    this.limits = limits;
    this.streaming = streaming;
  }

  String provider() {
    return provider;
  }

  CallLimits limits() {
    return limits;
  }

  boolean streaming() {
    return streaming;
  }

  Map<String, String> headers() {
    return headers;
  }

  Duration latency() {
    return Duration.ofNanos(System.nanoTime() - started);
  }

  /** Whether the provider was asked, or LangChain4j saw that it could not be. */
  boolean asked() {
    return asked;
  }

  void asks() {
    asked = true;
  }

  /** The key that goes with the request; no message holds it. */
  void sends(String key) {
    this.key = new SentKey(key);
  }

  /** The head of the answer came. */
  void head(int status, HttpHeaders all) {
    this.status = status;
    Map<String, String> kept = new TreeMap<>();
    all.map()
        .forEach(
            (name, values) -> {
              String lower = name.toLowerCase(Locale.ROOT);
              if (telling(lower) && !values.isEmpty()) {
                kept.put(lower, values.get(0));
              }
            });
    this.headers = kept;
  }

  private static boolean telling(String name) {
    return name.contains("request-id")
        || name.contains("requestid")
        || name.contains("ratelimit")
        || name.startsWith("retry-after")
        || name.equals("date")
        || name.equals("cf-ray")
        || name.equals("openai-processing-ms")
        || name.equals("x-amzn-errortype");
  }

  /** How long may be waited for the next bytes; fails when there is no time left at all. */
  long patienceNanos() {
    long left = limits.timeLimit().toNanos() - (System.nanoTime() - started);
    if (left <= 0) {
      throw timeout("did not end within " + limits.timeLimit());
    }
    return streaming ? Math.min(left, limits.idleLimit().toNanos()) : left;
  }

  /** Nothing came for as long as could be waited. */
  LlmException impatient() {
    boolean total = System.nanoTime() - started >= limits.timeLimit().toNanos();
    return timeout(
        streaming && !total
            ? "was silent for " + limits.idleLimit()
            : "did not end within " + limits.timeLimit());
  }

  private LlmException timeout(String what) {
    return fail(
        error(
            ErrorCode.TIMEOUT,
            what + " (" + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - started) + " ms)",
            null));
  }

  /** The answer is damaged; or, before its first part, no answer of a model at all. */
  LlmException broken(boolean begun, String what, @Nullable Throwable cause) {
    return fail(
        error(begun ? ErrorCode.ANSWER_INCOMPLETE : ErrorCode.MODEL_UNREACHABLE, what, cause));
  }

  LlmException incomplete(String what) {
    return broken(true, what, null);
  }

  /** LangChain4j could make nothing of it. Its words may hold the answer, so they are not kept. */
  void damaged(Throwable why) {
    if (failure != null) {
      return;
    }
    if (!asked) {
      fail(
          error(
              ErrorCode.MODEL_REFUSED,
              "can't be asked so: " + why.getMessage() + ". Change the request",
              why));
    } else if (why instanceof ContentFilteredException) {
      fail(error(ErrorCode.CONTENT_REFUSED, "refused to answer", null));
    } else {
      incomplete("answered in a form that is not known (" + why.getClass().getSimpleName() + ")");
    }
  }

  LlmException tooLarge() {
    return fail(
        error(
            ErrorCode.LIMIT_EXCEEDED,
            "answered more than "
                + limits.maxCharacters()
                + " characters; the rest was not read. Ask for less, or raise maxCharacters",
            null));
  }

  /** The provider says that it failed. */
  LlmException refused(String body) {
    return fail(LlmException.http(provider, status, headers, key.hiddenIn(body), null));
  }

  /** The provider says so in the midst of an answer, where no status can be sent any more. */
  LlmException refused(int status, String type, String body) {
    Map<String, String> told = new TreeMap<>(headers);
    told.put("x-amzn-errortype", type);
    return fail(LlmException.http(provider, status, told, key.hiddenIn(body), null));
  }

  LlmException refusedAs(ErrorCode code, String what) {
    return fail(error(code, what, null));
  }

  private LlmException error(ErrorCode code, String what, @Nullable Throwable cause) {
    return LlmException.of(code, provider, provider + " " + what)
        .cause(cause)
        .status(status)
        .requestId(Headers.requestId(headers))
        .build();
  }

  /** Notes why the call fails, unless it failed already. */
  <T extends Throwable> T fail(T why) {
    if (failure == null) {
      failure = why;
    }
    return why;
  }

  boolean failed() {
    return failure != null;
  }

  @Nullable Throwable failure() {
    return failure;
  }

  void answered(ChatResponse response) {
    this.response = response;
  }

  @Nullable ChatResponse response() {
    return response;
  }

  /** What the wire said about how the answer ended. */
  void finished(Finish finish) {
    this.finish = finish;
  }

  @Nullable Finish finish() {
    return finish;
  }
}
