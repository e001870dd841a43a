package dev.troupe.examples.benchmarks;

import dev.troupe.examples.party.Stores;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.state.StateStore;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;

/** What a journaled step costs on a shared store, beside a floor that writes the same rows. */
final class SharedStepReport {
  private static final int ROUNDS = 7;

  /** How many runs, how many steps each in a round, and what has to be reached. */
  private record Load(int runs, int stepsEach, double aim) {}

  private SharedStepReport() {}

  static void redis(Path folder) throws Exception {
    Report report =
        report(
            "redis",
            "Redis with AOF everysec. The floor is pooled Jedis with a connection for each thread, which sends the store's own script for a step, one call a step.");
    try (Servers server = Servers.start("redis");
        RawRedis raw = new RawRedis(server.port(), Steps.row())) {
      measure(
          report,
          server,
          raw,
          new Load(1, 8_000, 0.9),
          new Load(8, 3_000, 1.5),
          new Load(64, 1_000, 2.0));
    }
    report.write(folder, "steps-redis.md");
  }

  static void postgres(Path folder) throws Exception {
    Report report =
        report(
            "postgres",
            "PostgreSQL 14 as it comes, `fsync` on. The floor is one auto-committed insert a step of the same row, with a connection for each thread.");
    try (Servers server = Servers.start("postgres");
        RawPostgres raw = new RawPostgres(server.address(), Steps.row())) {
      measure(report, server, raw, new Load(1, 3_000, 0.7), new Load(16, 1_500, 1.0));
    }
    report.write(folder, "steps-postgres.md");
  }

  private static Report report(String kind, String floor) {
    return new Report(
        "A journaled step on " + (kind.equals("redis") ? "Redis" : "PostgreSQL"),
        "`mvn -ntp -DskipTests -pl examples/benchmarks -am package && java -jar examples/benchmarks/target/benchmarks.jar steps-"
            + kind
            + "`\n\n"
            + floor
            + "\n\nMedians of "
            + ROUNDS
            + " rounds after two for warming up; floor and Troupe take turns within each round. Troupe's figure is that of whole runs, from submission to result.");
  }

  private static void measure(Report report, Servers server, Floor raw, Load... loads)
      throws Exception {
    AtomicLong flushes = new AtomicLong();
    Map<Integer, double[]> floors = new TreeMap<>();
    Map<Integer, double[]> ours = new TreeMap<>();
    Map<Integer, double[]> flushed = new TreeMap<>();
    try (StateStore store = Stores.open(server.address());
        AgentRuntime runtime = Steps.runtime(counting(store, flushes), 64, null)) {
      for (int round = -2; round < ROUNDS; round++) {
        for (Load load : loads) {
          double floor = raw.throughput(load.runs, load.stepsEach);
          flushes.set(0);
          double troupe = Steps.throughput(runtime, load.runs, load.stepsEach);
          double each = (double) flushes.get() / (load.runs * load.stepsEach);
          if (round >= 0) {
            floors.computeIfAbsent(load.runs, n -> new double[ROUNDS])[round] = floor;
            ours.computeIfAbsent(load.runs, n -> new double[ROUNDS])[round] = troupe;
            flushed.computeIfAbsent(load.runs, n -> new double[ROUNDS])[round] = each;
          }
        }
      }
    }
    report.head("runs", "Troupe / floor", "aim", "steps a second", "floor", "flushes a step");
    for (Load load : loads) {
      double floor = median(floors, load);
      double troupe = median(ours, load);
      report.row(
          load.runs,
          Report.number(troupe / floor),
          "at least " + load.aim,
          Report.number(troupe),
          Report.number(floor),
          Report.number(median(flushed, load)));
    }
  }

  private static double median(Map<Integer, double[]> values, Load load) {
    double[] all = values.get(load.runs);
    return all == null ? Double.NaN : Report.median(all);
  }

  /** The store, with its calls that write counted. */
  private static StateStore counting(StateStore store, AtomicLong flushes) {
    return (StateStore)
        Proxy.newProxyInstance(
            StateStore.class.getClassLoader(),
            new Class<?>[] {StateStore.class},
            (proxy, method, args) -> {
              if (method.getName().equals("apply")) {
                flushes.incrementAndGet();
              }
              try {
                return method.invoke(store, args);
              } catch (InvocationTargetException e) {
                throw e.getTargetException();
              }
            });
  }
}
