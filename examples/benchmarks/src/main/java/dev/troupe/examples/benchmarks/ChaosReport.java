package dev.troupe.examples.benchmarks;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The report about a chaos of events. */
final class ChaosReport {
  private ChaosReport() {}

  /** Runs it and writes the report; ends the program with an error when something was wrong. */
  static void write(String kind, int seconds, Path reports) throws Exception {
    System.setProperty("logback.configurationFile", ChaosRules.LOGGING);
    ChaosEvents.Result result = ChaosEvents.run(kind, seconds);
    Report report =
        new Report(
            "A chaos of events over " + (kind.equals("redis") ? "Redis Streams" : "Kafka"),
            ("`mvn -ntp -DskipTests -pl examples/benchmarks -am package && java -jar examples/benchmarks/target/benchmarks.jar chaos-events-%s %d`%n%n"
                    + "Over %s: two publishers write numbered events with %d keys, and %d processes handle them in two groups, one ordered and one shared, each by %d threads. Every 0.7 to 3.2 s something happens: a process is killed with `kill -9`, leaves in order and another joins, is stopped with SIGSTOP for up to twice its lease of %d s, or its connections%s are cut, once or for seconds; or a server is killed or stopped. The last %d s of each minute are without faults. One event in 1,000 always fails, one in 250 fails twice, the second time into the store; one in 800 takes %d ms%s; bytes that are no event come every 1.5 s.")
                .formatted(
                    kind,
                    seconds,
                    result.about(),
                    ChaosRules.KEYS,
                    ChaosEvents.WORKERS,
                    ChaosRules.THREADS,
                    ChaosRules.LEASE.toSeconds(),
                    kind.equals("kafka") ? " to the store (those to Kafka only with a node)" : "",
                    ChaosEvents.CALM_SECONDS,
                    ChaosRules.SLOW.toMillis(),
                    kind.equals("kafka")
                        ? ", longer than `max.poll.interval.ms` of "
                            + ChaosRules.POLL_INTERVAL.toMillis()
                        : ", longer than the lease"));
    report.head("measure", "value", "has to be");
    List<String> faults = new ArrayList<>();
    result
        .checker()
        .faults()
        .kinds()
        .forEach((what, count) -> faults.add(count + " " + what.replace('-', ' ')));
    report.row("faults", String.join(", ", faults), "");
    report.row(
        "times a process stood still for half a second", result.checker().faults().stills(), "");
    result.checker().figures().forEach((what, count) -> report.row(what, count, ""));
    report.row(
        "from the last event to the last end, at the end",
        Report.number(result.drained().toMillis() / 1000.0) + " s",
        "at most " + ChaosEvents.DRAIN.toSeconds() + " s");
    report.row("the servers hold at the end", result.left(), "");
    for (ChaosLine line : result.lines()) {
      if (line.kind().equals(ChaosLine.LEFT) && line.process().startsWith("worker-0.")) {
        report.row(
            "the process that lived all the time holds at the end",
            "%s MB, %s threads".formatted(line.words().get(0), line.words().get(1)),
            "");
      }
    }
    report.row(
        "lost, out of order, handled again without a cause, or otherwise wrong",
        result.violations().size(),
        0);
    report.write(reports, "chaos-events-" + kind + ".md");
    if (!result.violations().isEmpty()) {
      result.violations().forEach(System.out::println);
      System.out.println("the histories are kept in " + result.folder());
      System.exit(1);
    }
  }
}
