package dev.troupe.llm;

import static dev.troupe.llm.PlayedProvider.ask;
import static dev.troupe.llm.PlayedProvider.fails;
import static dev.troupe.llm.PlayedProvider.says;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.CircuitBreakers;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.state.MemoryStateStore;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a governed model tells a host's registry of the calls that it made. */
@Timeout(30)
class GovernedModelMetricsTest {
  private static final String PROVIDER = "gen_ai.provider.name";
  private static final String REQUESTED = "gen_ai.request.model";
  private static final String ANSWERED = "gen_ai.response.model";
  private static final String RUN = "run-0f1e2d3c";

  private final MeterRegistry registry = new SimpleMeterRegistry();
  private final PlayedTime time = new PlayedTime();
  private final CircuitBreakers breakers = CircuitBreakers.builder(new MemoryStateStore()).start();

  @AfterEach
  void close() {
    breakers.close();
  }

  private GovernedModelBuilder over(LlmProvider provider) {
    return GovernedModel.builder(provider)
        .ticker(time)
        .breakers(breakers)
        .meterRegistry(registry)
        .prices(
            PriceTable.of(
                LocalDate.of(2026, 1, 1),
                Map.of("played", Map.of("served-1", ModelPrice.of("1", "2")))));
  }

  private static CallOptions by(String agent, String tenant) {
    return CallOptions.builder().agent(agent).tenant(tenant).root(RUN).build();
  }

  @Test
  void usageCostDurationAndFirstChunkAreToldByWhoAskedAndWhoAnswered() throws Exception {
    PlayedProvider provider =
        new PlayedProvider(
            "played",
            "asked-1",
            (request, sink) -> {
              time.passes(Duration.ofMillis(40));
              return says("a b").play(request, sink);
            });
    try (GovernedModel model = over(provider).build()) {
      model.stream(ask("hi"), by("clerk", "acme"), part -> {});
    }
    String[] models = {PROVIDER, "played", REQUESTED, "asked-1", ANSWERED, "served-1"};
    assertThat(
            registry
                .get("gen_ai.client.operation.duration")
                .tags(models)
                .tags("gen_ai.operation.name", "chat", "error.type", "none")
                .timer()
                .totalTime(TimeUnit.NANOSECONDS))
        .isEqualTo(1_234_567);
    assertThat(
            registry
                .get("gen_ai.client.operation.time_to_first_chunk")
                .tags(models)
                .timer()
                .totalTime(TimeUnit.MILLISECONDS))
        .isEqualTo(40);
    for (String type : List.of("input", "output")) {
      double tokens = type.equals("input") ? 10 : 20;
      assertThat(
              registry
                  .get("gen_ai.client.token.usage")
                  .tags(models)
                  .tag("gen_ai.token.type", type)
                  .summary()
                  .totalAmount())
          .isEqualTo(tokens);
      assertThat(
              registry
                  .get("troupe.llm.tokens")
                  .tags(ANSWERED, "served-1", "agent", "clerk", "tenant", "acme")
                  .tag("gen_ai.token.type", type)
                  .counter()
                  .count())
          .isEqualTo(tokens);
    }
    assertThat(
            registry
                .get("troupe.llm.cost")
                .tags(PROVIDER, "played", ANSWERED, "served-1", "agent", "clerk", "tenant", "acme")
                .counter()
                .count())
        .isCloseTo(50e-6, within(1e-12));
  }

  @Test
  void aRequestThatNamesItsModelIsToldUnderThatName() throws Exception {
    PlayedProvider provider =
        new PlayedProvider("played", "usual", says("yes"), fails(ErrorCode.MODEL_REFUSED));
    ChatRequest named = ask("hi").toBuilder().modelName("named-1").build();
    try (GovernedModel model = over(provider).build()) {
      model.generate(named);
      assertThatThrownBy(() -> model.generate(named)).isInstanceOf(LlmException.class);
    }
    assertThat(values(REQUESTED)).containsExactly("named-1");
    assertThat(values(ANSWERED)).containsExactlyInAnyOrder("served-1", "none");
  }

  @Test
  void aRetryThatAnswersUnderAnotherNameIsNoFallback() throws Exception {
    PlayedProvider provider =
        new PlayedProvider("played", "asked-1", fails(ErrorCode.MODEL_OVERLOADED), says("yes"));
    try (GovernedModel model = over(provider).build()) {
      model.generate(ask("hi"));
    }
    assertThat(registry.find("troupe.llm.fallbacks").counter()).isNull();
    assertThat(attempts("none")).isEqualTo(1);
    assertThat(attempts("MODEL_OVERLOADED")).isEqualTo(1);
  }

  @Test
  void theNextOfTheChainIsAFallbackUnderItsOwnNames() throws Exception {
    PlayedProvider down = new PlayedProvider("first", "m", fails(ErrorCode.ACCESS_DENIED));
    PlayedProvider other = new PlayedProvider("played", "asked-2", says("yes"));
    try (GovernedModel model = over(down).fallback(other).build()) {
      model.generate(ask("hi").toBuilder().modelName("m-2").build());
    }
    assertThat(
            registry
                .get("troupe.llm.fallbacks")
                .tags(PROVIDER, "played", REQUESTED, "asked-2")
                .counter()
                .count())
        .isEqualTo(1);
    assertThat(
            registry
                .get("troupe.llm.attempts")
                .tags(PROVIDER, "first", REQUESTED, "m-2", "error.type", "ACCESS_DENIED")
                .counter()
                .count())
        .isEqualTo(1);
  }

  @Test
  void everyAttemptOfACallThatFailsIsCountedAndTheCallOnce() {
    PlayedProvider down = new PlayedProvider("played", "m", fails(ErrorCode.MODEL_FAILED));
    RetryPolicy twoMore = RetryPolicy.fixed(3, Duration.ofMillis(10));
    try (GovernedModel model = over(down).retry(twoMore).build()) {
      assertThatThrownBy(() -> model.generate(ask("hi"), by("clerk", "acme")))
          .isInstanceOf(LlmException.class);
    }
    assertThat(down.calls()).isEqualTo(3);
    assertThat(attempts("MODEL_FAILED")).isEqualTo(3);
    assertThat(
            registry
                .get("gen_ai.client.operation.duration")
                .tags(REQUESTED, "m", ANSWERED, "none", "error.type", "MODEL_FAILED")
                .timer()
                .totalTime(TimeUnit.MILLISECONDS))
        .isEqualTo(20);
  }

  @Test
  void aBudgetThatRefusesIsToldByAgentAndTenantAndIsNoAttempt() {
    PlayedProvider provider = new PlayedProvider("played", "m", says("yes"));
    try (Budgets budgets = Budgets.over(new MemoryStateStore()).perRun(Budget.ofTokens(1)).build();
        GovernedModel model = over(provider).budgets(budgets).build()) {
      assertThatThrownBy(() -> model.generate(ask("hi"), by("clerk", "acme")))
          .hasMessageContaining("budget");
    }
    assertThat(
            registry
                .get("troupe.llm.budget.refused")
                .tags("agent", "clerk", "tenant", "acme")
                .counter()
                .count())
        .isEqualTo(1);
    assertThat(registry.find("troupe.llm.attempts").counter()).isNull();
  }

  /** Whoever makes names up, whether model, tenant or agent, fills no registry. */
  @Test
  void noTagHasValuesWithoutABoundAndNoneIsARun() throws Exception {
    PlayedProvider provider =
        new PlayedProvider(
            "played",
            "m",
            (request, sink) -> {
              LlmResponse plain = says("yes").play(request, sink);
              return new LlmResponse(
                  plain.response().toBuilder()
                      .metadata(
                          plain.response().metadata().toBuilder()
                              .modelName("served-for-" + request.modelName())
                              .build())
                      .build(),
                  "played",
                  true,
                  plain.latency(),
                  new BigDecimal("0.01"),
                  Map.of(),
                  List.of());
            });
    try (GovernedModel model = over(provider).build()) {
      for (int i = 0; i < 250; i++) {
        CallOptions options =
            CallOptions.builder().agent("a" + i).tenant("t" + i).root(RUN + i).build();
        model.stream(ask("hi").toBuilder().modelName("m" + i).build(), options, part -> {});
      }
    }
    Map<String, Set<String>> known =
        tags().stream()
            .collect(
                Collectors.groupingBy(
                    Tag::getKey, Collectors.mapping(Tag::getValue, Collectors.toSet())));
    assertThat(known).containsKeys("agent", "tenant", REQUESTED, ANSWERED);
    known.forEach((key, values) -> assertThat(values).as(key).hasSizeLessThanOrEqualTo(101));
    assertThat(tags()).noneMatch(tag -> tag.getValue().contains(RUN));
  }

  private double attempts(String error) {
    return registry.get("troupe.llm.attempts").tag("error.type", error).counter().count();
  }

  private List<Tag> tags() {
    List<Tag> all = new ArrayList<>();
    for (Meter meter : registry.getMeters()) {
      all.addAll(meter.getId().getTags());
    }
    return all;
  }

  private Set<String> values(String key) {
    return tags().stream()
        .filter(tag -> tag.getKey().equals(key))
        .map(Tag::getValue)
        .collect(Collectors.toCollection(TreeSet::new));
  }
}
