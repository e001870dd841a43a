package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.AgentException;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Step;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunHandle;
import dev.troupe.runtime.Submission;
import dev.troupe.state.StateStore;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Holds a store to what it is for: agents with everything that waits or undoes (step, child, timer,
 * signal, compensation) are crashed at every change of it, and end as if nothing had happened. See
 * {@link CrashEverywhere} for what is checked.
 *
 * <p>A subclass says how to make a store; JUnit runs it as a test.
 */
@Timeout(300)
public abstract class CrashContract {
  /** For subclasses. */
  protected CrashContract() {}

  /**
   * Makes a store. Called by several threads.
   *
   * @return a store of its own, empty
   */
  protected abstract StateStore newStore();

  /**
   * Gives the second process the data of the first, by default in the same object. Called by
   * several threads.
   *
   * @param store what {@link #newStore} gave
   * @return a store over the same data
   */
  protected StateStore reopen(StateStore store) {
    return store;
  }

  @Test
  @Tag("guarantee-1")
  @Tag("guarantee-2")
  @Tag("guarantee-4")
  void crashedAtEveryChangeOfItsStoreAnOrderEndsAsIfNothingHadHappened() {
    CrashEverywhere.Report report =
        CrashEverywhere.over(this::newStore)
            .reopening(this::reopen)
            .atOnce(16)
            .run(CrashContract::scenario);
    assertThat(report.calls()).isGreaterThan(20);
    assertThat(report.crashes()).isGreaterThanOrEqualTo(2 * report.calls());
  }

  private static String order(String item, AgentContext context) {
    Step<String> reserve =
        Step.of("reserve", String.class)
            .compensate((reserved, attempt) -> assertThat(reserved).isEqualTo("seat for " + item))
            .build();
    String seat = context.step(reserve, attempt -> "seat for " + item);
    int price = context.call("price", item, Integer.class);
    context.sleep(Duration.ofMillis(10));
    String answer = context.awaitSignal("answer", String.class);
    if (!answer.equals("yes")) {
      throw new IllegalStateException("the answer was " + answer);
    }
    return context.step("book", String.class, attempt -> seat + " at " + price);
  }

  private static Integer price(String item, AgentContext context) {
    context.sleep(Duration.ofMillis(5));
    return context.step("look up", Integer.class, attempt -> item.length());
  }

  private static String scenario(AgentRuntime.Builder builder) throws InterruptedException {
    builder.agent(
        AgentDefinition.of("order", String.class, String.class, CrashContract::order).build());
    builder.agent(
        AgentDefinition.of("price", String.class, Integer.class, CrashContract::price).build());
    try (AgentRuntime runtime = builder.start()) {
      RunHandle<String> tea = submit(runtime, "tea");
      RunHandle<String> ale = submit(runtime, "ale");
      runtime.signal("tea", "answer", "1", "yes");
      runtime.signal("ale", "answer", "1", "no");
      return outcome(tea) + "; " + outcome(ale);
    }
  }

  private static RunHandle<String> submit(AgentRuntime runtime, String item) {
    return runtime.submit(Submission.of("order", item, String.class).id(item).build());
  }

  private static String outcome(RunHandle<String> run) throws InterruptedException {
    try {
      return run.await();
    } catch (AgentException e) {
      return e.getMessage();
    }
  }
}
