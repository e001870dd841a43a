package dev.troupe.runtime;

import static dev.troupe.runtime.Bench.SOON;
import static dev.troupe.runtime.Bench.agent;
import static dev.troupe.runtime.Bench.assertCode;
import static dev.troupe.runtime.Bench.awaitState;
import static dev.troupe.runtime.Bench.failure;
import static dev.troupe.runtime.Bench.named;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Resolution;
import dev.troupe.agent.Step;
import dev.troupe.agent.StepFailedException;
import dev.troupe.agent.UnknownOutcome;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Steps that were under way when their process went away. */
@Timeout(60)
class UnknownOutcomeTest {
  private final Bench bench = new Bench();
  private final CountDownLatch begun = new CountDownLatch(1);

  /** Pays once and then never comes back, as long as nobody interrupts. */
  private AgentDefinition<String, String> payer(Duration limit, UnknownOutcome<String> policy) {
    return agent(
        "payer",
        String.class,
        (in, context) -> {
          Step.Builder<String> step = Step.of("pay", String.class).whenUnknown(policy);
          if (!limit.isZero()) {
            step.timeLimit(limit);
          }
          try {
            return context.step(
                step.build(),
                attempt -> {
                  if (bench.effect("pay") == 1) {
                    begun.countDown();
                    new CountDownLatch(1).await();
                  }
                  return "paid again";
                });
          } catch (StepFailedException failed) {
            return failed.failure().kind();
          }
        });
  }

  /** Executes until the step is under way, then goes away. */
  private void interrupted(AgentDefinition<String, String> payer) throws Exception {
    try (AgentRuntime first = bench.start(b -> b.shutdownGrace(Duration.ZERO), payer)) {
      first.submit(named("payer", "r", String.class));
      begun.await();
    }
  }

  private String outcome(AgentDefinition<String, String> payer) throws Exception {
    interrupted(payer);
    try (AgentRuntime second = bench.start(payer)) {
      return second.handle("r", String.class).await(SOON);
    }
  }

  @Test
  @Tag("guarantee-10")
  void byDefaultTheActionIsMadeAgain() throws Exception {
    assertThat(outcome(payer(Duration.ZERO, UnknownOutcome.repeat()))).isEqualTo("paid again");
    assertThat(bench.count("pay")).isEqualTo(2);
  }

  @Test
  @Tag("guarantee-10")
  void aStepThatMustNotBeRepeatedFails() throws Exception {
    assertThat(outcome(payer(Duration.ZERO, UnknownOutcome.fail())))
        .isEqualTo(ErrorCode.OUTCOME_UNKNOWN.name());
    assertThat(bench.count("pay")).isEqualTo(1);
    assertThat(bench.events).anyMatch(e -> e instanceof RunEvent.OutcomeUnknown);
  }

  @Test
  @Tag("guarantee-10")
  void aFunctionFindsThatItWasDone() throws Exception {
    ConcurrentLinkedQueue<String> keys = new ConcurrentLinkedQueue<>();
    UnknownOutcome<String> policy =
        UnknownOutcome.reconcile(
            lost -> {
              keys.add(lost.idempotencyKey());
              return Resolution.done("found " + lost.number());
            });
    assertThat(outcome(payer(Duration.ZERO, policy))).isEqualTo("found 1");
    assertThat(bench.count("pay")).isEqualTo(1);
    assertThat(keys).hasSize(1);
  }

  @Test
  @Tag("guarantee-10")
  void aFunctionFindsThatItWasNotDone() throws Exception {
    assertThat(outcome(payer(Duration.ZERO, UnknownOutcome.reconcile(lost -> Resolution.repeat()))))
        .isEqualTo("paid again");
    assertThat(bench.count("pay")).isEqualTo(2);
  }

  @Test
  void aFunctionThatCanNotFindOutIsAskedAgainAndThenTheStepFails() throws Exception {
    UnknownOutcome<String> policy =
        UnknownOutcome.reconcile(
            lost -> {
              bench.effect("asked");
              throw new IllegalStateException("the bank is closed");
            });
    assertThat(outcome(payer(Duration.ZERO, policy))).isEqualTo(ErrorCode.OUTCOME_UNKNOWN.name());
    assertThat(bench.count("asked")).isEqualTo(3);
    assertThat(bench.count("pay")).isEqualTo(1);
  }

  @Test
  @Tag("guarantee-10")
  void theFunctionIsAskedOnlyWhenTheActionHasHadItsTime() throws Exception {
    AtomicLong asked = new AtomicLong();
    UnknownOutcome<String> policy =
        UnknownOutcome.reconcile(
            lost -> {
              asked.set(System.nanoTime());
              return Resolution.done("found");
            });
    long before = System.nanoTime();
    assertThat(outcome(payer(Duration.ofMillis(1_500), policy))).isEqualTo("found");
    assertThat(Duration.ofNanos(asked.get() - before)).isGreaterThan(Duration.ofMillis(1_490));
  }

  @Test
  @Tag("guarantee-10")
  void somebodyIsAsked() throws Exception {
    AgentDefinition<String, String> payer = payer(Duration.ZERO, UnknownOutcome.ask());
    interrupted(payer);
    try (AgentRuntime second = bench.start(b -> b.hotWait(Duration.ZERO), payer)) {
      awaitState(second, "r", RunView.State.WAITING);
      AgentException wrong =
          catchThrowableOfType(
              AgentException.class, () -> second.resolve("r", "other#1", Resolution.done("x")));
      assertCode(wrong, ErrorCode.INVALID_INPUT);
      assertThat(second.resolve("r", "pay#1", Resolution.done("seen on the statement"))).isTrue();
      assertThat(second.handle("r", String.class).await(SOON)).contains("seen on the statement");
      AgentException late =
          catchThrowableOfType(
              AgentException.class, () -> second.resolve("r", "pay#1", Resolution.repeat()));
      assertCode(late, ErrorCode.INVALID_INPUT); // nothing is unknown any more
    }
    assertThat(bench.count("pay")).isEqualTo(1);
  }

  @Test
  @Tag("guarantee-10")
  void somebodyTellsItToTryAgain() throws Exception {
    AgentDefinition<String, String> payer = payer(Duration.ZERO, UnknownOutcome.ask());
    interrupted(payer);
    try (AgentRuntime second = bench.start(b -> b.hotWait(Duration.ZERO), payer)) {
      awaitState(second, "r", RunView.State.WAITING);
      second.resolve("r", "pay#1", Resolution.repeat());
      assertThat(second.handle("r", String.class).await(SOON)).contains("paid again");
    }
  }

  @Test
  void anActionThatThrewIsNotUnknown() throws Exception {
    AgentDefinition<String, String> agent =
        agent(
            "thrower",
            String.class,
            (in, context) ->
                context.step(
                    Step.of("s", String.class).whenUnknown(UnknownOutcome.fail()).build(),
                    attempt -> {
                      if (bench.effect("s") < 3) {
                        throw new IllegalStateException("not yet");
                      }
                      return "at last " + attempt.number();
                    }));
    try (AgentRuntime runtime = bench.start(agent)) {
      assertThat(runtime.submit("thrower", "", String.class).await(SOON)).contains("at last 3");
    }
  }

  @Test
  void aCancelledRunDoesNotWaitForAnAnswer() throws Exception {
    AgentDefinition<String, String> payer = payer(Duration.ZERO, UnknownOutcome.ask());
    interrupted(payer);
    try (AgentRuntime second = bench.start(b -> b.hotWait(Duration.ZERO), payer)) {
      awaitState(second, "r", RunView.State.WAITING);
      second.cancel("r", "enough");
      assertCode(failure(second.handle("r", String.class)), ErrorCode.RUN_CANCELLED);
    }
  }
}
