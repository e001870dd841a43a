package dev.troupe.llm;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A call of a language model that failed. The {@link #code()} says why: {@code RATE_LIMITED},
 * {@code MODEL_OVERLOADED}, {@code MODEL_FAILED}, {@code MODEL_UNREACHABLE}, {@code
 * ANSWER_INCOMPLETE}, {@code TIMEOUT}, {@code CONTEXT_TOO_LONG}, {@code CONTENT_REFUSED}, {@code
 * ACCESS_DENIED}, {@code QUOTA_SPENT}, {@code MODEL_REFUSED}, or {@code LIMIT_EXCEEDED} for an
 * answer that is larger than {@link CallLimits#maxCharacters}. Messages hold what the provider said
 * about the failure, cut and without keys, and neither prompt nor answer.
 */
public final class LlmException extends AgentException {
  private static final long serialVersionUID = 1L;

  private final String provider;
  private final @Nullable Duration retryAfter;
  private final int status;
  private final @Nullable String requestId;
  private final String partial;

  private LlmException(Builder b) {
    super(b.code, b.message, b.cause);
    this.provider = b.provider;
    this.retryAfter = b.retryAfter;
    this.status = b.status;
    this.requestId = b.requestId;
    this.partial = b.partial;
  }

  /**
   * Starts an error.
   *
   * @param code what happened
   * @param provider whose failure it is
   * @param message what, and what to do; no prompt, answer or key
   * @return a builder
   */
  public static Builder of(ErrorCode code, String provider, String message) {
    return new Builder(code, provider, message);
  }

  /**
   * Classifies an answer over HTTP that is an error, or is not the provider's: by what its body
   * says, its headers, then its status. An error within a stream comes with the status of the
   * stream; a body that is no error with a status below 400 is {@code MODEL_UNREACHABLE}. The
   * message keeps what the provider said, cut to 300 characters, with what looks like a key masked;
   * of the cause its class is kept, and its message only where it comes from the network alone.
   *
   * @param provider whose answer
   * @param status of the answer
   * @param headers of the answer, their names in lower case
   * @param body of the answer, or the error within a stream; empty text for none
   * @param cause the error behind it, null for none
   * @return the error
   */
  public static LlmException http(
      String provider,
      int status,
      Map<String, String> headers,
      String body,
      @Nullable Throwable cause) {
    return Failures.http(provider, status, headers, body, cause);
  }

  /**
   * Whose failure it is.
   *
   * @return the provider's name
   */
  public String provider() {
    return provider;
  }

  /**
   * The wait that the provider asked for, however long.
   *
   * @return at least zero; empty when it asked for none
   */
  @Override
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }

  /**
   * The status of the HTTP answer.
   *
   * @return the status, 0 when there was none or it is not known
   */
  public int status() {
    return status;
  }

  /**
   * What the provider calls the request, to ask its support about.
   *
   * @return the id, empty when there was none
   */
  public Optional<String> requestId() {
    return Optional.ofNullable(requestId);
  }

  /**
   * The text that had come before the failure; to be shown as a part, never used as an answer.
   *
   * @return the text, mostly empty
   */
  public String partial() {
    return partial;
  }

  /**
   * The same error with what had come before it.
   *
   * @param partial the text
   * @return a new error
   */
  LlmException after(String partial) {
    return of(code(), provider, String.valueOf(getMessage()))
        .cause(this)
        .retryAfter(retryAfter)
        .status(status)
        .requestId(requestId)
        .partial(partial)
        .build();
  }

  /** Collects what is known of a failure. Not safe for several threads. */
  public static final class Builder {
    private final ErrorCode code;
    private final String provider;
    private final String message;
    private @Nullable Throwable cause;
    private @Nullable Duration retryAfter;
    private int status;
    private @Nullable String requestId;
    private String partial = "";

    private Builder(ErrorCode code, String provider, String message) {
      this.code = Objects.requireNonNull(code, "code");
      this.provider = Objects.requireNonNull(provider, "provider");
      this.message = Objects.requireNonNull(message, "message");
    }

    /**
     * Sets the error behind it.
     *
     * @param cause the error, null for none
     * @return this
     */
    public Builder cause(@Nullable Throwable cause) {
      this.cause = cause;
      return this;
    }

    /**
     * Sets the wait that the provider asked for.
     *
     * @param retryAfter the wait, null for none; a negative one counts as zero
     * @return this
     */
    public Builder retryAfter(@Nullable Duration retryAfter) {
      this.retryAfter = retryAfter != null && retryAfter.isNegative() ? Duration.ZERO : retryAfter;
      return this;
    }

    /**
     * Sets the status of the HTTP answer.
     *
     * @param status the status, 0 for none
     * @return this
     */
    public Builder status(int status) {
      this.status = status;
      return this;
    }

    /**
     * Sets what the provider calls the request.
     *
     * @param requestId the id, null for none
     * @return this
     */
    public Builder requestId(@Nullable String requestId) {
      this.requestId = requestId;
      return this;
    }

    /**
     * Sets what had come before the failure.
     *
     * @param partial the text
     * @return this
     */
    public Builder partial(String partial) {
      this.partial = Objects.requireNonNull(partial, "partial");
      return this;
    }

    /**
     * Builds the error.
     *
     * @return the error
     */
    public LlmException build() {
      return new LlmException(this);
    }
  }
}
