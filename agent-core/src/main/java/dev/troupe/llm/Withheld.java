package dev.troupe.llm;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Stands for an error whose message may hold a key, a prompt or an answer: its class and its stack,
 * without the message.
 */
final class Withheld extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int DEEPEST = 20;

  private Withheld(Throwable error, @Nullable Throwable cause) {
    super(error.getClass().getName() + " (its message is withheld)", cause);
    setStackTrace(error.getStackTrace());
  }

  /** The error itself where all that speaks is the network, else what may be shown of it. */
  static @Nullable Throwable of(@Nullable Throwable error) {
    return of(error, 0);
  }

  private static @Nullable Throwable of(@Nullable Throwable error, int depth) {
    if (error == null || depth == DEEPEST) {
      return null;
    }
    if (error instanceof LlmException || ofTheNetwork(error)) {
      return error;
    }
    return new Withheld(error, of(error.getCause(), depth + 1));
  }

  private static boolean ofTheNetwork(Throwable error) {
    int depth = 0;
    for (Throwable one = error; one != null; one = one.getCause()) {
      if (!(one instanceof IOException)
          || one instanceof JsonProcessingException
          || ++depth > DEEPEST) {
        return false;
      }
    }
    return error.getSuppressed().length == 0;
  }
}
