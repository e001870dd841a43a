package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Slots move with their keys, masters die and are replaced, and nothing stays behind. */
@Tag("matrix")
class RedisClusterTest {
  private static final Duration SOON = Duration.ofSeconds(15);

  @Test
  void aKeyOfAMovedSlotIsAnsweredWithMoved() {
    List<Long> processes;
    try (RedisCluster cluster = RedisCluster.start()) {
      int slot = RedisCluster.slot("{team}:1");
      RedisServer from = cluster.owner(slot);
      RedisServer to = other(cluster, from);
      RedisServer third =
          cluster.nodes().stream().filter(n -> n != from && n != to).findFirst().orElseThrow();
      assertThat(from.command("CLUSTER", "KEYSLOT", "{team}:1")).isEqualTo(":" + slot);
      for (int i = 0; i < 250; i++) {
        assertThat(from.command("SET", "{team}:" + i, "value")).isEqualTo("+OK");
      }
      assertThat(to.command("STRLEN", "{team}:1")).isEqualTo(moved(slot, from));

      cluster.moveSlot(slot, to);

      assertThat(cluster.owner(slot)).isSameAs(to);
      assertThat(from.command("STRLEN", "{team}:1")).isEqualTo(moved(slot, to));
      assertThat(third.command("STRLEN", "{team}:1")).isEqualTo(moved(slot, to));
      assertThat(to.command("CLUSTER", "COUNTKEYSINSLOT", "" + slot)).isEqualTo(":250");
      assertThat(to.command("STRLEN", "{team}:249")).isEqualTo(":5");
      cluster.awaitOk(SOON);
      processes = cluster.nodes().stream().map(RedisServer::pid).toList();
      assertThat(processes).hasSize(3);
    }
    assertThat(processes)
        .noneMatch(pid -> ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isPresent());
  }

  @Test
  void aKeyThatHasLeftIsAnsweredWithAskUntilTheMoveIsFinished() {
    try (RedisCluster cluster = RedisCluster.start()) {
      int slot = RedisCluster.slot("{team}");
      RedisServer from = cluster.owner(slot);
      RedisServer to = other(cluster, from);
      assertThat(from.command("SET", "{team}:1", "value")).isEqualTo("+OK");

      SlotMove move = cluster.beginMove(slot, to);
      assertThat(from.command("STRLEN", "{team}:1")).isEqualTo(":5");
      assertThatThrownBy(move::finish).isInstanceOf(IllegalStateException.class);
      assertThat(move.moveKeys()).isEqualTo(1);
      String ask = "-ASK " + slot + " 127.0.0.1:" + to.port();
      assertThat(from.command("STRLEN", "{team}:1")).isEqualTo(ask);
      assertThat(from.command("SET", "{team}:2", "value")).isEqualTo(ask);
      move.finish();

      assertThat(from.command("STRLEN", "{team}:1")).isEqualTo(moved(slot, to));
      assertThat(to.command("STRLEN", "{team}:1")).isEqualTo(":5");
    }
  }

  @Test
  void aKilledMasterComesBackWithItsSlotsAndData() {
    try (RedisCluster cluster =
        RedisCluster.builder().argument("--appendonly", "yes", "--appendfsync", "always").start()) {
      int slot = RedisCluster.slot("a");
      RedisServer owner = cluster.owner(slot);
      assertThat(owner.command("SET", "a", "1")).isEqualTo("+OK");
      owner.kill();
      assertThatThrownBy(() -> cluster.owner(slot)).isInstanceOf(IllegalStateException.class);
      owner.restart();
      cluster.awaitOk(SOON);
      assertThat(cluster.owner(slot)).isSameAs(owner);
      assertThat(owner.command("STRLEN", "a")).isEqualTo(":1");
    }
  }

  @Test
  void theReplicaOfAKilledMasterTakesItsPlaceWithinFifteenSeconds() {
    try (RedisCluster cluster = RedisCluster.builder().replicas(1).start()) {
      int slot = RedisCluster.slot("a");
      RedisServer owner = cluster.owner(slot);
      assertThat(cluster.nodes()).hasSize(6);
      assertThat(owner.command("SET", "a", "1")).isEqualTo("+OK");
      List<RedisServer> replicas = cluster.nodes().subList(3, 6);
      await()
          .atMost(SOON)
          .until(() -> replicas.stream().anyMatch(r -> ":1".equals(r.command("DBSIZE"))));
      owner.kill();
      await().atMost(SOON).until(() -> replicas.stream().anyMatch(r -> serves(cluster, slot, r)));
      cluster.awaitOk(SOON);
      assertThat(cluster.owner(slot).command("STRLEN", "a")).isEqualTo(":1");
    }
  }

  private static boolean serves(RedisCluster cluster, int slot, RedisServer node) {
    try {
      return cluster.owner(slot) == node;
    } catch (IllegalStateException nobody) {
      return false;
    }
  }

  private static RedisServer other(RedisCluster cluster, RedisServer than) {
    return cluster.nodes().stream().filter(node -> node != than).findFirst().orElseThrow();
  }

  private static String moved(int slot, RedisServer to) {
    return "-MOVED " + slot + " 127.0.0.1:" + to.port();
  }
}
