package dev.troupe.examples.party;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.examples.party.agents.PartyPlanner;
import dev.troupe.examples.party.catalogue.DataFiles;
import dev.troupe.examples.party.plan.PartyPlan;
import dev.troupe.examples.party.plan.Recommenders;
import dev.troupe.examples.party.request.Options;
import dev.troupe.examples.party.request.PartyRequest;
import dev.troupe.jdbc.PostgresStateStore;
import dev.troupe.jdbc.SqliteStateStore;
import dev.troupe.redis.RedisStateStore;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.Submission;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.CrashEverywhere;
import dev.troupe.testkit.PostgresServer;
import dev.troupe.testkit.RedisServer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The whole planner, crashed at every change of its store. */
@Timeout(600)
class PlannerCrashTest {
  private static final PartyRequest REQUEST =
      new PartyRequest(
          "a dinosaur party for 12 kids on 6 June in Lisbon, 600 euros, one is allergic to nuts",
          Options.standard());

  private final Recommenders recommenders = Recommenders.standard();
  private final AtomicInteger files = new AtomicInteger();
  private final Map<StateStore, Path> opened = new ConcurrentHashMap<>();

  @TempDir Path folder;

  private PartyPlan plan(AgentRuntime.Builder builder) throws InterruptedException {
    // new agents for each process: what they cache dies with it
    PlannerAgents.load(DataFiles.bundled(), recommenders).definitions().forEach(builder::agent);
    try (AgentRuntime runtime = builder.start()) {
      return runtime
          .submit(Submission.of(PartyPlanner.NAME, REQUEST, PartyPlan.class).id("p").build())
          .await();
    }
  }

  private StateStore open(Path file) {
    SqliteStateStore store = SqliteStateStore.open(file);
    opened.put(store, file);
    return store;
  }

  private StateStore reopen(StateStore store) {
    Path file = opened.remove(store);
    store.close();
    return open(file);
  }

  @Test
  void overMemory() {
    check(CrashEverywhere.over(MemoryStateStore::new).run(this::plan));
  }

  @Test
  void overASqliteFileThatIsOpenedAgain() {
    check(
        CrashEverywhere.over(() -> open(folder.resolve(files.incrementAndGet() + ".db")))
            .reopening(this::reopen)
            .run(this::plan));
  }

  @Test
  @Tag("chaos")
  void overRedisWhereTheOtherProcessTakesOver() {
    try (RedisServer server = RedisServer.start()) {
      check(
          CrashEverywhere.over(
                  () ->
                      RedisStateStore.builder()
                          .uri(server.uri().toString())
                          .prefix("crash-" + files.incrementAndGet())
                          .open())
              .atOnce(16)
              .patience(Duration.ofMinutes(2))
              .run(this::plan));
    }
  }

  @Test
  @Tag("chaos")
  void overPostgresWhereTheOtherProcessTakesOver() {
    try (PostgresServer server = PostgresServer.start()) {
      check(
          CrashEverywhere.over(
                  () ->
                      PostgresStateStore.builder(
                              server.url(), PostgresServer.USER, server.password())
                          .schema("crash_" + files.incrementAndGet())
                          .migrate(true)
                          .open())
              .atOnce(16)
              .patience(Duration.ofMinutes(2))
              .run(this::plan));
    }
  }

  private static void check(CrashEverywhere.Report report) {
    System.out.println("the planner, crashed everywhere: " + report);
    assertThat(report.calls()).isGreaterThan(15);
    assertThat(report.crashes()).isGreaterThanOrEqualTo(2 * report.calls());
  }
}
