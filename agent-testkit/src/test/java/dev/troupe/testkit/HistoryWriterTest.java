package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Branch;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunView;
import dev.troupe.runtime.Submission;
import dev.troupe.testkit.HistoryReport.Count;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is really written, also by processes that are killed and stopped. */
@Timeout(120)
class HistoryWriterTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** Begins effects of a run of its own as fast as it can. */
  static final class Scribe {
    public static void main(String[] args) {
      History.Writer history = History.Writer.open(Path.of(args[0]), args[1]);
      history.taken(args[1], "test");
      for (int i = 1; ; i++) {
        history.begin(args[1], "step#" + i, 1);
        history.end(args[1], "step#" + i, 1);
        if (i % 1_000 == 0) {
          System.out.println("wrote " + i);
        }
      }
    }
  }

  /** Notes an effect for each line that it is told. */
  static final class Obedient {
    public static void main(String[] args) throws Exception {
      History.Writer history = History.Writer.open(Path.of(args[0]), "obedient");
      history.taken("r", null);
      System.out.println("ready");
      for (int i = 1; System.in.read() >= 0; i++) {
        history.begin("r", "step#" + i, 1);
        System.out.println("noted " + i);
      }
    }
  }

  @TempDir Path folder;

  @Test
  void eventsOfManyThreadsAndProcessesHaveOneOrder() throws Exception {
    try (History.Writer one = History.Writer.open(folder, "one");
        History.Writer two = History.Writer.open(folder, "two")) {
      List<CompletableFuture<Void>> threads = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        String run = "r" + i;
        History.Writer writer = i % 2 == 0 ? one : two;
        threads.add(
            CompletableFuture.runAsync(
                () -> {
                  writer.submitting(run, null);
                  writer.submitted(run);
                  writer.taken(run, null);
                  for (int step = 1; step <= 500; step++) {
                    writer.begin(run, "step#" + step, 1);
                    writer.end(run, "step#" + step, 1);
                  }
                  writer.ended(run, RunView.State.SUCCEEDED);
                }));
      }
      for (CompletableFuture<Void> thread : threads) {
        thread.get(60, TimeUnit.SECONDS);
      }
      assertThat(one.file()).isNotEqualTo(two.file());
    }
    HistoryReport report = History.check(History.files(folder)).assertHolds();
    assertThat(report.count(Count.PROCESSES)).isEqualTo(2);
    assertThat(report.count(Count.MADE)).isEqualTo(4_000);
  }

  @Test
  void whatOneNotesAfterAnotherComesAfterItWhateverTheClocks() {
    try (History.Writer one = History.Writer.open(folder, "one");
        History.Writer two = History.Writer.open(folder, "two")) {
      one.submitted("r");
      for (int i = 1; i <= 100; i++) {
        History.Writer writer = i % 2 == 0 ? one : two;
        writer.taken("r", null);
        writer.begin("r", "step#" + i, 1);
        writer.known("r", "step#" + i);
      }
      one.ended("r", RunView.State.SUCCEEDED);
    }
    History.check(History.files(folder)).assertHolds();
  }

  @Test
  void strangeNamesComeBackAsTheyWere() {
    String strange = "a\tb\nc\\nd\\\\t é 名#1";
    try (History.Writer writer = History.Writer.open(folder, "one")) {
      writer.begin(strange, strange, 3);
    }
    HistoryEvent event = HistoryEvent.read(History.files(folder).get(0)).events().get(1);
    assertThat(event.fields()).containsExactly(strange, strange, "3");
  }

  @Test
  void killedWritersLeaveWholeHistories() {
    int torn = 0;
    for (int round = 0; round < 3; round++) {
      try (ChildProcess one = ChildProcess.of(Scribe.class).args(folder, "one" + round).start();
          ChildProcess two = ChildProcess.of(Scribe.class).args(folder, "two" + round).start()) {
        one.awaitLines("wrote", 2 + ThreadLocalRandom.current().nextInt(3), PATIENCE);
        one.kill();
        two.awaitLines("wrote", 2, PATIENCE);
        two.kill();
      }
      HistoryReport report = History.checkSoFar(History.files(folder));
      assertThat(report.violations()).isEmpty();
      assertThat(report.count(Count.RUNS)).isEqualTo(2 + 2 * round);
      assertThat(report.count(Count.MADE)).isGreaterThanOrEqualTo(4_000 * (round + 1));
      torn += (int) report.count(Count.TORN);
    }
    System.out.println("kills tore " + torn + " last lines");
  }

  @Test
  void aProcessNotesThatItStoodStillBeforeAnythingElse() throws IOException {
    try (ChildProcess child = ChildProcess.of(Obedient.class).args(folder).start()) {
      child.awaitLine("ready", PATIENCE);
      child.pause();
      child.send("x"); // lies in its pipe and is the first thing that it sees
      long paused = System.nanoTime();
      await().until(() -> System.nanoTime() - paused > Duration.ofMillis(400).toNanos());
      child.resume();
      child.awaitLine("noted", PATIENCE);
    }
    List<HistoryEvent> events = HistoryEvent.read(History.files(folder).get(0)).events();
    HistoryEvent begin =
        events.stream().filter(e -> e.kind() == HistoryEvent.Kind.BEGIN).findFirst().orElseThrow();
    HistoryEvent stall = events.get(events.indexOf(begin) - 1);
    assertThat(stall.kind()).isEqualTo(HistoryEvent.Kind.STALLED);
    assertThat(stall.number(1)).isBetween(400L, 20_000L);
    assertThat(stall.number(0)).isLessThan(stall.ticket());
  }

  @Test
  void aLineTornAtAnyLengthIsLeftOut() throws IOException {
    Path file;
    try (History.Writer writer = History.Writer.open(folder, "one")) {
      writer.submitted("r");
      writer.taken("r", null);
      writer.ended("r", RunView.State.SUCCEEDED);
      file = writer.file();
    }
    byte[] whole = Files.readAllBytes(file);
    int last = whole.length - 1;
    while (whole[last - 1] != '\n') {
      last--;
    }
    for (int length = last; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      HistoryReport report = History.checkSoFar(List.of(file));
      assertThat(report.violations()).isEmpty();
      assertThat(report.count(Count.ALIVE)).isEqualTo(1);
      assertThat(report.count(Count.TORN)).isEqualTo(length > last ? 1 : 0);
    }
    for (int length = 0; length < 5; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertThat(History.check(List.of(file)).count(Count.PROCESSES)).isZero();
    }
  }

  @Test
  void aLineTornInTheMiddleIsAnError() throws IOException {
    Path file;
    try (History.Writer writer = History.Writer.open(folder, "one")) {
      writer.submitted("r");
      writer.submitted("s");
      file = writer.file();
    }
    byte[] whole = Files.readAllBytes(file);
    for (int at = 0; at < whole.length - 1; at++) {
      byte[] without = new byte[whole.length - 1];
      System.arraycopy(whole, 0, without, 0, at);
      System.arraycopy(whole, at + 1, without, at, whole.length - at - 1);
      Files.write(file, without);
      assertThatThrownBy(() -> History.checkSoFar(List.of(file)))
          .as("without byte %d", at)
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNDECODABLE))
          .hasMessageContaining(file.getFileName() + " line ");
    }
  }

  @Test
  void filesOfTwoHistoriesDoNotMix() throws IOException {
    try (History.Writer one = History.Writer.open(folder.resolve("a"), "one");
        History.Writer two = History.Writer.open(folder.resolve("b"), "two")) {
      List<Path> files = List.of(one.file(), two.file());
      assertThatThrownBy(() -> History.check(files))
          .isInstanceOf(AgentException.class)
          .hasMessageContaining("event 0 is there twice");
      assertThatThrownBy(() -> History.check(List.of(one.file(), one.file())))
          .isInstanceOf(AgentException.class)
          .hasMessageContaining("is there twice");
    }
  }

  @Test
  void anInterruptedThreadWritesAllTheSame() {
    try (History.Writer writer = History.Writer.open(folder, "one")) {
      Thread.currentThread().interrupt();
      writer.submitted("r");
      assertThat(Thread.interrupted()).isTrue();
      writer.submitted("s");
    }
    assertThat(HistoryEvent.read(History.files(folder).get(0)).events())
        .extracting(HistoryEvent::kind)
        .filteredOn(kind -> kind == HistoryEvent.Kind.SUBMITTED)
        .hasSize(2);
  }

  @Test
  void aClosedWriterHasNoThreadAndRefuses() {
    History.Writer writer = History.Writer.open(folder, "one");
    assertThat(beats()).isPositive();
    writer.close();
    writer.close();
    await().until(() -> beats() == 0);
    assertThatThrownBy(() -> writer.submitted("r")).isInstanceOf(IllegalStateException.class);
  }

  private static long beats() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("history-beat"))
        .count();
  }

  @Test
  void nonsenseIsRefused() {
    assertThatThrownBy(() -> History.Writer.open(folder, "../x"))
        .isInstanceOf(IllegalArgumentException.class);
    try (History.Writer writer = History.Writer.open(folder, "one")) {
      assertThatThrownBy(() -> writer.ended("r", RunView.State.RUNNING))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void garbageIsAnError() throws IOException {
    Path file = folder.resolve("x.history");
    Files.writeString(file, "hello\n", StandardOpenOption.CREATE_NEW);
    assertThatThrownBy(() -> History.check(History.files(folder)))
        .isInstanceOf(AgentException.class)
        .hasMessageContaining("x.history line 1");
  }

  @Test
  void theListenerAndAgentsTellTheSameStory() throws Exception {
    Flaky flaky = new Flaky();
    try (History.Writer history = History.Writer.open(folder, "worker")) {
      AgentDefinition<Integer, Integer> half =
          AgentDefinition.of(
                  "half",
                  Integer.class,
                  Integer.class,
                  (in, context) ->
                      context.step(
                          "halve",
                          Integer.class,
                          attempt -> {
                            history.begin(context.runId(), "halve", attempt.number());
                            flaky.sometimes();
                            history.end(context.runId(), "halve", attempt.number());
                            return in / 2;
                          }))
              .build();
      AgentDefinition<Integer, Integer> sum =
          AgentDefinition.of(
                  "sum",
                  Integer.class,
                  Integer.class,
                  (in, context) -> {
                    List<Integer> halves =
                        context.all(
                            "halves",
                            2,
                            List.<Branch<Integer>>of(
                                b -> b.call("half", in, Integer.class),
                                b ->
                                    b.step(
                                        "own",
                                        Integer.class,
                                        attempt -> {
                                          String path = "halves#1/1/own";
                                          history.begin(b.runId(), path, attempt.number());
                                          history.end(b.runId(), path, attempt.number());
                                          return in;
                                        })));
                    return halves.get(0) + halves.get(1);
                  })
              .build();
      try (AgentRuntime runtime =
          AgentRuntime.builder().agent(half).agent(sum).listener(history.listener()).start()) {
        for (int i = 0; i < 20; i++) {
          history.submitting("s" + i, null);
          var handle = runtime.submit(Submission.of("sum", 10, Integer.class).id("s" + i).build());
          history.submitted("s" + i);
          assertThat(handle.await()).isEqualTo(15);
        }
      }
    }
    HistoryReport report = History.check(History.files(folder)).assertHolds();
    assertThat(report.count(Count.RUNS)).isEqualTo(40);
    assertThat(report.count(Count.SUCCEEDED)).isEqualTo(40);
    assertThat(report.count(Count.EFFECTS)).isEqualTo(40);
    assertThat(report.count(Count.BEGUN)).isEqualTo(50);
    assertThat(report.count(Count.REPEATED)).isZero();
  }

  /** Fails every third time, the first time too. */
  private static final class Flaky {
    private final AtomicInteger calls = new AtomicInteger();

    void sometimes() throws IOException {
      if (calls.incrementAndGet() % 3 == 1) {
        throw new IOException("this time not");
      }
    }
  }
}
