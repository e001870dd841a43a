package dev.troupe.llm;

import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter.Demand;
import dev.troupe.resilience.RateLimiter.Line;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Which limits hold for calls of one tenant to one model of one account, and their names. */
final class QuotaPlan {
  /** A pause is a permit in flight that nobody settles; who asks with 0 permits waits for it. */
  private static final Limit NO_PAUSE = Limit.inFlight(1, Duration.ofSeconds(1));

  private static final Duration LONGEST = Duration.ofDays(31);

  private final String group;
  private final List<Entry> entries;
  private final Map<String, Entry> byName;
  private final Quota told;
  private final String pause;

  /** One limit: its name at the limiter, what holds for all processes, and what for one alone. */
  record Entry(String name, QuotaKind kind, String words, Limit limit, Limit alone) {
    /** How long a permit takes to come back, in nanoseconds; 0 when time does not give it back. */
    double nanosEach() {
      return limit instanceof Limit.Rate rate
          ? (double) rate.window().toNanos() / (rate.permits() - rate.burst() + 1)
          : 0;
    }
  }

  /** What one call wants: lines as they are asked for, and what it takes beyond the bursts. */
  record Want(QuotaPlan plan, long inputTokens, long outputTokens, Asked shared) {
    /** What is asked for while this process is alone, which is rarely. */
    Asked alone() {
      return plan.asked(inputTokens, outputTokens, false);
    }

    Set<String> names() {
      return plan.byName.keySet();
    }

    long permits(String name) {
      for (Line line : shared.demand.lines()) {
        if (line.name().equals(name)) {
          return line.permits();
        }
      }
      return 0;
    }
  }

  /** A demand, and what is taken in advance once it is granted. */
  record Asked(Demand demand, Map<String, Long> beyond) {}

  private QuotaPlan(String group, List<Entry> entries, Quota told, String pause) {
    this.group = group;
    this.entries = List.copyOf(entries);
    this.byName = entries.stream().collect(Collectors.toUnmodifiableMap(Entry::name, e -> e));
    this.told = told;
    this.pause = pause;
  }

  /** Adds one quota after another. Not safe for several threads. */
  static final class Builder {
    private final String group;
    private final double share;
    private final List<Entry> entries = new ArrayList<>();
    private Quota told = Quota.builder().build();
    private String pause = "";

    /**
     * Nothing so far.
     *
     * @param group whose limits are decided on together
     * @param share of each limit when this process is alone
     */
    Builder(String group, double share) {
      this.group = group;
      this.share = share;
    }

    /** Adds a quota; its lines begin with the scope, and people are told the words. */
    Builder add(Quota quota, String scope, String words) {
      for (Quota.Rate rate : quota.rates()) {
        String name = scope + key(rate.kind()) + "@" + rate.window().toMillis();
        entries.add(
            new Entry(name, rate.kind(), words, rate.limit(), QuotaPlan.alone(rate, share)));
      }
      Limit.InFlight flight = quota.inFlight();
      if (flight != null) {
        long some = Math.max(1, (long) (flight.permits() * share));
        Limit alone = Limit.inFlight(some, flight.expiry());
        entries.add(
            new Entry(scope + key(QuotaKind.IN_FLIGHT), QuotaKind.IN_FLIGHT, words, flight, alone));
      }
      return this;
    }

    /** Adds a quota that the provider counts too, so that its answers correct it. */
    Builder told(Quota quota, String scope, String words) {
      add(quota, scope, words);
      told = quota;
      pause = scope + key(QuotaKind.PAUSE);
      entries.add(new Entry(pause, QuotaKind.PAUSE, words, NO_PAUSE, NO_PAUSE));
      return this;
    }

    QuotaPlan build() {
      return new QuotaPlan(group, entries, told, pause);
    }

    private static String key(QuotaKind kind) {
      return switch (kind) {
        case REQUESTS -> "requests";
        case INPUT -> "input";
        case OUTPUT -> "output";
        case TOKENS -> "tokens";
        case IN_FLIGHT -> "flight";
        case PAUSE -> "pause";
      };
    }
  }

  /** The share of a rate; of a rate with less than one permit left, one in a longer window. */
  private static Limit alone(Quota.Rate rate, double share) {
    Limit.Rate limit = rate.limit();
    double permits = limit.permits() * share;
    if (permits >= 1) {
      long burst = Math.max(1, (long) (limit.burst() * share));
      return Limit.rate((long) permits, limit.window(), Math.min(burst, (long) permits));
    }
    double millis = Math.ceil(limit.window().toMillis() / permits);
    return Limit.rate(
        1, Duration.ofMillis((long) Math.min((double) LONGEST.toMillis(), millis)), 1);
  }

  String group() {
    return group;
  }

  boolean isEmpty() {
    return entries.isEmpty();
  }

  Entry entry(String name) {
    Entry entry = byName.get(name);
    if (entry == null) {
      throw new IllegalStateException("the limiter refused by '" + name + "', which nobody asked");
    }
    return entry;
  }

  List<Entry> entries() {
    return entries;
  }

  /** The narrowest quota that the provider counts too; without limits when there is none. */
  Quota told() {
    return told;
  }

  /** The name of the pause that a provider's word brings about; empty text when nobody listens. */
  String pause() {
    return pause;
  }

  /**
   * What makes others wait for so long. Several lie beside each other, and the last to end counts.
   */
  Demand pauseFor(Duration length) {
    long millis = Math.max(1, length.plusNanos(999_999).toMillis());
    return Demand.of(group, pause, Limit.inFlight(1_000, Duration.ofMillis(millis)), 1);
  }

  Want want(long inputTokens, long outputTokens) {
    return new Want(this, inputTokens, outputTokens, asked(inputTokens, outputTokens, true));
  }

  private Asked asked(long inputTokens, long outputTokens, boolean shared) {
    List<Line> lines = new ArrayList<>(entries.size());
    Map<String, Long> beyond = Map.of();
    for (Entry entry : entries) {
      Limit limit = shared ? entry.limit : entry.alone;
      long wanted = entry.kind.of(inputTokens, outputTokens);
      long permits = wanted;
      if (limit instanceof Limit.Rate rate && wanted > rate.burst()) {
        permits = rate.burst();
        if (beyond.isEmpty()) {
          beyond = new HashMap<>();
        }
        // no window can ever hold more than all of it, so nobody waits for more to come back
        beyond.put(entry.name, Math.max(0, Math.min(wanted, rate.permits()) - permits));
      }
      lines.add(new Line(entry.name, limit, permits));
    }
    return new Asked(new Demand(group, lines), beyond);
  }
}
