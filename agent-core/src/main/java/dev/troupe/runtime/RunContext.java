package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.TraceContext;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Branch;
import dev.troupe.agent.Call;
import dev.troupe.agent.Compensation;
import dev.troupe.agent.Failure;
import dev.troupe.agent.Names;
import dev.troupe.agent.Step;
import dev.troupe.agent.StepAction;
import dev.troupe.agent.StepFailedException;
import dev.troupe.event.Event;
import dev.troupe.event.EventOutbox;
import dev.troupe.run.Entry;
import dev.troupe.run.Journal;
import dev.troupe.run.Look;
import dev.troupe.run.RunHeader;
import dev.troupe.run.Runs;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Outcome;
import dev.troupe.state.StoreInfo;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** What one strand of a run sees. Used by that strand's thread only. */
final class RunContext implements AgentContext {
  /** The most bytes of one progress; 64 of them ride with a change. */
  private static final int MAX_PROGRESS = 8 * 1024;

  /** The most characters of a child's id; what lies beside a run has a few more. */
  private static final int MAX_CHILD = StoreInfo.MAX_NAME - 20;

  private final JournalAccess access;
  private final HeldRun run;
  private final Strand strand;
  private final String prefix;
  private final StepRunner steps;
  private final Map<String, Integer> occurrences = new HashMap<>();
  private Instant now;
  private int derived;
  private int published;

  RunContext(JournalAccess access, Strand strand, String prefix, Instant now) {
    this.access = access;
    this.run = access.run;
    this.strand = strand;
    this.prefix = prefix;
    this.now = now;
    this.steps = new StepRunner(access, strand);
  }

  StepRunner steps() {
    return steps;
  }

  Strand strand() {
    return strand;
  }

  private String path(String name) {
    int occurrence = occurrences.merge(name, 1, Integer::sum);
    return prefix + name + "#" + occurrence;
  }

  /** Time goes on to what was journaled last, never back. */
  void reached(Instant at) {
    if (at.isAfter(now)) {
      now = at;
    }
  }

  /**
   * When a wait begins: what other processes wrote may show a time that this one's estimate of the
   * store's time has not reached yet.
   */
  private Instant begin() {
    Instant estimate = run.core.access.now();
    return estimate.isAfter(now) ? estimate : now;
  }

  private void reached(Entry entry) {
    reached(Instant.ofEpochMilli(entry.at()));
  }

  private <T extends @Nullable Object> T ask(Function<Journal, T> question) {
    return access.ask(strand, question);
  }

  @Override
  public String runId() {
    return run.runId();
  }

  @Override
  public String rootId() {
    return run.header().rootId();
  }

  @Override
  public String tenant() {
    return run.header().terms().tenant();
  }

  @Override
  public Grant grant() {
    return run.journal().grant();
  }

  @Override
  public Optional<Instant> deadline() {
    return Optional.ofNullable(run.header().terms().deadline());
  }

  @Override
  @SuppressWarnings({"unchecked", "NullAway"}) // decoded by the step's own type
  public <T extends @Nullable Object> T step(Step<T> step, StepAction<T> action) {
    String path = path(step.name());
    StepRunner.Made made = steps.make(path, step, action);
    reached(made.entry());
    T value = (T) made.value();
    Optional<Compensation<T>> compensation = step.compensation();
    if (compensation.isPresent()) {
      Undos.Undo undo = new Undos.Undo(path, steps.undoing(path, step, compensation.get(), value));
      ask(journal -> run.undos.put(made.entry().number(), undo));
    }
    return value;
  }

  @Override
  @SuppressWarnings({"unchecked", "NullAway"}) // decoded by the call's own type
  public <T extends @Nullable Object> T call(Call<T> call) {
    String path = path(call.name());
    Look look = ask(journal -> journal.call(path));
    if (look instanceof Look.Begin) {
      create(path, call);
    }
    Look answer = answer(path, call);
    Entry entry = ((Look.Finished) answer).entry();
    reached(entry);
    if (entry.kind() == Entry.Kind.FAILED) {
      throw new StepFailedException(path, childFailure(path, entry));
    }
    try {
      return (T) run.core.codec.decode(entry.payload(), call.type());
    } catch (AgentException undecodable) {
      throw run.stopping(undecodable);
    }
  }

  /** A child that ended by the deadline which its call gave it ran out of the call's time. */
  private Failure childFailure(String path, Entry entry) {
    Failure failure = run.core.failure(entry.payload());
    boolean late = failure.kind().equals(ErrorCode.DEADLINE_EXCEEDED.name());
    return late && ask(journal -> journal.limited(path))
        ? new Failure(ErrorCode.TIMEOUT.name(), failure.message(), true)
        : failure;
  }

  private void create(String path, Call<?> call) {
    AgentDefinition<?, ?> callee;
    byte[] input;
    try {
      callee = run.core.registry.resolve(call.capability());
      input = run.core.input(callee, call.input());
      run.core.checkOutput(callee, call.type());
      checkDepth(path);
    } catch (AgentException impossible) {
      byte[] payload = run.core.encode(Failure.of(impossible));
      access.write(ask(journal -> journal.failed(path, payload, run.core.access.now(), 1)));
      return;
    }
    for (int turn = 1; ; turn++) {
      Instant at = run.core.access.now();
      Instant due = call.timeLimit().map(limit -> Runs.after(at, limit)).orElse(null);
      RunHeader child = child(path, turn, call, callee, input, at, due);
      List<Edit> edits = ask(journal -> journal.called(path, child, due, at));
      Outcome outcome = access.attempt(edits);
      if (outcome instanceof Outcome.Done) {
        run.core.tell(
            new RunEvent.Called(
                run.runId(), run.definition.name(), path, child.id(), callee.name()));
        return;
      }
      if (!(((Outcome.Refused) outcome).because() instanceof Edit.Absent)) {
        throw run.fenced();
      }
      if (run.core.access.hasRow(run.journal().id(), path)) {
        return; // the child is this call's: an earlier answer was lost, and it has gone on since
      }
    }
  }

  /** What is created below a child has to fit a key, too: its mark of stopping or keeping. */
  private void checkDepth(String path) {
    int length = run.header().childId(path, 99).length();
    if (length > MAX_CHILD) {
      throw new AgentException(
          ErrorCode.LIMIT_EXCEEDED,
          "the id of the child run for call '%s' would have %d characters, %d are allowed; give calls shorter names or nest them less deep"
              .formatted(path, length, MAX_CHILD));
    }
  }

  private RunHeader child(
      String path,
      int turn,
      Call<?> call,
      AgentDefinition<?, ?> callee,
      byte[] input,
      Instant at,
      @Nullable Instant due) {
    RunHeader parent = run.header();
    RunHeader.Terms terms = parent.terms();
    Instant own = callee.deadline().map(limit -> Runs.after(at, limit)).orElse(null);
    String key = call.key().orElse(null);
    return new RunHeader(
        key == null
            ? parent.childId(path, turn)
            : key + "/" + derivedId(parent.id(), path + "~" + turn),
        callee.name(),
        callee.version(),
        new RunHeader.Origin(
            parent.id(),
            path,
            call.capability(),
            at,
            parent.origin().parent() == null ? null : parent.rootId()),
        new RunHeader.Terms(
            terms.priority(),
            key,
            RuntimeCore.sooner(RuntimeCore.sooner(due, terms.deadline()), own),
            terms.tenant(),
            terms.principal(),
            terms.trace()),
        parent.encoding(),
        input);
  }

  private Look answer(String path, Call<?> call) {
    while (true) {
      Look look = ask(journal -> journal.call(path));
      if (!(look instanceof Look.Later later)) {
        return look;
      }
      Look answered =
          access.waits.await(
              strand,
              "agent '" + call.capability() + "'",
              later.due(),
              () -> run.journal().call(path) instanceof Look.Finished done ? done : null);
      if (answered == null) {
        Failure late =
            new Failure(
                ErrorCode.TIMEOUT.name(),
                "agent '%s' gave no result in time".formatted(call.capability()),
                true);
        byte[] payload = run.core.encode(late);
        access.write(ask(journal -> journal.failed(path, payload, run.core.access.now(), 1)));
      }
    }
  }

  @Override
  public <T extends @Nullable Object> List<T> all(
      String name, int atMost, List<? extends Branch<? extends T>> branches) {
    String path = path(Names.check("a group's name", name));
    return new Group<T>(access, this, path, path + "/", branches).all(atMost);
  }

  @Override
  public <T extends @Nullable Object> T any(
      String name, int atMost, List<? extends Branch<? extends T>> branches) {
    if (branches.isEmpty()) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT, "any('" + name + "') needs at least one branch");
    }
    String path = path(Names.check("a group's name", name));
    return new Group<T>(access, this, path, path + "/", branches).any(atMost);
  }

  @Override
  public void sleep(Duration duration) {
    if (duration.isNegative() || duration.isZero()) {
      return;
    }
    String path = path("sleep");
    Instant due = ask(journal -> journal.sleep(path, duration, begin()));
    access.waits.await(strand, Waits.SLEEP + " " + due, due, () -> null);
    reached(due);
  }

  @Override
  public <T extends @Nullable Object> T awaitSignal(String name, Class<T> type) {
    Journal.Received received = await(name, null);
    return decode(received, type);
  }

  @Override
  public <T> Optional<T> awaitSignal(String name, Class<T> type, Duration atMost) {
    Journal.Received received = await(name, atMost);
    return received.payload() == null
        ? Optional.empty()
        : Optional.ofNullable(decode(received, type));
  }

  @SuppressWarnings({"unchecked", "NullAway"}) // decoded by the type asked for
  private <T extends @Nullable Object> T decode(Journal.Received received, Class<T> type) {
    byte[] payload = Objects.requireNonNull(received.payload());
    try {
      return (T) run.core.codec.decode(payload, type);
    } catch (AgentException undecodable) {
      throw run.stopping(undecodable);
    }
  }

  private Journal.Received await(String name, @Nullable Duration atMost) {
    String path = path("signal " + Names.check("a signal's name", name));
    List<Edit> edits = new ArrayList<>();
    Supplier<Journal.@Nullable Received> probe =
        () -> run.journal().signal(path, name, run.core.access.now(), edits);
    Journal.Received received = ask(journal -> probe.get());
    if (received == null) {
      Instant due =
          atMost == null ? null : ask(journal -> journal.signalLimit(path, atMost, begin()));
      received = access.waits.await(strand, "signal '" + name + "'", due, probe);
      if (received == null && due != null) {
        access.write(ask(journal -> journal.signalTimedOut(path, due)));
        received = ask(journal -> probe.get());
      }
    }
    if (received == null) {
      throw new IllegalStateException("a wait without a limit ended with nothing");
    }
    if (!edits.isEmpty()) {
      access.write(edits);
    }
    reached(received.entry());
    return received;
  }

  @Override
  public void publish(Object progress) {
    String path = prefix + "#" + ++published;
    byte[] payload = run.core.codec.encode(progress, progress.getClass());
    if (payload.length > MAX_PROGRESS) {
      throw new AgentException(
          ErrorCode.LIMIT_EXCEEDED,
          "progress of %d bytes, %d are allowed".formatted(payload.length, MAX_PROGRESS));
    }
    if (ask(journal -> journal.publish(path, payload, run.core.access.now()))) {
      run.core.tell(new RunEvent.Progress(run.runId(), run.definition.name(), progress));
    }
  }

  @Override
  public void publish(String topic, Event event) {
    EventOutbox outbox = run.core.events();
    String path = path("event " + topic);
    Event sent = inContext(event);
    ask(
        journal ->
            journal.publish(
                path,
                topic + "\n" + sent.id(),
                key -> outbox.edits(key, topic, sent),
                run.core.access.now()));
  }

  private Optional<TraceContext> trace() {
    String[] line = run.header().terms().trace().split(" ", 2);
    return TraceContext.of(line[0], line.length == 2 ? line[1] : null);
  }

  private Event inContext(Event event) {
    Event.Builder builder = event.toBuilder();
    if (event.correlationId().isEmpty()) {
      builder.correlationId(run.runId());
    }
    if (event.traceparent().isEmpty()) {
      trace()
          .map(TraceContext::child)
          .ifPresent(
              place ->
                  builder
                      .traceparent(place.traceparent())
                      .tracestate(place.tracestate().isEmpty() ? null : place.tracestate()));
    }
    return builder.build();
  }

  @Override
  public Instant now() {
    return now;
  }

  @Override
  public RandomGenerator random() {
    UUID seed = UUID.fromString(newId());
    return new SplittableRandom(seed.getMostSignificantBits() ^ seed.getLeastSignificantBits());
  }

  @Override
  public String newId() {
    return derivedId(run.runId(), prefix + "!" + ++derived);
  }

  /** A name-based UUID (RFC 9562, version 3) of a place in a run. */
  static String derivedId(String run, String place) {
    return UUID.nameUUIDFromBytes((run + "\n" + place).getBytes(StandardCharsets.UTF_8)).toString();
  }
}
