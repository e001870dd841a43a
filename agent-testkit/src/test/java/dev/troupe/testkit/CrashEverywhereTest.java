package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Branch;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.Submission;
import dev.troupe.state.MemoryStateStore;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class CrashEverywhereTest {
  @Test
  void stepsBranchesAndChildrenSurviveACrashAtEveryChangeOfTheStore() {
    CrashEverywhere.Report report =
        CrashEverywhere.over(MemoryStateStore::new)
            .run(
                builder -> {
                  builder.agent(
                      AgentDefinition.of(
                              "half",
                              Integer.class,
                              Integer.class,
                              (in, context) -> context.step("halve", Integer.class, a -> in / 2))
                          .build());
                  builder.agent(
                      AgentDefinition.of(
                              "sum",
                              Integer.class,
                              Integer.class,
                              (in, context) ->
                                  context
                                      .all(
                                          "halves",
                                          2,
                                          List.<Branch<Integer>>of(
                                              b -> b.call("half", in, Integer.class),
                                              b -> b.step("own", Integer.class, a -> in),
                                              b -> b.call("half", in + 2, Integer.class)))
                                      .stream()
                                      .mapToInt(Integer::intValue)
                                      .sum())
                          .build());
                  try (AgentRuntime runtime = builder.start()) {
                    return runtime
                        .submit(Submission.of("sum", 10, Integer.class).id("s").build())
                        .await();
                  }
                });
    assertThat(report.calls()).isGreaterThan(8);
    assertThat(report.crashes()).isGreaterThanOrEqualTo(2 * report.calls());
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
