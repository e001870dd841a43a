package dev.troupe.examples.party;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.run.Entry;
import dev.troupe.state.Find;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import dev.troupe.testkit.ChildProcess;
import dev.troupe.testkit.PostgresServer;
import dev.troupe.testkit.RedisServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two planners over one store, with one option; one is killed half way, the other finishes. */
@Timeout(400)
class PlannerFleetTest {
  private static final String REQUEST =
      "a dinosaur party for 12 kids on 6 June in Lisbon, 600 euros, one is allergic to nuts";

  @TempDir Path folder;

  @Test
  void overRedisTheOtherFinishesThePlan() throws Exception {
    try (RedisServer server = RedisServer.builder().appendOnly("everysec").start()) {
      theOtherFinishesThePlan(server.uri().toString());
    }
  }

  @Test
  void overPostgresTheOtherFinishesThePlan() throws Exception {
    try (PostgresServer server = PostgresServer.start()) {
      String user = "?user=" + PostgresServer.USER + "&password=" + server.password();
      theOtherFinishesThePlan(server.url().replaceAll("[?].*", "") + user);
    }
  }

  private void theOtherFinishesThePlan(String store) throws Exception {
    Files.createDirectories(folder.resolve("alone"));
    assertThat(PlannerCommand.run(args("memory", "alone"), System.out, System.err)).isZero();
    try (ChildProcess one = planner(store, "one")) {
      Awaitility.await().atMost(Duration.ofSeconds(90)).until(() -> !effects("one").isEmpty());
      try (ChildProcess other = planner(store, "other")) {
        try (StateStore opened = Stores.open(store)) {
          Awaitility.await()
              .atMost(Duration.ofSeconds(90))
              .until(
                  () ->
                      opened.find(Find.tagged("kind", "process", 10)).items().size() == 2
                          && finished(opened).size() >= 2);
          one.kill();
          Set<String> finished = finished(opened);
          int before = effects("other").size();

          assertThat(other.awaitExit(Duration.ofSeconds(150))).as(other.toString()).isZero();

          List<String> effects = effects("other");
          assertThat(effects.subList(before, effects.size()))
              .as("work done again though it was journaled")
              .noneMatch(finished::contains);
        }
      }
    }
    assertThat(plan("other")).isEqualTo(plan("alone"));
    assertThat(Files.exists(folder.resolve("one/plans")))
        .as("the killed one wrote a plan")
        .isFalse();
  }

  private String[] args(String store, String name) {
    Path home = folder.resolve(name);
    return new String[] {
      "--db",
      store,
      "--strategy",
      "best-fit",
      "--out",
      home.resolve("plans").toString(),
      "--effects-file",
      home.resolve("effects").toString(),
      "--slow",
      store.equals("memory") ? "0" : "1500",
      REQUEST
    };
  }

  private ChildProcess planner(String store, String name) throws IOException {
    Files.createDirectories(folder.resolve(name));
    return ChildProcess.of(PlannerProcess.class)
        .name(name)
        .jvm("-XX:TieredStopAtLevel=1", "-Xmx256m")
        .args((Object[]) args(store, name))
        .start();
  }

  private List<String> effects(String name) throws IOException {
    Path file = folder.resolve(name).resolve("effects");
    return Files.exists(file) ? Files.readAllLines(file) : List.of();
  }

  /**
   * The plan's page; its options, which hold how slow the agents were told to be, are not in it.
   */
  private String plan(String name) throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve(name).resolve("plans"))) {
      Path page = files.filter(f -> f.toString().endsWith(".md")).findFirst().orElseThrow();
      return Files.readString(page);
    }
  }

  /** Every step with a result in the store, as {@code run path}. */
  private static Set<String> finished(StateStore store) {
    Set<String> finished = new HashSet<>();
    for (Stored found : store.find(Find.tagged("kind", "run", 1_000)).items()) {
      for (Stored run : store.scan(Scan.whole(found.id())).items()) {
        run.rows()
            .forEach(
                (path, row) -> {
                  if (Entry.decode(row, path).kind() == Entry.Kind.DONE) {
                    finished.add(run.id().key() + " " + path);
                  }
                });
      }
    }
    return finished;
  }
}
