package dev.troupe.testkit;

import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter;
import dev.troupe.resilience.StoreRateLimiter;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Limiters that break one sentence each. */
enum BrokenLimiters {
  KEEPS_RATES_TO_ITSELF(
      1,
      store ->
          new Tampered(new StoreRateLimiter(store)) {
            final RateLimiter own = new StoreRateLimiter(new MemoryStateStore());

            @Override
            public Decision reserve(Demand demand) {
              boolean rates =
                  demand.lines().stream().allMatch(l -> l.limit() instanceof Limit.Rate);
              boolean alone =
                  demand.group().equals("a") && demand.lines().get(0).limit().most() == 40;
              return rates && alone ? own.reserve(demand) : super.reserve(demand);
            }
          }),
  LETS_ONE_IN_TWELVE_PASS(
      1,
      store ->
          new Tampered(new StoreRateLimiter(store)) {
            int refusals;

            @Override
            public Decision reserve(Demand demand) {
              Decision decision = super.reserve(demand);
              boolean rate = demand.lines().get(0).limit() instanceof Limit.Rate;
              return !decision.granted()
                      && rate
                      && demand.lines().size() == 1
                      && ++refusals % 12 == 0
                  ? new Decision.Granted(new Reservation("x", demand, Map.of()))
                  : decision;
            }
          }),
  NEVER_EXPIRES(
      2,
      store ->
          new Tampered(new StoreRateLimiter(store)) {
            @Override
            public Decision reserve(Demand demand) {
              return super.reserve(
                  with(
                      demand,
                      line ->
                          line.limit() instanceof Limit.InFlight flight
                              ? Limit.inFlight(flight.permits(), Duration.ofDays(30))
                              : line.limit()));
            }
          }),
  TAKES_A_PART(
      3,
      store ->
          new Tampered(new StoreRateLimiter(store)) {
            @Override
            public Decision reserve(Demand demand) {
              Decision decision = super.reserve(demand);
              if (!decision.granted() && demand.lines().size() > 1) {
                demand.lines().forEach(l -> super.reserve(new Demand(demand.group(), List.of(l))));
              }
              return decision;
            }
          }),
  SAYS_TOO_SOON(
      4,
      store ->
          new Tampered(new StoreRateLimiter(store)) {
            @Override
            public Decision reserve(Demand demand) {
              Decision decision = super.reserve(demand);
              return decision instanceof Decision.Refused refused
                      && demand.lines().get(0).limit() instanceof Limit.Rate
                  ? new Decision.Refused(
                      refused.name(),
                      refused.retryAfter().minus(refused.retryAfter().dividedBy(20)))
                  : decision;
            }
          }),
  GIVES_NOTHING_BACK(
      5,
      store ->
          new Tampered(new StoreRateLimiter(store)) {
            @Override
            public void settle(List<Settlement> settlements) {
              super.settle(settlements.stream().map(s -> s.reservation().used()).toList());
            }
          }),
  KEEPS_THE_FIRST_LIMIT(
      6,
      store ->
          new Tampered(new StoreRateLimiter(store)) {
            final Map<String, Limit> first = new HashMap<>();

            @Override
            public Decision reserve(Demand demand) {
              Demand asFirst =
                  with(
                      demand,
                      line ->
                          first.computeIfAbsent(
                              demand.group() + "/" + line.name(), n -> line.limit()));
              try {
                return super.reserve(asFirst);
              } catch (RuntimeException tooMuch) {
                if (demand.lines().get(0).permits() > demand.lines().get(0).limit().most()) {
                  throw tooMuch;
                }
                return new Decision.Refused(demand.lines().get(0).name(), Duration.ofDays(1));
              }
            }
          }),
  CUTS_WHAT_IS_TOO_MUCH(
      7,
      store ->
          new Tampered(new StoreRateLimiter(store)) {
            @Override
            public Decision reserve(Demand demand) {
              return super.reserve(
                  new Demand(
                      demand.group(),
                      demand.lines().stream()
                          .map(
                              l ->
                                  new Line(
                                      l.name(), l.limit(), Math.min(l.permits(), l.limit().most())))
                          .toList()));
            }
          });

  final int guarantee;
  final Function<StateStore, RateLimiter> broken;

  BrokenLimiters(int guarantee, Function<StateStore, RateLimiter> broken) {
    this.guarantee = guarantee;
    this.broken = broken;
  }

  /** A limiter whose ways of deciding go through one method. */
  private abstract static class Tampered implements RateLimiter {
    private final RateLimiter sound;

    Tampered(RateLimiter sound) {
      this.sound = sound;
    }

    @Override
    public Decision reserve(Demand demand) {
      return sound.reserve(demand);
    }

    @Override
    public List<Decision> reserve(List<Demand> demands) {
      return demands.stream().map(this::reserve).toList();
    }

    @Override
    public void settle(List<Settlement> settlements) {
      sound.settle(settlements);
    }

    static Demand with(Demand demand, Function<Line, Limit> limit) {
      return new Demand(
          demand.group(),
          demand.lines().stream()
              .map(l -> new Line(l.name(), limit.apply(l), l.permits()))
              .toList());
    }
  }
}
