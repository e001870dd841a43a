package dev.troupe.examples.benchmarks;

import java.nio.file.Files;
import java.nio.file.Path;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * Runs a benchmark by name: {@code steps}, {@code steps-redis}, {@code steps-postgres}, {@code
 * limiter-redis}, {@code breaker}, {@code events-redis}, {@code events-kafka}, {@code
 * fail-over-redis}, {@code parked}, {@code take-over}, {@code planner}, {@code llm}, {@code jmh},
 * {@code governor}, {@code soak-redis}, {@code soak-postgres}, {@code chaos-events-redis} or {@code
 * chaos-events-kafka}, the last five with their length in seconds as the second argument and the
 * folder as the third. Reports go to {@code docs/benchmarks} of the project, or to the folder given
 * as the second argument.
 */
public final class Benchmarks {
  private Benchmarks() {}

  /**
   * The program.
   *
   * @param args the benchmark, and where its report goes
   * @throws Exception when it fails
   */
  public static void main(String[] args) throws Exception {
    String which = args.length > 0 ? args[0] : "";
    Path folder =
        args.length > 1 && !which.matches("(soak|chaos|governor).*") ? Path.of(args[1]) : reports();
    switch (which) {
      case "steps" -> StepReport.write(folder);
      case "steps-redis" -> SharedStepReport.redis(folder);
      case "steps-postgres" -> SharedStepReport.postgres(folder);
      case "limiter-redis" -> LimiterReport.write(folder);
      case "parked" -> ParkedReport.write(folder);
      case "take-over" -> TakeOverReport.write(folder);
      case "planner" -> PlannerReport.write(folder);
      case "llm" -> LlmReport.write(folder);
      case "breaker" -> BreakerReport.write(folder);
      case "events" -> MemoryEventsReport.write(folder);
      case "events-redis" -> EventsReport.write(folder);
      case "events-kafka" -> KafkaEventsReport.write(folder);
      case "fail-over-redis" -> FailOverReport.write(folder);
      case "governor" ->
          GovernorReport.write(
              args.length > 1 ? Integer.parseInt(args[1]) : 120,
              args.length > 2 ? Path.of(args[2]) : reports());
      case "soak-redis", "soak-postgres" ->
          Soak.write(
              which.substring("soak-".length()),
              args.length > 1 ? Integer.parseInt(args[1]) : 300,
              args.length > 2 ? Path.of(args[2]) : reports());
      case "chaos-events-redis", "chaos-events-kafka" ->
          ChaosReport.write(
              which.substring("chaos-events-".length()),
              args.length > 1 ? Integer.parseInt(args[1]) : 300,
              args.length > 2 ? Path.of(args[2]) : reports());
      case "jmh" ->
          new Runner(
                  new OptionsBuilder()
                      .include(MemoryStepBenchmark.class.getSimpleName())
                      .addProfiler(GCProfiler.class)
                      .build())
              .run();
      default -> {
        System.err.println(
            "which benchmark? steps, steps-redis, steps-postgres, limiter-redis, parked, take-over,"
                + " planner, llm, breaker, events, events-redis, events-kafka, fail-over-redis,"
                + " governor, jmh, soak-redis, soak-postgres, chaos-events-redis or"
                + " chaos-events-kafka; a second argument names the folder for the report");
        System.exit(2);
      }
    }
  }

  private static Path reports() {
    Path folder = Path.of("").toAbsolutePath();
    while (folder != null && !Files.isDirectory(folder.resolve(".mvn"))) {
      folder = folder.getParent();
    }
    return (folder == null ? Path.of("") : folder).resolve("docs/benchmarks");
  }
}
