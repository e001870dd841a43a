package dev.troupe.testkit;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A clock that stands still until a test moves it. Starts at {@link #START}, so that what a test
 * prints is the same every time.
 *
 * <p>Safe for use by many threads.
 */
public final class MovableClock implements InstantSource {
  /** Where every clock starts. */
  public static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  private final AtomicReference<Instant> now = new AtomicReference<>(START);

  /** A clock at {@link #START}. */
  public MovableClock() {}

  @Override
  public Instant instant() {
    return now.get();
  }

  /**
   * Moves the clock on.
   *
   * @param duration by how much; negative moves it back
   */
  public void advance(Duration duration) {
    now.updateAndGet(before -> before.plus(duration));
  }

  /**
   * Moves the clock to an instant, which may be an earlier one.
   *
   * @param instant the time from now on
   */
  public void set(Instant instant) {
    now.set(instant);
  }
}
