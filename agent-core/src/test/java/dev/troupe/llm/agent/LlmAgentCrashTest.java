package dev.troupe.llm.agent;

import static dev.troupe.llm.agent.Script.calls;
import static dev.troupe.llm.agent.Script.request;
import static dev.troupe.llm.agent.Script.text;
import static dev.troupe.llm.agent.Stage.agent;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunEvent;
import dev.troupe.runtime.RunView;
import dev.troupe.runtime.Submission;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.MortalStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.StateStore;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A loop of thirty tool calls whose process dies a hundred times. Row D19. */
@Timeout(180)
class LlmAgentCrashTest {
  private static final int ROUNDS = 15;
  private static final int BRANCHES = 2;
  private static final int KILLS = 100;

  private final Stage stage = new Stage();
  private final Map<Integer, AtomicInteger> made = new ConcurrentHashMap<>();
  private final AtomicInteger asked = new AtomicInteger();

  @AfterEach
  void close() {
    stage.close();
  }

  record Work(int n) {}

  /** A process whose store dies at the k-th write of a journal, before or after it is made. */
  private static final class DyingStore extends MortalStore {
    final CountDownLatch death = new CountDownLatch(1);
    private final AtomicInteger left;
    private final boolean after;

    DyingStore(StateStore store, int changes, boolean after) {
      super(store);
      this.left = new AtomicInteger(changes);
      this.after = after;
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      boolean journal =
          changes.stream()
              .flatMap(change -> change.edits().stream())
              .anyMatch(edit -> edit instanceof Edit.Row);
      boolean now = journal && left.decrementAndGet() <= 0;
      if (now && !after) {
        dies();
      }
      List<Outcome> outcomes = super.apply(changes);
      if (now) {
        dies();
        return super.apply(changes); // throws: the answer is lost
      }
      return outcomes;
    }

    private void dies() {
      die();
      death.countDown();
    }
  }

  private AgentDefinition<String, String> worker() {
    Script script =
        new Script(
            (n, request) -> {
              asked.incrementAndGet();
              return n < ROUNDS
                  ? calls(
                      request("a" + n, "work", "{\"n\":%d}".formatted(2 * n)),
                      request("b" + n, "work", "{\"n\":%d}".formatted(2 * n + 1)))
                  : text("done");
            });
    AgentTool work =
        AgentTool.of(
                "work",
                "works",
                Work.class,
                call -> {
                  int n = call.arguments(Work.class).n();
                  made.computeIfAbsent(n, k -> new AtomicInteger()).incrementAndGet();
                  return "worked " + n;
                })
            .build();
    return Stage.definition(agent(script).tools(work).build());
  }

  /** The steps whose result is in the store. */
  private Set<String> journaled(String run) {
    return RunView.read(stage.store, Codec.json(), run)
        .map(RunView::journal)
        .orElse(List.of())
        .stream()
        .filter(line -> line.what().equals("done"))
        .map(RunView.Line::path)
        .collect(Collectors.toSet());
  }

  @Test
  void noCallWhoseResultWasJournaledIsMadeAgainAndAKillRepeatsAtMostOnePerBranch()
      throws Exception {
    long seed = new Random().nextLong();
    System.out.println("LlmAgentCrashTest seed " + seed);
    Random random = new Random(seed);
    AgentDefinition<String, String> worker = worker();
    int kills = 0;
    int calls = 0;
    int runs = 0;
    while (kills < KILLS) {
      String run = "run-" + ++runs;
      made.clear();
      asked.set(0);
      int own = killUntilItEnds(run, worker, random);
      int most = ROUNDS * BRANCHES;
      int sum = made.values().stream().mapToInt(AtomicInteger::get).sum();
      assertThat(made).hasSize(most);
      assertThat(sum).isBetween(most, most + own * BRANCHES);
      assertThat(asked.get()).isBetween(ROUNDS + 1, ROUNDS + 1 + own);
      kills += own;
      calls += sum;
    }
    System.out.printf("%d kills, %d runs, %d tool calls%n", kills, runs, calls);
    assertThat(calls).as("calls, some of them interrupted").isGreaterThan(30 * runs);
  }

  private int killUntilItEnds(String run, AgentDefinition<String, String> worker, Random random)
      throws InterruptedException {
    try (AgentRuntime submits =
        stage.start(stage.store, b -> b.agent(worker).maxConcurrentRuns(0))) {
      submits.submit(Submission.of("agent", "hello", String.class).id(run).build());
    }
    for (int kills = 0; ; kills++) {
      Set<String> before = journaled(run);
      Set<String> begunAgain = ConcurrentHashMap.newKeySet();
      DyingStore store = new DyingStore(stage.store, 1 + random.nextInt(3), random.nextBoolean());
      CountDownLatch over = new CountDownLatch(1);
      AgentRuntime runtime;
      try {
        runtime =
            stage.start(
                store,
                b ->
                    b.maxTakeOvers(1_000)
                        .agent(worker)
                        .listener(
                            event -> {
                              if (event instanceof RunEvent.StepStarted step
                                  && before.contains(step.path())) {
                                begunAgain.add(step.path());
                              }
                              if (event instanceof RunEvent.Ended) {
                                over.countDown();
                              }
                            }));
      } catch (AgentException diedAsItTookTheRunOver) {
        continue;
      }
      while (!store.isDead() && !over.await(2, TimeUnit.MILLISECONDS)) {
        // it works
      }
      runtime.close();
      assertThat(begunAgain).as("steps that had a result and were begun again").isEmpty();
      if (RunView.read(stage.store, Codec.json(), run).orElseThrow().state().ended()) {
        return kills + (store.isDead() ? 1 : 0);
      }
    }
  }
}
