package dev.troupe.examples.benchmarks;

import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Branch;
import dev.troupe.agent.Call;
import dev.troupe.agent.Step;
import dev.troupe.agent.StepAttempt;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.testkit.History;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * What the soak executes: an order that reserves, asks a child, waits a while, waits for a signal,
 * works in branches, and at the end succeeds or undoes what it did. Every effect is noted.
 */
final class SoakAgents {
  static final String ORDER = "order";
  static final String PICK = "pick";

  private final History.Writer history;

  SoakAgents(History.Writer history) {
    this.history = history;
  }

  List<AgentDefinition<?, ?>> all() {
    RetryPolicy retry = RetryPolicy.fixed(4, Duration.ofMillis(50));
    return List.of(
        AgentDefinition.of(ORDER, Integer.class, String.class, this::order).retry(retry).build(),
        AgentDefinition.of(PICK, Integer.class, Integer.class, this::pick).retry(retry).build());
  }

  /** Every seventh order fails at the end, and undoes. */
  private String order(Integer number, AgentContext context) {
    Step<Integer> reserve =
        Step.of("reserve", Integer.class)
            .compensate(
                (made, attempt) -> {
                  history.compensation(context.runId(), "reserve", attempt.number());
                  work();
                  history.end(context.runId(), "undo/reserve#1", attempt.number());
                })
            .build();
    int reserved = context.step(reserve, attempt -> effect(context, "reserve", attempt, number));
    Call.Builder<Integer> pick = Call.of(PICK, number, Integer.class);
    if (number % 3 == 0) {
      pick.key("shelf-" + number % 10); // in another partition, and one after another
    }
    int picked = context.call(pick.build());
    Instant before = context.now();
    Duration pause = Duration.ofMillis(50 + number % 7 * 100);
    context.sleep(pause);
    history.timer(context.runId(), before.plus(pause), context.now());
    String paid = context.awaitSignal("paid", String.class);
    List<Branch<Integer>> branches = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      String path = "ship#1/" + i + "/part#1";
      branches.add(
          inner ->
              inner.step("part", Integer.class, attempt -> effect(inner, path, attempt, number)));
    }
    int parts = context.all("ship", 3, branches).stream().mapToInt(Integer::intValue).sum();
    if (number % 7 == 0) {
      throw new IllegalStateException("order " + number + " can't be delivered");
    }
    context.step("close", Integer.class, attempt -> effect(context, "close", attempt, number));
    return reserved + " " + picked + " " + paid + " " + parts;
  }

  private Integer pick(Integer number, AgentContext context) {
    int first = context.step("walk", Integer.class, a -> effect(context, "walk", a, number));
    context.sleep(Duration.ofMillis(20));
    return first
        + context.step(
            "take",
            Integer.class,
            attempt -> {
              if (number % 11 == 0 && attempt.number() == 1) {
                throw new IllegalStateException("dropped");
              }
              return effect(context, "take", attempt, number);
            });
  }

  static String expected(int number) {
    return number + " " + 2 * number + " yes " + 3 * number;
  }

  private int effect(AgentContext context, String path, StepAttempt attempt, int value) {
    history.begin(context.runId(), path, attempt.number());
    work();
    history.end(context.runId(), path, attempt.number());
    return value;
  }

  /** Some milliseconds, now and then longer. */
  private static void work() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    int millis = random.nextInt(20) == 0 ? random.nextInt(600) : random.nextInt(15);
    LockSupport.parkNanos(millis * 1_000_000L);
  }
}
