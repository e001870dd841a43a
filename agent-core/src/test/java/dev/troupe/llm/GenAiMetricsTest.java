package dev.troupe.llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class GenAiMetricsTest {
  private final MeterRegistry registry = new SimpleMeterRegistry();
  private final AtomicLong nanos = new AtomicLong(-77);
  private final GenAiMetrics metrics = new GenAiMetrics(registry, new SpendRate(nanos::get));

  private static LlmResponse response(@Nullable String cost, LlmResponse.Tried... failed) {
    ChatResponse response =
        ChatResponse.builder()
            .aiMessage(AiMessage.from("yes"))
            .modelName("gpt-4o-2024-08-06")
            .tokenUsage(new TokenUsage(100, 20))
            .finishReason(FinishReason.STOP)
            .build();
    return new LlmResponse(
        response,
        "openai",
        true,
        Duration.ofMillis(1_500),
        cost == null ? null : new BigDecimal(cost),
        Map.of(),
        List.of(failed));
  }

  private static CallOptions by(String agent, String tenant) {
    return CallOptions.builder().agent(agent).tenant(tenant).root("run-1").build();
  }

  @Test
  void anAnswerIsToldInTheNamesOfOpenTelemetry() {
    metrics.answered(response("0.5"), "gpt-4o", by("a", "t"), Duration.ofMillis(300));
    String[] where = {
      "gen_ai.operation.name", "chat",
      "gen_ai.provider.name", "openai",
      "gen_ai.request.model", "gpt-4o",
      "gen_ai.response.model", "gpt-4o-2024-08-06"
    };
    assertThat(
            registry
                .get("gen_ai.client.operation.duration")
                .tags(where)
                .tag("error.type", "none")
                .timer()
                .totalTime(TimeUnit.MILLISECONDS))
        .isEqualTo(1_500);
    assertThat(
            registry
                .get("gen_ai.client.operation.time_to_first_chunk")
                .tags(where)
                .timer()
                .totalTime(TimeUnit.MILLISECONDS))
        .isEqualTo(300);
    assertThat(tokens("input", where)).isEqualTo(100);
    assertThat(tokens("output", where)).isEqualTo(20);
    assertThat(registry.get("troupe.llm.cost").tags("agent", "a", "tenant", "t").counter().count())
        .isEqualTo(0.5);
    assertThat(registry.find("troupe.llm.fallbacks").counter()).isNull();
  }

  private double tokens(String type, String... where) {
    return registry
        .get("gen_ai.client.token.usage")
        .tags(where)
        .tag("gen_ai.token.type", type)
        .summary()
        .totalAmount();
  }

  @Test
  void attemptsFallBacksAndAnswersWithoutAPriceAreCounted() {
    LlmResponse.Tried tried =
        new LlmResponse.Tried("anthropic", "claude", ErrorCode.MODEL_OVERLOADED, "busy");
    metrics.attempted("anthropic", "claude", ErrorCode.MODEL_OVERLOADED);
    metrics.attempted("anthropic", "claude", ErrorCode.MODEL_OVERLOADED);
    metrics.attempted("openai", "gpt-4o", null);
    metrics.answered(response(null, tried, tried), "gpt-4o", by("", ""), null);
    assertThat(
            registry
                .get("troupe.llm.attempts")
                .tag("error.type", "MODEL_OVERLOADED")
                .counter()
                .count())
        .isEqualTo(2);
    assertThat(registry.get("troupe.llm.attempts").tag("error.type", "none").counter().count())
        .isEqualTo(1);
    assertThat(registry.get("troupe.llm.fallbacks").counter().count()).isEqualTo(1);
    assertThat(registry.get("troupe.llm.unpriced").counter().count()).isEqualTo(1);
    assertThat(registry.find("troupe.llm.cost").counter()).isNull();
  }

  @Test
  void refusalsOfBudgetsAreNoAttemptsAtAProvider() {
    metrics.failed(
        "openai",
        "gpt-4o",
        by("a", "t"),
        Duration.ZERO,
        new AgentException(ErrorCode.BUDGET_EXCEEDED, "spent"));
    assertThat(registry.get("troupe.llm.budget.refused").tag("tenant", "t").counter().count())
        .isEqualTo(1);
    assertThat(registry.find("troupe.llm.attempts").counter()).isNull();
    metrics.failed(
        "openai", "gpt-4o", by("a", "t"), Duration.ofSeconds(1), new IllegalStateException());
    assertThat(
            registry
                .get("gen_ai.client.operation.duration")
                .tag("error.type", "java.lang.IllegalStateException")
                .timer()
                .count())
        .isEqualTo(1);
  }

  @Test
  void onlySoManyTenantsAreToldApartAndRunsNever() {
    for (int i = 0; i < 300; i++) {
      metrics.answered(response("1"), "gpt-4o", by("agent" + i, "tenant" + i), null);
    }
    assertThat(registry.find("troupe.llm.cost").counters()).hasSize(101);
    assertThat(
            registry
                .get("troupe.llm.cost")
                .tags("agent", "other", "tenant", "other")
                .counter()
                .count())
        .isEqualTo(200);
    assertThat(
            registry.getMeters().stream()
                .flatMap(meter -> meter.getId().getTags().stream())
                .filter(tag -> tag.getValue().contains("run-1")))
        .isEmpty();
  }

  /** Exporters such as Prometheus refuse meters of one name with different tags. */
  @Test
  void metersOfOneNameHaveTheSameTags() {
    metrics.answered(response("1"), "gpt-4o", by("a", "t"), Duration.ofMillis(1));
    metrics.answered(response("1"), "gpt-4o", by("", ""), null);
    metrics.failed("p", "", by("", ""), Duration.ZERO, new IllegalStateException());
    Map<String, List<List<String>>> keys =
        registry.getMeters().stream()
            .map(Meter::getId)
            .collect(
                Collectors.groupingBy(
                    Meter.Id::getName,
                    Collectors.mapping(
                        id -> id.getTags().stream().map(tag -> tag.getKey()).toList(),
                        Collectors.toList())));
    keys.forEach((name, tags) -> assertThat(tags.stream().distinct()).as(name).hasSize(1));
  }

  @Test
  void theRateOfSpendFollowsTheLastFiveMinutes() {
    metrics.answered(response("1"), "gpt-4o", by("a", "t"), null);
    assertThat(rate()).isCloseTo(12, within(1e-9));
    nanos.addAndGet(TimeUnit.MINUTES.toNanos(3));
    metrics.answered(response("0.5"), "gpt-4o", by("a", "t"), null);
    assertThat(rate()).isCloseTo(18, within(1e-9));
    nanos.addAndGet(TimeUnit.MINUTES.toNanos(3));
    assertThat(rate()).isCloseTo(6, within(1e-9));
    nanos.addAndGet(TimeUnit.HOURS.toNanos(3));
    assertThat(rate()).isZero();
  }

  private double rate() {
    return registry.get("troupe.llm.spend.rate").gauge().value();
  }

  @Test
  void modelsThatShareARegistryShareItsMeters() {
    MeterRegistry shared = new SimpleMeterRegistry();
    GenAiMetrics one = GenAiMetrics.of(shared);
    GenAiMetrics two = GenAiMetrics.of(shared);
    assertThat(GenAiMetrics.of(registry)).isNotSameAs(one);
    one.answered(response("1"), "gpt-4o", by("a", "t"), null);
    two.answered(response("2"), "gpt-4o", by("a", "t"), null);
    assertThat(shared.get("troupe.llm.cost").counter().count()).isEqualTo(3);
    assertThat(shared.get("troupe.llm.spend.rate").gauge().value()).isEqualTo(36, within(1e-9));
  }

  @Test
  void ofMoreAnswersThanAreRememberedNoneIsLost() {
    for (int i = 0; i < 3_000; i++) {
      metrics.answered(response("1"), "gpt-4o", by("a", "tenant " + i), null);
      metrics.attempted("provider " + i, "gpt-4o", null);
    }
    double cost =
        registry.find("troupe.llm.cost").counters().stream().mapToDouble(Counter::count).sum();
    double attempts =
        registry.find("troupe.llm.attempts").counters().stream().mapToDouble(Counter::count).sum();
    assertThat(cost).isEqualTo(3_000);
    assertThat(attempts).isEqualTo(3_000);
    assertThat(registry.getMeters()).hasSizeLessThan(1_000);
  }
}
