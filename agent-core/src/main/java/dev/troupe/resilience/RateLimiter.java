package dev.troupe.resilience;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * Holds all processes that share it to limits.
 *
 * <p>Guarantees:
 *
 * <ol>
 *   <li>In any half-open window of a rate's length, at most its permits are granted under a name,
 *       all processes together, on the limiter's clock.
 *   <li>Of a limit in flight, at most its permits are granted and neither settled nor expired.
 *   <li>A demand is granted whole or not at all.
 *   <li>A refusal says after which time the same demand would be granted if nobody else asked.
 *   <li>Settling with less gives back what time has not given back already, with more takes the
 *       rest in advance; settling frees what is in flight. What is never settled counts as used.
 *   <li>Limits belong to the demand: the next one may name another, and is held to it at once.
 *   <li>A demand for more than a limit allows at once is an error, for it could never be granted.
 * </ol>
 *
 * <p>Safe for use by many threads.
 */
public interface RateLimiter extends AutoCloseable {
  /**
   * Limits of this process alone, forgotten with it. Costs no round trip.
   *
   * @return a limiter
   */
  static RateLimiter inMemory() {
    return new MemoryRateLimiter();
  }

  /**
   * Decides on demands, each for itself and in their order.
   *
   * @param demands what is wanted
   * @return a decision for each
   * @throws AgentException with {@code STORE_UNAVAILABLE} when the limiter does not answer: what
   *     was granted nobody knows, and counts as used; with {@code LIMIT_EXCEEDED} for guarantee 7
   */
  List<Decision> reserve(List<Demand> demands);

  /**
   * Says what was really used. Not sent again when the answer is missing, because a second time
   * would count twice.
   *
   * @param settlements what became of reservations
   * @throws AgentException with {@code STORE_UNAVAILABLE}: whether they were settled is unknown
   */
  void settle(List<Settlement> settlements);

  /** Closes what it opened itself. */
  @Override
  default void close() {}

  /**
   * Decides on one demand.
   *
   * @param demand what is wanted
   * @return the decision
   * @throws AgentException as {@link #reserve(List)}
   */
  default Decision reserve(Demand demand) {
    return reserve(List.of(demand)).get(0);
  }

  /**
   * Asks for permits under one name, which is its own group.
   *
   * @param name the name
   * @param limit what it is held to
   * @param permits how many
   * @return the decision
   * @throws AgentException as {@link #reserve(List)}
   */
  default Decision tryAcquire(String name, Limit limit, long permits) {
    return reserve(Demand.of(name, name, limit, permits));
  }

  /**
   * Waits until a demand is granted.
   *
   * @param demand what is wanted
   * @param maxWait how long at most
   * @return the decision; a refusal when the wait would be longer
   * @throws InterruptedException when the thread is interrupted meanwhile; nothing is reserved then
   * @throws AgentException as {@link #reserve(List)}
   */
  default Decision acquire(Demand demand, Duration maxWait) throws InterruptedException {
    long until = System.nanoTime() + maxWait.toNanos();
    while (true) {
      Decision decision = reserve(demand);
      if (!(decision instanceof Decision.Refused refused)) {
        return decision;
      }
      long wait = refused.retryAfter().toNanos();
      if (System.nanoTime() + wait - until > 0) {
        return decision;
      }
      // others wait for the same moment: a little later, each at another time
      wait += ThreadLocalRandom.current().nextLong(1_000_000 + wait / 20);
      TimeUnit.NANOSECONDS.sleep(Math.min(wait, Math.max(1, until - System.nanoTime())));
    }
  }

  /**
   * What is wanted, of one limit or of several at once. Demands of a group are decided one after
   * another, in one place; those of different groups have nothing to do with each other.
   *
   * @param group the group, 1 to 200 characters
   * @param lines what of which limit, 1 to 16; each name once
   */
  record Demand(String group, List<Line> lines) {
    /** Checks and copies. */
    public Demand {
      Limits.check("a group", group);
      lines = List.copyOf(lines);
      if (lines.isEmpty() || lines.size() > 16) {
        throw new IllegalArgumentException("a demand has 1 to 16 lines, not " + lines.size());
      }
      for (int i = 1; i < lines.size(); i++) {
        for (int k = 0; k < i; k++) {
          if (lines.get(k).name().equals(lines.get(i).name())) {
            throw new IllegalArgumentException("a demand names each limit once: " + lines);
          }
        }
      }
    }

    /**
     * Whether it can be granted at all. Every limiter asks this first.
     *
     * @throws AgentException with {@code LIMIT_EXCEEDED} when a line is for more than its limit
     *     allows at once
     */
    public void check() {
      for (Line line : lines) {
        if (line.permits() > line.limit().most()) {
          throw new AgentException(
              ErrorCode.LIMIT_EXCEEDED,
              "%d permits of '%s' in group '%s' can never be granted: at most %d at once; ask for fewer, or raise %s"
                  .formatted(
                      line.permits(),
                      line.name(),
                      group,
                      line.limit().most(),
                      line.limit() instanceof Limit.Rate ? "its burst" : "its permits"));
        }
      }
    }

    private boolean names(String limit) {
      for (Line line : lines) {
        if (line.name().equals(limit)) {
          return true;
        }
      }
      return false;
    }

    /**
     * A demand for permits of one limit.
     *
     * @param group the group
     * @param name the limit's name in the group
     * @param limit the limit
     * @param permits how many
     * @return the demand
     */
    public static Demand of(String group, String name, Limit limit, long permits) {
      return new Demand(group, List.of(new Line(name, limit, permits)));
    }
  }

  /**
   * Permits of one limit.
   *
   * @param name the limit's name in its group, 1 to 200 characters
   * @param limit what the name is held to
   * @param permits how many, at least 0; 0 asks whether one more would be granted
   */
  record Line(String name, Limit limit, long permits) {
    /** Checks. */
    public Line {
      Limits.check("a limit's name", name);
      Objects.requireNonNull(limit, "limit");
      if (permits < 0) {
        throw new IllegalArgumentException("permits must not be negative: " + permits);
      }
    }
  }

  /** What became of a demand. */
  sealed interface Decision {
    /**
     * Whether it was granted.
     *
     * @return whether
     */
    default boolean granted() {
      return this instanceof Granted;
    }

    /**
     * It was granted.
     *
     * @param reservation what to settle
     */
    record Granted(Reservation reservation) implements Decision {}

    /**
     * It was not, and nothing was taken.
     *
     * @param name the limit that is used up for the longest
     * @param retryAfter after which time the same demand would be granted if nobody else asked; of
     *     a limit in flight, until the first reservation expires, and it may be settled long before
     */
    record Refused(String name, Duration retryAfter) implements Decision {}
  }

  /**
   * Permits that were granted. Plain data, so it may be stored and settled elsewhere.
   *
   * @param id of this reservation
   * @param demand what was granted
   * @param ends for each rate, in microseconds since 1970 on the limiter's clock, when all that was
   *     granted so far will have come back
   */
  record Reservation(String id, Demand demand, Map<String, Long> ends) {
    /** Copies. */
    public Reservation {
      ends = Map.copyOf(ends);
    }

    /**
     * All was used as reserved.
     *
     * @return what to settle
     */
    public Settlement used() {
      return new Settlement(this, Map.of());
    }

    /**
     * So much was used.
     *
     * @param name of which limit
     * @param permits how many, at least 0
     * @return what to settle
     */
    public Settlement used(String name, long permits) {
      return new Settlement(this, Map.of(name, permits));
    }

    /**
     * Nothing was used.
     *
     * @return what to settle
     */
    public Settlement unused() {
      Map<String, Long> none = new HashMap<>();
      demand.lines().forEach(line -> none.put(line.name(), 0L));
      return new Settlement(this, none);
    }
  }

  /**
   * What became of a reservation.
   *
   * @param reservation the reservation
   * @param used how much of which limit was used; what is not named was used as reserved. In flight
   *     is over whatever this says
   */
  record Settlement(Reservation reservation, Map<String, Long> used) {
    /** Checks and copies. */
    public Settlement {
      Objects.requireNonNull(reservation, "reservation");
      used = Map.copyOf(used);
      for (Map.Entry<String, Long> entry : used.entrySet()) {
        if (entry.getValue() < 0) {
          throw new IllegalArgumentException("used must not be negative: " + entry);
        }
        if (!reservation.demand().names(entry.getKey())) {
          throw new IllegalArgumentException("the reservation has no limit " + entry.getKey());
        }
      }
    }
  }
}
