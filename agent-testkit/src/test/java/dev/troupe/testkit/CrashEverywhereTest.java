package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.agent.AgentDefinition;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.Submission;
import dev.troupe.state.MemoryStateStore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class CrashEverywhereTest {
  @Test
  void stepChildTimerSignalAndCompensationSurviveACrashAtEveryChangeOfTheStore() {
    OrderExample example = new OrderExample();
    CrashEverywhere.Report report =
        CrashEverywhere.over(MemoryStateStore::new).run(example::scenario);
    System.out.println("crash everywhere, order example over memory: " + report);
    assertThat(report.calls()).isGreaterThan(20);
    assertThat(report.crashes()).isGreaterThan(2 * report.calls());
  }

  @Test
  void anEffectOutsideTheJournalIsFound() {
    AtomicInteger count = new AtomicInteger();
    assertThatThrownBy(
            () ->
                CrashEverywhere.over(MemoryStateStore::new)
                    .run(
                        builder -> {
                          builder.agent(
                              AgentDefinition.of(
                                      "careless",
                                      String.class,
                                      Integer.class,
                                      (in, context) -> {
                                        int counted = count.incrementAndGet();
                                        context.step("s", String.class, a -> "x");
                                        return counted;
                                      })
                                  .build());
                          try (AgentRuntime runtime = builder.start()) {
                            return runtime
                                .submit(
                                    Submission.of("careless", "", Integer.class).id("c").build())
                                .await();
                          }
                        }))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("without a crash it is 1");
  }
}
