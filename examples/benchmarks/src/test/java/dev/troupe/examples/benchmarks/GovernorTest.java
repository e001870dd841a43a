package dev.troupe.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Processes that share a key which its provider bans at the first request over its limit. */
class GovernorTest {
  @Test
  void twoProcessesThatShareAKeyAreNeverBanned() throws Exception {
    // 78 % are to be had with a margin that a busy machine needs in so short a window
    share(2, 0.4, 100, 4_000, 7_000, 6, 1_000);
  }

  @Test
  @Tag("chaos")
  void fourProcessesAreNeverBannedAndUseNearlyAllThatIsAllowed() throws Exception {
    share(4, 0.9, 500, 10_000, 22_000, 15, 300);
  }

  private static void share(int processes, double least, long... numbers) throws Exception {
    int limit = (int) numbers[0];
    try (Servers redis = Servers.start("redis");
        GovernorPeer peer = new GovernorPeer(limit, numbers[1])) {
      long asked = GovernorReport.ask(processes, redis, peer, numbers);
      double allowed = (double) limit * numbers[2] / numbers[1];
      int came = peer.arrivals().size();
      System.out.printf(
          "%d processes: %d requests, %.1f %% of what is allowed; %d of %d in the fullest window%n",
          processes, came, came / allowed * 100, peer.fullest(), limit);
      assertThat(peer.over()).isZero();
      assertThat((long) came).isEqualTo(asked);
      assertThat(came / allowed).isBetween(least, 1.06);
    }
  }
}
