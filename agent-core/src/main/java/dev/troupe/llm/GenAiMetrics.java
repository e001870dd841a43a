package dev.troupe.llm;

import dev.langchain4j.model.output.TokenUsage;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * The one place that knows OpenTelemetry's {@code gen_ai} names, as its conventions for clients
 * have them: {@code gen_ai.client.operation.duration}, {@code gen_ai.client.token.usage} and, for
 * streams, {@code gen_ai.client.operation.time_to_first_chunk}.
 *
 * <p>Ours are {@code troupe.llm.cost} in US dollars and {@code troupe.llm.tokens}, by provider,
 * model, agent and tenant; {@code troupe.llm.attempts}, by {@code error.type}; {@code
 * troupe.llm.fallbacks}, calls that another model or provider answered than was asked first; {@code
 * troupe.llm.budget.refused}; {@code troupe.llm.unpriced}, answers of models without a price; and
 * {@code troupe.llm.spend.rate}, US dollars an hour over the last five minutes in this process, to
 * alert on its sum. Only so many providers, models, agents and tenants are told apart, the others
 * are {@code other}; runs are no tag.
 *
 * <p>Safe for use by many threads. A meter is looked up in the registry once.
 */
final class GenAiMetrics implements AutoCloseable {
  private static final String DURATION = "gen_ai.client.operation.duration";
  private static final String TOKENS = "gen_ai.client.token.usage";
  private static final String FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk";
  private static final String OPERATION = "gen_ai.operation.name";
  private static final String PROVIDER = "gen_ai.provider.name";
  private static final String REQUEST_MODEL = "gen_ai.request.model";
  private static final String RESPONSE_MODEL = "gen_ai.response.model";
  private static final String TOKEN_TYPE = "gen_ai.token.type";
  private static final String ERROR_TYPE = "error.type";
  private static final String AGENT = "agent";
  private static final String TENANT = "tenant";
  private static final String CHAT = "chat";

  /** Stands for what there is none of, because every meter of a name has the same tags. */
  private static final String NONE = "none";

  private static final String OTHER = "other";
  private static final int MOST_NAMES = 100;

  /** The conventions' own bounds. */
  private static final double[] TOKEN_BOUNDS =
      LongStream.iterate(1, n -> n * 4).limit(14).asDoubleStream().toArray();

  private static final Duration[] DURATION_BOUNDS = doublingFrom10ms(14);
  private static final Duration[] FIRST_CHUNK_BOUNDS = doublingFrom10ms(11);

  private final @Nullable MeterRegistry registry;
  private final SpendRate spend;
  private final Map<Key, Meter> meters = new ConcurrentHashMap<>();
  private final Map<String, Set<String>> names = new ConcurrentHashMap<>();

  private record Key(String name, List<String> tags) {}

  /** Tells nobody. */
  GenAiMetrics() {
    this(null);
  }

  GenAiMetrics(@Nullable MeterRegistry registry) {
    this(registry, new SpendRate(System::nanoTime));
  }

  GenAiMetrics(@Nullable MeterRegistry registry, SpendRate spend) {
    this.registry = registry;
    this.spend = spend;
    if (registry != null) {
      meters.put(
          new Key("troupe.llm.spend.rate", List.of()),
          Gauge.builder("troupe.llm.spend.rate", spend, SpendRate::dollarsAnHour)
              .description("US dollars an hour over the last five minutes")
              .register(registry));
    }
  }

  private static Duration[] doublingFrom10ms(int number) {
    return LongStream.iterate(10, n -> n * 2)
        .limit(number)
        .mapToObj(Duration::ofMillis)
        .toArray(Duration[]::new);
  }

  /** A call of the governed model was answered, by a model that was asked for as requested. */
  void answered(
      LlmResponse response, String requested, CallOptions options, @Nullable Duration firstToken) {
    if (registry == null) {
      return;
    }
    String provider = name(PROVIDER, response.provider());
    String asked = name(REQUEST_MODEL, requested);
    String model = name(RESPONSE_MODEL, response.model());
    duration(registry, provider, asked, model, NONE).record(response.latency());
    if (firstToken != null) {
      timer(
              registry,
              FIRST_CHUNK,
              FIRST_CHUNK_BOUNDS,
              List.of(
                  OPERATION, CHAT, PROVIDER, provider, REQUEST_MODEL, asked, RESPONSE_MODEL, model))
          .record(firstToken);
    }
    if (movedOn(response, provider, asked)) {
      counter(
              registry,
              "troupe.llm.fallbacks",
              "Calls that another one answered than was asked first",
              List.of(PROVIDER, provider, REQUEST_MODEL, asked))
          .increment();
    }
    taken(registry, response, options, List.of(PROVIDER, provider, RESPONSE_MODEL, model), asked);
  }

  private boolean movedOn(LlmResponse response, String provider, String asked) {
    return response.failed().stream()
        .anyMatch(
            tried ->
                !name(PROVIDER, tried.provider()).equals(provider)
                    || !name(REQUEST_MODEL, tried.model()).equals(asked));
  }

  /** Tokens and money. */
  private void taken(
      MeterRegistry registry,
      LlmResponse response,
      CallOptions options,
      List<String> where,
      String asked) {
    List<String> who =
        List.of(AGENT, name(AGENT, options.agent()), TENANT, name(TENANT, options.tenant()));
    TokenUsage usage = response.response().tokenUsage();
    if (usage != null) {
      tokens(registry, usage.inputTokenCount(), "input", where, asked, who);
      tokens(registry, usage.outputTokenCount(), "output", where, asked, who);
    }
    if (response.cost() == null) {
      counter(registry, "troupe.llm.unpriced", "Answers of models without a price", where)
          .increment();
    } else {
      spend.add(Budget.nanos(response.cost()));
      counter(registry, "troupe.llm.cost", "US dollars by the price table", joined(where, who))
          .increment(response.cost().doubleValue());
    }
  }

  private void tokens(
      MeterRegistry registry,
      @Nullable Integer number,
      String type,
      List<String> where,
      String asked,
      List<String> who) {
    if (number == null || number < 0) {
      return;
    }
    List<String> tags =
        joined(where, List.of(OPERATION, CHAT, REQUEST_MODEL, asked, TOKEN_TYPE, type));
    DistributionSummary summary =
        (DistributionSummary)
            meters.computeIfAbsent(
                new Key(TOKENS, tags),
                key ->
                    DistributionSummary.builder(TOKENS)
                        .description("Tokens of prompts and answers")
                        .baseUnit("token")
                        .serviceLevelObjectives(TOKEN_BOUNDS)
                        .tags(tags.toArray(new String[0]))
                        .register(registry));
    summary.record(number);
    counter(
            registry,
            "troupe.llm.tokens",
            "Tokens of prompts and answers",
            joined(joined(where, who), List.of(TOKEN_TYPE, type)))
        .increment(number);
  }

  private static List<String> joined(List<String> some, List<String> more) {
    String[] all = new String[some.size() + more.size()];
    for (int i = 0; i < all.length; i++) {
      all[i] = i < some.size() ? some.get(i) : more.get(i - some.size());
    }
    return List.of(all);
  }

  /** A call of the governed model failed for good. */
  void failed(String provider, String model, CallOptions options, Duration took, Throwable why) {
    if (registry == null) {
      return;
    }
    String from = name(PROVIDER, provider);
    String asked = name(REQUEST_MODEL, model);
    String error =
        why instanceof AgentException known ? known.code().name() : why.getClass().getName();
    duration(registry, from, asked, NONE, error).record(took);
    if (error.equals(ErrorCode.BUDGET_EXCEEDED.name())) {
      counter(
              registry,
              "troupe.llm.budget.refused",
              "Calls that a budget or an operator refused",
              List.of(AGENT, name(AGENT, options.agent()), TENANT, name(TENANT, options.tenant())))
          .increment();
    }
  }

  /** A provider was asked once, and failed with the error unless it is null. */
  void attempted(String provider, String requested, @Nullable ErrorCode error) {
    if (registry == null) {
      return;
    }
    counter(
            registry,
            "troupe.llm.attempts",
            "Attempts at a provider",
            List.of(
                PROVIDER,
                name(PROVIDER, provider),
                REQUEST_MODEL,
                name(REQUEST_MODEL, requested),
                ERROR_TYPE,
                error == null ? NONE : error.name()))
        .increment();
  }

  private Timer duration(
      MeterRegistry registry, String provider, String asked, String model, String error) {
    return timer(
        registry,
        DURATION,
        DURATION_BOUNDS,
        List.of(
            OPERATION,
            CHAT,
            PROVIDER,
            provider,
            REQUEST_MODEL,
            asked,
            RESPONSE_MODEL,
            model,
            ERROR_TYPE,
            error));
  }

  private Timer timer(MeterRegistry registry, String name, Duration[] bounds, List<String> tags) {
    return (Timer)
        meters.computeIfAbsent(
            new Key(name, tags),
            key ->
                Timer.builder(name)
                    .serviceLevelObjectives(bounds)
                    .tags(tags.toArray(new String[0]))
                    .register(registry));
  }

  private Counter counter(MeterRegistry registry, String name, String what, List<String> tags) {
    return (Counter)
        meters.computeIfAbsent(
            new Key(name, tags),
            key ->
                Counter.builder(name)
                    .description(what)
                    .tags(tags.toArray(new String[0]))
                    .register(registry));
  }

  /** A value for a tag: of each tag only so many are told apart. */
  private String name(String tag, String value) {
    if (value.isEmpty()) {
      return NONE;
    }
    Set<String> known = names.computeIfAbsent(tag, t -> ConcurrentHashMap.newKeySet());
    if (known.contains(value)) {
      return value;
    }
    if (known.size() >= MOST_NAMES) {
      return OTHER;
    }
    known.add(value);
    return value;
  }

  /** Takes the meters out of the registry. */
  @Override
  public void close() {
    if (registry != null) {
      meters.values().forEach(registry::remove);
    }
  }
}
