package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.TraceContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Failure;
import dev.troupe.agent.Names;
import dev.troupe.agent.Resolution;
import dev.troupe.run.Membership;
import dev.troupe.run.Outbox;
import dev.troupe.run.RunHeader;
import dev.troupe.run.RunRecord;
import dev.troupe.run.Runs;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What can be asked of runs from outside, wherever they are. */
final class Control {
  /** When to look again whether a tree can be removed. */
  private static final Duration LATER = Duration.ofMinutes(1);

  private Control() {}

  static <O extends @Nullable Object> RunHandle<O> submit(
      RuntimeCore core, Submission<O> submission) {
    AgentDefinition<?, ?> agent = core.registry.resolve(submission.capability());
    core.checkOutput(agent, submission.output());
    byte[] input = core.input(agent, submission.input());
    Instant now = core.access.now();
    String key = submission.key().map(k -> Names.check("a run's key", k)).orElse(null);
    String name = submission.id().map(i -> Names.check("a run's id", i)).orElseGet(RunIds::random);
    if (submission.tenant().length() > 200) {
      throw new AgentException(ErrorCode.INVALID_INPUT, "a tenant has at most 200 characters");
    }
    Duration limit = submission.deadline().or(agent::deadline).orElse(null);
    RunHeader header =
        new RunHeader(
            key == null ? name : key + "/" + name,
            agent.name(),
            agent.version(),
            new RunHeader.Origin(null, null, submission.capability(), now),
            new RunHeader.Terms(
                submission.priority(),
                key,
                limit == null ? null : Runs.after(now, limit),
                submission.tenant(),
                "",
                submission.trace().map(Control::line).orElse("")),
            new RunHeader.Encoding(core.codec.id(), ""),
            input);
    Outcome outcome =
        core.access.write(Runs.submit(RunIds.random(), core.access.info().partitions(), header));
    boolean isNew = outcome instanceof Outcome.Done;
    if (outcome instanceof Outcome.Refused refused) {
      checkSame(core, agent, header, submission.input(), refused);
    } else {
      core.created(header);
    }
    RunHandle<O> handle = new RunHandle<>(core, header.id(), submission.output(), isNew);
    core.handles.add(handle);
    return handle;
  }

  /** As a header has it: no traceparent holds a space. */
  private static String line(TraceContext trace) {
    String state = trace.tracestate();
    return state.isEmpty() ? trace.traceparent() : trace.traceparent() + " " + state;
  }

  static <O extends @Nullable Object> RunHandle<O> handle(
      RuntimeCore core, String run, Class<O> output) {
    if (core.access.read(run) == null) {
      throw unknown(run);
    }
    RunHandle<O> handle = new RunHandle<>(core, run, output, false);
    core.handles.add(handle);
    return handle;
  }

  /** Equal bytes, or equal values: a set may be written in another order by another process. */
  private static boolean sameInput(
      RuntimeCore core,
      AgentDefinition<?, ?> agent,
      RunHeader there,
      RunHeader wanted,
      Object input) {
    return Arrays.equals(there.input(), wanted.input())
        || (there.encoding().equals(wanted.encoding())
            && input.equals(core.codec.decode(there.input(), agent.input())));
  }

  private static void checkSame(
      RuntimeCore core,
      AgentDefinition<?, ?> agent,
      RunHeader wanted,
      Object input,
      Outcome.Refused refused) {
    Stored found = refused.found();
    if (found == null || refused.because().key().equals(Runs.tombstone(wanted.id()))) {
      throw new AgentException(
          ErrorCode.RUN_EXPIRED,
          "run %s ended and was removed; take another id".formatted(wanted.id()));
    }
    RunHeader there = RunRecord.decode(found).header();
    if (!there.agent().equals(wanted.agent()) || !sameInput(core, agent, there, wanted, input)) {
      throw new AgentException(
          ErrorCode.RUN_CONFLICT,
          "run %s exists, for agent %s and with another input or agent than asked for now; take another id"
              .formatted(wanted.id(), there.agent()));
    }
  }

  static boolean signal(
      RuntimeCore core, String run, String name, String signalId, Object payload) {
    Names.check("a signal's name", name);
    Names.check("a signal's id", signalId);
    byte[] bytes = core.codec.encode(payload, payload.getClass());
    return mail(
        core, Runs.signal(RunIds.random(), core.access.place(run), name, signalId, bytes), run);
  }

  static boolean cancel(RuntimeCore core, String run, String reason) {
    return mail(core, Runs.cancel(RunIds.random(), core.access.place(run), reason), run);
  }

  private static boolean mail(RuntimeCore core, Change change, String run) {
    Outcome outcome = core.access.write(change);
    if (!(outcome instanceof Outcome.Done done) || done.seen().isEmpty()) {
      return true; // done before, the answer had got lost
    }
    Outcome.Seen seen = done.seen().get(0);
    if (seen.version() == 0) {
      throw unknown(run);
    }
    if (seen.mailAccepted()) {
      core.wake(seen);
    }
    return seen.mailAccepted();
  }

  static AgentException unknown(String run) {
    return new AgentException(ErrorCode.RUN_NOT_FOUND, "there is no run " + run);
  }

  static final String DONE = "done";
  static final String FAILED = "failed";
  private static final String REPEAT = "repeat";

  static boolean resolve(
      RuntimeCore core, String run, String path, Resolution<? extends @Nullable Object> said) {
    Stored record = core.access.first(Scan.whole(core.access.place(run)));
    if (record == null) {
      throw unknown(run);
    }
    Object result = said.result();
    Failure failure = said.failure().orElse(null);
    String verdict = said.isDone() ? DONE : failure == null ? REPEAT : FAILED;
    byte[] payload =
        said.isDone()
            ? core.codec.encode(result, result == null ? Void.class : result.getClass())
            : core.encode(
                failure == null
                    ? new Failure(ErrorCode.OUTCOME_UNKNOWN.name(), "told to repeat", true)
                    : failure);
    Change change = Runs.resolve(RunIds.random(), record, path, verdict, payload);
    if (change == null) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "run %s has no attempt of unknown outcome at '%s'".formatted(run, path));
    }
    return mail(core, change, run);
  }

  static AgentException whyStopped(RuntimeCore core, String run) {
    RunView view = view(core, run);
    Failure failure = view == null ? null : view.reason();
    if (failure == null) {
      return unknown(run);
    }
    for (ErrorCode code : ErrorCode.values()) {
      if (code.name().equals(failure.kind())) {
        return new AgentException(code, failure.message());
      }
    }
    return new AgentException(ErrorCode.RUN_FAILED, failure.message());
  }

  static @Nullable RunView view(RuntimeCore core, String run) {
    Stored record = core.access.first(Scan.whole(core.access.place(run)));
    return record == null || !RuntimeCore.isRun(record) ? null : Views.of(record, core.codec);
  }

  /** Puts any record that a dead process held back into its queue; the edit, null for none. */
  static @Nullable Edit requeue(Stored record) {
    if (RuntimeCore.isRun(record)) {
      if (Runs.isStopped(record)) {
        return Runs.queueStopped(record);
      }
      RunHeader header = RunRecord.decode(record).header();
      return new Edit.Queue(
          record.id().key(),
          header.queue(),
          header.terms().priority(),
          record.now(),
          header.terms().lane(),
          record.mailNumber() + 1);
    }
    if (Membership.PROCESS.equals(record.tags().get(RunRecord.KIND))) {
      return new Edit.Queue(
          record.id().key(), Membership.FLEET, 0, record.now(), null, Long.MAX_VALUE);
    }
    if (Outbox.isOutbox(record.id().key())) {
      return Outbox.requeue(record);
    }
    return record.id().key().endsWith("/$keep")
        ? new Edit.Queue(
            record.id().key(), Runs.RETENTION, 0, record.now().plus(LATER), null, Long.MAX_VALUE)
        : null;
  }
}
