package dev.troupe.state;

import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The clock of a store that lives in this process: whole milliseconds, and never back.
 *
 * <p>Safe for use by many threads.
 */
public final class StoreClock implements InstantSource {
  private final InstantSource source;
  private final AtomicLong highest;

  /**
   * A clock that follows a source but never falls behind what it has shown.
   *
   * @param source where time comes from
   * @param notBefore the highest time that was ever stored
   */
  public StoreClock(InstantSource source, Instant notBefore) {
    this.source = source;
    this.highest = new AtomicLong(notBefore.toEpochMilli());
  }

  /**
   * Wall-clock time of this moment, advanced from here on by the monotonic clock alone: setting the
   * machine's clock does not move it.
   *
   * @return a new source
   */
  public static InstantSource monotonic() {
    long nanos = System.nanoTime();
    Instant opened = Instant.now();
    long openedNanos = TimeUnit.SECONDS.toNanos(opened.getEpochSecond()) + opened.getNano();
    return new InstantSource() {
      @Override
      public Instant instant() {
        return opened.plus(System.nanoTime() - nanos, ChronoUnit.NANOS);
      }

      @Override
      public long millis() {
        return TimeUnit.NANOSECONDS.toMillis(openedNanos + (System.nanoTime() - nanos));
      }
    };
  }

  @Override
  public Instant instant() {
    return Instant.ofEpochMilli(millis());
  }

  @Override
  public long millis() {
    long now = source.millis();
    long shown = highest.get();
    return now <= shown ? shown : highest.accumulateAndGet(now, Math::max);
  }
}
