package dev.troupe.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Steps, calls and agents as hosts describe them. */
class DefinitionsTest {
  private static AgentDefinition.Builder<String, String> agent(String name) {
    return AgentDefinition.of(name, String.class, String.class, (in, context) -> in);
  }

  @Test
  void aStepHasNothingButNameAndTypeUnlessToldSo() {
    Step<Integer> step = Step.of("s", Integer.class).build();
    assertThat(step.name()).isEqualTo("s");
    assertThat(step.type()).isEqualTo(Integer.class);
    assertThat(step.retry()).isEmpty();
    assertThat(step.timeLimit()).isEmpty();
    assertThat(step.compensation()).isEmpty();
  }

  @Test
  void aStepKeepsItsOptions() {
    RetryPolicy retry = RetryPolicy.none();
    Compensation<String> undo = (result, attempt) -> {};
    Step<String> step =
        Step.of("s", String.class)
            .retry(retry)
            .timeLimit(Duration.ofMillis(1))
            .compensate(undo)
            .build();
    assertThat(step.retry()).containsSame(retry);
    assertThat(step.timeLimit()).contains(Duration.ofMillis(1));
    assertThat(step.compensation()).containsSame(undo);
  }

  @Test
  void aBuiltStepDoesNotFollowItsBuilder() {
    Step.Builder<String> builder = Step.of("s", String.class);
    Step<String> before = builder.build();
    builder.timeLimit(Duration.ofSeconds(1)).retry(RetryPolicy.none());
    assertThat(before.timeLimit()).isEmpty();
    assertThat(before.retry()).isEmpty();
  }

  @Test
  void aCallIsNamedAfterItsCapabilityUnlessNamedOtherwise() {
    assertThat(Call.of("translate", "x", String.class).build().name()).isEqualTo("translate");
    Call<String> call =
        Call.of("translate", "x", String.class)
            .name("to French")
            .timeLimit(Duration.ofDays(1))
            .build();
    assertThat(call.name()).isEqualTo("to French");
    assertThat(call.capability()).isEqualTo("translate");
    assertThat(call.input()).isEqualTo("x");
    assertThat(call.type()).isEqualTo(String.class);
    assertThat(call.timeLimit()).contains(Duration.ofDays(1));
  }

  @Test
  void anAgentHasTheDocumentedDefaults() {
    AgentDefinition<String, String> agent = agent("a").build();
    assertThat(agent.version()).isEqualTo("1");
    assertThat(agent.queue()).isEqualTo("a@1");
    assertThat(agent).hasToString("AgentDefinition[a@1]");
    assertThat(agent.capabilities()).isEmpty();
    assertThat(agent.deadline()).isEmpty();
    assertThat(agent.concurrency()).isEqualTo(Integer.MAX_VALUE);
    RetryPolicy.Attempt second = new RetryPolicy.Attempt(2, new Exception(), 0);
    RetryPolicy.Attempt third = new RetryPolicy.Attempt(3, new Exception(), 0);
    assertThat(agent.retry().next(second)).contains(Duration.ofMillis(400));
    assertThat(agent.retry().next(third)).isEmpty();
  }

  @Test
  void anAgentKeepsItsOptions() throws Exception {
    RetryPolicy retry = RetryPolicy.none();
    AgentDefinition<String, String> agent =
        agent("a")
            .version("2-beta")
            .capabilities(List.of("x", "y", "x"))
            .capabilities(Set.of("z"))
            .retry(retry)
            .deadline(Duration.ofHours(1))
            .concurrency(3)
            .build();
    assertThat(agent.queue()).isEqualTo("a@2-beta");
    assertThat(agent.capabilities()).containsExactlyInAnyOrder("x", "y", "z");
    assertThat(agent.retry()).isSameAs(retry);
    assertThat(agent.deadline()).isEqualTo(Optional.of(Duration.ofHours(1)));
    assertThat(agent.concurrency()).isEqualTo(3);
    assertThat(agent.input()).isEqualTo(String.class);
    assertThat(agent.output()).isEqualTo(String.class);
    assertThatThrownBy(() -> agent.capabilities().add("w"))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void anAgentDoesNotFollowItsBuilderOrTheListItWasGiven() {
    List<String> given = new ArrayList<>(List.of("x"));
    AgentDefinition.Builder<String, String> builder = agent("a").capabilities(given);
    AgentDefinition<String, String> built = builder.build();
    given.add("y");
    builder.capabilities(List.of("z"));
    assertThat(built.capabilities()).containsExactly("x");
  }

  private static Arguments bad(String value, Supplier<Object> making) {
    return arguments(value, making);
  }

  static Stream<Arguments> badValues() {
    Duration minus = Duration.ofSeconds(-1);
    return Stream.of(
        bad("a step's name", () -> Step.of("a/b", String.class)),
        bad("a/b", () -> Step.of("a/b", String.class)),
        bad("type", () -> Step.of("s", null)),
        bad("timeLimit", () -> Step.of("s", String.class).timeLimit(Duration.ZERO)),
        bad("PT0S", () -> Step.of("s", String.class).timeLimit(Duration.ZERO)),
        bad("PT-1S", () -> Step.of("s", String.class).timeLimit(minus)),
        bad("retry", () -> Step.of("s", String.class).retry(null)),
        bad("compensation", () -> Step.of("s", String.class).compensate(null)),
        bad("a capability", () -> Call.of("", "", String.class)),
        bad("'$x'", () -> Call.of("$x", "", String.class)),
        bad("input", () -> Call.of("c", null, String.class)),
        bad("type", () -> Call.of("c", "", null)),
        bad("a call's name", () -> Call.of("c", "", String.class).name("a#b")),
        bad("timeLimit", () -> Call.of("c", "", String.class).timeLimit(Duration.ZERO)),
        bad("PT-1S", () -> Call.of("c", "", String.class).timeLimit(minus)),
        bad("an agent's name", () -> agent(" ")),
        bad("'a@b'", () -> agent("a@b")),
        bad("input", () -> AgentDefinition.of("a", null, String.class, (in, c) -> "")),
        bad("output", () -> AgentDefinition.of("a", String.class, null, (in, c) -> "")),
        bad("agent", () -> AgentDefinition.of("a", String.class, String.class, null)),
        bad("a version", () -> agent("a").version("")),
        bad("'1@2'", () -> agent("a").version("1@2")),
        bad("a capability", () -> agent("a").capabilities(List.of("ok", "no/t"))),
        bad("no/t", () -> agent("a").capabilities(List.of("ok", "no/t"))),
        bad("retry", () -> agent("a").retry(null)),
        bad("deadline", () -> agent("a").deadline(Duration.ZERO)),
        bad("PT-1S", () -> agent("a").deadline(minus)),
        bad("concurrency", () -> agent("a").concurrency(0)),
        bad("-5", () -> agent("a").concurrency(-5)));
  }

  @ParameterizedTest(name = "{0} #{index}")
  @MethodSource("badValues")
  void aBadValueIsRefusedAtOnceAndNamed(String named, Supplier<Object> making) {
    assertThatThrownBy(making::get)
        .isInstanceOfAny(RuntimeException.class)
        .hasMessageContaining(named);
  }

  @Test
  void aMissingCapabilityInTheListIsRefused() {
    assertThatThrownBy(() -> agent("a").capabilities(Arrays.asList("x", null)))
        .isInstanceOf(RuntimeException.class);
  }
}
