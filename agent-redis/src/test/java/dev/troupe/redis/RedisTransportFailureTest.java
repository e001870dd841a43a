package dev.troupe.redis;

import static dev.troupe.redis.StreamFixture.done;
import static dev.troupe.redis.StreamFixture.event;
import static dev.troupe.redis.StreamFixture.join;
import static dev.troupe.redis.StreamFixture.number;
import static dev.troupe.redis.StreamFixture.take;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.AppendFailedException;
import dev.troupe.event.Delivery;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.Event;
import dev.troupe.event.EventTransport.Topic;
import dev.troupe.event.Feed;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.Subscription;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.state.StoreInfo.Durability;
import dev.troupe.testkit.ChildProcess;
import dev.troupe.testkit.FaultProxy;
import dev.troupe.testkit.RedisServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Servers that are absent, wrong, full or slow, scripts that are gone, and processes that die. */
@Timeout(120)
class RedisTransportFailureTest {
  private static final Duration LEASE = Duration.ofSeconds(1);

  private static RedisTransport open(RedisServer server) {
    return RedisTransport.builder().uri(server.uri()).lease(LEASE).open();
  }

  private static List<Outgoing> events(String topic, int from, int to) {
    return IntStream.range(from, to).mapToObj(i -> event(topic, "k" + i % 13, i)).toList();
  }

  private static Set<Integer> numbers(List<Delivery> some) {
    Set<Integer> numbers = new TreeSet<>();
    some.forEach(one -> numbers.add(number(one)));
    return numbers;
  }

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  @Test
  void aServerThatIsNotThereIsSaidOrWaitedFor() throws IOException {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    AgentException refused =
        RedisFixture.failure(
            ErrorCode.TRANSPORT_UNAVAILABLE,
            () -> RedisTransport.builder().uri("redis://:secret-word@127.0.0.1:" + port).open());
    assertThat(refused)
        .hasMessageContaining("127.0.0.1:" + port)
        .hasMessageContaining("lazy(true)");
    assertThat(refused.toString()).doesNotContain("secret-word");
    try (RedisServer server = RedisServer.start()) {
      server.stop();
      try (RedisTransport transport =
          RedisTransport.builder().uri(server.uri()).lazy(true).open()) {
        RedisFixture.failure(
            ErrorCode.TRANSPORT_UNAVAILABLE, () -> join(transport, "t", "g", Mode.ORDERED));
        server.restart();
        try (Feed feed = join(transport, "t", "g", Mode.ORDERED)) {
          transport.append(events("t", 0, 5));
          assertThat(numbers(take(feed, 5))).containsExactlyElementsOf(range(0, 5));
        }
      }
    }
  }

  @Test
  void scriptsThatTheServerForgotAreSentAgain() {
    try (RedisServer server = RedisServer.start();
        RedisTransport transport = open(server);
        Feed ordered = join(transport, "t", "ordered", Mode.ORDERED);
        Feed shared = join(transport, "t", "shared", Mode.SHARED)) {
      for (int round = 0; round < 5; round++) {
        int from = round * 50;
        server.command("SCRIPT", "FLUSH");
        transport.append(events("t", from, from + 50));
        for (Feed feed : List.of(ordered, shared)) {
          server.command("SCRIPT", "FLUSH");
          List<Delivery> some = take(feed, 50);
          assertThat(numbers(some)).containsExactlyElementsOf(range(from, from + 50));
          server.command("SCRIPT", "FLUSH");
          feed.settle(done(some));
          feed.poll(0, Duration.ZERO);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"ORDERED", "SHARED"})
  void whatAKilledProcessHadComesToAnotherAndIsCounted(Mode mode) {
    try (RedisServer server = RedisServer.start();
        RedisTransport transport = open(server)) {
      transport.append(List.of(event("t", "k", 1)));
      try (ChildProcess worker =
          ChildProcess.of(StreamWorker.class)
              .jvm("-Xmx64m", "-XX:TieredStopAtLevel=1")
              .args(server.uri(), "t", mode, LEASE.toMillis())
              .start()) {
        worker.awaitLine("took \\d+-\\d+ 1", Duration.ofSeconds(20));
        worker.kill();
      }
      long killed = System.nanoTime();
      try (Feed heir = join(transport, "t", "g", mode)) {
        assertThat(take(heir, 1).get(0).count()).isEqualTo(2);
        // a lease, and what lies between two looks
        assertThat(Duration.ofNanos(System.nanoTime() - killed)).isLessThan(LEASE.multipliedBy(2));
      }
    }
  }

  @Test
  void aFeedThatWasTakenForDeadIsToldWhatItLost() {
    Subscription subscription = new Subscription(List.of("t"), "g", Mode.ORDERED, Position.START);
    Set<Shard> lost = new HashSet<>();
    try (RedisServer server = RedisServer.start();
        RedisTransport transport = open(server);
        Feed silent = transport.open(subscription, (shards, atMost) -> lost.addAll(shards));
        Feed heir = transport.open(subscription, (shards, atMost) -> {})) {
      Awaitility.await()
          .until(() -> silent.poll(1, Duration.ZERO).isEmpty() && !silent.shards().isEmpty());
      lost.clear();
      List<Shard> had = silent.shards().stream().map(Feed.ShardState::shard).toList();
      Awaitility.await()
          .until(() -> heir.poll(1, Duration.ZERO).isEmpty() && heir.shards().size() == 8);
      silent.poll(1, Duration.ZERO);
      assertThat(lost).containsAll(had);
    }
  }

  @Test
  void whatWasReadBeforeAConnectionBrokeIsDeliveredBehindIt() {
    try (RedisServer server = RedisServer.start();
        FaultProxy proxy = FaultProxy.to("127.0.0.1", server.port());
        RedisTransport transport =
            RedisTransport.builder()
                .uri("redis://127.0.0.1:" + proxy.port())
                .lease(Duration.ofMinutes(1))
                .shards(1)
                .open();
        Feed feed = join(transport, "t", "g", Mode.ORDERED)) {
      transport.append(events("t", 0, 40));
      List<Delivery> all = new ArrayList<>(take(feed, 1)); // and more is read
      feed.settle(done(all));
      proxy.refuse();
      proxy.cut();
      Awaitility.await()
          .until(
              () -> {
                try {
                  all.addAll(feed.poll(5, Duration.ZERO));
                  return false;
                } catch (AgentException e) {
                  return true;
                }
              });
      proxy.heal();
      Awaitility.await()
          .ignoreException(AgentException.class)
          .until(
              () -> {
                all.addAll(feed.poll(40, Duration.ofMillis(50)));
                return number(all.get(all.size() - 1)) == 39;
              });
      assertThat(all.stream().map(StreamFixture::number)).containsExactlyElementsOf(range(0, 40));
    }
  }

  @Test
  void aServerThatIsLoadingIsNotTakenForOneThatForgets() throws Exception {
    try (RedisServer server =
        RedisServer.builder()
            .appendOnly("always")
            .argument("--key-load-delay", "500")
            .argument("--aof-use-rdb-preamble", "no")
            .start()) {
      try (RedisTransport transport = open(server)) {
        transport.append(events("t", 0, 3_500));
      }
      server.kill();
      Thread restart = new Thread(server::restart, "restart");
      restart.start();
      Durability survives =
          Awaitility.await()
              .ignoreException(AgentException.class)
              .until(
                  () -> {
                    try (RedisTransport transport = open(server)) {
                      return transport.info().survives();
                    }
                  },
                  Objects::nonNull);
      assertThat(survives).isEqualTo(Durability.MACHINE);
      restart.join();
    }
  }

  @Test
  void aHundredThousandEntriesOfTheDeadComeInPagesBesideWhatIsNew() {
    int many = 100_000;
    try (RedisServer server = RedisServer.start();
        RedisTransport transport = open(server)) {
      transport.prepare(List.of(new Topic("t", 2, Duration.ZERO)), true);
      join(transport, "t", "g", Mode.SHARED).close();
      fill(transport, many);
      for (int shard = 0; shard < 2; shard++) {
        String log = "{troupe:topic:t:" + shard + "}:log";
        server.command(
            "XREADGROUP", "GROUP", "g", "somebody", "COUNT", "" + many, "STREAMS", log, ">");
      }
      Set<Integer> old = new HashSet<>();
      List<Integer> fresh = new ArrayList<>();
      try (Feed heir = join(transport, "t", "g", Mode.SHARED)) {
        transport.append(events("t", many, many + 100));
        while (old.size() + fresh.size() < many + 100) {
          List<Delivery> some = heir.poll(1_000, Duration.ofSeconds(5));
          assertThat(some).isNotEmpty().hasSizeLessThanOrEqualTo(1_000);
          for (Delivery one : some) {
            int number = number(one);
            assertThat(one.count()).isEqualTo(number < many ? 2 : 1);
            if (number < many) {
              old.add(number);
            } else {
              fresh.add(number);
              assertThat(old.size()).as("nothing new waits for all that is old").isLessThan(5_000);
            }
          }
          heir.settle(done(some));
        }
      }
      assertThat(fresh).hasSize(100);
      assertThat(old).hasSize(many);
    }
  }

  private static void fill(RedisTransport transport, int many) {
    for (int from = 0; from < many; from += 5_000) {
      transport.append(events("t", from, from + 5_000));
    }
  }

  @Test
  void overASlowLinkInTinyPiecesEverythingGoesSlower() {
    try (RedisServer server = RedisServer.start();
        FaultProxy slow = FaultProxy.to("127.0.0.1", server.port());
        RedisTransport transport =
            RedisTransport.builder().uri("redis://127.0.0.1:" + slow.port()).open();
        Feed ordered = join(transport, "t", "ordered", Mode.ORDERED);
        Feed shared = join(transport, "t", "shared", Mode.SHARED)) {
      slow.delay(FaultProxy.Way.ANSWERS, Duration.ofMillis(50));
      slow.slice(FaultProxy.Way.ANSWERS, 1);
      slow.slice(FaultProxy.Way.REQUESTS, 1);
      transport.append(events("t", 0, 60));
      for (Feed feed : List.of(ordered, shared)) {
        List<Delivery> some = take(feed, 60);
        assertThat(numbers(some)).containsExactlyElementsOf(range(0, 60));
        feed.settle(done(some));
        assertThat(feed.poll(10, Duration.ofMillis(500))).isEmpty();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"ORDERED", "SHARED"})
  void whatWasReadWithoutAnAnswerIsReadAgain(Mode mode) {
    try (RedisServer server = RedisServer.start();
        FaultProxy link = FaultProxy.to("127.0.0.1", server.port());
        RedisTransport direct = open(server);
        RedisTransport transport =
            RedisTransport.builder()
                .uri("redis://127.0.0.1:" + link.port())
                .lease(Duration.ofSeconds(30))
                .open();
        Feed feed = join(transport, "t", "g", mode)) {
      feed.poll(10, Duration.ofMillis(300)); // it has joined and has its shards
      Set<Integer> came = new TreeSet<>();
      List<Integer> keys = new ArrayList<>();
      for (int round = 0; round < 10; round++) {
        direct.append(events("t", round * 100, round * 100 + 100));
        link.cutAfter(FaultProxy.Way.ANSWERS, round * 700L);
        long begun = System.nanoTime();
        while (came.size() < round * 100 + 100) {
          try {
            List<Delivery> some = feed.poll(100, Duration.ofMillis(50));
            some.forEach(
                one -> {
                  if (came.add(number(one))) {
                    keys.add(number(one));
                  }
                });
            feed.settle(done(some));
          } catch (AgentException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.TRANSPORT_UNAVAILABLE);
          }
          assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(LEASE.multipliedBy(9));
        }
      }
      assertThat(came).containsExactlyElementsOf(range(0, 1_000));
      if (mode == Mode.ORDERED) {
        for (int key = 0; key < 13; key++) {
          int remainder = key;
          assertThat(keys.stream().filter(n -> n % 13 == remainder)).isSorted();
        }
      }
      link.heal();
      long begun = System.nanoTime();
      List<Delivery> last = List.of();
      while (Duration.ofNanos(System.nanoTime() - begun).compareTo(Duration.ofSeconds(1)) < 0) {
        try {
          last = feed.poll(1, Duration.ofMillis(50));
        } catch (AgentException e) {
          assertThat(e.code()).isEqualTo(ErrorCode.TRANSPORT_UNAVAILABLE);
        }
      }
      assertThat(last).isEmpty();
      assertThat(server.command("XPENDING", "{troupe:topic:t:0}:log", "g")).isEqualTo("*4");
    }
  }

  @Test
  void aServerThatEvictsKeysIsNamed() {
    try (RedisServer server = RedisServer.builder().maxMemory("50mb", "allkeys-lru").start();
        RedisTransport transport = open(server);
        RedisTransport willing =
            RedisTransport.builder().uri(server.uri()).allowEviction(true).open()) {
      assertThat(transport.prepare(List.of(), false))
          .singleElement()
          .satisfies(
              problem ->
                  assertThat(problem.toString())
                      .contains("allkeys-lru")
                      .contains("noeviction")
                      .contains("allowEviction"));
      assertThat(willing.prepare(List.of(), false)).isEmpty();
    }
  }

  @Test
  void aFullServerTakesNothingNewAndWhatIsThereIsReadAndSettled() {
    try (RedisServer server = RedisServer.builder().maxMemory("16mb", "noeviction").start();
        RedisTransport transport = open(server)) {
      Feed feed = join(transport, "t", "g", Mode.ORDERED);
      Feed shared = join(transport, "t", "s", Mode.SHARED);
      byte[] big = new byte[200_000];
      List<String> in = new ArrayList<>();
      AppendFailedException full = null;
      for (int i = 0; i < 100 && full == null; i++) {
        Outgoing first = new Outgoing("t", Event.builder("x").key("k").data(big, null).build());
        Outgoing second = new Outgoing("t", Event.builder("x").key("k").data(big, null).build());
        try {
          transport.append(List.of(first, second));
          in.add(first.event().id());
          in.add(second.event().id());
        } catch (AppendFailedException e) {
          full = e;
          for (Outgoing one : List.of(first, second)) {
            if (!e.failed().contains(one)) {
              in.add(one.event().id());
            }
          }
        }
      }
      assertThat(full).isNotNull();
      assertThat(full.code()).isEqualTo(ErrorCode.STORE_FULL);
      assertThat(full.failed()).isNotEmpty();
      for (Feed one : List.of(feed, shared)) {
        List<Delivery> all = take(one, in.size());
        assertThat(all.stream().map(d -> ((Delivery.Decoded) d.content()).event().id()))
            .isEqualTo(in);
        one.settle(done(all));
        one.poll(0, Duration.ZERO);
        one.close();
      }
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .until(
              () -> {
                transport.trim("t");
                return transport.read("t", Position.START, 1_000).items().size() < in.size();
              });
      // the server counts what it frees a little later
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .ignoreException(AppendFailedException.class)
          .until(
              () -> {
                transport.trim("t");
                transport.append(List.of(event("t", "k", 1)));
                return true;
              });
    }
  }

  @Test
  void nothingIsDeletedThatAGroupHasNotSettledOrThatIsToBeKept() {
    try (RedisServer server = RedisServer.start();
        RedisTransport transport = open(server);
        Feed quick = join(transport, "t", "quick", Mode.ORDERED);
        Feed slow = join(transport, "t", "slow", Mode.SHARED)) {
      transport.prepare(List.of(new Topic("kept", 1, Duration.ofHours(1))), true);
      join(transport, "kept", "quick", Mode.ORDERED).close();
      transport.append(events("kept", 0, 3_000));
      List<Delivery> open = new ArrayList<>();
      for (int round = 0; round < 6; round++) {
        transport.append(events("t", round * 2_000, round * 2_000 + 2_000));
        quick.settle(done(take(quick, 2_000)));
        List<Delivery> some = take(slow, 2_000);
        // of what the slow one took, a few are not settled, each further behind
        open.addAll(some.subList(0, 5));
        slow.settle(done(some.subList(5, some.size())));
      }
      slow.poll(0, Duration.ZERO);
      quick.poll(0, Duration.ZERO);
      transport.trim("t");
      transport.trim("kept");
      Set<Integer> there = numbers(transport.read("t", Position.START, 20_000).items());
      assertThat(there).containsAll(numbers(open));
      assertThat(transport.read("kept", Position.START, 20_000).items()).hasSize(3_000);
      slow.settle(done(open));
      slow.poll(0, Duration.ZERO);
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .until(
              () -> {
                transport.trim("t");
                return transport.read("t", Position.START, 20_000).items().size() < 2_000;
              });
    }
  }

  @Test
  void aGroupThatIsForgottenKeepsNothing() {
    try (RedisServer server = RedisServer.start();
        RedisTransport transport = open(server)) {
      join(transport, "t", "gone", Mode.ORDERED).close();
      transport.append(events("t", 0, 10));
      transport.forget("t", "gone");
      try (Feed anew = join(transport, "t", "gone", Mode.SHARED)) {
        assertThat(numbers(take(anew, 10))).containsExactlyElementsOf(range(0, 10));
      }
    }
  }
}
