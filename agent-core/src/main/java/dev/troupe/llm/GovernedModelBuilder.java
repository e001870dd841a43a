package dev.troupe.llm;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.llm.guard.Guard;
import dev.troupe.llm.guard.Guards;
import dev.troupe.resilience.BackoffRetryPolicy;
import dev.troupe.resilience.BreakerSettings;
import dev.troupe.resilience.CircuitBreakers;
import dev.troupe.resilience.RetryPolicy;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Collects the options of a {@link GovernedModel}; all have a value already. Not safe for several
 * threads.
 */
public final class GovernedModelBuilder {
  private static final Set<ErrorCode> FALLBACK_ON =
      EnumSet.of(
          ErrorCode.RATE_LIMITED,
          ErrorCode.MODEL_OVERLOADED,
          ErrorCode.MODEL_FAILED,
          ErrorCode.MODEL_UNREACHABLE,
          ErrorCode.TIMEOUT,
          ErrorCode.ANSWER_INCOMPLETE,
          ErrorCode.QUOTA_SPENT,
          ErrorCode.ACCESS_DENIED);

  private final List<LlmProvider> chain = new ArrayList<>();
  private final List<Set<Fallback>> ahead = new ArrayList<>();
  private RetryPolicy retry = RetryPolicy.exponential(3);
  private RetryPolicy durableRetry =
      BackoffRetryPolicy.builder(6)
          .delay(Duration.ofSeconds(5))
          .multiplier(3)
          .maxDelay(Duration.ofMinutes(10))
          .build();
  private Predicate<AgentException> fallbackOn = failure -> FALLBACK_ON.contains(failure.code());
  private Duration maxWait = Duration.ofSeconds(20);
  private Duration deadline = Duration.ofMinutes(5);
  private Duration cooldown = Duration.ofSeconds(30);
  private CallLimits limits = CallLimits.USUAL;
  private CallOptions options = CallOptions.USUAL;
  private int assumedOutput = 1_000;
  private int repairs = 2;
  private final List<Guard> guards = new ArrayList<>();
  private Gates gates = Gates.NONE;
  private Ticker ticker = Ticker.SYSTEM;
  private @Nullable CircuitBreakers breakers;
  private UnaryOperator<BreakerSettings.Builder> breakerSettings = UnaryOperator.identity();
  private @Nullable ResponseCache cache;
  private @Nullable Executor executor;

  GovernedModelBuilder(LlmProvider first) {
    fallback(first);
  }

  /**
   * Adds a provider that is asked when those before it did not serve.
   *
   * @param provider the provider; not closed by the model
   * @param ahead what it has ahead of those before it
   * @return this
   */
  public GovernedModelBuilder fallback(LlmProvider provider, Fallback... ahead) {
    chain.add(Objects.requireNonNull(provider, "provider"));
    this.ahead.add(Set.of(ahead));
    return this;
  }

  /**
   * Sets the limits of providers that all processes keep together.
   *
   * @param quotas the quotas; none by default; not closed by the model
   * @return this
   */
  public GovernedModelBuilder quotas(Quotas quotas) {
    return gates(gates.with((Gates.Quota) quotas::acquire));
  }

  /**
   * Sets the budgets that calls are charged to.
   *
   * @param budgets the budgets; none by default
   * @return this
   */
  public GovernedModelBuilder budgets(Budgets budgets) {
    return gates(gates.with((Gates.Budget) budgets::charge));
  }

  /**
   * Sets what tokens cost.
   *
   * @param prices the prices; without them answers have no cost
   * @return this
   */
  public GovernedModelBuilder prices(PriceTable prices) {
    return gates(gates.with((Gates.Price) prices::cost));
  }

  /**
   * Sets where metrics go. What models have in common that share a registry is counted together.
   *
   * @param meters the host's registry; none by default
   * @return this
   */
  public GovernedModelBuilder meterRegistry(MeterRegistry meters) {
    return gates(gates.with(GenAiMetrics.of(meters)));
  }

  GovernedModelBuilder gates(Gates gates) {
    this.gates = gates;
    return this;
  }

  GovernedModelBuilder ticker(Ticker ticker) {
    this.ticker = ticker;
    return this;
  }

  /**
   * Sets the breakers, one for each provider and model, named {@code llm:provider:model} and {@code
   * :account} where the account has a name. They are opened by failures, and at a provider's own
   * word: a spent quota or a retry-after longer than {@link #maxWait}; then for an hour at most,
   * after which one call finds out.
   *
   * @param breakers shared by all processes; by default this model has its own; not closed by the
   *     model
   * @return this
   */
  public GovernedModelBuilder breakers(CircuitBreakers breakers) {
    this.breakers = Objects.requireNonNull(breakers, "breakers");
    return this;
  }

  /**
   * Changes when the breakers open and for how long. The settings that are given to the change are
   * the usual ones, by which those failures count that say that the provider itself is not well. A
   * breaker that other models of this process use already stays as it is.
   *
   * @param change what to change
   * @return this
   */
  public GovernedModelBuilder breakerSettings(UnaryOperator<BreakerSettings.Builder> change) {
    this.breakerSettings = Objects.requireNonNull(change, "change");
    return this;
  }

  /**
   * Sets how often and after which waits the same provider is asked again. A wait is never shorter
   * than what the provider asked for.
   *
   * @param retry the policy; {@code RetryPolicy.exponential(3)} by default
   * @return this
   */
  public GovernedModelBuilder retry(RetryPolicy retry) {
    this.retry = Objects.requireNonNull(retry, "retry");
    return this;
  }

  /**
   * Sets how a step in a run tries again what the whole chain gave up and what may pass. A wait of
   * more than a day, or longer than the run has left, ends that.
   *
   * @param durableRetry the policy; by default five times, after 5 seconds to 10 minutes
   * @return this
   */
  public GovernedModelBuilder durableRetry(RetryPolicy durableRetry) {
    this.durableRetry = Objects.requireNonNull(durableRetry, "durableRetry");
    return this;
  }

  /**
   * Sets after which failures the next provider is asked. An open breaker, a request that is too
   * long and a spent budget are not asked about.
   *
   * @param fallbackOn true for those after which it is
   * @return this
   */
  public GovernedModelBuilder fallbackOn(Predicate<AgentException> fallbackOn) {
    this.fallbackOn = Objects.requireNonNull(fallbackOn, "fallbackOn");
    return this;
  }

  /**
   * Sets how long a call waits for a quota, or because a provider asked it to. A longer wait is not
   * begun: the next provider is asked.
   *
   * @param maxWait at least zero; 20 seconds by default
   * @return this
   */
  public GovernedModelBuilder maxWait(Duration maxWait) {
    if (maxWait.isNegative()) {
      throw new IllegalArgumentException("maxWait must not be negative: " + maxWait);
    }
    this.maxWait = maxWait;
    return this;
  }

  /**
   * Sets how long a call may take in all, with all its waits and attempts.
   *
   * @param deadline more than zero; five minutes by default
   * @return this
   */
  public GovernedModelBuilder deadline(Duration deadline) {
    this.deadline = positive("deadline", deadline);
    return this;
  }

  /**
   * Sets for how long a provider that was given up is asked only when no other is left.
   *
   * @param cooldown more than zero; 30 seconds by default
   * @return this
   */
  public GovernedModelBuilder cooldown(Duration cooldown) {
    this.cooldown = positive("cooldown", cooldown);
    return this;
  }

  /**
   * Sets how long and how much one attempt may take.
   *
   * @param limits the limits; {@link CallLimits#USUAL} by default
   * @return this
   */
  public GovernedModelBuilder limits(CallLimits limits) {
    this.limits = Objects.requireNonNull(limits, "limits");
    return this;
  }

  /**
   * Sets the options of calls that give none.
   *
   * @param options the options; {@link CallOptions#USUAL} by default
   * @return this
   */
  public GovernedModelBuilder options(CallOptions options) {
    this.options = Objects.requireNonNull(options, "options");
    return this;
  }

  /**
   * Sets how many tokens an answer is thought to take where a request does not limit them; for
   * quotas and budgets, until the answer is there.
   *
   * @param tokens at least 1; 1,000 by default
   * @return this
   */
  public GovernedModelBuilder assumedOutput(int tokens) {
    if (tokens < 1) {
      throw new IllegalArgumentException("assumedOutput must be at least 1: " + tokens);
    }
    this.assumedOutput = tokens;
    return this;
  }

  /**
   * Sets how often a model is told what is wrong with an answer that should be a record.
   *
   * @param repairs 0 to 10; 2 by default
   * @return this
   */
  public GovernedModelBuilder repairs(int repairs) {
    if (repairs < 0 || repairs > 10) {
      throw new IllegalArgumentException("repairs must be 0 to 10: " + repairs);
    }
    this.repairs = repairs;
    return this;
  }

  /**
   * Adds guards that nobody who is given the model can leave out: asked around each call, behind
   * those that an agent has of its own, so that they see what is really sent and what really came.
   * In a run an answer is journaled as they left it. What is streamed is shown before they see it.
   *
   * @param guards the guards, asked in the order in which they are given
   * @return this
   */
  public GovernedModelBuilder guards(Guard... guards) {
    this.guards.addAll(Arrays.asList(guards));
    return this;
  }

  /**
   * Sets where answers are kept for calls that ask for it, {@link CallOptions#cached}.
   *
   * @param cache the cache; none by default
   * @return this
   */
  public GovernedModelBuilder cache(ResponseCache cache) {
    this.cache = Objects.requireNonNull(cache, "cache");
    return this;
  }

  /**
   * Sets what runs streams for langchain4j's handlers.
   *
   * @param executor not closed by the model; by default threads of its own, virtual ones where the
   *     JVM has them
   * @return this
   */
  public GovernedModelBuilder executor(Executor executor) {
    this.executor = Objects.requireNonNull(executor, "executor");
    return this;
  }

  /**
   * Builds the model.
   *
   * @return the model, to be closed by the caller
   */
  public GovernedModel build() {
    CircuitBreakers own = breakers == null ? ModelParts.ownBreakers() : null;
    CircuitBreakers used = breakers == null ? Objects.requireNonNull(own) : breakers;
    List<Candidate> candidates = new ArrayList<>();
    for (int i = 0; i < chain.size(); i++) {
      BreakerSettings opening =
          breakerSettings.apply(Candidate.settings(limits.timeLimit())).build();
      candidates.add(new Candidate(chain.get(i), ahead.get(i), used, opening));
    }
    Terms terms = new Terms(retry, fallbackOn, maxWait, deadline, cooldown, limits, assumedOutput);
    Governor governor = new Governor(candidates, terms, gates, cache, ticker);
    return new GovernedModel(
        new ModelParts(governor, new Guards(guards), durableRetry, repairs, executor, own),
        null,
        options);
  }

  private static Duration positive(String what, Duration duration) {
    if (duration.isNegative() || duration.isZero()) {
      throw new IllegalArgumentException(what + " must be more than zero: " + duration);
    }
    return duration;
  }
}
