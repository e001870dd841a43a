package dev.troupe.resilience;

import dev.troupe.AgentException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes permits of a rate ahead in blocks and hands them out by itself, so that most decisions cost
 * no round trip. Demands for several limits or for what is in flight go on to the limiter behind.
 *
 * <p>No window of a rate's length sees more than its permits, as without leases. What is handed out
 * in a window was reserved in one that is longer by the life of a block; therefore every rate is
 * asked for with a window that is longer by the life. The price is that permits come back slower,
 * by the factor {@code window / (window + life)}, so the life should be short beside the window.
 * That holds when all who share a name lease with the same life; who asks for the name in another
 * way may bring a window beyond its permits, by a share of {@code life / window}. The life is
 * counted on this process's monotonic clock, from before the block was asked for: as far as the
 * limiter's clock runs differently meanwhile, or leaps, a window is as much longer.
 *
 * <p>A process that dies leaves unused what it had not handed out, which counts as used until time
 * has given it back: of each rate fewer permits than two blocks. The same happens when a block's
 * life is over before it is used up and nobody asks again; otherwise the next to ask gives the rest
 * back first. Others may be refused while permits lie unused in a block, and a refusal does not
 * know of them. A good block is what a process uses in a life or less.
 *
 * <p>When no whole block can be had, demands are asked for as they are. Safe for use by many
 * threads.
 */
public final class LeasedRateLimiter implements RateLimiter {
  private static final Logger LOG = LoggerFactory.getLogger(LeasedRateLimiter.class);

  /** When there are more leases than this, those that are over are forgotten. */
  private static final int MANY = 10_000;

  private final RateLimiter limiter;
  private final long block;
  private final Duration life;
  private final LongSupplier nanos;
  private final Map<Name, Lease> leases = new ConcurrentHashMap<>();

  private record Name(String group, String name, Limit.Rate rate) {}

  /**
   * Leases from a limiter.
   *
   * @param limiter that decides; closed with this
   * @param block how many permits to take ahead, at least 1; never more than a rate's burst, unless
   *     a demand is for more
   * @param life how long a block may be handed out, whole milliseconds, at least one; together with
   *     a rate's window at most 31 days
   */
  public LeasedRateLimiter(RateLimiter limiter, long block, Duration life) {
    this(limiter, block, life, System::nanoTime);
  }

  LeasedRateLimiter(RateLimiter limiter, long block, Duration life, LongSupplier nanos) {
    if (block < 1) {
      throw new IllegalArgumentException("a block has at least 1 permit, not " + block);
    }
    if (life.toMillis() < 1 || !life.equals(Duration.ofMillis(life.toMillis()))) {
      throw new IllegalArgumentException(
          "life must be whole milliseconds and at least one: " + life);
    }
    this.limiter = limiter;
    this.block = block;
    this.life = life;
    this.nanos = nanos;
  }

  @Override
  public List<Decision> reserve(List<Demand> demands) {
    demands.forEach(Demand::check);
    if (demands.size() == 1) {
      return List.of(reserve(demands.get(0)));
    }
    List<Decision> decisions = new ArrayList<>(demands.size());
    demands.forEach(demand -> decisions.add(reserve(demand)));
    return decisions;
  }

  /**
   * Decides on one demand.
   *
   * @param demand what is wanted
   * @return the decision
   * @throws AgentException as {@link RateLimiter#reserve(List)}
   */
  @Override
  public Decision reserve(Demand demand) {
    demand.check();
    Demand longer = longer(demand);
    Line line = longer.lines().get(0);
    if (longer.lines().size() > 1
        || line.permits() == 0
        || !(line.limit() instanceof Limit.Rate rate)) {
      return limiter.reserve(longer);
    }
    return lease(new Name(demand.group(), line.name(), rate)).reserve(longer);
  }

  private Lease lease(Name name) {
    Lease lease = leases.get(name);
    if (lease == null) {
      if (leases.size() >= MANY) {
        leases.values().removeIf(Lease::isOver);
      }
      lease =
          leases.computeIfAbsent(
              name,
              n -> new Lease(limiter, Math.min(block, n.rate.burst()), life.toNanos(), nanos));
    }
    return lease;
  }

  /** With windows that are longer by the life. */
  private Demand longer(Demand demand) {
    List<Line> lines = new ArrayList<>(demand.lines().size());
    for (Line line : demand.lines()) {
      Limit limit = line.limit();
      if (limit instanceof Limit.Rate rate) {
        limit = new Limit.Rate(rate.permits(), rate.window().plus(life), rate.burst());
      }
      lines.add(new Line(line.name(), limit, line.permits()));
    }
    return new Demand(demand.group(), lines);
  }

  /**
   * Says what was really used. What was used beyond a reservation is taken from the block first.
   *
   * @param settlements what became of reservations
   * @throws AgentException as {@link RateLimiter#settle(List)}
   */
  @Override
  public void settle(List<Settlement> settlements) {
    List<Settlement> rest = new ArrayList<>(settlements.size());
    for (Settlement settlement : settlements) {
      Demand demand = settlement.reservation().demand();
      Line line = demand.lines().get(0);
      if (demand.lines().size() > 1 || !(line.limit() instanceof Limit.Rate rate)) {
        rest.add(settlement);
        continue;
      }
      long used = settlement.used().getOrDefault(line.name(), line.permits());
      Lease lease = leases.get(new Name(demand.group(), line.name(), rate));
      if (used > line.permits() && lease != null) {
        used -= lease.takeUpTo(used - line.permits());
      }
      if (used != line.permits()) {
        rest.add(settlement.reservation().used(line.name(), used));
      }
    }
    if (!rest.isEmpty()) {
      limiter.settle(rest);
    }
  }

  /**
   * Gives back what was not handed out and closes the limiter. When the limiter does not answer,
   * the rest counts as used.
   */
  @Override
  public void close() {
    try {
      leases.values().forEach(Lease::giveBack);
    } catch (AgentException away) {
      LOG.debug("what was leased and not used was not given back: {}", away.getMessage());
    } finally {
      leases.clear();
      limiter.close();
    }
  }
}
