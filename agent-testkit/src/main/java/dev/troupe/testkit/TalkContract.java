package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.llm.log.LogEntry;
import dev.troupe.llm.log.LogPage;
import dev.troupe.llm.log.LogSink;
import dev.troupe.llm.log.RunLog;
import dev.troupe.llm.memory.Conversation;
import dev.troupe.llm.memory.ConversationMemory;
import dev.troupe.llm.memory.Excess;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Holds a store to what people are shown of a run ({@link RunLog}) and what conversations remember
 * ({@link ConversationMemory}), with two processes at the same data.
 *
 * <p>A subclass says how to open a store; JUnit runs it as a test.
 */
@Timeout(120)
public abstract class TalkContract {
  private static final long SOON = TimeUnit.SECONDS.toNanos(20);

  private StateStore here;
  private StateStore there;

  /** For subclasses. */
  protected TalkContract() {}

  /**
   * Opens a store, as a process does.
   *
   * @return a store over the data of this test, which is empty at first; closed by the contract
   */
  protected abstract StateStore open();

  @BeforeEach
  void openBoth() {
    here = open();
    there = open();
  }

  @AfterEach
  void closeBoth() {
    here.close();
    there.close();
  }

  private static AgentDefinition<String, String> agent(
      String name, RunLog log, BiConsumer<LogSink, AgentContext> speech) {
    return AgentDefinition.of(
            name,
            String.class,
            String.class,
            (input, context) -> {
              speech.accept(log.sink(context), context);
              return "done";
            })
        .build();
  }

  private static AgentRuntime.Builder runtime(
      StateStore store, RunLog log, AgentDefinition<?, ?> agent) {
    return AgentRuntime.builder()
        .store(store)
        .listener(log)
        .agent(agent)
        .pollInterval(Duration.ofMillis(20))
        .shutdownGrace(Duration.ofMillis(300));
  }

  private static void until(String what, BooleanSupplier reached) {
    long since = System.nanoTime();
    while (!reached.getAsBoolean()) {
      assertThat(System.nanoTime() - since).as("waited in vain until " + what).isLessThan(SOON);
      LockSupport.parkNanos(1_000_000);
    }
  }

  private static void tell(LogSink sink, int from, int to) {
    IntStream.rangeClosed(from, to).forEach(i -> sink.progress("entry " + i));
  }

  /** All that lies behind a number. */
  private static List<LogEntry> all(RunLog log, String run, long after) {
    List<LogEntry> entries = new ArrayList<>();
    LogPage page;
    do {
      page = log.read(run, entries.isEmpty() ? after : entries.get(entries.size() - 1).number());
      entries.addAll(page.entries());
    } while (page.more());
    return entries;
  }

  private static void assertWhole(List<LogEntry> entries, int from, int to) {
    assertThat(entries).isNotEmpty();
    List<LogEntry> told = entries.subList(0, entries.size() - 1);
    assertThat(told)
        .extracting(LogEntry::text)
        .containsExactlyElementsOf(
            IntStream.rangeClosed(from, to).mapToObj(i -> "entry " + i).toList());
    assertThat(entries.get(entries.size() - 1).text()).isEqualTo("SUCCEEDED");
    assertThat(entries)
        .extracting(LogEntry::number)
        .containsExactlyElementsOf(LongStream.rangeClosed(from, to + 1L).boxed().toList());
  }

  @Test
  void aClientGoesOnAtAnotherProcessFromTheLastNumberItSaw() throws Exception {
    try (RunLog log = RunLog.over(here);
        RunLog elsewhere = RunLog.over(there);
        AgentRuntime runtime =
            runtime(
                    here,
                    log,
                    agent(
                        "speaker",
                        log,
                        (sink, context) -> {
                          tell(sink, 1, 15);
                          context.awaitSignal("go", String.class);
                          tell(sink, 16, 30);
                        }))
                .hotWait(Duration.ofMinutes(1))
                .start()) {
      String run = runtime.submit("speaker", "hi", String.class).id();
      until("the first half is there", () -> all(log, run, 0).size() == 15);
      assertThat(all(elsewhere, run, 7).get(0).text()).isEqualTo("entry 8");
      runtime.signal(run, "go", "1", "on");
      List<LogEntry> rest = new ArrayList<>();
      elsewhere.follow(run, 7, rest::add);
      assertWhole(rest, 8, 30);
    }
  }

  @Test
  void aLogKeepsItsBoundAndSaysHowManyEntriesAreMissing() throws Exception {
    try (RunLog log = RunLog.builder(here).maxEntries(10).collect(Duration.ofMillis(1)).build();
        RunLog elsewhere = RunLog.over(there);
        AgentRuntime runtime =
            runtime(
                    here,
                    log,
                    agent(
                        "speaker",
                        log,
                        (sink, context) -> {
                          for (int i = 1; i <= 40; i++) {
                            tell(sink, i, i);
                            int behind = i - 1;
                            until(
                                "it is written",
                                () -> !log.read(context.runId(), behind).entries().isEmpty());
                          }
                        }))
                .start()) {
      String run = runtime.submit("speaker", "hi", String.class).id();
      elsewhere.follow(run, 0, entry -> {});
      LogPage page = elsewhere.read(run, 5);
      assertThat(page.entries()).hasSize(10);
      assertThat(page.entries().get(0).number()).isEqualTo(32);
      assertThat(page.missing()).isEqualTo(26);
      assertThat(page.entries().get(9).text()).isEqualTo("SUCCEEDED");
    }
  }

  @Test
  void runsThatTellAtTheSameTimeKeepTheirOrderAndLeaveNoGap() throws Exception {
    try (RunLog one = RunLog.builder(here).collect(Duration.ofMillis(3)).build();
        RunLog two = RunLog.builder(there).collect(Duration.ofMillis(3)).build();
        AgentRuntime first =
            runtime(here, one, agent("one", one, (sink, context) -> tell(sink, 1, 400))).start();
        AgentRuntime second =
            runtime(there, two, agent("two", two, (sink, context) -> tell(sink, 1, 400))).start()) {
      List<String> runs = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        runs.add(first.submit("one", "hi", String.class).id());
        runs.add(second.submit("two", "hi", String.class).id());
      }
      for (int i = 0; i < runs.size(); i++) {
        List<LogEntry> seen = new ArrayList<>();
        (i % 2 == 0 ? two : one).follow(runs.get(i), 0, seen::add); // where it does not run
        assertWhole(seen, 1, 400);
      }
    }
  }

  @Test
  void aLogGoesWithItsRun() throws Exception {
    try (RunLog log = RunLog.over(here);
        AgentRuntime runtime =
            runtime(here, log, agent("speaker", log, (sink, context) -> tell(sink, 1, 3)))
                .retention(Duration.ofSeconds(1))
                .start()) {
      String run = runtime.submit("speaker", "hi", String.class).id();
      RecordId beside = RecordId.of(run + "/$log", there.info().partitions());
      until("it is written", () -> all(log, run, 0).size() == 4);
      assertThat(there.scan(Scan.whole(beside)).items()).hasSize(1);
      until("it is removed", () -> there.scan(Scan.whole(beside)).items().isEmpty());
    }
  }

  // conversations

  private static UserMessage user(String text) {
    return UserMessage.from(text);
  }

  /** Does both at the same time. */
  private static <T> List<T> both(Callable<T> one, Callable<T> other) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try {
      CyclicBarrier together = new CyclicBarrier(2);
      List<Future<T>> running = new ArrayList<>();
      for (Callable<T> task : List.of(one, other)) {
        running.add(
            threads.submit(
                () -> {
                  together.await();
                  return task.call();
                }));
      }
      List<T> results = new ArrayList<>();
      for (Future<T> each : running) {
        results.add(each.get(30, TimeUnit.SECONDS));
      }
      return results;
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void ofTwoProcessesThatReplaceAConversationOneLosesAndNothingIsOverwritten() throws Exception {
    ConversationMemory one = ConversationMemory.over(here).build();
    ConversationMemory other = ConversationMemory.over(there).build();
    one.append("c", "1", List.of(user("a")));
    for (int round = 1; round <= 10; round++) {
      Conversation ours = one.read("c");
      Conversation theirs = other.read("c");
      assertThat(theirs).isEqualTo(ours);
      List<ChatMessage> mine = List.of(user("one " + round));
      List<ChatMessage> yours = List.of(user("other " + round));
      List<Boolean> won = both(() -> one.replace(ours, mine), () -> other.replace(theirs, yours));
      assertThat(won).as("round %d", round).containsExactlyInAnyOrder(true, false);
      assertThat(other.read("c").messages()).isEqualTo(won.get(0) ? mine : yours);
    }
  }

  @Test
  void processesThatAddToAConversationLoseNoMessageAndAddNoneTwice() throws Exception {
    both(() -> add(here, "a"), () -> add(there, "b"));
    List<String> texts =
        ConversationMemory.over(there).build().read("c").messages().stream()
            .map(message -> ((UserMessage) message).singleText())
            .toList();
    assertThat(texts).hasSize(40);
    for (String writer : List.of("a", "b")) {
      assertThat(texts.stream().filter(text -> text.startsWith(writer)))
          .containsExactlyElementsOf(IntStream.range(0, 20).mapToObj(i -> writer + i).toList());
    }
  }

  private static boolean add(StateStore store, String writer) {
    ConversationMemory memory = ConversationMemory.over(store).build();
    boolean again = false;
    for (int i = 0; i < 20; i++) {
      String text = writer + i;
      assertThat(memory.append("c", text, List.of(user(text)))).isTrue();
      again |= memory.append("c", text, List.of(user(text)));
    }
    assertThat(again).as("one was added twice").isFalse();
    return true;
  }

  @Test
  void whatLeavesTheWindowIsRemovedOrSummarisedOnce() {
    ConversationMemory small = ConversationMemory.over(here).maxMessages(3).build();
    ConversationMemory keeping =
        ConversationMemory.over(there).maxMessages(2).keepForSummary().build();
    for (int i = 1; i <= 6; i++) {
      small.append("small", "" + i, List.of(user("m" + i)));
      keeping.append("keeping", "" + i, List.of(user("m" + i)));
    }
    Conversation kept = ConversationMemory.over(there).build().read("small");
    assertThat(kept.messages()).containsExactly(user("m4"), user("m5"), user("m6"));
    assertThat(kept.first()).isEqualTo(4);

    Excess excess = keeping.excess("keeping").orElseThrow();
    assertThat(keeping.summarized("keeping", excess, "one to four")).isTrue();
    assertThat(keeping.summarized("keeping", excess, "again")).isFalse();
    Conversation after = ConversationMemory.over(here).build().read("keeping");
    assertThat(after.summary()).isEqualTo("one to four");
    assertThat(after.messages()).containsExactly(user("m5"), user("m6"));
    small.delete("keeping");
    assertThat(keeping.read("keeping").messages()).isEmpty();
  }
}
