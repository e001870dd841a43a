package dev.troupe.redis;

import static dev.troupe.redis.RedisNames.ascii;

import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter.Decision;
import dev.troupe.resilience.RateLimiter.Demand;
import dev.troupe.resilience.RateLimiter.Line;
import dev.troupe.resilience.RateLimiter.Reservation;
import dev.troupe.resilience.RateLimiter.Settlement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What is to be done with the limits of one group by one script, and what the script has answered.
 * Not safe for several threads.
 */
final class RedisGroup {
  /** How long a text the end of a rate is. */
  private static final int END_DIGITS = 19;

  private static final byte[] MORE = {'U'};
  private static final byte[] LESS = {'B'};
  private static final byte[] LANDED = {'F'};
  private static final byte[] DEMAND = {'D'};

  private final byte[] key;
  private final String id;
  private final Map<String, Integer> rates = new LinkedHashMap<>(4);
  private final Map<String, Integer> flights = new LinkedHashMap<>(4);
  private final Map<Line, Integer> lines = new LinkedHashMap<>(4);
  private final List<Work> works = new ArrayList<>();
  private int weight;

  private sealed interface Work {}

  /** What is done with a limit outside of demands. */
  private record Told(byte[] letter, Map<String, Integer> kind, String name, List<byte[]> more)
      implements Work {}

  /** Equal demands one after another, and who wants to know. */
  private record Asked(Demand demand, List<Consumer<Decision>> by) implements Work {}

  /**
   * Nothing so far.
   *
   * @param key of the group
   * @param id from which those of its reservations are made
   */
  RedisGroup(byte[] key, String id) {
    this.key = key;
    this.id = id;
  }

  /** How many lines of demands and settlements. */
  int weight() {
    return weight;
  }

  void settle(Settlement settlement) {
    Reservation reservation = settlement.reservation();
    for (Line line : reservation.demand().lines()) {
      String name = line.name();
      weight++;
      if (line.limit() instanceof Limit.Rate rate) {
        long used = settlement.used().getOrDefault(name, line.permits());
        long more = RedisCost.nanos(rate, used) - RedisCost.nanos(rate, line.permits());
        if (more > 0) {
          tell(MORE, rates, name, number(more / 1_000), number(more % 1_000));
        } else if (more < 0) {
          byte[] end = number(reservation.ends().getOrDefault(name, 0L));
          tell(LESS, rates, name, number(-more / 1_000), number(-more % 1_000), end);
        }
      } else if (line.permits() > 0) {
        byte[] whose = RedisNames.encode(reservation.id());
        tell(LANDED, flights, name, whose, number(line.permits()));
      }
    }
  }

  private void tell(byte[] letter, Map<String, Integer> kind, String name, byte[]... more) {
    works.add(new Told(letter, kind, name, List.of(more)));
  }

  void reserve(Demand demand, Consumer<Decision> by) {
    weight += demand.lines().size();
    if (!works.isEmpty()
        && works.get(works.size() - 1) instanceof Asked before
        && before.demand.lines().equals(demand.lines())) {
      before.by.add(by);
      return;
    }
    List<Consumer<Decision>> all = new ArrayList<>();
    all.add(by);
    works.add(new Asked(demand, all));
  }

  private Map<String, Integer> kind(Line line) {
    return line.limit() instanceof Limit.Rate ? rates : flights;
  }

  private static void add(Map<String, Integer> kind, String name) {
    kind.putIfAbsent(name, kind.size() + 1);
  }

  /** Whether there is anything to ask. */
  boolean isEmpty() {
    return works.isEmpty();
  }

  /** The only demand, when it is for one rate. */
  private @Nullable Asked only() {
    return works.size() == 1
            && works.get(0) instanceof Asked asked
            && asked.demand.lines().size() == 1
            && asked.demand.lines().get(0).limit() instanceof Limit.Rate
        ? asked
        : null;
  }

  RedisLink.Call call(long offset) {
    Asked only = only();
    if (only != null) {
      Line line = only.demand.lines().get(0);
      Limit.Rate rate = (Limit.Rate) line.limit();
      List<byte[]> words = new ArrayList<>(5);
      words.add(RedisNames.with("r", RedisNames.encode(line.name())));
      words.add(number(only.by.size()));
      words.add(number(RedisCost.room(rate, line.permits())));
      words.add(number(RedisCost.nanos(rate, line.permits())));
      if (offset != 0) {
        words.add(number(offset));
      }
      return new RedisLink.Call(RedisScript.RATE, List.of(key), words);
    }
    works.forEach(this::number);
    List<byte[]> keys = new ArrayList<>(1 + flights.size());
    keys.add(key);
    List<byte[]> words = new ArrayList<>(16);
    words.add(number(offset));
    words.add(ascii(id));
    words.add(number(rates.size()));
    rates.keySet().forEach(name -> words.add(RedisNames.with("r", RedisNames.encode(name))));
    for (String name : flights.keySet()) {
      byte[] encoded = RedisNames.encode(name);
      words.add(RedisNames.with("f", encoded));
      keys.add(RedisKeys.join(key, new byte[] {RedisKeys.SEPARATOR}, encoded));
    }
    words.add(number(lines.size()));
    lines.keySet().forEach(line -> describe(line, words));
    for (Work work : works) {
      if (work instanceof Told told) {
        words.add(told.letter);
        words.add(place(told.kind, told.name));
        words.addAll(told.more);
      } else if (work instanceof Asked asked) {
        List<Line> some = asked.demand.lines();
        words.addAll(Arrays.asList(DEMAND, number(asked.by.size()), number(some.size())));
        some.forEach(line -> words.add(number(lines.getOrDefault(line, 0))));
      }
    }
    return new RedisLink.Call(RedisScript.LIMIT, keys, words);
  }

  /** Gives numbers to all fields and lines. */
  private void number(Work work) {
    if (work instanceof Told told) {
      add(told.kind, told.name);
    } else if (work instanceof Asked asked) {
      for (Line line : asked.demand.lines()) {
        add(kind(line), line.name());
        lines.putIfAbsent(line, lines.size() + 1);
      }
    }
  }

  private byte[] place(Map<String, Integer> kind, String name) {
    int place = kind.getOrDefault(name, 0);
    return number(kind == rates ? place : rates.size() + place);
  }

  private void describe(Line line, List<byte[]> words) {
    if (line.limit() instanceof Limit.Rate rate) {
      long room = RedisCost.room(rate, line.permits());
      long cost = RedisCost.nanos(rate, line.permits());
      words.add(place(rates, line.name()));
      words.add(number(room / 1_000));
      words.add(number(room % 1_000));
      words.add(number(cost / 1_000));
      words.add(number(cost % 1_000));
    } else if (line.limit() instanceof Limit.InFlight flight) {
      words.add(place(flights, line.name()));
      words.add(number(flight.permits() - Math.max(1, line.permits())));
      words.add(number(line.permits()));
      words.add(number(flight.expiry().toNanos() / 1_000));
      words.add(number(0));
    }
  }

  private static byte[] number(long number) {
    return ascii(Long.toString(number));
  }

  /** Tells everybody. */
  void answered(byte[] reply) {
    RedisNumbers numbers = new RedisNumbers(reply);
    int made = 0;
    Asked only = only();
    if (only != null) {
      long nanos = numbers.next();
      boolean all = reply.length <= END_DIGITS;
      long granted = all ? only.by.size() : numbers.next();
      Duration wait = all ? Duration.ZERO : Duration.ofNanos(numbers.next() * 1_000);
      Line line = only.demand.lines().get(0);
      long cost = RedisCost.nanos((Limit.Rate) line.limit(), line.permits());
      nanos -= granted * cost;
      for (Consumer<Decision> by : only.by) {
        made++;
        nanos += cost;
        by.accept(
            made <= granted
                ? granted(only.demand, made, Map.of(line.name(), nanos / 1_000))
                : new Decision.Refused(line.name(), wait));
      }
      return;
    }
    for (Work work : works) {
      if (work instanceof Asked asked) {
        for (Consumer<Decision> by : asked.by) {
          made++;
          by.accept(decision(asked.demand, numbers, made));
        }
      }
    }
  }

  private Decision decision(Demand demand, RedisNumbers numbers, int made) {
    if (numbers.next() == 0) {
      Line worst = demand.lines().get((int) numbers.next());
      return new Decision.Refused(worst.name(), Duration.ofNanos(numbers.next() * 1_000));
    }
    Map<String, Long> ends = new HashMap<>();
    for (Line line : demand.lines()) {
      if (line.limit() instanceof Limit.Rate) {
        ends.put(line.name(), numbers.next());
      }
    }
    return granted(demand, made, ends);
  }

  private Decision granted(Demand demand, int made, Map<String, Long> ends) {
    return new Decision.Granted(new Reservation(id + "." + made, demand, ends));
  }
}
