package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Servers start, stop, die and come back, and nothing stays behind. */
class RedisServerTest {
  @ParameterizedTest
  @ValueSource(strings = {"7.0", "6.2"})
  void aServerStartsAndNothingOfItStays(String version) {
    RedisServer server = RedisServer.builder().version(version).start();
    long pid = server.pid();
    assertThat(server.uri().getPort()).isEqualTo(server.port());
    assertThat(server.command("SET", "a", "b")).isEqualTo("+OK");
    server.close();
    server.close();
    assertThat(ProcessHandle.of(pid).filter(ProcessHandle::isAlive)).isEqualTo(Optional.empty());
    assertThatThrownBy(() -> server.command("PING")).isInstanceOf(UncheckedIOException.class);
  }

  @Test
  void dataOfAKilledServerComesBackOnTheSamePort() {
    try (RedisServer server = RedisServer.builder().appendOnly("always").start()) {
      int port = server.port();
      assertThat(server.command("SET", "a", "1")).isEqualTo("+OK");
      server.kill();
      server.restart();
      assertThat(server.command("GETSET", "a", "2")).isEqualTo("$1");
      server.stop();
      server.restart();
      assertThat(server.port()).isEqualTo(port);
      assertThat(server.command("STRLEN", "a")).isEqualTo(":1");
    }
  }

  @Test
  void aPausedServerAnswersWhenItGoesOn() throws Exception {
    try (RedisServer server = RedisServer.builder().password("word").start()) {
      server.pause();
      CompletableFuture<String> answer =
          CompletableFuture.supplyAsync(() -> server.command("PING"));
      assertThatThrownBy(() -> answer.get(200, TimeUnit.MILLISECONDS))
          .isInstanceOf(TimeoutException.class);
      server.resume();
      assertThat(answer.get(20, TimeUnit.SECONDS)).isEqualTo("+PONG");
    }
  }

  @Test
  void aServerThatCantStartIsAnErrorWithTheEndOfItsLog() {
    assertThatThrownBy(() -> RedisServer.builder().argument("--no-such-setting", "1").start())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("ended with 1")
        .hasMessageContaining("no-such-setting");
  }
}
