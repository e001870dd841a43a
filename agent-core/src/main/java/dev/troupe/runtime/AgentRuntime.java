package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.AgentRegistry;
import dev.troupe.agent.Resolution;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Executes agents: takes runs from a store, gives them threads, writes what they do. The door for a
 * host application.
 *
 * <pre>{@code
 * try (AgentRuntime runtime = AgentRuntime.builder().agent(greeter).start()) {
 *   String hello = runtime.submit("greeter", "Ada", String.class).await();
 * }
 * }</pre>
 *
 * <p>Guarantees:
 *
 * <ol>
 *   <li>When {@link #submit} has returned, the run can't be lost while the store keeps what it
 *       acknowledged.
 *   <li>An effect whose result was journaled is never made again; a crash repeats at most those
 *       that were under way.
 *   <li>Submitting the same id, agent and input again gives the same run.
 *   <li>Every run ends in exactly one outcome, or stands stopped until an operator resumes it.
 *   <li>A run that waits costs no thread after {@link Builder#hotWait}.
 *   <li>{@link #close()} hands back what is not finished, so that the next process goes on at once.
 *   <li>When a process dies, hangs or is cut off, others over the same store go on with its runs
 *       once its {@link Builder#expiry} has passed, and no sooner. A run that takes its processes
 *       with it fails after {@link Builder#maxTakeOvers}.
 *   <li>What a process still writes to a run that was taken from it is refused; it begins effects
 *       only within its lease, which has ended by then.
 *   <li>Calls, signals and cancels reach their run in whatever process and partition it is, and
 *       take effect once.
 *   <li>A step whose outcome a dead process left unknown is repeated, failed, found out or asked
 *       about, as its {@link dev.troupe.agent.Step.Builder#whenUnknown} says.
 *   <li>An execution that is silent for longer than its agent allows begins again from its journal;
 *       what its old threads still write is refused.
 * </ol>
 *
 * <p>Safe for use by many threads.
 */
public final class AgentRuntime implements AutoCloseable {
  private static final long TICK_MILLIS = 20;

  private final RuntimeCore core;
  private final ClaimLoop claims;
  private final Upkeep upkeep;
  private final Thread claiming;
  private final Thread watching;
  private final @Nullable StateStore ownStore;
  private final @Nullable Metrics metrics;
  private final AtomicBoolean closed = new AtomicBoolean();
  private volatile boolean watchedEnough;
  private @Nullable Thread hook;

  private AgentRuntime(Builder b) {
    StateStore store = b.store;
    this.ownStore = store == null ? new MemoryStateStore() : null;
    StateStore used = ownStore == null ? Objects.requireNonNull(store) : ownStore;
    StoreAccess access = new StoreAccess(used);
    this.metrics = b.meters == null ? null : new Metrics(b.meters);
    List<RunListener> listeners = new ArrayList<>(b.listeners);
    if (metrics != null) {
      listeners.add(metrics);
    }
    this.core =
        new RuntimeCore(
            new Fleet(access, b.expiry),
            access,
            b.codec,
            b.registry,
            new RuntimeOptions(
                b.maxConcurrentRuns,
                b.hotWait,
                b.pollInterval,
                b.endGrace,
                b.shutdownGrace,
                b.maxTakeOvers,
                b.retention),
            Threads.executor(),
            listeners);
    this.claims = new ClaimLoop(core);
    this.upkeep = new Upkeep(core, claims);
    core.connect(claims, upkeep);
    this.claiming = Threads.daemon("troupe-claims").newThread(claims);
    this.watching = Threads.daemon("troupe-watch").newThread(this::watch);
    try {
      core.fleet.start(core);
      upkeep.start();
    } catch (RuntimeException failed) {
      core.fleet.stop();
      core.executor.shutdownNow();
      leave();
      throw failed;
    }
    claiming.start();
    watching.start();
    if (metrics != null) {
      metrics.watch(this, core);
    }
    if (b.shutdownHook) {
      hook = Threads.atShutdown(this::close);
    }
  }

  /** Never waits for the store, so that a lease that ends is noticed whatever the store does. */
  private void watch() {
    boolean held = true;
    long awakeSince = System.nanoTime();
    long last = awakeSince;
    while (!watchedEnough) {
      try {
        long now = System.nanoTime();
        if (now - last > TimeUnit.MILLISECONDS.toNanos(20 * TICK_MILLIS)) {
          awakeSince = now; // the whole process stood still, agents as well
        }
        last = now;
        boolean holds = core.fleet.holdsLease();
        if (held && !holds) {
          core.log.warn("no heartbeat went through in time; runs are interrupted until one does");
          core.interruptAll("the process's lease has ended");
        }
        held = holds;
        endOverdue(awakeSince);
      } catch (Throwable e) { // also when memory is short: the lease has to be watched
        core.failed("the watch failed and goes on", e);
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(TICK_MILLIS));
    }
  }

  private void endOverdue(long awakeSince) {
    Instant now = core.access.now();
    for (Execution execution : core.running.values()) {
      if (execution.signs.overdue(now, core.options.endGrace())) {
        core.executor.execute(execution::endOverHead);
      }
      Optional<Duration> silence = execution.run.definition.stuckAfter();
      if (silence.isPresent() && execution.signs.stuck(silence.get(), awakeSince)) {
        core.executor.execute(execution::restart);
      }
    }
  }

  /**
   * Starts a runtime. Everything has a default: a store in memory, JSON, 64 runs at once.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * The agents of this process. More may be registered while it runs.
   *
   * @return the registry
   */
  public AgentRegistry registry() {
    return core.registry;
  }

  /**
   * Creates a run.
   *
   * @param capability what the agent can do, or its name
   * @param input the agent's input
   * @param output the type of its result
   * @return the run
   * @throws AgentException when the agent is unknown, a type does not fit, the input is too large,
   *     or the store refuses; then no run was created
   */
  public <O extends @Nullable Object> RunHandle<O> submit(
      String capability, Object input, Class<O> output) {
    return submit(Submission.of(capability, input, output).build());
  }

  /**
   * Creates a run, or finds the one that has this id already.
   *
   * @param submission which agent, with what, under which id
   * @return the run
   * @throws AgentException as {@link #submit(String, Object, Class)}; with {@link
   *     ErrorCode#RUN_CONFLICT} when the id is taken by a run with another agent or input; with
   *     {@link ErrorCode#RUN_EXPIRED} when it was taken by one that has been removed
   */
  public <O extends @Nullable Object> RunHandle<O> submit(Submission<O> submission) {
    if (closed.get()) {
      throw closedError();
    }
    return Control.submit(core, submission);
  }

  /**
   * A handle on a run that exists.
   *
   * @param run the run's id
   * @param output the type of its result
   * @return the handle
   * @throws AgentException with {@link ErrorCode#RUN_NOT_FOUND}
   */
  public <O extends @Nullable Object> RunHandle<O> handle(String run, Class<O> output) {
    if (core.access.read(run) == null) {
      throw Control.unknown(run);
    }
    RunHandle<O> handle = new RunHandle<>(core, run, output, false);
    core.handles.add(handle);
    return handle;
  }

  /**
   * Where a run stands and what it did.
   *
   * @param run the run's id
   * @return the view, empty when there is no such run
   */
  public Optional<RunView> run(String run) {
    return Optional.ofNullable(Control.view(core, run));
  }

  /**
   * Sends a signal. Sent again with the same id it is received once.
   *
   * @param run the run's id
   * @param name the signal's name
   * @param signalId tells this signal from others of that name
   * @param payload what the wait for it returns
   * @return false when the run had ended before
   * @throws AgentException with {@link ErrorCode#RUN_NOT_FOUND}
   */
  public boolean signal(String run, String name, String signalId, Object payload) {
    return Control.signal(core, run, name, signalId, payload);
  }

  /**
   * Asks a run to stop.
   *
   * @param run the run's id
   * @param reason why, kept with the run
   * @return false when the run had ended before
   * @throws AgentException with {@link ErrorCode#RUN_NOT_FOUND}
   */
  public boolean cancel(String run, String reason) {
    return Control.cancel(core, run, reason);
  }

  /**
   * Says what became of a step whose process was gone while it was under way, to a run whose step
   * asks for that ({@link dev.troupe.agent.UnknownOutcome#ask()}). The first answer counts.
   *
   * @param run the run's id
   * @param path the step, as the run's view and {@link RunEvent.OutcomeUnknown} name it
   * @param resolution what is known
   * @return false when the run had ended before
   * @throws AgentException with {@link ErrorCode#RUN_NOT_FOUND}, or {@link ErrorCode#INVALID_INPUT}
   *     when no attempt of this step is under way or unknown
   */
  public boolean resolve(
      String run, String path, Resolution<? extends @Nullable Object> resolution) {
    return Control.resolve(core, run, path, resolution);
  }

  /**
   * Lets a run go on that was stopped because its journal and its code did not fit, after the code
   * was mended.
   *
   * @param run the run's id
   * @throws AgentException with {@link ErrorCode#RUN_NOT_FOUND}, or {@link ErrorCode#INVALID_INPUT}
   *     when it is not stopped
   */
  public void resume(String run) {
    Control.resume(core, run);
  }

  /**
   * The processes that use the store at present, as they told of themselves.
   *
   * @return a list without order
   */
  public List<ProcessView> processes() {
    return core.fleet.processes();
  }

  /**
   * How this runtime is. Asks nobody, so it returns at once whatever the store does.
   *
   * @return {@link RuntimeHealth.State#DOWN} when it was closed, one of its threads has ended, or
   *     an error of the JVM itself (such as too little memory) was seen within the last minute;
   *     {@link RuntimeHealth.State#DEGRADED} when the store does not answer, it has lost its lease,
   *     it is shutting down, or an agent was stuck within the last minute
   */
  public RuntimeHealth health() {
    List<String> down = new ArrayList<>();
    List<String> degraded = new ArrayList<>();
    if (closed.get()) {
      down.add("the runtime was closed");
    } else if (!claiming.isAlive() || !watching.isAlive() || !upkeep.isAlive()) {
      down.add("a thread of the runtime has ended");
    }
    recent(core.broken)
        .ifPresent(what -> down.add("the JVM is short of something it needs: " + what));
    if (!core.fleet.holdsLease()) {
      degraded.add("no heartbeat went through in time; runs go on elsewhere, if anywhere");
    }
    if (claims.failing()) {
      degraded.add("no runs can be taken from the store");
    }
    recent(core.stuck)
        .ifPresent(run -> degraded.add("run " + run + " gave no sign of life and was begun again"));
    RuntimeHealth.State state =
        !down.isEmpty()
            ? RuntimeHealth.State.DOWN
            : degraded.isEmpty() ? RuntimeHealth.State.UP : RuntimeHealth.State.DEGRADED;
    down.addAll(degraded);
    return new RuntimeHealth(state, down);
  }

  private static Optional<String> recent(RuntimeCore.@Nullable Noted noted) {
    return noted == null || System.nanoTime() - noted.nanos() > TimeUnit.MINUTES.toNanos(1)
        ? Optional.empty()
        : Optional.of(noted.what());
  }

  /**
   * Shuts down: takes no more runs, lets waiting ones leave, gives those under way the shutdown
   * grace to finish, then interrupts them and hands them back. Returns within the grace plus 3
   * seconds. May be called more than once and from any thread; closes the store only if the runtime
   * made it.
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    Threads.forget(hook);
    claims.stop();
    core.fleet.drain();
    long grace = System.nanoTime() + RuntimeOptions.nanos(core.options.shutdownGrace());
    awaitEmpty(grace);
    core.running.values().forEach(Execution::handBackSoon);
    awaitEmpty(System.nanoTime() + TimeUnit.SECONDS.toNanos(1));
    core.access.hurry();
    core.running.values().forEach(Execution::handBackNow);
    watchedEnough = true;
    core.fleet.stop();
    LockSupport.unpark(watching);
    core.executor.shutdownNow();
    upkeep.stop();
    try {
      claiming.join(1_000);
      watching.join(1_000);
      upkeep.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    leave();
    core.handles.closed(closedError());
    if (metrics != null) {
      metrics.close();
    }
    if (ownStore != null) {
      ownStore.close();
    }
  }

  private void leave() {
    boolean empty =
        core.running.isEmpty()
            && !claiming.isAlive()
            && !upkeep.isAlive()
            && !claims.unsure(); // else others take over, should there be anything
    try {
      upkeep.giveBack();
    } catch (AgentException notGiven) {
      empty = false;
    }
    try {
      core.fleet.leave(empty);
    } catch (AgentException | IllegalStateException away) {
      core.log.warn(
          "the store does not answer; the next process takes over: {}", away.getMessage());
    }
  }

  private void awaitEmpty(long until) {
    while (!core.running.isEmpty() && System.nanoTime() - until < 0) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
      if (Thread.interrupted()) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  private static AgentException closedError() {
    return new AgentException(
        ErrorCode.CLOSED, "the runtime was closed; runs that have not ended go on in the next one");
  }

  /** Collects a runtime's options. Not safe for several threads. */
  public static final class Builder {
    private @Nullable StateStore store;
    private Codec codec = Codec.json();
    private final AgentRegistry registry = new AgentRegistry();
    private final List<RunListener> listeners = new ArrayList<>();
    private @Nullable MeterRegistry meters;
    private int maxConcurrentRuns = 64;
    private Duration hotWait = Duration.ofSeconds(1);
    private Duration pollInterval = Duration.ofMillis(200);
    private Duration endGrace = Duration.ofSeconds(2);
    private Duration shutdownGrace = Duration.ofSeconds(10);
    private Duration expiry = Duration.ofSeconds(10);
    private int maxTakeOvers = 5;
    private boolean shutdownHook = true;
    private @Nullable Duration retention = Duration.ofDays(7);

    private Builder() {}

    /**
     * Sets where runs live. By default in this process's memory. A store for one process serves one
     * runtime: a second one takes over whatever the first one holds.
     *
     * @param store the store; not closed by the runtime
     * @return this
     */
    public Builder store(StateStore store) {
      this.store = store;
      return this;
    }

    /**
     * Sets how values are written. By default {@link Codec#json()}.
     *
     * @param codec the codec
     * @return this
     */
    public Builder codec(Codec codec) {
      this.codec = codec;
      return this;
    }

    /**
     * Registers an agent.
     *
     * @param agent the agent
     * @return this
     * @throws AgentException with {@link ErrorCode#DUPLICATE_AGENT}
     */
    public Builder agent(AgentDefinition<?, ?> agent) {
      registry.register(agent);
      return this;
    }

    /**
     * Adds someone who is told what happens.
     *
     * @param listener the listener
     * @return this
     */
    public Builder listener(RunListener listener) {
      listeners.add(listener);
      return this;
    }

    /**
     * Counts what happens in a registry: {@code troupe.runs.started} (tags agent, again), {@code
     * troupe.runs.parked}, {@code troupe.runs.ended} (agent, state), {@code troupe.runs.let.go}
     * (agent, reason: fenced, lease_ended, store_away, stuck, error), {@code troupe.steps} (a timer
     * of the attempts that succeeded; agent), {@code troupe.steps.failed} (agent, kind, last),
     * {@code troupe.outcomes.unknown} (agent), {@code troupe.takeovers}, and as gauges {@code
     * troupe.runs.executing}, {@code troupe.runs.capacity} and {@code troupe.health} (2 up, 1
     * degraded, 0 down). Gauges are removed when the runtime is closed.
     *
     * @param meters the registry
     * @return this
     */
    public Builder meterRegistry(MeterRegistry meters) {
      this.meters = meters;
      return this;
    }

    /**
     * Sets how many runs have a thread at the same time. By default 64. Waiting runs count only
     * while they are hot. With 0 this process executes nothing: it submits, signals and watches.
     *
     * @param maxConcurrentRuns not negative
     * @return this
     */
    public Builder maxConcurrentRuns(int maxConcurrentRuns) {
      if (maxConcurrentRuns < 0) {
        throw new IllegalArgumentException(
            "maxConcurrentRuns must not be negative: " + maxConcurrentRuns);
      }
      this.maxConcurrentRuns = maxConcurrentRuns;
      return this;
    }

    /**
     * Sets how long a run that has nothing to do but wait keeps its thread while threads are free.
     * By default 1 second.
     *
     * @param hotWait not negative; zero to leave at once
     * @return this
     */
    public Builder hotWait(Duration hotWait) {
      this.hotWait = atLeast("hotWait", hotWait, Duration.ZERO);
      return this;
    }

    /**
     * Sets how often the store is asked for runs that are due, should no hint have come. By default
     * 200 ms.
     *
     * @param pollInterval at least 1 ms
     * @return this
     */
    public Builder pollInterval(Duration pollInterval) {
      this.pollInterval = atLeast("pollInterval", pollInterval, Duration.ofMillis(1));
      return this;
    }

    /**
     * Sets how long a run that was cancelled or passed its deadline may take to react before it is
     * ended over its thread's head. By default 2 seconds.
     *
     * @param endGrace not negative
     * @return this
     */
    public Builder endGrace(Duration endGrace) {
      this.endGrace = atLeast("endGrace", endGrace, Duration.ZERO);
      return this;
    }

    /**
     * Sets how long {@link AgentRuntime#close()} lets runs under way finish. By default 10 seconds.
     *
     * @param shutdownGrace not negative
     * @return this
     */
    public Builder shutdownGrace(Duration shutdownGrace) {
      this.shutdownGrace = atLeast("shutdownGrace", shutdownGrace, Duration.ZERO);
      return this;
    }

    /**
     * Sets how long a tree of runs is kept after its root has ended. By default 7 days; its id
     * stays taken for 30 days more.
     *
     * @param retention not negative, null to keep it for ever
     * @return this
     */
    public Builder retention(@Nullable Duration retention) {
      this.retention = retention == null ? null : atLeast("retention", retention, Duration.ZERO);
      return this;
    }

    /**
     * Sets after which time without a heartbeat other processes take over what this one held. By
     * default 10 seconds; a heartbeat goes out at every fifth of it. Shorter means faster take-over
     * and less patience with pauses of the process or the store. All processes of a fleet should
     * have the same. Without meaning for a store that serves one process.
     *
     * @param expiry at least 200 ms
     * @return this
     */
    public Builder expiry(Duration expiry) {
      this.expiry = atLeast("expiry", expiry, Duration.ofMillis(200));
      return this;
    }

    /**
     * Sets how often a run is taken over from a dead process without having come any further in
     * between. By default 5. A run that is beyond that begins to fail with {@link
     * ErrorCode#POISONED}: what it did is undone and its parent is told; should that kill processes
     * too, it is stopped until it is resumed. The process that takes over decides, whatever it
     * executes itself, so all processes of a fleet should have the same.
     *
     * @param maxTakeOvers at least 1
     * @return this
     */
    public Builder maxTakeOvers(int maxTakeOvers) {
      if (maxTakeOvers < 1) {
        throw new IllegalArgumentException("maxTakeOvers must be at least 1: " + maxTakeOvers);
      }
      this.maxTakeOvers = maxTakeOvers;
      return this;
    }

    /**
     * Sets whether the runtime closes itself when the JVM shuts down, as on SIGTERM, so that other
     * processes go on at once. By default it does. Switch it off where a container closes the
     * runtime in an order of its own.
     *
     * @param shutdownHook whether to
     * @return this
     */
    public Builder shutdownHook(boolean shutdownHook) {
      this.shutdownHook = shutdownHook;
      return this;
    }

    private static Duration atLeast(String what, Duration value, Duration least) {
      if (value.compareTo(least) < 0) {
        throw new IllegalArgumentException(what + " must be at least " + least + ": " + value);
      }
      return value;
    }

    /**
     * Starts the runtime: takes over what a dead process held, then takes runs.
     *
     * @return the runtime
     * @throws AgentException when the store does not answer
     */
    public AgentRuntime start() {
      return new AgentRuntime(this);
    }
  }

  /** Where threads come from. */
  private static final class Threads {
    private Threads() {}

    /** Virtual threads where the JVM has them, found once; else threads that are kept for reuse. */
    static ExecutorService executor() {
      try {
        return (ExecutorService)
            Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
      } catch (ReflectiveOperationException before21) {
        return Executors.newCachedThreadPool(daemon("troupe-run"));
      }
    }

    static Thread atShutdown(Runnable close) {
      Thread hook = new Thread(close, "troupe-shutdown");
      try {
        Runtime.getRuntime().addShutdownHook(hook);
      } catch (IllegalStateException shuttingDown) {
        // too late for a hook; the process is on its way out
      }
      return hook;
    }

    static void forget(@Nullable Thread hook) {
      if (hook == null || hook == Thread.currentThread()) {
        return;
      }
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException shuttingDown) {
        // it runs already, and finds the runtime closed
      }
    }

    static ThreadFactory daemon(String name) {
      AtomicInteger count = new AtomicInteger();
      return task -> {
        Thread thread = new Thread(task, name + "-" + count.incrementAndGet());
        thread.setDaemon(true);
        return thread;
      };
    }
  }
}
