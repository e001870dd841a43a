package dev.troupe.resilience;

/**
 * How a breaker stands in this process.
 *
 * @param kind what it does with calls
 * @param until on the monotonic clock: when the open time or the lease of a probe is over
 * @param times how often in a row it has opened
 * @param probe the lease under which a call of this process probes for all; empty when none does
 * @param why for people
 */
record Phase(Kind kind, long until, int times, String probe, String why) {
  static final Phase CLOSED = new Phase(Kind.CLOSED, 0, 0, "", "");

  enum Kind {
    CLOSED(false),
    /** Only this process found it open. */
    OPEN_HERE(false),
    /** A call of this process probes for this process alone. */
    PROBING_HERE(false),
    /** Open for all. */
    OPEN(true),
    /** A call of this process probes for all. */
    PROBING(true),
    /** A call of another process probes for all. */
    PROBED_ELSEWHERE(true),
    FORCED_OPEN(true),
    FORCED_CLOSED(true);

    /** Whether this comes from the record that all share. */
    final boolean shared;

    Kind(boolean shared) {
      this.shared = shared;
    }
  }

  /** Whether this process by itself finds the breaker open. */
  boolean votes() {
    return kind == Kind.OPEN_HERE || kind == Kind.PROBING_HERE;
  }

  boolean forced() {
    return kind == Kind.FORCED_OPEN || kind == Kind.FORCED_CLOSED;
  }

  long left() {
    return until - System.nanoTime();
  }

  CircuitBreaker.State state() {
    return switch (kind) {
      case CLOSED, FORCED_CLOSED -> CircuitBreaker.State.CLOSED;
      case OPEN_HERE, OPEN, FORCED_OPEN -> CircuitBreaker.State.OPEN;
      case PROBING_HERE, PROBING, PROBED_ELSEWHERE -> CircuitBreaker.State.HALF_OPEN;
    };
  }
}
