package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.AgentRegistry;
import dev.troupe.agent.Resolution;
import dev.troupe.event.EventBus;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
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
  private final RuntimeCore core;
  private final Lifecycle lifecycle;
  private final HealthCheck health;
  private final @Nullable StateStore ownStore;
  private final @Nullable Metrics metrics;
  private final AtomicBoolean closed = new AtomicBoolean();
  private @Nullable Thread hook;

  private AgentRuntime(Settings settings) {
    StateStore given = settings.store;
    this.ownStore = given == null ? new MemoryStateStore() : null;
    this.metrics = settings.meters == null ? null : new Metrics(settings.meters);
    StateStore store = ownStore == null ? Objects.requireNonNull(given) : ownStore;
    this.core = settings.core(store, metrics);
    this.lifecycle = new Lifecycle(core);
    this.health = new HealthCheck(core, lifecycle, settings.events);
    lifecycle.start();
    if (metrics != null) {
      metrics.watch(this, core);
    }
    if (settings.shutdownHook) {
      hook = Threads.atShutdown(this::close);
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
    return Control.handle(core, run, output);
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
   * Lets a run go on that was stopped: because its journal and its code did not fit, after the code
   * was mended, or because a budget was spent, after it was raised.
   *
   * <p>With it go on those runs below it, children and their children wherever they lie, that were
   * stopped because a budget was spent and that their parents still wait for. It need not be
   * stopped itself: a root that waits for a child whose share of the budget was spent is named to
   * resume that child. A run below it that was stopped for another reason is resumed by its own id.
   * Each is resumed in a change of its own; when this fails on the way, call it again.
   *
   * @param run the run's id
   * @throws AgentException with {@link ErrorCode#RUN_NOT_FOUND}, or {@link ErrorCode#INVALID_INPUT}
   *     when there is nothing to resume
   */
  public void resume(String run) {
    new Resumption(core, run).make();
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
    return health.look(closed.get());
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
    lifecycle.shutDown();
    core.handles.closed(closedError());
    if (metrics != null) {
      metrics.close();
    }
    if (ownStore != null) {
      ownStore.close();
    }
  }

  private static AgentException closedError() {
    return new AgentException(
        ErrorCode.CLOSED, "the runtime was closed; runs that have not ended go on in the next one");
  }

  /** Collects a runtime's options. Not safe for several threads. */
  public static final class Builder {
    private final Settings settings = new Settings();

    private Builder() {}

    /**
     * Sets where runs live. By default in this process's memory. A store for one process serves one
     * runtime: a second one takes over whatever the first one holds.
     *
     * @param store the store; not closed by the runtime
     * @return this
     */
    public Builder store(StateStore store) {
      settings.store = store;
      return this;
    }

    /**
     * Sets how values are written. By default {@link Codec#json()}.
     *
     * @param codec the codec
     * @return this
     */
    public Builder codec(Codec codec) {
      settings.codec = codec;
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
      settings.registry.register(agent);
      return this;
    }

    /**
     * Adds someone who is told what happens.
     *
     * @param listener the listener
     * @return this
     */
    public Builder listener(RunListener listener) {
      settings.listeners.add(listener);
      return this;
    }

    /**
     * Lets agents publish events, see {@link dev.troupe.agent.AgentContext#publish(String,
     * dev.troupe.event.Event)}.
     *
     * @param bus a bus over the same store as this runtime, the same object; not closed by the
     *     runtime. It has to be open as long as the runtime is; events that are not published then
     *     go out by another bus over the store, or by the next
     * @return this
     */
    public Builder events(EventBus bus) {
      settings.events = Objects.requireNonNull(bus, "bus");
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
      settings.meters = meters;
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
      settings.maxConcurrentRuns = maxConcurrentRuns;
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
      settings.hotWait = Settings.atLeast("hotWait", hotWait, Duration.ZERO);
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
      settings.pollInterval = Settings.atLeast("pollInterval", pollInterval, Duration.ofMillis(1));
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
      settings.endGrace = Settings.atLeast("endGrace", endGrace, Duration.ZERO);
      return this;
    }

    /**
     * Sets how long {@link AgentRuntime#close()} lets runs under way finish. By default 10 seconds.
     *
     * @param shutdownGrace not negative
     * @return this
     */
    public Builder shutdownGrace(Duration shutdownGrace) {
      settings.shutdownGrace = Settings.atLeast("shutdownGrace", shutdownGrace, Duration.ZERO);
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
      settings.retention =
          retention == null ? null : Settings.atLeast("retention", retention, Duration.ZERO);
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
      settings.expiry = Settings.atLeast("expiry", expiry, Duration.ofMillis(200));
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
      settings.maxTakeOvers = Settings.atLeast("maxTakeOvers", maxTakeOvers, 1);
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
      settings.shutdownHook = shutdownHook;
      return this;
    }

    /**
     * Starts the runtime: takes over what a dead process held, then takes runs.
     *
     * @return the runtime
     * @throws AgentException when the store does not answer; with {@link ErrorCode#INVALID_INPUT}
     *     when the event bus keeps what waits in another store
     */
    public AgentRuntime start() {
      return new AgentRuntime(settings);
    }
  }
}
