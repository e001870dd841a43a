package dev.troupe.testkit;

import dev.troupe.ErrorCode;
import dev.troupe.llm.LlmException;

/** Failures as providers report them, by their code. */
final class ScriptedFailures {
  private ScriptedFailures() {}

  static LlmException of(ErrorCode code, String provider) {
    return LlmException.of(code, provider, "the script of the test says so: " + code)
        .status(status(code))
        .build();
  }

  /** The HTTP status that is usual; 0 where no answer came. */
  static int status(ErrorCode code) {
    return switch (code) {
      case RATE_LIMITED, QUOTA_SPENT -> 429;
      case MODEL_OVERLOADED -> 529;
      case MODEL_FAILED -> 500;
      case CONTEXT_TOO_LONG, CONTENT_REFUSED, MODEL_REFUSED -> 400;
      case ACCESS_DENIED -> 401;
      case MODEL_UNREACHABLE, ANSWER_INCOMPLETE, TIMEOUT -> 0;
      default ->
          throw new IllegalArgumentException(
              code + " is not a failure of a model; see LlmException for those that are");
    };
  }

  /** The same failure with what had come before it. */
  static LlmException after(LlmException failure, String partial) {
    if (partial.isEmpty()) {
      return failure;
    }
    return LlmException.of(failure.code(), failure.provider(), String.valueOf(failure.getMessage()))
        .cause(failure)
        .retryAfter(failure.retryAfter().orElse(null))
        .status(failure.status())
        .requestId(failure.requestId().orElse(null))
        .partial(partial)
        .build();
  }
}
