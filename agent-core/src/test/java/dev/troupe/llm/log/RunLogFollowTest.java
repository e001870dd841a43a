package dev.troupe.llm.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.llm.log.LogEntry.Kind;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunEvent;
import dev.troupe.runtime.RunView;
import dev.troupe.state.Change;
import dev.troupe.state.ForwardingStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Who follows a log, or subscribes to it. */
class RunLogFollowTest extends LoggedRuns {
  @Test
  void whoFollowsARunSeesWhatItTellsUpToItsEnd() throws Exception {
    RunLog log = log();
    AgentDefinition<String, String> agent =
        agent(
            (input, context) -> {
              LogSink sink = log.sink(context);
              context.publish("half way");
              return context.step(
                  "answer",
                  String.class,
                  attempt -> {
                    sink.thinking("hm");
                    sink.text("Hello");
                    sink.toolCall(0, "search", "{");
                    sink.toolCall(0, "search", "}");
                    sink.text(" world");
                    return "done";
                  });
            });
    List<LogEntry> seen = new ArrayList<>();
    try (AgentRuntime runtime = runtime(store, log, agent)) {
      String id = runtime.submit("speaker", "hi", String.class).id();
      log().follow(id, 0, seen::add);
      assertThat(runtime.handle(id, String.class).await()).isEqualTo("done");
    }
    assertThat(seen.stream().map(e -> e.kind() + " " + e.source() + " " + e.text()))
        .containsExactly(
            "PROGRESS  half way",
            "STEP_STARTED answer#1 1",
            "THINKING  hm",
            "TEXT  Hello",
            "TOOL  search",
            "TEXT   world",
            "STEP_FINISHED answer#1 ",
            "ENDED  SUCCEEDED");
    assertThat(seen).extracting(LogEntry::number).containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L);
  }

  @Test
  void aFollowerInAnotherPartOfTheFleetSeesATokenSoon() throws Exception {
    LogSink sink = log().sink(RUN, held("a"), "");
    sink.text("first");
    List<Long> after = new CopyOnWriteArrayList<>();
    RunLog elsewhere = log();
    AtomicInteger texts = new AtomicInteger();
    Thread follower =
        new Thread(
            () -> {
              try {
                elsewhere.follow(RUN, 0, entry -> texts.incrementAndGet());
              } catch (InterruptedException done) {
                Thread.currentThread().interrupt();
              }
            });
    follower.start();
    Awaitility.await().until(() -> texts.get() == 1);
    for (int i = 2; i <= 6; i++) {
      long told = System.nanoTime();
      int expected = i;
      sink.text("next");
      Awaitility.await().pollInterval(Duration.ofMillis(2)).until(() -> texts.get() == expected);
      after.add(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - told));
    }
    follower.interrupt();
    follower.join(5_000);
    assertThat(follower.isAlive()).isFalse();
    // collected for 100 ms, looked for at least every 150 ms; the slack is for a busy machine
    assertThat(after.stream().mapToLong(Long::longValue).min().orElseThrow()).isLessThan(600);
  }

  @Test
  void aRunThatIsOverEndsItsFollowersEvenIfNobodyWroteItsEnd() throws Exception {
    RunLog log = log();
    log.sink(RUN, held("a"), "").text("last words");
    awaitShown("last words");
    endedLongAgo();
    List<LogEntry> seen = new ArrayList<>();
    log().follow(RUN, 0, seen::add);
    assertThat(seen).extracting(LogEntry::text).containsExactly("last words");
    assertThatThrownBy(() -> log().follow("nobody", 0, entry -> {}))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.RUN_NOT_FOUND));
  }

  @Test
  void aSubscriptionShowsALogToTheRunsEndAtAnyProcess() throws Exception {
    RunLog log = log();
    AgentDefinition<String, String> agent =
        agent(
            (input, context) -> {
              LogSink sink = log.sink(context);
              for (int i = 1; i <= 200; i++) {
                sink.progress("entry " + i);
              }
              return "done";
            });
    List<LogEntry> seen = new CopyOnWriteArrayList<>();
    ExecutorService threads = Executors.newCachedThreadPool();
    try (AgentRuntime runtime = runtime(store, log, agent)) {
      String id = runtime.submit("speaker", "hi", String.class).id();
      Awaitility.await().until(() -> !log.read(id, 0).entries().isEmpty());
      LogSubscription all = log().subscribe(id, 50, seen::add, threads);
      all.ended().toCompletableFuture().get(20, TimeUnit.SECONDS);
      assertThat(seen)
          .extracting(LogEntry::number)
          .containsExactlyElementsOf(LongStream.rangeClosed(51, 201).boxed().toList());
      assertThat(seen.get(150).kind()).isEqualTo(Kind.ENDED);
      assertThat(all.lastSeen()).isEqualTo(201);

      LogSubscription late = log().subscribe(id, 201, seen::add, threads);
      late.ended().toCompletableFuture().get(20, TimeUnit.SECONDS);
      assertThat(seen).hasSize(151);
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void aClosedSubscriptionShowsNothingMoreAndAnotherGoesOnBehindItsLastNumber() throws Exception {
    LogSink sink = log().sink(RUN, held("a"), "");
    ExecutorService threads = Executors.newCachedThreadPool();
    List<Long> seen = new CopyOnWriteArrayList<>();
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch never = new CountDownLatch(1);
    LogListener slow =
        entry -> {
          seen.add(entry.number());
          if (entry.number() == 7) {
            inside.countDown();
            try {
              never.await();
            } catch (InterruptedException closed) {
              Thread.currentThread().interrupt();
            }
          }
        };
    try {
      LogSubscription first = log().subscribe(RUN, 0, slow, threads);
      for (int i = 1; i <= 20; i++) {
        sink.progress("entry " + i);
      }
      assertThat(inside.await(20, TimeUnit.SECONDS)).isTrue();
      first.close(); // interrupts the listener, and waits for it
      int shown = seen.size();
      assertThat(first.ended().toCompletableFuture())
          .failsWithin(Duration.ofSeconds(5))
          .withThrowableThat()
          .havingCause()
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CLOSED))
          .withMessageContaining(RUN);
      Awaitility.await().until(() -> first.lastSeen() == 7);
      sink.progress("entry 21");

      LogSubscription[] own = new LogSubscription[1];
      CountDownLatch known = new CountDownLatch(1);
      own[0] =
          log()
              .subscribe(
                  RUN,
                  first.lastSeen(),
                  entry -> {
                    seen.add(entry.number());
                    if (entry.number() == 20) {
                      awaitQuietly(known);
                      own[0].close(); // from inside
                    }
                  },
                  threads);
      known.countDown();
      Awaitility.await().until(() -> own[0].lastSeen() == 20);
      assertThat(shown).isEqualTo(7);
      threads.shutdown();
      assertThat(threads.awaitTermination(20, TimeUnit.SECONDS)).as("no thread is left").isTrue();
      assertThat(seen).containsExactlyElementsOf(LongStream.rangeClosed(1, 20).boxed().toList());
    } finally {
      threads.shutdownNow();
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void aSubscriptionTellsWhyItCanNotGoOn() {
    log().sink(RUN, held("a"), "").text("words");
    awaitShown("words");
    RunLog closing = log();
    LogSubscription nobody = log().subscribe("nobody", 0, entry -> {}, Runnable::run);
    assertEnded(nobody, ErrorCode.RUN_NOT_FOUND);
    LogSubscription breaks =
        log()
            .subscribe(
                RUN,
                0,
                entry -> {
                  throw new AgentException(ErrorCode.INVALID_INPUT, "the client is gone");
                },
                Runnable::run);
    assertEnded(breaks, ErrorCode.INVALID_INPUT);
    assertThat(breaks.lastSeen()).isZero();
    ExecutorService threads = Executors.newCachedThreadPool();
    try {
      LogSubscription open = closing.subscribe(RUN, 0, entry -> {}, threads);
      Awaitility.await().until(() -> open.lastSeen() == 1);
      closing.close();
      assertEnded(open, ErrorCode.CLOSED);
    } finally {
      threads.shutdownNow();
    }
  }

  private static void assertEnded(LogSubscription subscription, ErrorCode code) {
    assertThat(subscription.ended().toCompletableFuture())
        .failsWithin(Duration.ofSeconds(20))
        .withThrowableThat()
        .havingCause()
        .isInstanceOfSatisfying(AgentException.class, e -> assertThat(e.code()).isEqualTo(code));
  }

  @Test
  void lastWordsThatAreWrittenLateAreWaitedFor() throws Exception {
    CountDownLatch gate = new CountDownLatch(1);
    AtomicBoolean shut = new AtomicBoolean();
    StateStore slow =
        new ForwardingStore(store) {
          @Override
          public List<Outcome> apply(List<Change> changes) {
            if (shut.get()) {
              awaitQuietly(gate);
            }
            return super.apply(changes);
          }
        };
    RunLog log = log(slow);
    LogSink sink = log.sink(RUN, held("a"), "");
    sink.text("first");
    awaitShown("first");
    shut.set(true);
    sink.text(", and last words");
    log.on(new RunEvent.Ended(RUN, "a", RunView.State.SUCCEEDED, null));
    ended(log.read(RUN, 0).entries().get(0).at());
    List<LogEntry> seen = new CopyOnWriteArrayList<>();
    ExecutorService threads = Executors.newCachedThreadPool();
    try {
      LogSubscription late = log().subscribe(RUN, 0, seen::add, threads);
      // longer than it takes a follower to look twice at a run that is over
      assertThat(late.ended().toCompletableFuture()).failsWithin(Duration.ofMillis(3_500));
      gate.countDown();
      late.ended().toCompletableFuture().get(20, TimeUnit.SECONDS);
    } finally {
      threads.shutdownNow();
    }
    assertThat(seen.stream().map(e -> e.kind() + e.text()))
        .containsExactly("TEXTfirst", "TEXT, and last words", "ENDEDSUCCEEDED");
  }
}
