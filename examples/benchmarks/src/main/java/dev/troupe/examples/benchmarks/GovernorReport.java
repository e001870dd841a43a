package dev.troupe.examples.benchmarks;

import dev.troupe.testkit.ChildProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

/** Processes that share a key of a provider who bans it at the first request over its limit. */
final class GovernorReport {
  private static final int PROCESSES = 4;
  private static final int[] LIMITS = {600, 6_000};
  private static final long MINUTE_MILLIS = 60_000;

  private GovernorReport() {}

  static void write(int seconds, Path folder) throws Exception {
    Report report =
        new Report(
            "A key that four processes share",
            "`mvn -ntp -DskipTests -pl examples/benchmarks -am package && java -jar"
                + " examples/benchmarks/target/benchmarks.jar governor`\n\n"
                + "A stub counts the requests that arrive in every sliding window of a minute and"
                + " bans the key for good at the first one over the limit. Four processes with"
                + " eight threads each ask it for "
                + seconds
                + " seconds as often as their quotas over one Redis let them, with the usual burst"
                + " and margin. The limit is the quota; what is allowed is the limit times the"
                + " length, beginning with an empty window.");
    report.head(
        "requests a minute",
        "requests / allowed",
        "aim",
        "bans",
        "aim",
        "requests",
        "fullest window",
        "most in 10 ms");
    for (int limit : LIMITS) {
      try (Servers redis = Servers.start("redis");
          GovernorPeer peer = new GovernorPeer(limit, MINUTE_MILLIS)) {
        ask(PROCESSES, redis, peer, limit, MINUTE_MILLIS, seconds * 1_000L);
        List<Long> arrivals = peer.arrivals();
        double allowed = limit * (seconds * 1e3 / MINUTE_MILLIS);
        report.row(
            limit,
            "%.3f".formatted(arrivals.size() / allowed),
            "at least 0.95",
            peer.over(),
            0,
            arrivals.size(),
            peer.fullest() + " of " + limit,
            most(arrivals, 10_000_000));
      }
    }
    report.write(folder, "governor.md");
  }

  /**
   * Lets processes ask a provider as often as their quotas over one Redis let them.
   *
   * @param numbers requests, in how many milliseconds, for how many milliseconds to ask; and where
   *     they are not the usual ones, the burst and the margin in milliseconds
   * @return how many requests they made
   */
  static long ask(int processes, Servers redis, GovernorPeer peer, long... numbers) {
    List<ChildProcess> fleet = new ArrayList<>();
    List<Object> args = new ArrayList<>(List.of(redis.address(), peer.port()));
    LongStream.of(numbers).forEach(args::add);
    Duration end = Duration.ofMillis(numbers[2]).plusSeconds(60);
    try {
      for (int i = 0; i < processes; i++) {
        fleet.add(
            ChildProcess.of(GovernorWorker.class)
                .name("governed-" + i)
                .jvm("-Xmx64m", "-XX:+UseSerialGC")
                .args(args.toArray())
                .start());
      }
      fleet.forEach(one -> one.awaitLine("ready", Duration.ofSeconds(60)));
      fleet.forEach(one -> one.send("go"));
      // who says more was without Redis, and took a share by itself
      return fleet.stream()
          .mapToLong(one -> Long.parseLong(one.awaitLine("asked \\d+.*", end).substring(6)))
          .sum();
    } finally {
      fleet.forEach(ChildProcess::close);
    }
  }

  private static int most(List<Long> times, long window) {
    int most = 0;
    int from = 0;
    for (int i = 0; i < times.size(); i++) {
      while (times.get(i) - times.get(from) >= window) {
        from++;
      }
      most = Math.max(most, i - from + 1);
    }
    return most;
  }
}
