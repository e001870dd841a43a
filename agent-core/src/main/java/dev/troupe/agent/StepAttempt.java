package dev.troupe.agent;

import java.util.Objects;
import java.util.function.Supplier;

/** One attempt at a step. Safe for use by many threads. */
public final class StepAttempt {
  private final int number;
  private final Supplier<String> key;

  /**
   * An attempt.
   *
   * @param number from 1
   * @param key gives the idempotency key, the same each time it is asked; asked only when it is
   *     wanted
   */
  public StepAttempt(int number, Supplier<String> key) {
    this.number = number;
    this.key = Objects.requireNonNull(key, "key");
  }

  /**
   * The attempt's number. Attempts before a crash are counted when their failure was journaled.
   *
   * @return from 1
   */
  public int number() {
    return number;
  }

  /**
   * A key for services that recognise a repeated request by it: the same for every attempt at this
   * step, also after a crash, and different for every other step of every run.
   *
   * @return a UUID in text form
   */
  public String idempotencyKey() {
    return key.get();
  }
}
