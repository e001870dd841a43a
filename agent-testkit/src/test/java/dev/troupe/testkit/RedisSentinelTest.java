package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A primary that dies is replaced, and nothing of the set stays behind. */
@Tag("matrix")
class RedisSentinelTest {
  private static final Duration SOON = Duration.ofSeconds(15);

  @Test
  void theReplicaOfAKilledPrimaryTakesItsPlaceWithinFifteenSeconds() {
    try (RedisSentinel set = RedisSentinel.start()) {
      RedisServer first = set.primary();
      RedisServer second = set.servers().get(1);
      assertThat(first).isSameAs(set.servers().get(0));
      assertThat(first.command("SET", "a", "1")).isEqualTo("+OK");
      await().atMost(SOON).until(() -> second.command("STRLEN", "a").equals(":1"));
      assertThat(second.command("SET", "a", "2")).startsWith("-READONLY");

      first.kill();
      assertThat(set.awaitPrimaryOtherThan(first, SOON)).isSameAs(second);
      assertThat(second.command("SET", "b", "12")).isEqualTo("+OK");

      first.restart();
      set.awaitReplica(Duration.ofSeconds(30));
      assertThat(set.primary()).isSameAs(second);
      await().atMost(SOON).until(() -> first.command("STRLEN", "b").equals(":2"));

      // who it became outlives a restart
      second.restart();
      set.awaitReplica(Duration.ofSeconds(30));
      assertThat(set.primary()).isSameAs(second);
    }
  }

  @Test
  void withoutItsReplicaAPrimaryMayRefuseWrites() {
    RedisSentinel.Builder settings =
        RedisSentinel.builder()
            .argument("--min-replicas-to-write", "1", "--min-replicas-max-lag", "2");
    try (RedisSentinel set = settings.start()) {
      RedisServer primary = set.primary();
      assertThat(primary.command("SET", "a", "1")).isEqualTo("+OK");
      set.servers().get(1).pause();
      await()
          .atMost(SOON)
          .untilAsserted(
              () -> assertThat(primary.command("SET", "a", "2")).startsWith("-NOREPLICAS"));
      set.servers().get(1).resume();
      await().atMost(SOON).until(() -> primary.command("SET", "a", "2").equals("+OK"));
    }
  }

  @Test
  void ofTwoReplicasOneCopiesFromTheOtherThatTookThePlace() {
    try (RedisSentinel set =
        RedisSentinel.builder().replicas(2).argument("--min-replicas-to-write", "1").start()) {
      RedisServer first = set.primary();
      assertThat(set.servers()).hasSize(3);
      first.kill();
      RedisServer second = set.awaitPrimaryOtherThan(first, SOON);
      await().atMost(SOON).until(() -> second.command("SET", "a", "1").equals("+OK"));
      set.awaitReplica(SOON);
    }
    assertThatThrownBy(() -> RedisSentinel.builder().replicas(3))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aKilledSentinelComesBackAndNothingOfTheSetStays() {
    List<Long> processes;
    try (RedisSentinel set = RedisSentinel.start()) {
      RedisServer sentinel = set.sentinels().get(2);
      sentinel.kill();
      sentinel.restart();
      set.sentinels().get(0).kill();
      RedisServer first = set.primary();
      first.kill();
      set.awaitPrimaryOtherThan(first, SOON);
      processes =
          Stream.concat(set.servers().stream(), set.sentinels().stream())
              .map(RedisServer::pid)
              .toList();
      assertThat(processes).hasSize(5);
    }
    assertThat(processes)
        .noneMatch(pid -> ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isPresent());
  }
}
