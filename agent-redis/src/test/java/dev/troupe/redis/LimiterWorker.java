package dev.troupe.redis;

import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter.Decision;
import dev.troupe.resilience.RateLimiter.Demand;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** A process whose threads take what they can get of one rate, and says how much that was. */
final class LimiterWorker {
  static final Limit.Rate RATE = Limit.rate(400, Duration.ofMillis(500), 60);
  static final String GROUP = "shared";
  static final String NAME = "rate";

  private LimiterWorker() {}

  /**
   * Takes the server's address and how many milliseconds to run; says what its clock shows and
   * begins when it is told something.
   */
  public static void main(String[] args) throws Exception {
    try (RedisRateLimiter limiter = RedisRateLimiter.connect(args[0])) {
      System.out.println("ready " + System.currentTimeMillis());
      if (System.in.read() < 0) {
        return;
      }
      long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(Long.parseLong(args[1]));
      ExecutorService threads = Executors.newFixedThreadPool(3);
      List<Future<Integer>> all = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        int many = 1 + 2 * i;
        all.add(threads.submit(() -> take(limiter, many, until)));
      }
      int granted = 0;
      for (Future<Integer> one : all) {
        granted += one.get();
      }
      threads.shutdown();
      System.out.println("granted " + granted);
    }
  }

  private static int take(RedisRateLimiter limiter, int many, long until) throws Exception {
    int granted = 0;
    Demand one = Demand.of(GROUP, NAME, RATE, 1);
    while (System.nanoTime() < until) {
      long wait = 0;
      for (Decision decision : limiter.reserve(Collections.nCopies(many, one))) {
        if (decision instanceof Decision.Refused refused) {
          wait = refused.retryAfter().toNanos();
        } else {
          granted++;
        }
      }
      TimeUnit.NANOSECONDS.sleep(wait);
    }
    return granted;
  }
}
