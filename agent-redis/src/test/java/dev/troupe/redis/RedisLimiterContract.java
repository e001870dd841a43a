package dev.troupe.redis;

import dev.troupe.resilience.RateLimiter;
import dev.troupe.testkit.RateLimiterContract;
import dev.troupe.testkit.RedisServer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** The limiter's contract over one server; each limiter connects by itself, as processes do. */
abstract class RedisLimiterContract extends RateLimiterContract {
  private static final AtomicLong COUNT = new AtomicLong();

  private final AtomicLong offset = new AtomicLong();
  private final String prefix = "limiter-" + COUNT.incrementAndGet();

  abstract RedisServer server();

  @Override
  protected RateLimiter open() {
    return RedisRateLimiter.builder().uri(server().uri()).prefix(prefix).offset(offset::get).open();
  }

  @Override
  protected void advance(Duration duration) {
    offset.addAndGet(duration.toNanos() / 1_000);
  }

  @Override
  protected boolean exactTime() {
    return false;
  }
}
