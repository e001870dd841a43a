package dev.troupe.llm;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;

/** Time that passes only by waiting. */
final class PlayedTime implements Ticker {
  final List<Duration> pauses = new CopyOnWriteArrayList<>();
  private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 1_000);

  @Override
  public long nanos() {
    return now.get();
  }

  @Override
  public void pause(Duration time) throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    pauses.add(time);
    now.addAndGet(time.toNanos());
  }

  void passes(Duration time) {
    now.addAndGet(time.toNanos());
  }

  @Override
  public double chance() {
    return 0;
  }
}
