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
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;
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
 * are {@code other}; runs are no tag. Models that share a registry share these.
 *
 * <p>Safe for use by many threads. A meter is looked up in the registry once.
 */
final class GenAiMetrics implements Gates.Ears {
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
  private static final int MOST_ANSWERS = 1_000;

  /** The conventions' own bounds. */
  private static final double[] TOKEN_BOUNDS =
      LongStream.iterate(1, n -> n * 4).limit(14).asDoubleStream().toArray();

  private static final Duration[] DURATION_BOUNDS = doublingFrom10ms(14);
  private static final Duration[] FIRST_CHUNK_BOUNDS = doublingFrom10ms(11);

  private static final Map<MeterRegistry, WeakReference<GenAiMetrics>> OPEN = new WeakHashMap<>();
  private static final ReentrantLock LOCK = new ReentrantLock();

  private final MeterRegistry registry;
  private final SpendRate spend;
  private final Map<Key, Meter> meters = new ConcurrentHashMap<>();
  private final Map<String, Set<String>> names = new ConcurrentHashMap<>();

  /** What was found for answers and attempts before, by what they say of themselves. */
  private final Map<Key, Answers> answers = new ConcurrentHashMap<>();

  private final Map<Key, Counter> attempts = new ConcurrentHashMap<>();

  private record Key(String name, List<String> tags) {}

  GenAiMetrics(MeterRegistry registry, SpendRate spend) {
    this.registry = registry;
    this.spend = spend;
    // the registry keeps this for as long as it lives, also between two models
    Gauge.builder("troupe.llm.spend.rate", this, all -> all.spend.dollarsAnHour())
        .description("US dollars an hour over the last five minutes")
        .strongReference(true)
        .register(registry);
  }

  /** What all models tell that share a registry. */
  static GenAiMetrics of(MeterRegistry registry) {
    LOCK.lock();
    try {
      WeakReference<GenAiMetrics> known = OPEN.get(registry);
      GenAiMetrics metrics = known == null ? null : known.get();
      if (metrics == null) {
        metrics = new GenAiMetrics(registry, new SpendRate(System::nanoTime));
        OPEN.put(registry, new WeakReference<>(metrics));
      }
      return metrics;
    } finally {
      LOCK.unlock();
    }
  }

  private static Duration[] doublingFrom10ms(int number) {
    return LongStream.iterate(10, n -> n * 2)
        .limit(number)
        .mapToObj(Duration::ofMillis)
        .toArray(Duration[]::new);
  }

  /** A call of the governed model was answered, by a model that was asked for as requested. */
  @Override
  public void answered(
      LlmResponse response, String requested, CallOptions options, @Nullable Duration firstToken) {
    Answers like =
        answers(
            new Key(
                "",
                List.of(
                    response.provider(),
                    requested,
                    response.model(),
                    options.agent(),
                    options.tenant())));
    like.duration.get().record(response.latency());
    if (firstToken != null) {
      like.firstChunk.get().record(firstToken);
    }
    if (movedOn(response, like)) {
      like.fallbacks.get().increment();
    }
    TokenUsage usage = response.response().tokenUsage();
    if (usage != null) {
      like.input.record(usage.inputTokenCount());
      like.output.record(usage.outputTokenCount());
    }
    if (response.cost() == null) {
      like.unpriced.get().increment();
    } else {
      spend.add(Budget.nanos(response.cost()));
      like.cost.get().increment(response.cost().doubleValue());
    }
  }

  private Answers answers(Key raw) {
    Answers known = answers.get(raw);
    if (known == null) {
      known = new Answers(raw.tags);
      if (answers.size() < MOST_ANSWERS) {
        answers.put(raw, known);
      }
    }
    return known;
  }

  private boolean movedOn(LlmResponse response, Answers like) {
    for (LlmResponse.Tried tried : response.failed()) {
      if (!name(PROVIDER, tried.provider()).equals(like.provider)
          || !name(REQUEST_MODEL, tried.model()).equals(like.asked)) {
        return true;
      }
    }
    return false;
  }

  /** A meter that is in the registry from its first use on. */
  private static final class Lazy<M extends Meter> {
    private final Supplier<M> maker;
    private volatile @Nullable M made;

    Lazy(Supplier<M> maker) {
      this.maker = maker;
    }

    M get() {
      M meter = made;
      if (meter == null) {
        meter = maker.get();
        made = meter;
      }
      return meter;
    }
  }

  /** The meters of answers of one model to one agent and tenant, found at once for each answer. */
  private final class Answers {
    final String provider;
    final String asked;
    final Lazy<Timer> duration;
    final Lazy<Timer> firstChunk;
    final Lazy<Counter> fallbacks;
    final Lazy<Counter> unpriced;
    final Lazy<Counter> cost;
    final Tokens input;
    final Tokens output;

    Answers(List<String> raw) {
      provider = name(PROVIDER, raw.get(0));
      asked = name(REQUEST_MODEL, raw.get(1));
      String model = name(RESPONSE_MODEL, raw.get(2));
      List<String> where = List.of(PROVIDER, provider, RESPONSE_MODEL, model);
      List<String> who = List.of(AGENT, name(AGENT, raw.get(3)), TENANT, name(TENANT, raw.get(4)));
      List<String> call = joined(where, List.of(OPERATION, CHAT, REQUEST_MODEL, asked));
      List<String> from = List.of(PROVIDER, provider, REQUEST_MODEL, asked);
      duration =
          new Lazy<>(
              () -> timer(DURATION, DURATION_BOUNDS, joined(call, List.of(ERROR_TYPE, NONE))));
      firstChunk = new Lazy<>(() -> timer(FIRST_CHUNK, FIRST_CHUNK_BOUNDS, call));
      fallbacks =
          new Lazy<>(
              () ->
                  counter(
                      "troupe.llm.fallbacks",
                      "Calls that another one answered than was asked first",
                      from));
      unpriced =
          new Lazy<>(
              () -> counter("troupe.llm.unpriced", "Answers of models without a price", where));
      cost =
          new Lazy<>(
              () ->
                  counter("troupe.llm.cost", "US dollars by the price table", joined(where, who)));
      input = new Tokens(call, joined(where, who), "input");
      output = new Tokens(call, joined(where, who), "output");
    }
  }

  /** How many tokens of a type, as the conventions have it and by who used them. */
  private final class Tokens {
    private final Lazy<DistributionSummary> usage;
    private final Lazy<Counter> all;

    Tokens(List<String> call, List<String> used, String type) {
      List<String> typed = List.of(TOKEN_TYPE, type);
      usage = new Lazy<>(() -> summary(joined(call, typed)));
      all =
          new Lazy<>(
              () ->
                  counter(
                      "troupe.llm.tokens", "Tokens of prompts and answers", joined(used, typed)));
    }

    void record(@Nullable Integer number) {
      if (number != null && number >= 0) {
        usage.get().record(number);
        all.get().increment(number);
      }
    }
  }

  private static List<String> joined(List<String> some, List<String> more) {
    String[] all = new String[some.size() + more.size()];
    for (int i = 0; i < all.length; i++) {
      all[i] = i < some.size() ? some.get(i) : more.get(i - some.size());
    }
    return List.of(all);
  }

  /** A call of the governed model failed for good. */
  @Override
  public void failed(
      String provider, String model, CallOptions options, Duration took, Throwable why) {
    String error =
        why instanceof AgentException known ? known.code().name() : why.getClass().getName();
    timer(
            DURATION,
            DURATION_BOUNDS,
            List.of(
                PROVIDER,
                name(PROVIDER, provider),
                RESPONSE_MODEL,
                NONE,
                OPERATION,
                CHAT,
                REQUEST_MODEL,
                name(REQUEST_MODEL, model),
                ERROR_TYPE,
                error))
        .record(took);
    if (error.equals(ErrorCode.BUDGET_EXCEEDED.name())) {
      counter(
              "troupe.llm.budget.refused",
              "Calls that a budget or an operator refused",
              List.of(AGENT, name(AGENT, options.agent()), TENANT, name(TENANT, options.tenant())))
          .increment();
    }
  }

  /** A provider was asked once, and failed with the error unless it is null. */
  @Override
  public void attempted(String provider, String requested, @Nullable ErrorCode error) {
    Key raw = new Key("", List.of(provider, requested, error == null ? NONE : error.name()));
    Counter known = attempts.get(raw);
    if (known == null) {
      known =
          counter(
              "troupe.llm.attempts",
              "Attempts at a provider",
              List.of(
                  PROVIDER,
                  name(PROVIDER, provider),
                  REQUEST_MODEL,
                  name(REQUEST_MODEL, requested),
                  ERROR_TYPE,
                  raw.tags.get(2)));
      if (attempts.size() < MOST_ANSWERS) {
        attempts.put(raw, known);
      }
    }
    known.increment();
  }

  private Timer timer(String name, Duration[] bounds, List<String> tags) {
    return (Timer)
        made(
            name,
            tags,
            in ->
                Timer.builder(name)
                    .serviceLevelObjectives(bounds)
                    .tags(tags.toArray(new String[0]))
                    .register(in));
  }

  private DistributionSummary summary(List<String> tags) {
    return (DistributionSummary)
        made(
            TOKENS,
            tags,
            in ->
                DistributionSummary.builder(TOKENS)
                    .description("Tokens of prompts and answers")
                    .baseUnit("token")
                    .serviceLevelObjectives(TOKEN_BOUNDS)
                    .tags(tags.toArray(new String[0]))
                    .register(in));
  }

  private Counter counter(String name, String what, List<String> tags) {
    return (Counter)
        made(
            name,
            tags,
            in ->
                Counter.builder(name)
                    .description(what)
                    .tags(tags.toArray(new String[0]))
                    .register(in));
  }

  private Meter made(String name, List<String> tags, Function<MeterRegistry, Meter> maker) {
    return meters.computeIfAbsent(new Key(name, tags), key -> maker.apply(registry));
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
}
