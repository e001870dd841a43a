package dev.troupe.event;

import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A store's time between its answers: what it last said, plus what has passed since. Never ahead.
 */
final class StoreTime {
  private final AtomicReference<@Nullable Heard> heard = new AtomicReference<>();

  private record Heard(long millis, long nanos) {
    long now(long nanoTime) {
      return millis + TimeUnit.NANOSECONDS.toMillis(nanoTime - nanos);
    }
  }

  void note(Instant answer) {
    long nanos = System.nanoTime();
    Heard newer = new Heard(answer.toEpochMilli(), nanos);
    Heard before = heard.get();
    if (before == null || newer.millis > before.now(nanos)) {
      heard.compareAndSet(before, newer);
    }
  }

  boolean known() {
    return heard.get() != null;
  }

  long millis() {
    Heard last = heard.get();
    if (last == null) {
      throw new IllegalStateException("the store was not asked anything yet");
    }
    return last.now(System.nanoTime());
  }
}
