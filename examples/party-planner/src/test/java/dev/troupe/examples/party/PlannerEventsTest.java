package dev.troupe.examples.party;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.testkit.ChildProcess;
import dev.troupe.testkit.KafkaCluster;
import dev.troupe.testkit.PostgresServer;
import dev.troupe.testkit.RedisServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The same agents, unchanged, talk by events over every transport, and the plan is the same. */
@Timeout(300)
class PlannerEventsTest {
  private static final String REQUEST =
      "a dinosaur party for 12 kids on 6 June in Lisbon, 600 euros, one is allergic to nuts";

  @TempDir Path folder;

  private String plan(String... options) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    int code =
        PlannerCommand.run(
            args("here", options),
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(errors, true, StandardCharsets.UTF_8));
    assertThat(code).as(errors.toString(StandardCharsets.UTF_8)).isZero();
    return out.toString(StandardCharsets.UTF_8);
  }

  private String[] args(String name, String... options) {
    List<String> all = new ArrayList<>(List.of(options));
    all.addAll(
        List.of("--strategy", "best-fit", "--quiet", "--out", folder.resolve(name).toString()));
    all.add(REQUEST);
    return all.toArray(new String[0]);
  }

  @Test
  void thePlanIsTheSameOverEveryTransport() throws Exception {
    String alone = plan("--memory");
    assertThat(plan("--memory", "--events", "store")).isEqualTo(alone);
    String sqlite = folder.resolve("plans.db").toString();
    assertThat(plan("--db", sqlite, "--events", "store")).isEqualTo(alone);
    assertThat(plan("--db", sqlite, "--events", "store")).isEqualTo(alone); // it is kept
    try (RedisServer redis = RedisServer.builder().appendOnly("everysec").start()) {
      String uri = redis.uri().toString();
      assertThat(plan("--db", uri, "--events", uri)).isEqualTo(alone);
    }
    try (PostgresServer postgres = PostgresServer.start()) {
      String user = "?user=" + PostgresServer.USER + "&password=" + postgres.password();
      String db = postgres.url().replaceAll("[?].*", "") + user;
      assertThat(plan("--db", db, "--events", "store")).isEqualTo(alone);
    }
    try (KafkaCluster kafka = KafkaCluster.start()) {
      String db = folder.resolve("by-kafka.db").toString();
      assertThat(plan("--db", db, "--events", "kafka://" + kafka.bootstrapServers()))
          .isEqualTo(alone);
    }
  }

  @Test
  void aPlannerThatIsKilledGoesOnByTheEventsThatAreLeft() throws Exception {
    String alone = plan("--memory");
    try (RedisServer redis = RedisServer.builder().appendOnly("everysec").start()) {
      String uri = redis.uri().toString();
      try (ChildProcess killed =
          ChildProcess.of(PlannerProcess.class)
              .name("first")
              .jvm("-XX:TieredStopAtLevel=1", "-Xmx256m")
              .args(
                  (Object[])
                      args(
                          "first",
                          "--db",
                          uri,
                          "--events",
                          uri,
                          "--slow",
                          "700",
                          "--effects-file",
                          folder.resolve("effects").toString()))
              .start()) {
        Awaitility.await()
            .atMost(Duration.ofSeconds(90))
            .until(() -> Files.exists(folder.resolve("effects")) && effects() >= 2);
        killed.kill();
      }
      Path others = folder.resolve("others");
      String plan =
          plan("--db", uri, "--events", uri, "--slow", "700", "--effects-file", others.toString());
      assertThat(plan).isEqualTo(alone);
      String first = Files.readAllLines(folder.resolve("effects")).get(0);
      assertThat(Files.readAllLines(others)).as("what was finished").doesNotContain(first);
    }
  }

  private int effects() throws IOException {
    return Files.readAllLines(folder.resolve("effects")).size();
  }

  @Test
  void anAddressThatIsNoneIsRefused() {
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    int code =
        PlannerCommand.run(
            args("here", "--memory", "--events", "pigeon"),
            System.out,
            new PrintStream(errors, true, StandardCharsets.UTF_8));
    assertThat(code).isEqualTo(2);
    assertThat(errors.toString(StandardCharsets.UTF_8)).contains("--events must be store");
  }
}
