package dev.troupe.llm.guard;

import java.util.Objects;

/**
 * What a {@link Guard} says of what it was shown.
 *
 * @param <T> what it was shown
 */
public sealed interface Verdict<T> {
  /**
   * It may pass as it is.
   *
   * @param <T> what was shown
   */
  record Pass<T>() implements Verdict<T> {}

  /**
   * Something else takes its place.
   *
   * @param value what goes on instead
   * @param <T> what was shown
   */
  record Change<T>(T value) implements Verdict<T> {
    /** Checks. */
    public Change {
      Objects.requireNonNull(value, "value");
    }

    /** Without the value, which may be secret. */
    @Override
    public String toString() {
      return "Change";
    }
  }

  /**
   * It may not pass.
   *
   * @param reason why, without its content
   * @param <T> what was shown
   */
  record Refuse<T>(String reason) implements Verdict<T> {
    /** Checks. */
    public Refuse {
      Objects.requireNonNull(reason, "reason");
    }
  }

  /**
   * It may pass as it is.
   *
   * @return the verdict
   */
  static <T> Verdict<T> pass() {
    return new Pass<>();
  }

  /**
   * Something else takes its place.
   *
   * @param value what goes on instead
   * @return the verdict
   */
  static <T> Verdict<T> change(T value) {
    return new Change<>(value);
  }

  /**
   * It may not pass.
   *
   * @param reason why, without its content
   * @return the verdict
   */
  static <T> Verdict<T> refuse(String reason) {
    return new Refuse<>(reason);
  }
}
