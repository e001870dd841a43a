package dev.troupe.llm;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.RateLimiter;
import dev.troupe.resilience.RateLimiter.Settlement;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The limits of providers, kept by all processes together: requests, tokens and calls in flight, of
 * accounts, their models and tenants. All that hold for a call are decided on at once, in one call
 * of a {@link RateLimiter}: whole or not at all.
 *
 * <p>A call {@linkplain #acquire takes} what it is about to use, with tokens estimated, and says
 * afterwards what became of it: what was not used is given back, what was used beyond is taken.
 * That happens in the background and never blocks. Who never says anything has used what was
 * reserved, and is in flight until that expires.
 *
 * <p><b>Who goes first.</b> In a process, one call of an account asks the limiter at a time while
 * others wait: the most urgent first, also before those that wait already, among equals one tenant
 * after the other in turn. A call that waits for a limit of its model or tenant only is no obstacle
 * to others. Who has waited for the aging time becomes more urgent by one. Processes know nothing
 * of each other's calls; they come back when the limiter said, the less urgent a few milliseconds
 * later. A call that waits holds no place in flight and no thread but its own.
 *
 * <p><b>The provider's word.</b> When a call fails because of too many requests, all processes wait
 * for as long as the provider asked, a second when it did not say, the longest pause at most. When
 * an answer's headers show less left than would be used until there is more, because others use the
 * same key, all wait until it is enough. Where a limit is set for the model, only its calls wait,
 * else all of the account. Headers never allow more than what is set here.
 *
 * <p><b>Without the limiter.</b> While it does not answer, each process allows itself its
 * {@linkplain Builder#fallbackShare share} of every limit by itself; {@link #degraded} and a gauge
 * tell so. Calls that it holds up wait a second at most, and none once it is known to be away.
 *
 * <p>A limiter's group is an account of a provider; see {@link Builder#tenantsAcrossAccounts}.
 * Where no limit holds, nothing is asked. Safe for use by many threads.
 */
public final class Quotas implements AutoCloseable {
  private static final Duration FOREVER = Duration.ofDays(365);
  private static final Ticket FREE = new FreeTicket();

  private final QuotaPlans plans;
  private final QuotaLimiter limiter;
  private final QuotaMeters meters;
  private final Duration aging;
  private final Duration longestPause;
  private final Map<String, QuotaLine> lines = new ConcurrentHashMap<>();

  /** Until when somebody of this process has put up a pause, by group and name. */
  private final Map<String, Long> pauses = new ConcurrentHashMap<>();

  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * What a call is about to use.
   *
   * @param provider who is asked
   * @param account whose quota it uses: the name of the key, never the key
   * @param model which model
   * @param tenant for whom, empty text for nobody in particular
   * @param priority 0 low, 1 normal, 2 high
   * @param inputTokens of the prompt, estimated, at least 0
   * @param outputTokens of the answer, estimated, at least 0
   */
  public record Ask(
      String provider,
      String account,
      String model,
      String tenant,
      int priority,
      long inputTokens,
      long outputTokens) {
    /** Checks. */
    public Ask {
      Objects.requireNonNull(provider, "provider");
      Objects.requireNonNull(account, "account");
      Objects.requireNonNull(model, "model");
      Objects.requireNonNull(tenant, "tenant");
      if (priority < 0 || priority > 2) {
        throw new IllegalArgumentException("priority must be 0, 1 or 2: " + priority);
      }
      if (inputTokens < 0 || outputTokens < 0) {
        throw new IllegalArgumentException(
            "tokens must not be negative: %d and %d".formatted(inputTokens, outputTokens));
      }
    }
  }

  /**
   * What was reserved for one attempt. Exactly one of its methods is called, once; what is told
   * after that counts for nothing. Nothing here blocks or fails.
   */
  public interface Ticket {
    /**
     * The attempt was answered.
     *
     * @param inputTokens really used
     * @param outputTokens really used
     * @param headers of the answer, in lower case; empty where there are none
     */
    void used(long inputTokens, long outputTokens, Map<String, String> headers);

    /** The attempt never reached the provider: all is given back. */
    void unused();

    /**
     * It reached the provider and failed; what it used is unknown and counts as reserved.
     *
     * @param failure how
     */
    void failed(LlmException failure);
  }

  /** Where nothing is limited. */
  private static final class FreeTicket implements Ticket {
    @Override
    public void used(long inputTokens, long outputTokens, Map<String, String> headers) {}

    @Override
    public void unused() {}

    @Override
    public void failed(LlmException failure) {}
  }

  private Quotas(Builder b) {
    this.plans = new QuotaPlans(b);
    this.meters = new QuotaMeters(b.registry);
    this.aging = b.aging;
    this.longestPause = b.longestPause;
    RateLimiter shared = b.limiter;
    this.limiter =
        shared == null
            ? new QuotaLimiter(RateLimiter.inMemory(), null, meters)
            : new QuotaLimiter(shared, b.patience, meters);
    meters.degraded(limiter);
  }

  /**
   * Quotas that all processes keep together that share a limiter.
   *
   * @param limiter over the fleet's Redis or store; not closed by the quotas
   * @return a builder
   */
  public static Builder over(RateLimiter limiter) {
    return new Builder(Objects.requireNonNull(limiter, "limiter"));
  }

  /**
   * Quotas of this process alone.
   *
   * @return a builder
   */
  public static Builder inMemory() {
    return new Builder(null);
  }

  /**
   * Waits for what an attempt needs.
   *
   * @param ask what it needs
   * @param maxWait how long to wait at most; zero for not at all
   * @return what was reserved
   * @throws LlmException with RATE_LIMITED, and the wait in {@code retryAfter}: at once where it is
   *     known to be longer than {@code maxWait}. For calls in flight nobody knows; the wait is then
   *     a second or less
   * @throws InterruptedException when the thread is interrupted meanwhile; nothing is reserved then
   */
  public Ticket acquire(Ask ask, Duration maxWait) throws InterruptedException {
    QuotaPlan plan = plans.plan(ask);
    if (plan.isEmpty()) {
      return FREE;
    }
    long began = System.nanoTime();
    long nanos = maxWait.compareTo(FOREVER) < 0 ? maxWait.toNanos() : FOREVER.toNanos();
    QuotaPlan.Want want = plan.want(ask.inputTokens(), ask.outputTokens());
    QuotaLine.Outcome outcome =
        closed.get()
            ? new QuotaLine.Outcome.Closed()
            : line(plan).acquire(want, ask.tenant(), ask.priority(), nanos);
    if (outcome instanceof QuotaLine.Outcome.Granted granted) {
      meters.granted(ask, Duration.ofNanos(System.nanoTime() - began));
      return new QuotaTicket(this, ask, want, granted.answer());
    }
    if (outcome instanceof QuotaLine.Outcome.Refused refused) {
      throw refused(ask, plan.entry(refused.name()), refused.retryAfter());
    }
    throw new AgentException(
        ErrorCode.CLOSED,
        "the quotas of %s were closed; call before the application ends".formatted(plan.group()));
  }

  private LlmException refused(Ask ask, QuotaPlan.Entry entry, Duration wait) {
    meters.refused(ask, entry.kind());
    String millis = "%d ms".formatted(wait.plusNanos(999_999).toMillis());
    String message =
        entry.kind() == QuotaKind.PAUSE
            ? "%s asked to wait, and calls %s do for %s more; wait, or ask another provider"
                .formatted(ask.provider(), entry.words(), millis)
            : "the quota of %s %s at %s allows no more for %s; wait longer, or raise the quota if the provider allows more"
                .formatted(entry.kind().words(), entry.words(), ask.provider(), millis);
    return LlmException.of(ErrorCode.RATE_LIMITED, ask.provider(), message)
        .retryAfter(wait)
        .build();
  }

  /**
   * Whether the limiter does not answer, so that this process takes its share by itself.
   *
   * @return whether
   */
  public boolean degraded() {
    return limiter.away();
  }

  private QuotaLine line(QuotaPlan plan) {
    return lines.computeIfAbsent(plan.group(), group -> new QuotaLine(limiter, aging));
  }

  // for tickets

  RateLimiter shared() {
    return limiter.shared();
  }

  void settle(RateLimiter to, Settlement settlement, Runnable then) {
    limiter.settler().settle(to, settlement, then);
  }

  void freed(QuotaPlan.Want want) {
    line(want.plan()).freed(want);
  }

  /** Makes all processes wait. What ends before, or hardly after, what was put up is left. */
  void pause(Ask ask, QuotaPlan plan, Duration wanted, QuotaKind why) {
    if (plan.pause().isEmpty() || wanted.isZero()) {
      return;
    }
    Duration length = wanted.compareTo(longestPause) < 0 ? wanted : longestPause;
    long until = System.nanoTime() + length.toNanos();
    long hardly = Math.min(500_000_000, length.toNanos() / 10);
    String key = plan.group() + "\n" + plan.pause();
    boolean[] longer = new boolean[1];
    pauses.compute(
        key,
        (name, known) -> {
          longer[0] = known == null || until - known > hardly;
          return longer[0] ? until : known;
        });
    if (longer[0]) {
      meters.paused(ask, why);
      line(plan).pause(plan.pause(), length);
      limiter.settler().run(() -> limiter.pause(plan.pauseFor(length)));
    }
  }

  /**
   * Sends away who waits, settles for at most some seconds what was not settled yet, and ends the
   * threads. May be called more than once.
   */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      lines.values().forEach(QuotaLine::close);
      limiter.close();
      meters.close();
    }
  }

  /** Collects limits. Not safe for several threads. */
  public static final class Builder {
    final Map<QuotaPlans.Whose, Quota> accounts = new HashMap<>();
    final Map<QuotaPlans.Whose, Quota> models = new HashMap<>();
    final Map<String, Quota> tenants = new HashMap<>();
    @Nullable Quota eachTenant;
    boolean together;
    double share = 0.1;
    private final @Nullable RateLimiter limiter;
    private @Nullable MeterRegistry registry;
    private Duration patience = Duration.ofSeconds(1);
    private Duration aging = Duration.ofSeconds(10);
    private Duration longestPause = Duration.ofMinutes(5);

    private Builder(@Nullable RateLimiter limiter) {
      this.limiter = limiter;
    }

    /**
     * Limits each account of a provider that has no quota of its own.
     *
     * @param provider its name
     * @param quota for each account by itself
     * @return this
     */
    public Builder provider(String provider, Quota quota) {
      return account(provider, "", quota);
    }

    /**
     * Limits an account.
     *
     * @param provider the provider's name
     * @param account the name of the account or key, never the key
     * @param quota for all its models together
     * @return this
     */
    public Builder account(String provider, String account, Quota quota) {
      accounts.put(new QuotaPlans.Whose(provider, account, ""), Objects.requireNonNull(quota));
      return this;
    }

    /**
     * Limits a model, in each account by itself that has no quota of its own for it.
     *
     * @param provider the provider's name
     * @param model the model's name, as it is asked for
     * @param quota beside that of the account
     * @return this
     */
    public Builder model(String provider, String model, Quota quota) {
      return model(provider, "", model, quota);
    }

    /**
     * Limits a model of one account.
     *
     * @param provider the provider's name
     * @param account the name of the account or key
     * @param model the model's name, as it is asked for
     * @param quota beside that of the account
     * @return this
     */
    public Builder model(String provider, String account, String model, Quota quota) {
      if (model.isEmpty()) {
        throw new IllegalArgumentException("a model has a name; limit all of them by account");
      }
      models.put(new QuotaPlans.Whose(provider, account, model), Objects.requireNonNull(quota));
      return this;
    }

    /**
     * Limits a tenant, beside accounts and models.
     *
     * @param tenant whom
     * @param quota at each account by itself, unless {@link #tenantsAcrossAccounts}
     * @return this
     */
    public Builder tenant(String tenant, Quota quota) {
      tenants.put(tenant, Objects.requireNonNull(quota));
      return this;
    }

    /**
     * Limits each tenant that has no quota of its own. Calls for nobody in particular are not
     * meant.
     *
     * @param quota for each tenant by itself
     * @return this
     */
    public Builder eachTenant(Quota quota) {
      this.eachTenant = Objects.requireNonNull(quota);
      return this;
    }

    /**
     * Counts what a tenant uses at all accounts and providers together. All limits then lie in one
     * group of the limiter: on one node of a cluster, or in one record of a store.
     *
     * @return this
     */
    public Builder tenantsAcrossAccounts() {
      this.together = true;
      return this;
    }

    /**
     * Sets which part of every limit this process allows itself while the limiter does not answer.
     * One in as many as there are processes keeps the limits; calls in flight and bursts are at
     * least one for each process.
     *
     * @param share more than 0, at most 1; a tenth by default
     * @return this
     */
    public Builder fallbackShare(double share) {
      if (!(share > 0 && share <= 1)) {
        throw new IllegalArgumentException(
            "fallbackShare must be more than 0 and at most 1: " + share);
      }
      this.share = share;
      return this;
    }

    /**
     * Sets how long a call waits for the limiter's answer before this process goes on alone.
     *
     * @param patience more than zero; a second by default
     * @return this
     */
    public Builder patience(Duration patience) {
      this.patience = positive("patience", patience);
      return this;
    }

    /**
     * Sets after which time of waiting a call becomes more urgent by one.
     *
     * @param aging more than zero; ten seconds by default
     * @return this
     */
    public Builder aging(Duration aging) {
      this.aging = positive("aging", aging);
      return this;
    }

    /**
     * Sets for how long all wait at most because a provider asked for it; then it is asked again.
     *
     * @param longestPause more than zero, at most 31 days; five minutes by default
     * @return this
     */
    public Builder longestPause(Duration longestPause) {
      this.longestPause = positive("longestPause", longestPause);
      return this;
    }

    /**
     * Tells a registry of waits ({@code troupe.llm.quota.wait}), refusals ({@code
     * troupe.llm.quota.refused}), pauses ({@code troupe.llm.quota.paused}), and that the limiter
     * does not answer ({@code troupe.llm.quota.degraded}, {@code troupe.llm.quota.outages}).
     *
     * @param registry the host's
     * @return this
     */
    public Builder meters(MeterRegistry registry) {
      this.registry = Objects.requireNonNull(registry);
      return this;
    }

    /**
     * Builds the quotas.
     *
     * @return the quotas, to be closed
     */
    public Quotas build() {
      return new Quotas(this);
    }

    private static Duration positive(String what, Duration duration) {
      if (duration.isNegative()
          || duration.isZero()
          || duration.compareTo(Duration.ofDays(31)) > 0) {
        throw new IllegalArgumentException(
            what + " must be more than zero and at most 31 days: " + duration);
      }
      return duration;
    }
  }
}
