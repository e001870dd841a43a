package dev.troupe.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BatchingStoreTest {
  private final MemoryStateStore memory = new MemoryStateStore();
  private final Gate gate = new Gate(memory);
  private final BatchingStore batching = new BatchingStore(gate);
  private final List<Caller> callers = new ArrayList<>();

  /** Holds the first flush until it is opened, and fails those that it is told to. */
  private static final class Gate extends ForwardingStore {
    final List<Integer> sizes = new CopyOnWriteArrayList<>();
    final List<Long> threads = new CopyOnWriteArrayList<>();
    final CountDownLatch entered = new CountDownLatch(1);
    final CountDownLatch open = new CountDownLatch(1);
    volatile boolean closed;
    volatile int failing = -1;
    volatile Throwable failure = new AgentException(ErrorCode.STORE_UNAVAILABLE, "no answer");
    volatile boolean shortAnswer;

    Gate(StateStore store) {
      super(store);
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      int call = sizes.size();
      sizes.add(changes.size());
      threads.add(Thread.currentThread().getId());
      if (closed && call == 0) {
        entered.countDown();
        awaitUninterruptibly(open);
      }
      if (call == failing) {
        if (failure instanceof Error error) {
          throw error;
        }
        throw (RuntimeException) failure;
      }
      List<Outcome> outcomes = super.apply(changes);
      return shortAnswer ? outcomes.subList(1, outcomes.size()) : outcomes;
    }
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    boolean interrupted = false;
    while (true) {
      try {
        latch.await();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** A thread that sends one change. */
  private class Caller extends Thread {
    final Change change;
    volatile Outcome outcome;
    volatile Throwable failure;
    volatile boolean flag;

    Caller(Change change) {
      this.change = change;
      setDaemon(true);
    }

    @Override
    public void run() {
      try {
        outcome = batching.apply(change);
      } catch (Throwable t) {
        failure = t;
      }
      flag = Thread.currentThread().isInterrupted();
    }
  }

  @AfterEach
  void open() {
    gate.open.countDown();
  }

  private static Change put(String key, int number) {
    return new Change(
        key + "-" + number,
        RecordId.of(key, 64).partition(),
        List.of(new Edit.Put(key, bytes(number), Map.of(), null)));
  }

  private static byte[] bytes(int number) {
    return Integer.toString(number).getBytes(StandardCharsets.UTF_8);
  }

  private static Change large(String key, int edits) {
    List<Edit> rows = new ArrayList<>();
    for (int i = 0; i < edits; i++) {
      rows.add(new Edit.Row(key, "row" + i, bytes(i)));
    }
    return new Change(key, RecordId.of(key, 64).partition(), rows);
  }

  private Caller call(Change change) {
    Caller caller = new Caller(change);
    callers.add(caller);
    caller.start();
    return caller;
  }

  /** Starts a caller and returns when it waits for others. */
  private Caller queue(Change change) {
    Caller caller = call(change);
    awaitWaiting(caller);
    return caller;
  }

  private static void awaitWaiting(Caller caller) {
    Awaitility.await()
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(1))
        .until(() -> caller.getState() == Thread.State.WAITING);
  }

  private Caller blockTheFirst() throws InterruptedException {
    gate.closed = true;
    Caller first = call(put("first", 0));
    assertThat(gate.entered.await(10, TimeUnit.SECONDS)).isTrue();
    return first;
  }

  private void finish() throws InterruptedException {
    gate.open.countDown();
    for (Caller caller : callers) {
      caller.join(20_000);
      assertThat(caller.isAlive()).as("a caller without an answer").isFalse();
    }
  }

  private static Outcome.Seen seen(Outcome outcome) {
    assertThat(outcome).isInstanceOf(Outcome.Done.class);
    return ((Outcome.Done) outcome).seen().get(0);
  }

  // alone

  @Test
  void aLoneCallersChangeGoesAtOnceInACallOfItsOwnOnItsOwnThread() {
    for (int i = 0; i < 5; i++) {
      assertThat(seen(batching.apply(put("a", i))).version()).isEqualTo(i + 1);
    }
    assertThat(gate.sizes).containsExactly(1, 1, 1, 1, 1);
    assertThat(gate.threads).containsOnly(Thread.currentThread().getId());
  }

  @Test
  void aRefusalIsAnAnswer() {
    Change once =
        new Change(
            "once",
            RecordId.of("a", 64).partition(),
            List.of(new Edit.Absent("a"), new Edit.Put("a", bytes(1), Map.of(), null)));
    assertThat(batching.apply(once)).isInstanceOf(Outcome.Done.class);
    assertThat(batching.apply(once)).isInstanceOf(Outcome.Refused.class);
  }

  // together

  @Test
  void callersThatComeDuringAFlushRideTogetherInOneCall() throws Exception {
    Caller first = blockTheFirst();
    List<Caller> riders = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      riders.add(queue(put("rider" + i, i)));
    }
    finish();
    assertThat(gate.sizes).containsExactly(1, 20);
    assertThat(seen(first.outcome).key()).isEqualTo("first");
    for (int i = 0; i < 20; i++) {
      assertThat(seen(riders.get(i).outcome).key()).isEqualTo("rider" + i);
    }
  }

  @Test
  void everyRiderGetsItsOwnOutcome() throws Exception {
    batching.apply(put("there", 1));
    gate.sizes.clear();
    blockTheFirst();
    Caller refused =
        queue(
            new Change(
                "r",
                RecordId.of("there", 64).partition(),
                List.of(
                    new Edit.Absent("there"), new Edit.Put("there", bytes(9), Map.of(), null))));
    Caller done = queue(put("other", 5));
    Caller dropped =
        queue(
            new Change(
                "m",
                RecordId.of("nobody", 64).partition(),
                List.of(new Edit.Mail("nobody", "m", bytes(1), true))));
    finish();
    assertThat(gate.sizes).containsExactly(1, 3);
    assertThat(refused.outcome).isInstanceOf(Outcome.Refused.class);
    assertThat(seen(done.outcome).version()).isEqualTo(1);
    assertThat(seen(dropped.outcome).mailAccepted()).isFalse();
  }

  @Test
  void aFlushNeverCarriesMoreThanAThousandAndTwentyFourLines() throws Exception {
    blockTheFirst();
    for (int i = 0; i < 9; i++) {
      queue(large("large" + i, 250));
    }
    finish();
    assertThat(gate.sizes).containsExactly(1, 4, 4, 1);
  }

  @Test
  void ridersAreServedInTheOrderInWhichTheyCame() throws Exception {
    blockTheFirst();
    for (int i = 1; i <= 10; i++) {
      queue(put("same", i));
    }
    finish();
    for (int i = 1; i <= 10; i++) {
      assertThat(seen(callers.get(i).outcome).version()).isEqualTo(i);
    }
  }

  // failure

  @Test
  void theFailureOfAFlushReachesAllItsRidersAndNobodyElse() throws Exception {
    Caller first = blockTheFirst();
    gate.failing = 1;
    for (int i = 0; i < 5; i++) {
      queue(put("rider" + i, i));
    }
    finish();
    assertThat(first.failure).isNull();
    assertThat(seen(first.outcome).version()).isEqualTo(1);
    for (Caller rider : callers.subList(1, 6)) {
      assertThat(rider.outcome).isNull();
      assertThat(rider.failure)
          .isInstanceOfSatisfying(
              AgentException.class,
              e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE));
    }
    assertThat(seen(batching.apply(put("rider0", 7))).version()).isEqualTo(1);
    assertThat(gate.sizes).containsExactly(1, 5, 1);
  }

  @Test
  void theFailureOfALoneCallReachesItsCallerAndTheNextOneWorks() {
    gate.failing = 0;
    assertThatThrownBy(() -> batching.apply(put("a", 1))).hasMessage("no answer");
    assertThat(seen(batching.apply(put("a", 2))).version()).isEqualTo(1);
  }

  @Test
  void ridersGoOnWhenTheOneBeforeThemFailed() throws Exception {
    Caller first = blockTheFirst();
    gate.failing = 0;
    for (int i = 0; i < 5; i++) {
      queue(put("rider" + i, i));
    }
    finish();
    assertThat(first.failure).hasMessage("no answer");
    for (Caller rider : callers.subList(1, 6)) {
      assertThat(seen(rider.outcome).version()).isEqualTo(1);
    }
  }

  @Test
  void anErrorOfTheStoreStrandsNobody() throws Exception {
    blockTheFirst();
    gate.failing = 1;
    gate.failure = new StackOverflowError("on purpose");
    for (int i = 0; i < 3; i++) {
      queue(put("rider" + i, i));
    }
    finish();
    for (Caller rider : callers.subList(1, 4)) {
      assertThat(rider.failure).isNotNull();
    }
    assertThat(batching.apply(put("later", 1))).isInstanceOf(Outcome.Done.class);
  }

  @Test
  void aStoreThatAnswersTooFewIsUnavailableForAllOfTheFlush() throws Exception {
    blockTheFirst();
    Caller one = queue(put("one", 1));
    Caller two = queue(put("two", 1));
    gate.shortAnswer = true;
    finish();
    for (Caller rider : List.of(one, two)) {
      assertThat(rider.failure)
          .isInstanceOfSatisfying(
              AgentException.class,
              e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE))
          .hasMessageContaining("1 of 2");
    }
  }

  @Test
  void aStoreThatAnswersALoneCallerWithNothingIsUnavailable() {
    gate.shortAnswer = true;
    assertThatThrownBy(() -> batching.apply(put("a", 1)))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE))
        .hasMessageContaining("0 of 1");
  }

  @Test
  void aChangeThatBreaksARuleIsRefusedAloneBeforeItReachesTheStore() throws Exception {
    blockTheFirst();
    Caller good = queue(put("good", 1));
    Change bad =
        new Change(
            "bad",
            0,
            List.of(new Edit.Row("good", "r", null), new Edit.Row("elsewhere", "r", null)));
    assertThatThrownBy(() -> batching.apply(bad))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT));
    Caller alsoGood = queue(put("also good", 1));
    finish();
    assertThat(seen(good.outcome).version()).isEqualTo(1);
    assertThat(seen(alsoGood.outcome).version()).isEqualTo(1);
    assertThat(gate.sizes).containsExactly(1, 2);
  }

  // interruption

  @Test
  void anInterruptedRiderGetsItsAnswerAndKeepsItsInterruptFlag() throws Exception {
    Caller first = blockTheFirst();
    Caller interrupted = queue(put("a", 1));
    Caller other = queue(put("b", 1));
    interrupted.interrupt();
    first.interrupt();
    awaitWaiting(interrupted);
    finish();
    assertThat(seen(interrupted.outcome).version()).isEqualTo(1);
    assertThat(interrupted.flag).isTrue();
    assertThat(first.outcome).isNotNull();
    assertThat(first.flag).isTrue();
    assertThat(other.flag).isFalse();
  }

  @Test
  void aCallerThatComesInterruptedGetsItsAnswerAndKeepsItsFlag() throws Exception {
    blockTheFirst();
    Caller caller =
        new Caller(put("a", 1)) {
          @Override
          public void run() {
            interrupt();
            super.run();
          }
        };
    callers.add(caller);
    caller.start();
    awaitWaiting(caller);
    finish();
    assertThat(seen(caller.outcome).version()).isEqualTo(1);
    assertThat(caller.flag).isTrue();
  }

  // nobody is lost

  @Test
  void noRiderIsLostWhenTheLeadIsHandedOn() throws Exception {
    long seed = new Random().nextLong();
    System.out.println("BatchingStoreTest.noRiderIsLostWhenTheLeadIsHandedOn seed " + seed);
    int threads = 16;
    int each = 5_000;
    AtomicInteger calls = new AtomicInteger();
    AtomicInteger sent = new AtomicInteger();
    StateStore slow =
        new ForwardingStore(memory) {
          @Override
          public List<Outcome> apply(List<Change> changes) {
            calls.incrementAndGet();
            sent.addAndGet(changes.size());
            pauseAtRandom();
            List<Outcome> outcomes = super.apply(changes);
            pauseAtRandom();
            return outcomes;
          }
        };
    BatchingStore hammered = new BatchingStore(slow);
    AtomicInteger answered = new AtomicInteger();
    List<String> wrong = new CopyOnWriteArrayList<>();
    List<Thread> all = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      String key = "t" + t;
      Random random = new Random(seed + t);
      Thread thread =
          new Thread(
              () -> {
                for (int i = 1; i <= each; i++) {
                  Outcome outcome = hammered.apply(put(key, i));
                  answered.incrementAndGet();
                  // a version that skips or repeats would show a change lost, doubled or overtaken
                  if (!(outcome instanceof Outcome.Done done)
                      || !done.seen().get(0).key().equals(key)
                      || done.seen().get(0).version() != i) {
                    wrong.add(key + " " + i + " " + outcome);
                    return;
                  }
                  if (random.nextInt(50) == 0) {
                    LockSupport.parkNanos(random.nextInt(100_000));
                  }
                }
              });
      thread.setDaemon(true);
      all.add(thread);
    }
    long began = System.nanoTime();
    all.forEach(Thread::start);
    for (Thread thread : all) {
      thread.join(Duration.ofSeconds(40).toMillis());
      assertThat(thread.isAlive()).as("a caller waits for ever, seed %d", seed).isFalse();
    }
    assertThat(wrong).as("seed %d", seed).isEmpty();
    assertThat(answered).hasValue(threads * each);
    assertThat(sent).hasValue(threads * each);
    assertThat(calls.get()).isLessThan(threads * each);
    System.out.printf(
        "%d changes in %d calls, %d ms%n",
        sent.get(), calls.get(), TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began));
    for (int t = 0; t < threads; t++) {
      Stored stored = memory.scan(Scan.whole(RecordId.of("t" + t, 64))).items().get(0);
      assertThat(stored.value()).isEqualTo(bytes(each));
    }
  }

  private static void pauseAtRandom() {
    int dice = ThreadLocalRandom.current().nextInt(40);
    if (dice == 0) {
      LockSupport.parkNanos(ThreadLocalRandom.current().nextInt(50_000));
    } else if (dice < 4) {
      Thread.yield();
    }
  }
}
