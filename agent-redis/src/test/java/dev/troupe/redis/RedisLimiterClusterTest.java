package dev.troupe.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter.Decision;
import dev.troupe.resilience.RateLimiter.Demand;
import dev.troupe.resilience.RateLimiter.Line;
import dev.troupe.testkit.RedisServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClusterClient;

/**
 * The limiter keeps its contract over a server in cluster mode, which refuses scripts whose keys
 * lie in different slots.
 */
class RedisLimiterClusterTest extends RedisLimiterContract {
  private static RedisServer server;

  @BeforeAll
  static void startServer() {
    server =
        RedisServer.builder()
            .argument("--cluster-enabled", "yes")
            .argument("--cluster-announce-ip", "127.0.0.1")
            .start();
    assertThat(server.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")).isEqualTo("+OK");
    Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> !server.command("GET", "any").startsWith("-CLUSTERDOWN"));
  }

  @AfterAll
  static void stopServer() {
    server.close();
  }

  @Override
  RedisServer server() {
    return server;
  }

  @Test
  void aClientForClustersFindsTheNodesOfAllGroups() {
    Limit rate = Limit.rate(10, Duration.ofHours(1), 1);
    Limit flight = Limit.inFlight(1, Duration.ofHours(1));
    HostAndPort node = new HostAndPort("127.0.0.1", server.port());
    try (RedisClusterClient client = RedisClusterClient.builder().nodes(Set.of(node)).build();
        RedisRateLimiter limiter =
            RedisRateLimiter.builder().client(client).prefix("clustered").open()) {
      List<Demand> demands = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        // braces must not move the keys of a group apart
        demands.add(
            new Demand("g}" + i + "{", List.of(new Line("r", rate, 1), new Line("f", flight, 1))));
      }
      assertThat(limiter.reserve(demands)).allMatch(Decision::granted);
      server.command("SCRIPT", "FLUSH");
      assertThat(limiter.reserve(demands)).noneMatch(Decision::granted);
    }
  }
}
