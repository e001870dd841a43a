package dev.troupe.testkit;

import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Branch;
import dev.troupe.agent.Call;
import dev.troupe.agent.Step;
import dev.troupe.agent.StepAttempt;
import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What the processes of {@link FleetContract} execute. Every effect is noted. */
final class FleetAgents {
  /** Some steps, one after another, without a wait. Returns the sum of their numbers. */
  static final String STEPS = "steps";

  /** A bit of everything. Every seventh fails at the end and undoes what it did. */
  static final String ORDER = "order";

  /** Takes memory until there is none, after a step that can be undone. */
  static final String HOG = "hog";

  private static final String PART = "part";

  private final History.Writer history;

  /**
   * What is to be done.
   *
   * @param number of the order
   * @param steps how many
   * @param millis how long each takes
   */
  record Work(int number, int steps, int millis) {}

  FleetAgents(History.Writer history) {
    this.history = history;
  }

  List<AgentDefinition<?, ?>> all() {
    RetryPolicy retry = RetryPolicy.fixed(3, Duration.ofMillis(20));
    return List.of(
        AgentDefinition.of(STEPS, Work.class, Integer.class, this::steps).retry(retry).build(),
        AgentDefinition.of(ORDER, Work.class, Integer.class, this::order).retry(retry).build(),
        AgentDefinition.of(PART, Work.class, Integer.class, this::part).retry(retry).build(),
        AgentDefinition.of(HOG, Work.class, Integer.class, this::hog).retry(retry).build());
  }

  private Integer steps(Work work, AgentContext context) {
    int sum = 0;
    for (int i = 1; i <= work.steps; i++) {
      String path = "step#" + i;
      int number = i;
      sum += context.step("step", Integer.class, a -> effect(context, path, a, work, number));
    }
    return sum;
  }

  /** The result of {@link #STEPS}. */
  static int sum(Work work) {
    return work.steps * (work.steps + 1) / 2;
  }

  private Integer order(Work work, AgentContext context) {
    int number = work.number;
    context.step(undone(context, "reserve"), a -> effect(context, "reserve", a, work, number));
    Call.Builder<Integer> part = Call.of(PART, work, Integer.class);
    if (number % 3 == 0) {
      part.key("shelf-" + number % 5); // in another partition, and one after another
    }
    int sum = context.call(part.build());
    Instant before = context.now();
    Duration pause = Duration.ofMillis(20 + number % 7 * 50);
    context.sleep(pause);
    history.timer(context.runId(), before.plus(pause), context.now());
    List<Branch<Integer>> branches = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      String path = "ship#1/" + i + "/load#1";
      branches.add(
          inner -> inner.step("load", Integer.class, a -> effect(inner, path, a, work, number)));
    }
    sum += context.all("ship", 3, branches).stream().mapToInt(Integer::intValue).sum();
    if (fails(work)) {
      throw new IllegalStateException("order " + number + " can't be delivered");
    }
    return sum + context.step("close", Integer.class, a -> effect(context, "close", a, work, 0));
  }

  static boolean fails(Work work) {
    return work.number % 7 == 0;
  }

  /** The result of {@link #ORDER}, unless it fails. */
  static int total(Work work) {
    return 4 * work.number;
  }

  private Integer part(Work work, AgentContext context) {
    return context.step(
        "walk",
        Integer.class,
        attempt -> {
          if (work.number % 11 == 0 && attempt.number() == 1) {
            throw new IllegalStateException("stumbled");
          }
          return effect(context, "walk", attempt, work, work.number);
        });
  }

  private Integer hog(Work work, AgentContext context) {
    context.step(undone(context, "reserve"), a -> effect(context, "reserve", a, work, 1));
    return context.step("eat", Integer.class, attempt -> eat(context, attempt));
  }

  private int eat(AgentContext context, StepAttempt attempt) throws InterruptedException {
    history.begin(context.runId(), "eat", attempt.number());
    List<byte[]> eaten = new ArrayList<>();
    while (eaten.size() < 1_000_000) {
      eaten.add(new byte[1 << 20]);
      TimeUnit.MILLISECONDS.sleep(8); // slowly, so that others get on meanwhile
    }
    return eaten.size();
  }

  private Step<Integer> undone(AgentContext context, String name) {
    return Step.of(name, Integer.class)
        .compensate(
            (made, attempt) -> {
              history.compensation(context.runId(), name, attempt.number());
              history.end(context.runId(), "undo/" + name + "#1", attempt.number());
            })
        .build();
  }

  private int effect(AgentContext context, String path, StepAttempt attempt, Work work, int result)
      throws InterruptedException {
    history.begin(context.runId(), path, attempt.number());
    TimeUnit.MILLISECONDS.sleep(work.millis);
    history.end(context.runId(), path, attempt.number());
    return result;
  }
}
