package dev.troupe.examples.benchmarks;

import java.time.Duration;
import java.util.List;

/** What publishers, workers and the check of the chaos of events know of each other. */
final class ChaosRules {
  /**
   * A configuration of logging: warnings, and of the clients of Kafka, which warn a lot, errors.
   */
  static final String LOGGING = "dev/troupe/examples/benchmarks/chaos-logback.xml";

  static final String TOPIC = "chaos";
  static final String ORDERED = "in-order";
  static final String SHARED = "by-anybody";
  static final List<String> GROUPS = List.of(ORDERED, SHARED);
  static final int SHARDS = 8;
  static final int KEYS = 200;

  /** Attempts before an event that always fails is a dead letter. */
  static final int ATTEMPTS = 3;

  static final int THREADS = 8;
  static final int IN_FLIGHT = 200;

  /** Of buses, feeds and sessions: who is silent for longer is taken for dead. */
  static final Duration LEASE = Duration.ofSeconds(3);

  /** Kafka's {@code max.poll.interval.ms}. */
  static final Duration POLL_INTERVAL = Duration.ofMillis(3_500);

  /** Longer than both. */
  static final Duration SLOW = Duration.ofMillis(4_500);

  /**
   * After so long without any fault what was handled before is settled, and stays so: a lease, and
   * some slow ones one after another, which is how what was in flight at a death is handled.
   */
  static final Duration SETTLED = Duration.ofSeconds(16);

  private ChaosRules() {}

  /** Its handler always throws. */
  static boolean poison(long number) {
    return number % 1_000 == 500;
  }

  /** Its handler throws at the first two attempts. */
  static boolean flaky(long number) {
    return number % 250 == 125;
  }

  static boolean slow(long number) {
    return number % 800 == 77;
  }

  /** Bytes that are no event, each time others. */
  static byte[] rubbish(long number) {
    return new byte[] {
      (byte) 0xff,
      0,
      (byte) 0xfe,
      (byte) (number >> 24),
      (byte) (number >> 16),
      (byte) (number >> 8),
      (byte) number
    };
  }
}
