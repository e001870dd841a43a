package dev.troupe.examples.benchmarks;

import dev.troupe.jdbc.SqliteStateStore;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.state.MemoryStateStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.stream.Stream;

/** What a journaled step costs on each store, beside a floor that writes the same rows. */
final class StepReport {
  private static final int ROUNDS = 7;
  private static final int MEMORY_STEPS = 5_000;
  private static final int LONE_STEPS = 5_000;
  private static final int MANY_RUNS = 64;
  private static final int MANY_STEPS = 1_000;

  private StepReport() {}

  static void write(Path folder) throws Exception {
    Report report =
        new Report(
            "A journaled step",
            "`mvn -ntp -DskipTests -pl examples/benchmarks -am package && java -jar examples/benchmarks/target/benchmarks.jar steps`\n\n"
                + "Medians of "
                + ROUNDS
                + " rounds after two for warming up; floor and Troupe take turns within each round.");
    memory(report);
    sqlite(report);
    report.write(folder, "steps.md");
  }

  private static void memory(Report report) throws InterruptedException {
    report.line("## Memory store, one run");
    report.line("");
    report.head("result of the step", "time", "aim", "allocated", "aim");
    try (AgentRuntime runtime = Steps.runtime(new MemoryStateStore(), 4, Duration.ZERO)) {
      memory(report, runtime, "a text of 22 characters", true);
      memory(report, runtime, "a record of 3 fields, 59 bytes of JSON", false);
    }
    report.line("");
    report.line(
        "Jackson alone allocates about 1,490 bytes to write and read that record, 620 of them for a parser; plain text takes a short cut.");
    report.line("");
  }

  private static void memory(Report report, AgentRuntime runtime, String what, boolean text)
      throws InterruptedException {
    double[] nanos = new double[ROUNDS];
    double[] bytes = new double[ROUNDS];
    Steps.Work work = new Steps.Work(MEMORY_STEPS, text);
    for (int round = -2; round < ROUNDS; round++) {
      // several runs a round, so that the compiler has seen enough
      for (int i = 0; i < 20; i++) {
        Steps.Cost cost = runtime.submit("steps", work, Steps.Cost.class).await();
        if (round >= 0) {
          nanos[round] = (double) cost.nanos() / MEMORY_STEPS;
          bytes[round] = (double) cost.bytes() / MEMORY_STEPS;
        }
      }
    }
    report.row(
        what,
        ns(Report.median(nanos)),
        "at most 3 µs",
        Report.number(Report.median(bytes)) + " bytes",
        "at most 2,048 bytes");
  }

  private static String ns(double nanos) {
    return Report.number(nanos / 1_000) + " µs";
  }

  private static void sqlite(Report report) throws Exception {
    double[] rawOne = new double[ROUNDS];
    double[] one = new double[ROUNDS];
    double[] rawMany = new double[ROUNDS];
    double[] many = new double[ROUNDS];
    byte[] row = Steps.row();
    Path folder = Files.createTempDirectory("troupe-bench");
    try (RawSqlite raw = new RawSqlite(folder.resolve("raw.db"), row);
        SqliteStateStore store = SqliteStateStore.open(folder.resolve("troupe.db"));
        AgentRuntime runtime = Steps.runtime(store, MANY_RUNS, Duration.ZERO)) {
      for (int round = -2; round < ROUNDS; round++) {
        double a = raw.oneByOne(LONE_STEPS);
        double b = Steps.throughput(runtime, 1, LONE_STEPS);
        double c = raw.throughOneWriter(MANY_RUNS, MANY_STEPS);
        double d = Steps.throughput(runtime, MANY_RUNS, MANY_STEPS);
        if (round >= 0) {
          rawOne[round] = a;
          one[round] = b;
          rawMany[round] = c;
          many[round] = d;
        }
      }
    } finally {
      delete(folder);
    }
    double floor = Report.median(rawOne);
    report.line("## SQLite, `synchronous=FULL`");
    report.line("");
    report.line(
        "The floor writes the same rows with one prepared statement: one commit a row, or fed by 64 threads through one thread that commits what has come.");
    report.line("");
    report.head("runs", "Troupe / raw one by one", "aim", "steps a second", "raw a second");
    report.row(
        1,
        Report.number(Report.median(one) / floor),
        "at least 0.8",
        Report.number(Report.median(one)),
        Report.number(floor));
    report.row(
        MANY_RUNS,
        Report.number(Report.median(many) / floor),
        "at least 5",
        Report.number(Report.median(many)),
        Report.number(Report.median(rawMany)) + " with 64 threads and one writer");
    report.line("");
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
