package dev.troupe.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.testkit.RedisServer;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/**
 * The contract over a server in cluster mode, which refuses scripts whose keys lie in different
 * slots, and scripts that touch a key of a slot other than those declared.
 */
class RedisClusterContractTest extends RedisContract {
  private static RedisServer server;

  @BeforeAll
  static void startServer() {
    server = RedisServer.builder().argument("--cluster-enabled", "yes").start();
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
}
