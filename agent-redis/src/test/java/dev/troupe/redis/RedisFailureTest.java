package dev.troupe.redis;

import static dev.troupe.redis.RedisFixture.change;
import static dev.troupe.redis.RedisFixture.claimDue;
import static dev.troupe.redis.RedisFixture.done;
import static dev.troupe.redis.RedisFixture.failure;
import static dev.troupe.redis.RedisFixture.held;
import static dev.troupe.redis.RedisFixture.open;
import static dev.troupe.redis.RedisFixture.put;
import static dev.troupe.redis.RedisFixture.queue;
import static dev.troupe.redis.RedisFixture.read;
import static dev.troupe.redis.RedisFixture.row;
import static dev.troupe.redis.RedisFixture.send;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StoreInfo;
import dev.troupe.testkit.RedisServer;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Servers that are absent, wrong, full, slow, killed, or somebody else's. */
class RedisFailureTest {
  private static String trace(Throwable failure) {
    StringWriter trace = new StringWriter();
    failure.printStackTrace(new PrintWriter(trace));
    return trace.toString();
  }

  /** Sends a change again until it is answered. */
  private static Outcome insist(RedisStateStore store, Change change) {
    long begun = System.nanoTime();
    while (true) {
      try {
        return store.apply(List.of(change)).get(0);
      } catch (AgentException e) {
        assertThat(e.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE);
        assertThat(System.nanoTime() - begun).isLessThan(TimeUnit.SECONDS.toNanos(30));
        LockSupport.parkNanos(5_000_000);
      }
    }
  }

  @Test
  void aServerThatIsNotThereIsSaidWithItsAddressAndTheSetting() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    AgentException refused =
        failure(
            ErrorCode.STORE_UNAVAILABLE,
            () -> RedisStateStore.connect("redis://:secret-word@127.0.0.1:" + port));
    assertThat(refused)
        .hasMessageContaining("127.0.0.1:" + port)
        .hasMessageContaining("lazy(true)");
    assertThat(trace(refused)).doesNotContain("secret-word");
  }

  @Test
  void aLazyStoreWaitsForItsServerAndThenChecksIt() {
    try (RedisServer server = RedisServer.start()) {
      server.stop();
      try (RedisStateStore store = RedisStateStore.builder().uri(server.uri()).lazy(true).open()) {
        assertThat(store.info().partitions()).isEqualTo(64);
        failure(ErrorCode.STORE_UNAVAILABLE, () -> done(store, put("r/a", "v")));
        server.restart();
        assertThat(insist(store, change(put("r/a", "v")))).isInstanceOf(Outcome.Done.class);
        server.command("FLUSHALL");
      }
      RedisStateStore.builder().uri(server.uri()).partitions(8).open().close();
      try (RedisStateStore store = RedisStateStore.builder().uri(server.uri()).lazy(true).open()) {
        failure(ErrorCode.STORE_MISMATCH, () -> claimDue(store, 1));
      }
    }
  }

  @Test
  void aWrongPasswordIsSaidAtOnceAndNeverShown() {
    try (RedisServer server = RedisServer.builder().password("right-word").start()) {
      String place = "127.0.0.1:" + server.port();
      for (String uri :
          List.of("redis://:secret-word@" + place, "redis://nobody:secret-word@" + place)) {
        AgentException refused =
            failure(ErrorCode.INVALID_INPUT, () -> RedisStateStore.connect(uri));
        assertThat(refused).hasMessageContaining(place).hasMessageContaining("password");
        assertThat(trace(refused)).doesNotContain("secret-word").doesNotContain("right-word");
      }
      failure(ErrorCode.INVALID_INPUT, () -> RedisStateStore.connect("redis://" + place));
      try (RedisStateStore store = open(server)) {
        done(store, put("r/a", "v"));
      }
      assertThatThrownBy(() -> RedisStateStore.connect("redis://:secret word@" + place))
          .isInstanceOf(IllegalArgumentException.class)
          .satisfies(e -> assertThat(trace(e)).doesNotContain("secret"));
    }
  }

  @Test
  void aServerThatEvictsKeysIsRefusedUnlessThatIsAllowed() {
    try (RedisServer server = RedisServer.builder().maxMemory("50mb", "allkeys-lru").start()) {
      AgentException refused = failure(ErrorCode.STORE_MISMATCH, () -> open(server));
      assertThat(refused)
          .hasMessageContaining("allkeys-lru")
          .hasMessageContaining("noeviction")
          .hasMessageContaining("allowEviction");
      try (RedisStateStore store =
          RedisStateStore.builder().uri(server.uri()).allowEviction(true).open()) {
        done(store, put("r/a", "v"));
      }
    }
  }

  @Test
  void aUserWhoMayOnlyUseWhatAStoreNeedsCanOpenIt() {
    try (RedisServer server = RedisServer.builder().appendOnly("always").start()) {
      server.command(
          "ACL",
          "SETUSER",
          "app",
          "on",
          ">word",
          "~{troupe*",
          "+@read",
          "+@write",
          "+@scripting",
          "+time",
          "+ping",
          "-@dangerous");
      try (RedisStateStore store =
          RedisStateStore.connect("redis://app:word@127.0.0.1:" + server.port())) {
        Edit.Held fence = held(store, "r/a");
        done(store, fence, row("r/a", "x", "y"));
        assertThat(store.find(Find.tagged("kind", "test", 1)).items()).hasSize(1);
        // CONFIG is not allowed, so nothing is promised that was not seen
        assertThat(store.info().survives()).isEqualTo(StoreInfo.Durability.PROCESS);
      }
      server.command("ACL", "SETUSER", "app", "-@scripting");
      AgentException refused =
          failure(
              ErrorCode.STORE_MISMATCH,
              () -> RedisStateStore.connect("redis://app:word@127.0.0.1:" + server.port()));
      assertThat(refused).hasMessageContaining("scripts");
    }
  }

  @Test
  void anotherNumberOfPartitionsAnotherFormatOrSomethingElseIsRefused() {
    try (RedisServer server = RedisServer.start()) {
      open(server).close();
      AgentException refused =
          failure(
              ErrorCode.STORE_MISMATCH,
              () -> RedisStateStore.builder().uri(server.uri()).partitions(16).open());
      assertThat(refused).hasMessageContaining("64 partitions").hasMessageContaining("with 16");
      server.command("HSET", "{troupe}:meta", "format", "9");
      refused = failure(ErrorCode.STORE_MISMATCH, () -> open(server));
      assertThat(refused).hasMessageContaining("format 9").hasMessageContaining("format 1");
      server.command("SET", "{mine}:meta", "something");
      refused =
          failure(
              ErrorCode.STORE_MISMATCH,
              () -> RedisStateStore.builder().uri(server.uri()).prefix("mine").open());
      assertThat(refused).hasMessageContaining("prefix");
    }
  }

  @Test
  void versionsBefore62AreNotEnough() {
    for (String old : List.of("2.8.24", "5.0.14.1", "6.0.20", "6.1.240", "nonsense")) {
      assertThat(RedisProbe.isEnough(old)).as(old).isFalse();
    }
    for (String good : List.of("6.2.0", "6.2.14", "7.0.15", "8.0.1", "10.1", "255.255.255")) {
      assertThat(RedisProbe.isEnough(good)).as(good).isTrue();
    }
  }

  @Test
  void aFullServerIsSaidAndReadingClaimingAndDeletingGoOn() {
    try (RedisServer server = RedisServer.builder().maxMemory("16mb", "noeviction").start();
        RedisStateStore store = open(server)) {
      Edit.Held fence = held(store, "r/a");
      done(store, put("r/waits", "v"), queue("r/waits"));
      String big = "x".repeat(200_000);
      int rows = 0;
      AgentException full = null;
      while (full == null && rows < 500) {
        try {
          done(store, fence, row("r/a", "row-" + rows, big));
          rows++;
        } catch (AgentException e) {
          full = e;
        }
      }
      assertThat(full).isNotNull();
      assertThat(full.code()).isEqualTo(ErrorCode.STORE_FULL);
      assertThat(rows).isPositive();
      // so full that nothing fits, however small
      server.command("CONFIG", "SET", "maxmemory", "2mb");
      failure(ErrorCode.STORE_FULL, () -> done(store, fence, row("r/a", "small", "x")));
      failure(ErrorCode.STORE_FULL, () -> done(store, put("r/new", "v"), queue("r/new")));
      failure(
          ErrorCode.STORE_FULL,
          () -> store.apply(List.of(change(put("r/new", "v")), change(put("elsewhere", "v")))));
      assertThat(read(store, "r/a").get(0).rows()).hasSize(rows);
      assertThat(read(store, "r/new")).isEmpty();
      assertThat(store.find(Find.tagged("kind", "test", 9)).items()).hasSize(2);
      assertThat(send(store, new Edit.Absent("r/a"))).isInstanceOf(Outcome.Refused.class);
      assertThat(claimDue(store, 9)).hasSize(1);
      done(store, fence, new Edit.Delete("r/a"));
      assertThat(read(store, "r/a")).isEmpty();
      server.command("CONFIG", "SET", "maxmemory", "16mb");
      assertThat(insist(store, change(put("r/new", "v")))).isInstanceOf(Outcome.Done.class);
    }
  }

  @Test
  void aRestartInTheMiddleOfWorkLosesNothingAnswered() throws Exception {
    try (RedisServer server = RedisServer.builder().appendOnly("always").start();
        RedisStateStore store = open(server)) {
      Edit.Held fence = held(store, "r/a");
      AtomicInteger answered = new AtomicInteger();
      CompletableFuture<Integer> writer =
          CompletableFuture.supplyAsync(
              () -> {
                for (int i = 0; i < 2_000; i++) {
                  Outcome outcome = insist(store, change(fence, row("r/a", "row-" + i, "" + i)));
                  assertThat(outcome).isInstanceOf(Outcome.Done.class);
                  answered.set(i + 1);
                }
                return answered.get();
              });
      for (int restart = 1; restart <= 3; restart++) {
        int until = restart * 300;
        Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> answered.get() >= until);
        server.restart();
      }
      assertThat(writer.get(60, TimeUnit.SECONDS)).isEqualTo(2_000);
      assertThat(read(store, "r/a").get(0).rows()).hasSize(2_000);
    }
  }

  @Test
  void aKilledServerLosesNothingThatWasAnsweredAndNothingIsHalf() throws Exception {
    try (RedisServer server = RedisServer.builder().appendOnly("always").start();
        RedisStateStore store = open(server)) {
      held(store, "r/a");
      int next = 0;
      for (int round = 0; round < 5; round++) {
        AtomicInteger answered = new AtomicInteger(next);
        int from = next;
        CompletableFuture<Void> writer =
            CompletableFuture.runAsync(
                () -> {
                  for (int i = from; ; i++) {
                    String n = "" + i;
                    try {
                      done(store, put("r/a", n), row("r/b", "n", n), put("r/c-" + n, n));
                    } catch (AgentException e) {
                      return;
                    }
                    answered.set(i + 1);
                  }
                });
        Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> answered.get() >= from + 50);
        server.kill();
        writer.get(30, TimeUnit.SECONDS);
        server.restart();
        Awaitility.await()
            .ignoreException(AgentException.class)
            .until(() -> !read(store, "r/a").isEmpty());
        String value = RedisFixture.text(read(store, "r/a").get(0).value());
        int last = Integer.parseInt(value);
        assertThat(last).isBetween(answered.get() - 1, answered.get());
        assertThat(RedisFixture.text(read(store, "r/b").get(0).rows().get("n"))).isEqualTo(value);
        assertThat(store.scan(new Scan.Records(29, "r/c-", null, false, 10_000)).items())
            .hasSize(last + 1);
        next = last + 1;
      }
    }
  }

  @Test
  void aServerThatDoesNotAnswerIsUnavailableAfterTheTimeoutAndTheChangeMayBeSentAgain() {
    try (RedisServer server = RedisServer.start();
        RedisStateStore store =
            RedisStateStore.builder().uri(server.uri()).timeout(Duration.ofMillis(200)).open()) {
      done(store, put("r/a", "v"));
      Change change = change(put("r/a", "w"), queue("r/a"));
      server.pause();
      long begun = System.nanoTime();
      failure(ErrorCode.STORE_UNAVAILABLE, () -> store.apply(List.of(change)));
      assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(5));
      server.resume();
      Outcome again = insist(store, change);
      // the server had the change in its socket and made it when it went on, or not
      if (again instanceof Outcome.Refused refused) {
        assertThat(refused.found()).isNotNull();
        assertThat(refused.found().lastChange()).isEqualTo(change.id());
      }
      assertThat(read(store, "r/a").get(0).version()).isEqualTo(3);
    }
  }

  @Test
  void whenAllConnectionsAreInUseTheSettingIsNamed() {
    try (RedisServer server = RedisServer.start();
        RedisStateStore store =
            RedisStateStore.builder()
                .uri(server.uri())
                .connections(1)
                .timeout(Duration.ofMillis(400))
                .open()) {
      server.pause();
      List<CompletableFuture<AgentException>> callers = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        String key = "r/" + i;
        callers.add(
            CompletableFuture.supplyAsync(
                () -> failure(ErrorCode.STORE_UNAVAILABLE, () -> done(store, put(key, "v")))));
      }
      List<String> messages = callers.stream().map(c -> c.join().getMessage()).toList();
      assertThat(messages).anyMatch(message -> message.contains("connections"));
      server.resume();
      assertThat(insist(store, change(put("r/a", "v")))).isInstanceOf(Outcome.Done.class);
    }
  }

  @Test
  void aServerThatBecameAReplicaIsUnavailableAndItsConnectionsAreGivenUp() {
    try (RedisServer server = RedisServer.start();
        RedisStateStore store = open(server)) {
      Edit.Held fence = held(store, "r/a");
      server.command("REPLICAOF", "127.0.0.1", "1");
      failure(ErrorCode.STORE_UNAVAILABLE, () -> done(store, fence, row("r/a", "x", "y")));
      failure(
          ErrorCode.STORE_UNAVAILABLE,
          () -> store.apply(List.of(change(put("r/b", "v")), change(put("elsewhere", "v")))));
      server.command("REPLICAOF", "NO", "ONE");
      assertThat(insist(store, change(fence, row("r/a", "x", "y"))))
          .isInstanceOf(Outcome.Done.class);
      assertThat(read(store, "r/b")).isEmpty();
    }
  }

  @Test
  void recordsThatAreHeldByAConnectionThatBrokeAreStillReadable() {
    try (RedisServer server = RedisServer.builder().appendOnly("always").start();
        RedisStateStore store = open(server)) {
      Edit.Held fence = held(store, "r/a");
      server.restart();
      Awaitility.await()
          .ignoreException(AgentException.class)
          .until(() -> read(store, "r/a").size() == 1);
      assertThat(insist(store, change(fence, row("r/a", "x", "y"))))
          .isInstanceOf(Outcome.Done.class);
      assertThat(store.scan(Scan.mailAfter(RecordId.of("r/a", 64), 0)).items()).hasSize(1);
    }
  }
}
