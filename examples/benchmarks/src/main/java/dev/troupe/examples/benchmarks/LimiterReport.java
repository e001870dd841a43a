package dev.troupe.examples.benchmarks;

import dev.troupe.redis.RedisRateLimiter;
import dev.troupe.resilience.LeasedRateLimiter;
import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;

/** What a decision of the limiter on Redis costs, beside a script of a few lines. */
final class LimiterReport {
  private static final int ROUNDS = 7;

  /** Never refuses here, so that every decision writes. */
  private static final Limit LIMIT = Limit.rate(10_000_000, Duration.ofSeconds(10), 5_000_000);

  /** How many threads, how many decisions each in a round, and what has to be reached. */
  private record Load(int threads, int each, double aim) {}

  /** Decisions through a limiter. */
  private record Asking(RateLimiter limiter) implements Floor {
    @Override
    public Writer writer(long run) {
      return step -> {
        if (!limiter.tryAcquire("limit", LIMIT, 1).granted()) {
          throw new IllegalStateException("the limiter refused");
        }
      };
    }

    @Override
    public void close() {
      limiter.close();
    }
  }

  private LimiterReport() {}

  static void write(Path folder) throws Exception {
    Report report =
        new Report(
            "A decision of the limiter on Redis",
            "`mvn -ntp -DskipTests -pl examples/benchmarks -am package && java -jar examples/benchmarks/target/benchmarks.jar limiter-redis`\n\n"
                + "All threads take permits of one rate, one by one, and none is refused. Redis with AOF everysec. The floor is pooled Jedis with a connection for each thread, which sends a script of a few lines (`gcra.lua`) that keeps one rate under one key, one call a decision. Leased: blocks of 100 permits for a second, taken ahead.\n\n"
                + "Medians of "
                + ROUNDS
                + " rounds after two for warming up; floor and Troupe take turns within each round, each coming first in turn.");
    Load[] loads = {new Load(1, 10_000, 0.9), new Load(8, 4_000, 0.9), new Load(64, 1_000, 1.5)};
    try (Servers server = Servers.start("redis");
        RawLimiter raw = new RawLimiter(server.port());
        Asking ours = new Asking(RedisRateLimiter.connect(server.address()));
        Asking leased =
            new Asking(
                new LeasedRateLimiter(
                    RedisRateLimiter.connect(server.address()), 100, Duration.ofSeconds(1)))) {
      Map<Integer, double[][]> all = new TreeMap<>();
      for (int round = -2; round < ROUNDS; round++) {
        for (Load load : loads) {
          double[][] kept = all.computeIfAbsent(load.threads, n -> new double[3][ROUNDS]);
          Floor[] some = {raw, ours, leased};
          for (int turn = 0; turn < some.length; turn++) {
            int i = (turn + round + 3) % some.length; // nobody always comes first
            double figure = some[i].throughput(load.threads, load.each);
            if (round >= 0) {
              kept[i][round] = figure;
            }
          }
        }
      }
      report.head(
          "threads", "Troupe / floor", "aim", "decisions a second", "floor", "leased a second");
      for (Load load : loads) {
        double[][] kept = all.getOrDefault(load.threads, new double[3][ROUNDS]);
        double floor = Report.median(kept[0]);
        double troupe = Report.median(kept[1]);
        report.row(
            load.threads,
            Report.number(troupe / floor),
            "at least " + load.aim,
            Report.number(troupe),
            Report.number(floor),
            Report.number(Report.median(kept[2])));
      }
    }
    report.write(folder, "limiter-redis.md");
  }
}
