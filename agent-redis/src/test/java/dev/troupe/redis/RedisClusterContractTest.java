package dev.troupe.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Find;
import dev.troupe.state.Grant;
import dev.troupe.state.Outcome;
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
 * The contract over a server in cluster mode, which refuses scripts whose keys lie in different
 * slots, and scripts that touch a key of a slot other than those declared.
 */
class RedisClusterContractTest extends RedisContract {
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
  void aClientForClustersFindsTheNodesOfAllKeys() {
    HostAndPort node = new HostAndPort("127.0.0.1", server.port());
    try (RedisClusterClient client = RedisClusterClient.builder().nodes(Set.of(node)).build();
        RedisStateStore store =
            RedisStateStore.builder().client(client).prefix("clustered").open()) {
      List<Change> list = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        String key = "route-" + i;
        list.add(RedisFixture.change(RedisFixture.put(key, "v"), RedisFixture.queue(key)));
      }
      assertThat(store.apply(list)).allMatch(outcome -> outcome instanceof Outcome.Done);
      assertThat(RedisFixture.claimDue(store, 50)).hasSize(20);
      Claim.From mine = new Claim.From.HeldBy("me", Set.of());
      Set<Integer> everywhere = RedisFixture.everywhere();
      assertThat(store.claim(new Claim(new Grant("heir", 1), mine, everywhere, 50, 1 << 20)))
          .hasSize(20);
      assertThat(store.find(Find.tagged("kind", "test", 50)).items()).hasSize(20);
      assertThat(RedisFixture.read(store, "route-1")).hasSize(1);
    }
  }
}
