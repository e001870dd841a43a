package dev.troupe.llm;

import java.util.Objects;

/**
 * A record that a model gave.
 *
 * @param value the record
 * @param response the answer that it was read from
 * @param repairs how often the model had to be told what was wrong
 * @param <T> the record's type
 */
public record Answer<T>(T value, LlmResponse response, int repairs) {
  /** Checks. */
  public Answer {
    Objects.requireNonNull(value, "value");
    Objects.requireNonNull(response, "response");
  }

  /** Without the record's content, which may be secret. */
  @Override
  public String toString() {
    return "%s after %d repair(s), from the %s"
        .formatted(value.getClass().getSimpleName(), repairs, response);
  }
}
