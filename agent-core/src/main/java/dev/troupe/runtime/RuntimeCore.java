package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.agent.Agent;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.AgentRegistry;
import dev.troupe.agent.Failure;
import dev.troupe.event.EventOutbox;
import dev.troupe.run.Outbox;
import dev.troupe.run.RunEnd;
import dev.troupe.run.RunHeader;
import dev.troupe.run.RunRecord;
import dev.troupe.runtime.RunEvent.LetGo;
import dev.troupe.state.Grant;
import dev.troupe.state.Outcome;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the parts of one runtime share: its settings, its store, its runs. */
final class RuntimeCore {
  /** The most bytes of a run's input, and of its result: together they fit a record's value. */
  static final int MAX_VALUE = 120 * 1024;

  private static final long SAY_AGAIN = TimeUnit.SECONDS.toNanos(5);

  final Logger log = LoggerFactory.getLogger(AgentRuntime.class);
  private final Map<String, Long> said = new ConcurrentHashMap<>();
  final Fleet fleet;
  final StoreAccess access;

  /** When this process started, in milliseconds since 1970 on its own clock. */
  final long since = System.currentTimeMillis();

  /** Where this process runs, for people. */
  final String where = Fleet.HOST + " " + ProcessHandle.current().pid();

  final Codec codec;
  final AgentRegistry registry;
  final RuntimeOptions options;
  final ExecutorService executor;
  final Handles handles = new Handles(this);

  /** The runs that this process executes, by id. */
  final Map<String, Execution> running = new ConcurrentHashMap<>();

  /** Runs that got mail after this process had claimed them and before it executed them. */
  final Set<String> mailed = ConcurrentHashMap.newKeySet();

  /** Runs that were let go and whose grant may still be this process's. */
  final Queue<HeldRun> letGo = new ConcurrentLinkedQueue<>();

  /** Outbox records that this process wrote and that wait for a relay. */
  final Queue<String> outbox = new ConcurrentLinkedQueue<>();

  /** How many records of dead processes this one has taken over. */
  final AtomicLong taken = new AtomicLong();

  /** Something that health tells for a while. */
  record Noted(String what, long nanos) {}

  /** The last error of the JVM itself that anybody here saw. */
  volatile @Nullable Noted broken;

  /** The last run that was stuck here. */
  volatile @Nullable Noted stuck;

  private final List<RunListener> listeners;
  private @Nullable EventOutbox events;
  private @Nullable ClaimLoop claims;
  private @Nullable Upkeep upkeep;

  RuntimeCore(
      Fleet fleet,
      StoreAccess access,
      Codec codec,
      AgentRegistry registry,
      RuntimeOptions options,
      ExecutorService executor,
      List<RunListener> listeners) {
    this.fleet = fleet;
    this.access = access;
    this.codec = codec;
    this.registry = registry;
    this.options = options;
    this.executor = executor;
    this.listeners = List.copyOf(listeners);
  }

  void publishBy(@Nullable EventOutbox outboxOfBus) {
    this.events = outboxOfBus;
  }

  void connect(ClaimLoop loop, Upkeep keeper) {
    this.claims = loop;
    this.upkeep = keeper;
  }

  private ClaimLoop claims() {
    return Objects.requireNonNull(claims);
  }

  static @Nullable Instant sooner(@Nullable Instant one, @Nullable Instant other) {
    if (one == null || other == null) {
      return one == null ? other : one;
    }
    return one.isBefore(other) ? one : other;
  }

  /** Whether anybody wants to be told; spares the hot path events that nobody hears. */
  boolean listening() {
    return !listeners.isEmpty();
  }

  void tell(RunEvent event) {
    for (RunListener listener : listeners) {
      try {
        listener.on(event);
      } catch (Throwable careless) {
        log.warn("a run listener failed", careless);
      }
    }
  }

  /**
   * Says that something failed and is tried again. Of a store that is away it is said now and then,
   * without a trace. Never throws: when memory is short, saying so may fail as well.
   */
  void failed(String what, Throwable why) {
    noticed(why);
    try {
      say(what, why);
    } catch (Throwable speechless) {
      said.clear(); // the work that is tried again is what counts
    }
  }

  /**
   * Memory ran out, or the JVM is broken in another way; an agent may have been the first to see.
   */
  void noticed(Throwable thrown) {
    if (thrown instanceof VirtualMachineError fatal) {
      broken = new Noted(fatal.getClass().getSimpleName(), System.nanoTime());
    }
  }

  private void say(String what, Throwable why) {
    if (!(why instanceof AgentException away && away.retryable())) {
      log.warn(what, why);
      return;
    }
    long now = System.nanoTime();
    Long last = said.get(what);
    if (last == null || now - last > SAY_AGAIN) {
      said.put(what, now);
      log.warn("{}: {}", what, why.getMessage());
    } else {
      log.debug("{}: {}", what, why.getMessage());
    }
  }

  // values

  @SuppressWarnings("unchecked") // the codec gives what the definition's own type says
  <I, O extends @Nullable Object> O invoke(
      AgentDefinition<I, O> definition, RunHeader header, RunContext context) throws Exception {
    if (!header.encoding().codec().equals(codec.id())) {
      throw new AgentException(
          ErrorCode.UNDECODABLE,
          "run %s was written with codec '%s', this runtime has '%s'"
              .formatted(header.id(), header.encoding().codec(), codec.id()));
    }
    Agent<I, O> agent = definition.agent();
    I input = (I) Objects.requireNonNull(codec.decode(header.input(), definition.input()));
    return agent.execute(input, context);
  }

  byte[] input(AgentDefinition<?, ?> definition, Object input) {
    if (!definition.input().isInstance(input)) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "agent %s takes a %s, not a %s"
              .formatted(
                  definition.queue(), definition.input().getName(), input.getClass().getName()));
    }
    byte[] bytes = codec.encode(input, definition.input());
    if (bytes.length > MAX_VALUE) {
      throw new AgentException(
          ErrorCode.LIMIT_EXCEEDED,
          "the input for agent %s has %d bytes, %d are allowed; store it elsewhere and pass where"
              .formatted(definition.queue(), bytes.length, MAX_VALUE));
    }
    return bytes;
  }

  void checkOutput(AgentDefinition<?, ?> definition, Class<?> wanted) {
    if (!wanted.isAssignableFrom(definition.output())) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "agent %s gives a %s, not a %s"
              .formatted(definition.queue(), definition.output().getName(), wanted.getName()));
    }
  }

  /** Why a run fails that nobody could execute to its end, encoded. */
  byte[] encodedPoisoned(int times) {
    return encode(
        new Failure(
            ErrorCode.POISONED.name(),
            "%d times in a row the process that executed this run died, or the run gave no sign of life for too long, and it came no further; %d times are allowed"
                .formatted(times, options.maxTakeOvers()),
            false));
  }

  byte[] encode(Failure failure) {
    return codec.encode(failure, Failure.class);
  }

  Failure failure(byte[] payload) {
    return (Failure) Objects.requireNonNull(codec.decode(payload, Failure.class));
  }

  // what becomes of runs

  /** Whether threads are short, so that a run that only waits should give up its own. */
  boolean pressed() {
    return claims().full();
  }

  /** A run was created that this process may host. */
  void created(RunHeader header) {
    claims().hint(header.id());
  }

  private boolean isOwn(@Nullable Grant holder) {
    return holder != null && holder.holder().equals(fleet.incarnation());
  }

  /** How events go out with a change. */
  EventOutbox events() {
    EventOutbox out = events;
    if (out == null) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "this runtime has no event bus to publish with; give its builder one by events(bus)");
    }
    return out;
  }

  /** What a change laid down as an event need not wait for the bus's next look. */
  void published(Outcome.Done done) {
    EventOutbox out = events;
    if (out != null && done.seen().stream().anyMatch(seen -> Outbox.isEvent(seen.key()))) {
      out.look();
    }
  }

  /** A record got mail: whoever waits for it should look. */
  void wake(Outcome.Seen seen) {
    if (Outbox.isOutbox(seen.key())) {
      outbox.add(seen.key());
      Objects.requireNonNull(upkeep).wakeUp();
      return;
    }
    if (seen.key().contains("/$")) {
      return; // what lies beside a run and is none
    }
    Execution here = running.get(seen.key());
    if (here == null && isOwn(seen.holder())) {
      mailed.add(seen.key()); // it is being taken by this process
      here = running.get(seen.key());
      if (here != null) {
        mailed.remove(seen.key());
      }
    }
    if (here != null) {
      try {
        here.access.fetchMail();
      } catch (AgentException later) {
        // the run looks again before it leaves and with everything it writes
        log.debug("run {} could not be told of its mail", seen.key(), later);
      }
    } else if (seen.holder() == null && seen.version() > 0) {
      claims().hint(seen.key());
    }
  }

  /** A heartbeat went through. */
  void beaten() {
    ClaimLoop loop = claims;
    if (loop != null) {
      loop.suspect();
    }
  }

  /** Lets go of all runs: this process may no longer be the one that executes them. */
  void interruptAll(String why) {
    running.values().forEach(execution -> execution.run.lost(LetGo.Reason.LEASE_ENDED, why));
  }

  void parked(@Nullable Instant due) {
    if (due != null) {
      claims().expect(due);
    }
  }

  void ended(HeldRun run, RunEnd end, @Nullable Failure failure, Outcome.Done done) {
    RunView.State state = RunView.State.valueOf(end.state().name());
    tell(new RunEvent.Ended(run.runId(), run.definition.name(), state, failure));
    for (Outcome.Seen seen : done.seen()) {
      if (!seen.key().equals(run.runId()) && (seen.mailAccepted() || Outbox.isOutbox(seen.key()))) {
        wake(seen);
      }
    }
    handles.ended(run.runId(), end);
  }

  void stopped(HeldRun run, Failure failure, AgentException why) {
    tell(new RunEvent.Ended(run.runId(), run.definition.name(), RunView.State.STOPPED, failure));
    handles.stopped(run.runId(), why);
  }

  /** A run is no longer executed though it has not ended; it is given back as soon as possible. */
  void letGo(HeldRun run) {
    letGo.add(run);
  }

  void left(Execution execution) {
    running.remove(execution.run.runId(), execution);
    claims().freed(execution.run.definition);
  }

  /** Whether a record is a run. */
  static boolean isRun(Stored record) {
    return "run".equals(record.tags().get(RunRecord.KIND));
  }
}
