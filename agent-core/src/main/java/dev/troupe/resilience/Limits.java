package dev.troupe.resilience;

import static java.util.Comparator.comparingLong;

import dev.troupe.resilience.RateLimiter.Decision;
import dev.troupe.resilience.RateLimiter.Demand;
import dev.troupe.resilience.RateLimiter.Line;
import dev.troupe.resilience.RateLimiter.Reservation;
import dev.troupe.resilience.RateLimiter.Settlement;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How far the limits of one group are used up: what a demand or a settlement makes of it, and its
 * form in a store. Times are microseconds since 1970 on the limiter's clock. Not safe for several
 * threads.
 */
final class Limits {
  private static final int LONGEST_NAME = 200;

  /** For each rate, when all that was granted will have come back. */
  private final Map<String, Long> rates = new TreeMap<>();

  /** For each limit in flight, what each reservation has of it. */
  private final Map<String, Map<String, Flight>> flights = new TreeMap<>();

  private record Flight(long permits, long expires) {}

  Limits() {}

  static void check(String what, String name) {
    boolean good = !name.isEmpty() && name.length() <= LONGEST_NAME;
    for (int i = 0; good && i < name.length(); i++) {
      char c = name.charAt(i);
      good = c >= ' ' && c != 0x7f;
    }
    if (!good) {
      throw new IllegalArgumentException(
          what + " has 1 to 200 characters, none of them a control character: '" + name + "'");
    }
  }

  // deciding

  Decision reserve(Demand demand, String id, long now) {
    String worst = null;
    long longest = 0;
    for (Line line : demand.lines()) {
      long wait = wait(line, now);
      if (wait > longest) {
        longest = wait;
        worst = line.name();
      }
    }
    if (worst != null) {
      return new Decision.Refused(worst, Duration.ofNanos(longest * 1_000));
    }
    Map<String, Long> ends = new HashMap<>();
    for (Line line : demand.lines()) {
      if (line.limit() instanceof Limit.Rate rate) {
        long end = end(line.name(), now) + rate.micros(line.permits());
        if (line.permits() > 0) {
          rates.put(line.name(), end);
        }
        ends.put(line.name(), end);
      } else if (line.limit() instanceof Limit.InFlight limit && line.permits() > 0) {
        long expires = now + limit.expiry().toNanos() / 1_000;
        flights
            .computeIfAbsent(line.name(), name -> new TreeMap<>())
            .put(id, new Flight(line.permits(), expires));
      }
    }
    return new Decision.Granted(new Reservation(id, demand, ends));
  }

  private long end(String name, long now) {
    return Math.max(now, rates.getOrDefault(name, 0L));
  }

  /** How long until a line can be granted; 0 when it can be now. */
  private long wait(Line line, long now) {
    long wanted = Math.max(1, line.permits());
    if (line.limit() instanceof Limit.Rate rate) {
      long wait = end(line.name(), now) + rate.micros(wanted) - rate.tolerance() - now;
      return wait <= 0 ? 0 : (wait + 999) / 1_000 * 1_000;
    }
    long free = line.limit().most() - wanted;
    Map<String, Flight> here = flights.getOrDefault(line.name(), Map.of());
    here.values().removeIf(flight -> flight.expires <= now);
    long taken = 0;
    for (Flight flight : here.values()) {
      taken += flight.permits;
    }
    if (taken <= free) {
      return 0;
    }
    long wait = 0;
    for (Flight flight : here.values().stream().sorted(comparingLong(Flight::expires)).toList()) {
      taken -= flight.permits;
      wait = flight.expires - now;
      if (taken <= free) {
        return wait;
      }
    }
    return wait;
  }

  /**
   * What was granted at one time came into force later: counts it from then.
   *
   * @return by how much each rate is used up for longer
   */
  Map<String, Long> late(Demand demand, long granted, long inForce) {
    Map<String, Long> more = new HashMap<>();
    for (Line line : demand.lines()) {
      if (line.limit() instanceof Limit.Rate && line.permits() > 0) {
        long before = rates.getOrDefault(line.name(), 0L);
        more.put(line.name(), Math.max(inForce, before) - Math.max(granted, before));
      }
    }
    return more;
  }

  void use(Map<String, Long> micros) {
    micros.forEach((name, more) -> rates.merge(name, more, Long::sum));
  }

  void settle(Settlement settlement, long now) {
    Reservation reservation = settlement.reservation();
    for (Line line : reservation.demand().lines()) {
      if (line.limit() instanceof Limit.Rate rate) {
        long used = settlement.used().getOrDefault(line.name(), line.permits());
        if (used != line.permits()) {
          settle(line, rate, used, reservation.ends().getOrDefault(line.name(), 0L), now);
        }
      } else {
        Map<String, Flight> here = flights.get(line.name());
        if (here != null) {
          here.remove(reservation.id());
        }
      }
    }
  }

  private void settle(Line line, Limit.Rate rate, long used, long end, long now) {
    long more = rate.micros(used) - rate.micros(line.permits());
    if (more > 0) {
      rates.put(line.name(), end(line.name(), now) + more);
      return;
    }
    // time has given back what lies before now, and giving that back again would be too much
    long back = Math.min(-more, Math.max(0, end - now));
    rates.computeIfPresent(line.name(), (name, until) -> until - back);
  }

  /** When nothing of all this will matter any more. */
  long forgottenAt(long now) {
    long last = now;
    for (long end : rates.values()) {
      last = Math.max(last, end);
    }
    for (Map<String, Flight> some : flights.values()) {
      for (Flight flight : some.values()) {
        last = Math.max(last, flight.expires);
      }
    }
    return last;
  }

  /**
   * Forgets what does not matter any more.
   *
   * @return whether nothing is left
   */
  boolean forget(long now) {
    rates.values().removeIf(end -> end <= now);
    flights.values().forEach(some -> some.values().removeIf(flight -> flight.expires <= now));
    flights.values().removeIf(Map::isEmpty);
    return rates.isEmpty() && flights.isEmpty();
  }

  // in a store

  /**
   * A line for each: {@code r end name}, or {@code f expires permits reservation name}. What does
   * not matter any more is forgotten first.
   */
  byte[] encode(long now) {
    forget(now);
    StringBuilder text = new StringBuilder();
    rates.forEach(
        (name, end) -> text.append("r ").append(end).append(' ').append(name).append('\n'));
    flights.forEach(
        (name, some) ->
            some.forEach(
                (id, flight) -> {
                  text.append("f ").append(flight.expires).append(' ').append(flight.permits);
                  text.append(' ').append(id).append(' ').append(name).append('\n');
                }));
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  static Limits decode(byte @Nullable [] value) {
    Limits limits = new Limits();
    if (value == null) {
      return limits;
    }
    for (Iterator<String> lines = new String(value, StandardCharsets.UTF_8).lines().iterator();
        lines.hasNext(); ) {
      String line = lines.next();
      if (line.startsWith("r ")) {
        String[] words = line.split(" ", 3);
        limits.rates.put(words[2], Long.parseLong(words[1]));
      } else if (line.startsWith("f ")) {
        String[] words = line.split(" ", 5);
        limits
            .flights
            .computeIfAbsent(words[4], name -> new TreeMap<>())
            .put(words[3], new Flight(Long.parseLong(words[2]), Long.parseLong(words[1])));
      }
    }
    return limits;
  }
}
