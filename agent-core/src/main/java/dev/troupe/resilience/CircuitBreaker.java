package dev.troupe.resilience;

import dev.troupe.AgentException;
import dev.troupe.resilience.Phase.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Keeps calls away from what fails anyway, in all processes that share it. Made by {@link
 * CircuitBreakers#breaker(String, BreakerSettings)}.
 *
 * <p>Each process judges its own calls, in a window of its own. Openings, probes and what operators
 * say are shared through the store.
 *
 * <p>Guarantees, each with a test of the same number in {@code CircuitBreakerContract}:
 *
 * <ol>
 *   <li>A process whose own calls fail refuses calls; while no quorum of processes finds the same,
 *       all others let theirs through.
 *   <li>Found open by a quorum, or by all that use it if those are fewer, it is open for all, for
 *       each by its next look.
 *   <li>{@link #open} opens it in this process at once, and for all others by their next look.
 *   <li>What is open for all stays open when every process ends, and is so for a process that
 *       starts, as long as the store keeps what it acknowledged.
 *   <li>When the open time is over, on the store's clock, one call of the whole fleet is let
 *       through as a probe, and no other while it is under way and within its {@link
 *       BreakerSettings.Builder#probeTime}. Its success closes the breaker for all; its failure
 *       opens it for all, for longer. A probe whose process died is replaced when that time is
 *       over, and what it reports later counts for nothing.
 *   <li>{@link #override} wins over everything else, in every process and after a restart, until it
 *       is overridden; who said it and why is kept.
 *   <li>While the store does not answer, no call waits for it, but for one that would probe, half a
 *       second at most: each process opens, probes and closes by its own calls; what was open for
 *       all before is so until its open time is over. {@link CircuitBreakers#storeAway()} says so.
 *       When the store answers again, what it says holds.
 * </ol>
 *
 * <p>A call through a closed breaker reads one field, does what it is for, and is counted in the
 * window. The one call that would probe waits until the store has agreed, half a second at most.
 *
 * <p>Safe for use by many threads.
 */
public final class CircuitBreaker {
  private static final long ASK_MILLIS = 500;
  private static final Duration LONGEST = Duration.ofDays(31);

  final BreakerSettings settings;
  final AtomicReference<Phase> phase = new AtomicReference<>(Phase.CLOSED);
  final AtomicReference<@Nullable Signal> signal = new AtomicReference<>();
  final AtomicReference<@Nullable ProbeEnd> ended = new AtomicReference<>();
  final AtomicReference<@Nullable CompletableFuture<Boolean>> asking = new AtomicReference<>();
  final CountDownLatch looked = new CountDownLatch(1);
  final LongAdder opened = new LongAdder();
  final LongAdder refused = new LongAdder();
  volatile @Nullable Ruling ruling;

  private final String name;
  private final CallWindow window;
  private final BreakerWatch watch;

  /** Whether calls are let through. */
  public enum State {
    /** They are. */
    CLOSED,
    /** One of them probes, the others are refused. */
    HALF_OPEN,
    /** They are refused. */
    OPEN
  }

  /** What an operator wants. */
  public enum Mode {
    /** The breaker goes by calls, quorum and signals. */
    AUTOMATIC,
    /** It is open, whatever calls do. */
    FORCED_OPEN,
    /** It is closed, whatever calls do. */
    FORCED_CLOSED
  }

  /**
   * What an operator said.
   *
   * @param mode what shall be
   * @param by who said it
   * @param reason why
   * @param at when, on the store's clock
   */
  public record Ruling(Mode mode, String by, String reason, Instant at) {}

  /**
   * How a breaker stands, as this process knows it.
   *
   * @param state whether calls are let through
   * @param shared whether that is so for all processes, not for this one alone
   * @param left until a call may probe; zero where that has no meaning
   * @param reason why it is not closed; empty when it is
   * @param ruling what an operator said last; null when none did, or too long ago
   */
  public record Status(
      State state, boolean shared, Duration left, String reason, @Nullable Ruling ruling) {}

  /** A provider's own word that it is not to be called. */
  record Signal(long until, String reason) {}

  /** What became of a probe; {@code good} is null when nothing did. */
  record ProbeEnd(String probe, @Nullable Boolean good, String why) {}

  CircuitBreaker(String name, BreakerSettings settings, BreakerWatch watch) {
    this.name = name;
    this.settings = Objects.requireNonNull(settings, "settings");
    this.window = new CallWindow(name, settings);
    this.watch = watch;
  }

  /**
   * What it guards.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * Calls, unless the breaker is open, and counts how it went.
   *
   * @param action the call
   * @param <T> what it gives
   * @return what it gave
   * @throws CircuitOpenException when the breaker is open; nothing was called
   * @throws InterruptedException when the thread is interrupted while it waits to probe
   * @throws Exception what the call threw
   */
  public <T> T call(Callable<T> action) throws Exception {
    if (phase.get().kind() != Kind.CLOSED) {
      return guarded(action);
    }
    long began = System.nanoTime();
    T result;
    try {
      result = action.call();
    } catch (Throwable t) {
      failed(t, System.nanoTime() - began);
      throw t;
    }
    succeeded(System.nanoTime() - began);
    return result;
  }

  private <T> T guarded(Callable<T> action) throws Exception {
    try (Permit permit = acquire()) {
      T result;
      try {
        result = action.call();
      } catch (Throwable t) {
        permit.failed(t);
        throw t;
      }
      permit.succeeded();
      return result;
    }
  }

  /**
   * Asks to call, for callers that say themselves how it went.
   *
   * @return the permit, to be told how the call went or closed
   * @throws CircuitOpenException when the breaker is open
   * @throws InterruptedException when the thread is interrupted while it waits to probe
   */
  public Permit acquire() throws InterruptedException {
    boolean asked = false;
    while (true) {
      Phase now = phase.get();
      if (now.kind() == Kind.CLOSED || now.kind() == Kind.FORCED_CLOSED) {
        return new Permit(this, now);
      }
      long left = now.kind() == Kind.FORCED_OPEN ? Long.MAX_VALUE : now.left();
      if (left > 0) {
        throw refuse(now, left);
      }
      if (!now.kind().shared || watch.away()) {
        Phase probing = here(Kind.PROBING_HERE, settings.probeTime, now.times(), now.why());
        if (phase.compareAndSet(now, probing)) {
          return new Permit(this, probing);
        }
      } else if (asked) {
        throw refuse(now, 0);
      } else {
        asked = true;
        if (ask()) {
          Phase probing = phase.get();
          if (probing.kind() == Kind.PROBING) {
            return new Permit(this, probing);
          }
        }
      }
    }
  }

  /**
   * Whether this process was given the probe of the fleet. Only the one caller that asks gets true,
   * and the phase is its own from then on until the probe has ended or was replaced.
   */
  private boolean ask() throws InterruptedException {
    CompletableFuture<Boolean> mine = new CompletableFuture<>();
    if (!asking.compareAndSet(null, mine)) {
      return false;
    }
    try {
      watch.wake();
      return mine.get(ASK_MILLIS, TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      return takeBack(mine);
    } catch (InterruptedException e) {
      if (takeBack(mine)) {
        new Permit(this, phase.get()).close();
      }
      throw e;
    } catch (ExecutionException e) {
      throw new IllegalStateException(e); // nobody completes it so
    } finally {
      asking.compareAndSet(mine, null);
    }
  }

  /** Gives up waiting; true when the answer came first, and was yes. */
  private static boolean takeBack(CompletableFuture<Boolean> mine) {
    return !mine.cancel(false) && mine.join();
  }

  private CircuitOpenException refuse(Phase now, long left) {
    refused.increment();
    if (now.kind() == Kind.FORCED_OPEN) {
      return new CircuitOpenException(name, null, now.why());
    }
    // a probe is mostly over long before it has to be
    boolean soon = left <= 0 || now.state() == State.HALF_OPEN;
    Duration wait = soon ? watch.lookEvery() : Duration.ofNanos(left);
    return new CircuitOpenException(name, wait, now.why());
  }

  /**
   * How the breaker stands, as this process knows it.
   *
   * @return closed, half-open or open
   */
  public State state() {
    return phase.get().state();
  }

  /**
   * How the breaker stands, and why.
   *
   * @return a snapshot
   */
  public Status status() {
    Phase now = phase.get();
    boolean timed = now.kind() != Kind.CLOSED && !now.forced();
    Duration left = timed ? Duration.ofNanos(Math.max(0, now.left())) : Duration.ZERO;
    return new Status(now.state(), now.kind().shared, left, now.why(), ruling);
  }

  /**
   * Opens the breaker because the provider said so, such as for a quota that is used up until a
   * time: here at once, and for all as soon as the store has it, which this does not wait for.
   * Never shortens an opening. Has no effect on what an operator forced, but on what is when that
   * ends.
   *
   * @param time for how long, 1 ms to 31 days
   * @param reason what operators and refused callers read, in a few words; no secret
   */
  public void open(Duration time, String reason) {
    if (time.toMillis() < 1 || time.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException("a breaker opens for 1 ms to 31 days: " + time);
    }
    String why = BreakerRecord.oneLine(reason);
    Signal mine = new Signal(System.nanoTime() + time.toNanos(), why);
    signal.accumulateAndGet(
        mine, (known, more) -> known == null || known.until - mine.until < 0 ? more : known);
    Phase now = phase.get();
    while (!now.forced()
        && (now.state() != State.OPEN || now.until() - mine.until < 0)
        && !phase.compareAndSet(
            now, new Phase(Kind.OPEN_HERE, mine.until, Math.max(1, now.times()), "", why))) {
      now = phase.get();
    }
    if (now.kind() == Kind.CLOSED) {
      opened.increment();
    }
    watch.wake();
  }

  /**
   * Says as an operator what the breaker shall do, in all processes, until something else is said.
   * Unlike everything else here this waits for the store, as long as the store lets it.
   *
   * @param mode forced open, forced closed, or back to automatic: then an opening that was there
   *     before is there again while its time is not over
   * @param by who says so
   * @param reason why; no secret
   * @throws AgentException with {@code STORE_UNAVAILABLE} when the store does not answer: whether
   *     it was told is unknown, {@link #status()} shows it later
   */
  public void override(Mode mode, String by, String reason) {
    watch.rule(
        this,
        Objects.requireNonNull(mode, "mode"),
        BreakerRecord.oneLine(by),
        BreakerRecord.oneLine(reason));
  }

  // how calls went

  private void succeeded(long nanos) {
    window.success(nanos);
    if (window.tooBad()) {
      trip();
    }
  }

  private void failed(Throwable failure, long nanos) {
    Boolean good = good(failure);
    if (good == null) {
      return;
    }
    if (good) {
      window.success(nanos);
    } else {
      window.failure(nanos, failure);
    }
    if (window.tooBad()) {
      trip();
    }
  }

  /** Null for what says nothing about the other side. */
  private @Nullable Boolean good(Throwable failure) {
    if (failure instanceof InterruptedException) {
      return null;
    }
    try {
      return !settings.failure.test(failure);
    } catch (RuntimeException e) {
      return false; // the call failed, and that is what its caller has to see
    }
  }

  private void trip() {
    Phase open = here(Kind.OPEN_HERE, settings.openTime(1), 1, window.summary());
    if (phase.compareAndSet(Phase.CLOSED, open)) {
      opened.increment();
      watch.wake();
    }
  }

  private static Phase here(Kind kind, Duration time, int times, String why) {
    return new Phase(kind, System.nanoTime() + time.toNanos(), times, "", why);
  }

  /** A probe is over: this process acts on it at once, and the watch tells the others. */
  private void probed(Phase probing, @Nullable Boolean good, String why) {
    if (probing.kind() == Kind.PROBING) {
      ended.set(new ProbeEnd(probing.probe(), good, why));
    }
    if (good == null) {
      Kind open = probing.kind() == Kind.PROBING ? Kind.OPEN : Kind.OPEN_HERE;
      phase.compareAndSet(probing, here(open, Duration.ZERO, probing.times(), probing.why()));
    } else if (good) {
      close(probing);
    } else {
      int times = probing.times() + 1;
      phase.compareAndSet(probing, here(Kind.OPEN_HERE, settings.openTime(times), times, why));
    }
    watch.wake();
  }

  /** Closes, if it still stands as it did; with an empty window. */
  boolean close(Phase from) {
    if (!phase.get().equals(from)) {
      return false;
    }
    window.reset();
    boolean closed = phase.compareAndSet(from, Phase.CLOSED);
    if (window.tooBad()) {
      trip(); // late calls filled the window in between, and found nothing to open
    }
    return closed;
  }

  /**
   * A call that was let through. Tell it once how the call went; what is told later is not counted.
   * Closed without being told it counts as not made, and a probe is given to another. Not safe for
   * several threads at a time.
   */
  public static final class Permit implements AutoCloseable {
    private final CircuitBreaker breaker;
    private final Phase phase;
    private final long began = System.nanoTime();
    private boolean told;

    private Permit(CircuitBreaker breaker, Phase phase) {
      this.breaker = breaker;
      this.phase = phase;
    }

    /** The call gave an answer. */
    public void succeeded() {
      if (first()) {
        long took = System.nanoTime() - began;
        if (phase.kind() == Kind.CLOSED) {
          breaker.succeeded(took);
        } else if (probes()) {
          Duration slow = breaker.settings.slowCall;
          boolean good = slow == null || took <= slow.toNanos();
          breaker.probed(phase, good, "the probe was slow");
        }
      }
    }

    /**
     * The call failed. Whether that counts is for {@link BreakerSettings.Builder#failure}.
     *
     * @param failure what it threw
     */
    public void failed(Throwable failure) {
      if (first()) {
        if (phase.kind() == Kind.CLOSED) {
          breaker.failed(failure, System.nanoTime() - began);
        } else if (probes()) {
          breaker.probed(
              phase,
              breaker.good(failure),
              "the probe failed with " + failure.getClass().getSimpleName());
        }
      }
    }

    /**
     * Whether this call probes: if it fails the breaker stays open, if it succeeds it closes.
     *
     * @return false when the breaker was closed
     */
    public boolean probes() {
      return phase.state() == State.HALF_OPEN;
    }

    /** Nothing came of the call, unless something was told. */
    @Override
    public void close() {
      if (first() && probes()) {
        breaker.probed(phase, null, "");
      }
    }

    private boolean first() {
      boolean first = !told;
      told = true;
      return first;
    }
  }

  /** For messages. */
  @Override
  public String toString() {
    return "breaker " + name + " " + state();
  }
}
