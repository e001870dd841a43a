package dev.troupe.llm.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.llm.log.LogEntry.Kind;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunEvent;
import dev.troupe.runtime.RunView;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.ForwardingStore;
import dev.troupe.state.Grant;
import dev.troupe.state.MortalStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

class RunLogTest extends LoggedRuns {
  @Test
  void aClientThatComesBackAtAnyNumberSeesEachEntryOnce() {
    LogSink sink = log().sink(RUN, held("a"), "");
    for (int i = 1; i <= 500; i++) {
      sink.progress("token " + i);
    }
    Awaitility.await().until(() -> all(0).size() == 500);
    for (long after : new long[] {0, 1, 7, 250, 499, 500}) {
      List<LogEntry> rest = all(after);
      assertThat(rest)
          .extracting(LogEntry::number)
          .containsExactlyElementsOf(
              LongStream.rangeClosed(after + 1, 500).boxed().collect(Collectors.toList()));
      assertThat(rest).allMatch(entry -> entry.text().equals("token " + entry.number()));
    }
  }

  @Test
  void manyTokensAreFewWrites() {
    AtomicInteger writes = new AtomicInteger();
    StateStore counted =
        new ForwardingStore(store) {
          @Override
          public List<Outcome> apply(List<Change> changes) {
            writes.incrementAndGet();
            return super.apply(changes);
          }
        };
    LogSink sink = log(counted).sink(RUN, held("a"), "");
    StringBuilder told = new StringBuilder();
    for (int i = 0; i < 4_000; i++) {
      sink.text("t" + i + " ");
      told.append('t').append(i).append(' ');
    }
    awaitShown(told.toString());
    assertThat(writes).hasValueLessThan(40);
    assertThat(all(0)).hasSizeLessThan(40);
  }

  @Test
  void anExecutionThatLostItsRunWritesNothingAfterItsSuccessor() {
    Grant former = held("a");
    LogSink early = log().sink(RUN, former, "");
    early.text("One, two");
    awaitShown("One, two");
    apply(new Edit.Release(RUN));
    LogSink later = log().sink(RUN, held("b"), "");
    later.text("One, two, three");
    awaitShown("One, two, three");

    Awaitility.await()
        .untilAsserted(
            () ->
                assertThatThrownBy(() -> early.text(" (late)"))
                    .isInstanceOfSatisfying(
                        AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CLOSED))
                    .hasMessageContaining(RUN));
    later.text(", four");
    awaitShown("One, two, three, four");
    assertThat(all(0)).extracting(LogEntry::number).containsExactly(1L, 2L, 3L);
  }

  @Test
  void whoHasLostTheRunBeforeItsFirstWordWritesNone() {
    Grant former = held("a");
    apply(new Edit.Release(RUN));
    held("b");
    LogSink late = log().sink(RUN, former, "");
    late.text("late");
    Awaitility.await()
        .untilAsserted(
            () -> assertThatThrownBy(() -> late.text("x")).isInstanceOf(AgentException.class));
    assertThat(all(0)).isEmpty();
  }

  /** The writer may look at the run in the moment between its end and the word that it ended. */
  @Test
  void wordsOfARunThatEndedBeforeTheyWereWrittenAreWritten() {
    AtomicInteger refused = new AtomicInteger();
    StateStore counted =
        new ForwardingStore(store) {
          @Override
          public List<Outcome> apply(List<Change> changes) {
            List<Outcome> outcomes = super.apply(changes);
            outcomes.forEach(
                outcome -> refused.addAndGet(outcome instanceof Outcome.Refused ? 1 : 0));
            return outcomes;
          }
        };
    RunLog log = log(counted);
    log.sink(RUN, held("a"), "").text("all at once");
    endedLongAgo();
    Awaitility.await().until(() -> refused.get() >= 2);
    log.on(new RunEvent.Ended(RUN, "a", RunView.State.SUCCEEDED, null));
    awaitShown("all at once");
    Awaitility.await().until(() -> all(0).size() == 2);
    assertThat(all(0).get(1).kind()).isEqualTo(Kind.ENDED);
  }

  @Test
  void wordsOfARunThatAnotherEndedAreNotWritten() {
    RunLog log = log();
    LogSink late = log.sink(RUN, held("a"), "");
    late.text("late");
    endedLongAgo();
    log.on(new RunEvent.LetGo(RUN, "a", RunEvent.LetGo.Reason.FENCED));
    Awaitility.await()
        .untilAsserted(
            () -> assertThatThrownBy(() -> late.text("x")).isInstanceOf(AgentException.class));
    assertThat(all(0)).isEmpty();
  }

  @Test
  void whatIsMadeAnewAfterACrashIsPrecededByAWordThatItIs() {
    log().sink(RUN, held("a"), "model").text("The answer is for");
    awaitShown("The answer is for");
    apply(new Edit.Release(RUN));
    LogSink anew = log().sink(RUN, held("b"), "model");
    anew.text("The answer");
    anew.text(" might be 41");
    awaitShown("The answer might be 41");
    assertThat(all(0))
        .extracting(LogEntry::kind)
        .containsExactly(Kind.TEXT, Kind.RESTARTED, Kind.TEXT);
    assertThat(all(0)).extracting(LogEntry::source).containsOnly("model");
  }

  @Test
  void anAnswerThatWasJournaledIsNotShownTwice() {
    log().sink(RUN, held("a"), "").text("The answer is 42");
    awaitShown("The answer is 42");
    apply(new Edit.Release(RUN));
    LogSink again = log().sink(RUN, held("b"), "");
    again.replayed("", "The answer is 42");
    again.text(" indeed");
    awaitShown("The answer is 42 indeed");
    assertThat(all(0)).extracting(LogEntry::kind).containsExactly(Kind.TEXT, Kind.TEXT);
  }

  @Test
  void wordsThatDiedWithTheirProcessAreShownWhenTheAnswerIsReplayed() {
    LogSink first = log().sink(RUN, held("a"), "");
    first.thinking("hm");
    first.text("The ans");
    awaitShown("The ans");
    apply(new Edit.Release(RUN));
    log().sink(RUN, held("b"), "").replayed("hm", "The answer is 42");
    awaitShown("The answer is 42");
    assertThat(all(0)).extracting(LogEntry::text).containsExactly("hm", "The ans", "wer is 42");
  }

  @Test
  void anAnswerThatIsShorterTheSecondTimeReplacesTheFirst() {
    log().sink(RUN, held("a"), "").text("The answer is long");
    awaitShown("The answer is long");
    apply(new Edit.Release(RUN));
    LogSink shorter = log().sink(RUN, held("b"), "");
    shorter.text("The answer");
    shorter.finished();
    awaitShown("The answer");
  }

  @Test
  void aProcessDiesInTheMiddleOfAnAnswerAndTheReaderSeesItBegunAnewAndEnded() throws Exception {
    AtomicInteger attempts = new AtomicInteger();
    CountDownLatch never = new CountDownLatch(1);
    MortalStore mortal = new MortalStore(store);
    List<RunLog> logs = List.of(log(mortal), log());
    List<LogEntry> seen = new CopyOnWriteArrayList<>();
    String id;
    try (AgentRuntime first = runtime(mortal, logs.get(0), talker(logs.get(0), attempts, never))) {
      id = first.submit("speaker", "hi", String.class).id();
      RunLog reader = log();
      String run = id;
      Awaitility.await().until(() -> text(reader, run).equals("attempt 1"));
      mortal.die();
    }
    try (AgentRuntime second = runtime(store, logs.get(1), talker(logs.get(1), attempts, never))) {
      log().follow(id, 0, seen::add);
      assertThat(second.handle(id, String.class).await()).isEqualTo("done");
    }
    assertThat(seen.stream().map(LogEntry::kind).filter(k -> k != Kind.STEP_STARTED))
        .containsExactly(Kind.TEXT, Kind.RESTARTED, Kind.TEXT, Kind.STEP_FINISHED, Kind.ENDED);
    assertThat(seen)
        .extracting(LogEntry::number)
        .containsExactlyElementsOf(
            LongStream.rangeClosed(1, seen.size()).boxed().collect(Collectors.toList()));
  }

  private static String text(RunLog reader, String run) {
    return reader.read(run, 0).entries().stream()
        .filter(e -> e.kind() == Kind.TEXT)
        .map(LogEntry::text)
        .collect(Collectors.joining());
  }

  private static AgentDefinition<String, String> talker(
      RunLog log, AtomicInteger attempts, CountDownLatch never) {
    return agent(
        (input, context) -> {
          LogSink sink = log.sink(context);
          return context.step(
              "answer",
              String.class,
              attempt -> {
                int number = attempts.incrementAndGet();
                sink.text("attempt " + number);
                if (number == 1) {
                  never.await();
                }
                return "done";
              });
        });
  }

  @Test
  void theOldestEntriesGoAndReadersAreToldHowManyAreMissing() throws Exception {
    RunLog small = RunLog.builder(store).maxEntries(10).collect(Duration.ofMillis(1)).build();
    open.add(small);
    LogSink sink = small.sink(RUN, held("a"), "");
    for (int i = 1; i <= 50; i++) {
      sink.progress("entry " + i);
      int number = i;
      Awaitility.await()
          .pollInterval(Duration.ofMillis(1))
          .until(() -> !small.read(RUN, number - 1).entries().isEmpty());
    }
    LogPage page = small.read(RUN, 5);
    assertThat(page.missing()).isEqualTo(35);
    assertThat(page.entries()).extracting(LogEntry::number).startsWith(41L).endsWith(50L);
    assertThat(page.entries()).hasSize(10);

    endedLongAgo();
    List<String> seen = new ArrayList<>();
    small.follow(
        RUN,
        30,
        new LogListener() {
          @Override
          public void entry(LogEntry entry) {
            seen.add("" + entry.number());
          }

          @Override
          public void missing(long from, long to) {
            seen.add(from + "-" + to);
          }
        });
    assertThat(seen)
        .containsExactly("31-40", "41", "42", "43", "44", "45", "46", "47", "48", "49", "50");
  }

  @Test
  void whatWasRemovedIsNotShownAgainWhenItsAnswerIsReplayed() {
    RunLog small = RunLog.builder(store).maxEntries(3).build();
    open.add(small);
    LogSink early = small.sink(RUN, held("a"), "model 1");
    early.text("The first answer");
    early.finished();
    for (int i = 1; i <= 3; i++) {
      early.progress("entry " + i);
    }
    Awaitility.await()
        .until(() -> !all(0).isEmpty() && all(0).get(all(0).size() - 1).text().equals("entry 3"));
    assertThat(all(0).get(0).number()).isGreaterThan(1);
    apply(new Edit.Release(RUN));
    Grant next = held("b");
    small.sink(RUN, next, "model 1").replayed("", "The first answer");
    small.sink(RUN, next, "model 2").progress("entry 4");
    Awaitility.await().until(() -> all(0).get(all(0).size() - 1).text().equals("entry 4"));
    assertThat(all(0)).extracting(LogEntry::kind).containsOnly(Kind.TOOL);
  }

  @Test
  void aLogIsBoundedInBytes() {
    RunLog small = RunLog.builder(store).maxBytes(40_000).collect(Duration.ofMillis(1)).build();
    open.add(small);
    LogSink sink = small.sink(RUN, held("a"), "");
    for (int i = 0; i < 40; i++) {
      sink.text("x".repeat(5_000));
    }
    sink.progress("last");
    Awaitility.await()
        .until(
            () -> {
              List<LogEntry> entries = all(0);
              return !entries.isEmpty() && entries.get(entries.size() - 1).text().equals("last");
            });
    assertThat(size()).isLessThanOrEqualTo(40_000);
  }

  private int size() {
    RecordId id = RecordId.of(RUN + "/$log", store.info().partitions());
    Stored record = store.scan(Scan.whole(id)).items().get(0);
    return record.rows().values().stream().mapToInt(row -> row.length).sum();
  }

  @Test
  void lostAnswersOfTheStoreLeaveNeitherGapsNorDoubles() {
    AtomicInteger calls = new AtomicInteger();
    StateStore forgetful =
        new ForwardingStore(store) {
          @Override
          public List<Outcome> apply(List<Change> changes) {
            int call = calls.incrementAndGet();
            if (call % 3 == 1) {
              throw new AgentException(ErrorCode.STORE_UNAVAILABLE, "not reached");
            }
            List<Outcome> outcomes = super.apply(changes);
            if (call % 3 == 2) {
              throw new AgentException(ErrorCode.STORE_UNAVAILABLE, "its answer was lost");
            }
            return outcomes;
          }
        };
    RunLog log = RunLog.builder(forgetful).collect(Duration.ofMillis(5)).build();
    open.add(log);
    LogSink sink = log.sink(RUN, held("a"), "");
    for (int i = 1; i <= 30; i++) {
      sink.progress("entry " + i);
      Awaitility.await()
          .pollInterval(Duration.ofMillis(1))
          .until(() -> true); // lets the writer in between
    }
    Awaitility.await().until(() -> all(0).size() >= 30);
    assertThat(all(0).stream().map(e -> e.number() + " " + e.text()))
        .containsExactlyElementsOf(
            LongStream.rangeClosed(1, 30)
                .mapToObj(i -> i + " entry " + i)
                .collect(Collectors.toList()));
  }

  @Test
  void aLogIsRemovedWithItsRun() throws Exception {
    RunLog log = log();
    AgentDefinition<String, String> agent =
        agent(
            (input, context) -> {
              log.sink(context).text("words");
              return "done";
            });
    try (AgentRuntime runtime =
        AgentRuntime.builder()
            .store(store)
            .listener(log)
            .agent(agent)
            .retention(Duration.ofMillis(500))
            .pollInterval(Duration.ofMillis(20))
            .start()) {
      String id = runtime.submit("speaker", "hi", String.class).id();
      Awaitility.await().until(() -> !log.read(id, 0).entries().isEmpty());
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .until(
              () ->
                  store
                      .scan(Scan.whole(RecordId.of(id + "/$log", store.info().partitions())))
                      .items()
                      .isEmpty());
    }
  }

  @Test
  void wordsPassTheCodec() {
    RunLog log = RunLog.builder(store).codec(new Inverted()).build();
    open.add(log);
    log.sink(RUN, held("a"), "").text("canary-4711");
    Awaitility.await().until(() -> !log.read(RUN, 0).entries().isEmpty());
    assertThat(log.read(RUN, 0).entries().get(0).text()).isEqualTo("canary-4711");
    RecordId id = RecordId.of(RUN + "/$log", store.info().partitions());
    store
        .scan(Scan.whole(id))
        .items()
        .get(0)
        .rows()
        .values()
        .forEach(
            row ->
                assertThat(new String(row, StandardCharsets.ISO_8859_1))
                    .doesNotContain("canary-4711"));
    assertThatThrownBy(() -> all(0))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNDECODABLE))
        .hasMessageNotContaining("canary");
  }

  /** Each bit turned round. */
  private static final class Inverted implements Codec {
    @Override
    public String id() {
      return "inverted";
    }

    @Override
    public byte[] encode(Object value, Type type) {
      return turned(Codec.json().encode(value, type));
    }

    @Override
    public Object decode(byte[] bytes, Type type) {
      return Codec.json().decode(turned(bytes), type);
    }

    private static byte[] turned(byte[] bytes) {
      byte[] turned = new byte[bytes.length];
      for (int i = 0; i < bytes.length; i++) {
        turned[i] = (byte) ~bytes[i];
      }
      return turned;
    }
  }

  @Test
  void whoTellsMoreThanTheStoreTakesWaits() throws Exception {
    CountDownLatch open = new CountDownLatch(1);
    StateStore slow =
        new ForwardingStore(store) {
          @Override
          public List<Outcome> apply(List<Change> changes) {
            try {
              open.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
            return super.apply(changes);
          }
        };
    LogSink sink = log(slow).sink(RUN, held("a"), "");
    AtomicInteger told = new AtomicInteger();
    Thread speaker =
        new Thread(
            () -> {
              for (int i = 0; i < 100; i++) {
                sink.text("x".repeat(10_000));
                told.incrementAndGet();
              }
            });
    speaker.start();
    Awaitility.await().until(() -> speaker.getState() == Thread.State.WAITING);
    assertThat(told).hasValueBetween(20, 60);
    open.countDown();
    speaker.join(20_000);
    Awaitility.await().until(() -> shown().length() == 1_000_000);
  }
}
