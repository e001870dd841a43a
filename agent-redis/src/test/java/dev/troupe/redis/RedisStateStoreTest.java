package dev.troupe.redis;

import static dev.troupe.redis.RedisFixture.change;
import static dev.troupe.redis.RedisFixture.claimDue;
import static dev.troupe.redis.RedisFixture.claimNamed;
import static dev.troupe.redis.RedisFixture.done;
import static dev.troupe.redis.RedisFixture.everywhere;
import static dev.troupe.redis.RedisFixture.grant;
import static dev.troupe.redis.RedisFixture.held;
import static dev.troupe.redis.RedisFixture.open;
import static dev.troupe.redis.RedisFixture.put;
import static dev.troupe.redis.RedisFixture.queue;
import static dev.troupe.redis.RedisFixture.read;
import static dev.troupe.redis.RedisFixture.row;
import static dev.troupe.redis.RedisFixture.send;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.Grant;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import dev.troupe.testkit.RedisServer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisProtocol;

/** What is particular to the Redis store while its server is well. */
class RedisStateStoreTest {
  private static RedisServer server;
  private RedisStateStore store;

  @BeforeAll
  static void startServer() {
    server = RedisServer.start();
  }

  @AfterAll
  static void stopServer() {
    server.close();
  }

  @BeforeEach
  void openStore() {
    server.command("FLUSHALL");
    store = open(server);
  }

  @AfterEach
  void closeStore() {
    store.close();
  }

  /** The first of many commands may be answered before the proxy has passed on the last one. */
  private static final long IN_PIECES = 2;

  @Test
  void oneChangeIsOneRoundTripAListIsOneAndAClaimIsTwo() throws Exception {
    try (CountingProxy proxy = new CountingProxy(server.port());
        RedisStateStore counted =
            RedisStateStore.builder().host("127.0.0.1").port(proxy.port()).open()) {
      Edit.Held fence = held(counted, "r/a");
      proxy.trips();
      done(counted, fence, row("r/a", "x", "y"));
      assertThat(proxy.trips()).as("a step").isEqualTo(1);
      done(counted, fence, put("r/a", "v"), row("r/b", "x", "y"), queue("r/c"));
      assertThat(proxy.trips()).as("a change").isEqualTo(1);
      List<Change> list = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        list.add(change(row("route-" + i, "x", "y")));
        list.add(change(fence, row("r/a", "" + i, "y")));
      }
      assertThat(counted.apply(list)).hasSize(128).allMatch(o -> o instanceof Outcome.Done);
      assertThat(proxy.trips()).as("a list over many partitions").isBetween(1L, IN_PIECES);
      assertThat(claimDue(counted, 10)).hasSize(1);
      assertThat(proxy.trips()).as("a claim").isEqualTo(2);
      assertThat(claimDue(counted, 10)).isEmpty();
      assertThat(proxy.trips()).as("an idle poll of 64 partitions").isBetween(1L, IN_PIECES);
      assertThat(claimDue(counted, 10)).isEmpty();
      assertThat(proxy.trips()).as("another").isBetween(1L, IN_PIECES);
      done(counted, queue("r/d"));
      proxy.trips();
      assertThat(claimNamed(counted, grant(), "r/d")).hasSize(1);
      assertThat(proxy.trips()).as("a wake-up").isEqualTo(1);
      assertThat(read(counted, "r/a").get(0).rows()).hasSize(65);
      assertThat(proxy.trips()).as("a look at a record").isEqualTo(1);
      assertThat(counted.scan(Scan.mailAfter(RecordId.of("r/a", 64), 0)).items()).hasSize(1);
      assertThat(proxy.trips()).as("a look at its mail").isEqualTo(1);
    }
  }

  @Test
  void anIdlePollSendsOneSmallScriptForEachPartition() {
    Edit.Held fence = held(store, "r/a");
    done(store, fence, queue("r/b"));
    assertThat(claimDue(store, 10)).hasSize(1);
    claimDue(store, 10);
    server.command("CONFIG", "RESETSTAT");
    assertThat(claimDue(store, 10)).isEmpty();
    assertThat(calls("evalsha")).isEqualTo(64);
    assertThat(calls("hmget")).as("looks at heads").isEqualTo(64);
    assertThat(calls("zrangebylex")).as("looks at indexes").isZero();
    assertThat(calls("time")).isZero();
  }

  /** How often a command was run, by scripts or not. */
  private static long calls(String command) {
    try (Jedis jedis = new Jedis("127.0.0.1", server.port())) {
      return jedis
          .info("commandstats")
          .lines()
          .filter(line -> line.startsWith("cmdstat_" + command + ":"))
          .mapToLong(line -> Long.parseLong(line.replaceAll(".*:calls=(\\d+).*", "$1")))
          .sum();
    }
  }

  @Test
  void scriptsThatTheServerForgotAreSentAgain() {
    Edit.Held fence = held(store, "r/a");
    server.command("SCRIPT", "FLUSH");
    done(store, fence, row("r/a", "x", "1"));
    server.command("SCRIPT", "FLUSH");
    assertThat(store.apply(List.of(change(fence, row("r/a", "x", "2")), change(queue("q")))))
        .allMatch(outcome -> outcome instanceof Outcome.Done);
    server.command("SCRIPT", "FLUSH");
    assertThat(claimDue(store, 10)).hasSize(1);
    server.command("SCRIPT", "FLUSH");
    assertThat(store.scan(new Scan.Records(fence(fence), "r/", null, true, 9)).items()).hasSize(1);
    server.command("SCRIPT", "FLUSH");
    assertThat(store.scan(Scan.mailAfter(RecordId.of("r/a", 64), 0)).items()).hasSize(1);
    server.command("SCRIPT", "FLUSH");
    assertThat(store.find(Find.tagged("kind", "test", 9)).items()).hasSize(1);
  }

  private static int fence(Edit.Held fence) {
    return RecordId.of(fence.key(), 64).partition();
  }

  @Test
  void scriptsThatAreForgottenAgainAndAgainDisturbNobodyAndNoOrder() throws Exception {
    Edit.Held fence = held(store, "r/a");
    AtomicBoolean stop = new AtomicBoolean();
    Thread flusher =
        new Thread(
            () -> {
              while (!stop.get()) {
                server.command("SCRIPT", "FLUSH");
              }
            },
            "flusher");
    flusher.start();
    try {
      for (int i = 0; i < 300; i++) {
        String key = "r/new-" + i;
        List<Outcome> outcomes =
            store.apply(
                List.of(
                    change(new Edit.Absent(key), put(key, "v")),
                    change(new Edit.AtVersion(key, 1), row(key, "x", "1"), queue(key)),
                    change(row("elsewhere-" + i, "x", "y")),
                    change(fence, row("r/a", "x", "" + i))));
        assertThat(outcomes).allMatch(outcome -> outcome instanceof Outcome.Done);
        assertThat(claimNamed(store, grant(), key)).hasSize(1);
      }
    } finally {
      stop.set(true);
      flusher.join();
    }
  }

  @Test
  void aListWithMoreEditsOfAPartitionThanAScriptMakesKeepsItsOrder() {
    List<Change> list = new ArrayList<>();
    list.add(change(new Edit.Absent("r/a"), put("r/a", "v")));
    for (int i = 1; i <= 20; i++) {
      List<Edit> edits =
          new ArrayList<>(List.of(new Edit.AtVersion("r/a", i), put("r/a", "v" + i)));
      for (int k = 0; k < 100; k++) {
        edits.add(row("r/a", "row-" + k, "" + i));
      }
      list.add(change(edits.toArray(new Edit[0])));
      list.add(change(row("elsewhere", "" + i, "x")));
    }
    assertThat(store.apply(list)).hasSize(41).allMatch(o -> o instanceof Outcome.Done);
    assertThat(read(store, "r/a").get(0).version()).isEqualTo(21);
    assertThat(read(store, "elsewhere").get(0).rows()).hasSize(20);
  }

  @Test
  void expiredRecordsAreRemovedByClaimsInPortionsAndNothingIsLeftOfThem() {
    Instant soon = send(store, new Edit.Absent("r")).now().plusMillis(1);
    for (int i = 0; i < 400; i++) {
      Edit.Put mortal = new Edit.Put("r/" + i, new byte[9], Map.of("t", "1"), soon);
      done(store, mortal, row("r/" + i, "x", "y"));
    }
    assertThat(keys()).isPositive();
    done(store, queue("r/stays"));
    assertThat(claimDue(store, 5)).hasSize(1);
    claimDue(store, 5);
    claimDue(store, 5);
    // the store's own, the head and the index of one partition, and the record that stays
    assertThat(keys()).isEqualTo(4);
    assertThat(store.find(Find.tagged("t", "1", 9)).items()).isEmpty();
    done(store, new Edit.Delete("r/stays"));
    assertThat(server.command("ZCARD", "{troupe:29}:i")).isEqualTo(":0");
  }

  private static long keys() {
    return Long.parseLong(server.command("DBSIZE").substring(1));
  }

  @Test
  void aDeletedRecordLeavesNothingBehind() {
    Edit.Held fence = held(store, "r/a");
    done(store, new Edit.Queue("r/b", "q", 0, Instant.EPOCH, "lane", 1), put("r/b", "v"));
    done(store, new Edit.Queue("r/c", "q", 0, Instant.EPOCH, "lane", 1));
    done(
        store,
        new Edit.Mail("r/b", "m", new byte[3], true),
        new Edit.Mail("r/c", "m", new byte[3], false));
    done(store, fence, new Edit.Delete("r/a"), new Edit.Delete("r/b"), new Edit.Delete("r/c"));
    assertThat(keys()).as("the store's own and one head").isEqualTo(2);
    assertThat(claimDue(store, 5)).isEmpty();
    Claim.From queues = new Claim.From.Due(List.of("q", "work"));
    assertThat(store.claim(new Claim(grant(), queues, everywhere(), 9, 99))).isEmpty();
    assertThat(server.command("HLEN", "{troupe:29}:h"))
        .as("now and the turn of lanes")
        .isEqualTo(":2");
  }

  @Test
  void timeDoesNotGoBackWhenTheServersClockWasSetBackAndAnotherProcessOpens() {
    Instant late;
    try (RedisStateStore ahead =
        RedisStateStore.builder().uri(server.uri()).offset(() -> 3_600_000).open()) {
      Edit.Held fence = held(ahead, "r/a");
      late = done(ahead, fence, row("r/a", "x", "y")).now();
    }
    assertThat(done(store, row("r/a", "x", "z")).now()).isAfterOrEqualTo(late);
    assertThat(read(store, "r/a").get(0).now()).isAfterOrEqualTo(late);
    assertThat(done(store, put("elsewhere", "v")).now()).isAfterOrEqualTo(late);
  }

  @Test
  void bytesOfAClaimAreBoundedOverAllPartitions() {
    byte[] big = new byte[100_000];
    for (int i = 0; i < 20; i++) {
      done(store, new Edit.Put("route-" + i, big, Map.of(), null), queue("route-" + i));
    }
    int taken = 0;
    for (int round = 0; round < 20 && taken < 20; round++) {
      Claim.From due = new Claim.From.Due(List.of("work"));
      List<Stored> some = store.claim(new Claim(grant(), due, everywhere(), 50, 350_000));
      assertThat(some).isNotEmpty().hasSizeLessThanOrEqualTo(4);
      taken += some.size();
    }
    assertThat(taken).isEqualTo(20);
  }

  @Test
  void aTakeOverGetsEverythingWhateverItsBytesAndWhateverIsGone() {
    List<RecordId> ids = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      String key = "route-" + i;
      ids.add(RecordId.of(key, 64));
      if (i % 3 > 0) {
        done(store, new Edit.Put(key, new byte[i * 1_000], Map.of(), null), queue(key));
      }
    }
    int taken = 0;
    for (int round = 0; round < 12 && taken < 8; round++) {
      Claim.From named = new Claim.From.Named(ids);
      taken += store.claim(new Claim(grant(), named, everywhere(), 50, 15_000)).size();
    }
    assertThat(taken).isEqualTo(8);
    List<Stored> heirs = new ArrayList<>();
    for (int round = 0; round < 12 && heirs.size() < 8; round++) {
      Claim.From dead = new Claim.From.HeldBy("me", Set.of());
      heirs.addAll(store.claim(new Claim(new Grant("heir", round), dead, everywhere(), 3, 9_000)));
    }
    assertThat(heirs).hasSize(8);
  }

  @Test
  void storesOfDifferentPrefixesShareAServerAndKnowNothingOfEachOther() {
    try (RedisStateStore other =
        RedisStateStore.builder().uri(server.uri()).prefix("other").partitions(8).open()) {
      done(store, put("r/a", "v"), queue("r/a"));
      assertThat(other.scan(Scan.whole(RecordId.of("r/a", 8))).items()).isEmpty();
      assertThat(other.find(Find.tagged("kind", "test", 1)).items()).isEmpty();
      assertThat(claimDue(other, 9)).isEmpty();
      assertThat(claimDue(store, 9)).hasSize(1);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = RedisProtocol.class,
      names = {"RESP2", "RESP3"})
  void aClientThatWasGivenSpeaksEitherProtocolAndIsNotClosed(RedisProtocol protocol) {
    try (RedisClient client =
        RedisClient.builder()
            .hostAndPort("127.0.0.1", server.port())
            .clientConfig(DefaultJedisClientConfig.builder().protocol(protocol).build())
            .build()) {
      RedisStateStore over = RedisStateStore.builder().client(client).open();
      done(over, put("r/a", "v"));
      Edit.Held fence = held(over, "r/b");
      done(over, fence, row("r/b", "x", "y"), queue("r/c"));
      assertThat(claimDue(over, 9)).hasSize(1);
      assertThat(read(over, "r/b").get(0).rows()).hasSize(1);
      assertThat(over.find(Find.tagged("kind", "test", 9)).items()).hasSize(2);
      over.close();
      assertThat(client.ping()).isEqualTo("PONG");
    }
    assertThat(read(store, "r/a")).hasSize(1);
  }

  @Test
  void infoSaysWhatIsSo() {
    assertThat(store.info().sharing()).isEqualTo(StoreInfo.Sharing.FLEET);
    assertThat(store.info().survives()).isEqualTo(StoreInfo.Durability.PROCESS);
    for (String fsync : List.of("always", "everysec")) {
      try (RedisServer durable = RedisServer.builder().appendOnly(fsync).start();
          RedisStateStore over = open(durable)) {
        assertThat(over.info().survives())
            .isEqualTo(
                fsync.equals("always")
                    ? StoreInfo.Durability.MACHINE
                    : StoreInfo.Durability.PROCESS);
      }
    }
  }

  /** Surefire runs all tests of this module twice, and says with which jar each time. */
  @Test
  void theJedisUnderTestIsTheOneThatIsMeant() {
    String jar = Jedis.class.getProtectionDomain().getCodeSource().getLocation().getPath();
    String meant = Objects.requireNonNull(System.getProperty("troupe.jedis"), "troupe.jedis");
    assertThat(jar).endsWith("/" + meant);
  }
}
