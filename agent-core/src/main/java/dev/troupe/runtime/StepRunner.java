package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.Compensation;
import dev.troupe.agent.Failure;
import dev.troupe.agent.Resolution;
import dev.troupe.agent.Step;
import dev.troupe.agent.StepAction;
import dev.troupe.agent.StepAttempt;
import dev.troupe.agent.StepFailedException;
import dev.troupe.agent.UnknownOutcome;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.run.Ending;
import dev.troupe.run.Entry;
import dev.troupe.run.Journal;
import dev.troupe.run.Look;
import dev.troupe.run.Runs;
import dev.troupe.state.Edit;
import dev.troupe.state.StoreInfo;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Makes a step once: replays it, or tries its action until it succeeds or has failed for good. */
final class StepRunner {
  /** What the line's own fields may take of a row. */
  static final int MAX_PAYLOAD = StoreInfo.MAX_BYTES - 128;

  private static final Failure UNKNOWN =
      new Failure(ErrorCode.OUTCOME_UNKNOWN.name(), "its process was gone", true);

  private final JournalAccess access;
  private final HeldRun run;
  private final Strand strand;

  StepRunner(JournalAccess access, Strand strand) {
    this.access = access;
    this.run = access.run;
    this.strand = strand;
  }

  /** A finished step: its value, and the journal's line of it. */
  record Made(@Nullable Object value, Entry entry) {}

  <T extends @Nullable Object> Made make(String path, Step<T> step, StepAction<T> action) {
    while (true) {
      Look look = look(path);
      if (look instanceof Look.Finished finished) {
        return replay(path, step, finished.entry());
      } else if (look instanceof Look.Later later) {
        access.waits.await(
            strand, Waits.SLEEP + " to try '" + path + "' again", later.due(), () -> null);
      } else if (look instanceof Look.Begin begin) {
        attempt(path, step, action, begin.attempt());
      } else if (look instanceof Look.Unknown unknown) {
        resolve(path, step, unknown);
      }
    }
  }

  private Look look(String path) {
    return access.ask(strand, journal -> journal.step(path, run.core.access.now()));
  }

  private <T extends @Nullable Object> Made replay(String path, Step<T> step, Entry entry) {
    try {
      if (entry.kind() == Entry.Kind.FAILED) {
        throw new StepFailedException(path, run.core.failure(entry.payload()));
      }
      return new Made(run.core.codec.decode(entry.payload(), step.type()), entry);
    } catch (StepFailedException failed) {
      throw failed;
    } catch (AgentException undecodable) {
      throw run.stopping(
          new AgentException(
              ErrorCode.UNDECODABLE,
              "run %s: the result of step '%s' can't be read: %s"
                  .formatted(run.runId(), path, undecodable.getMessage()),
              undecodable));
    }
  }

  private <T extends @Nullable Object> void attempt(
      String path, Step<T> step, StepAction<T> action, int number) {
    if (step.unknownOutcome().needsIntent()) {
      Instant now = run.core.access.now();
      access.write(access.ask(strand, journal -> journal.intent(path, now, number)));
    }
    long began = System.nanoTime();
    byte[] payload;
    try {
      StepAttempt attempt = attemptOf(path, number);
      payload = encode(path, step, act(path, step, action, attempt));
    } catch (Unwinding leaving) {
      throw leaving;
    } catch (Throwable thrown) {
      run.core.noticed(thrown);
      if (thrown instanceof AgentException spent && spent.code() == ErrorCode.BUDGET_EXCEEDED) {
        // no failure of the step: it is made when somebody has raised the budget and resumed the
        // run
        throw run.stopping(spent);
      }
      failed(path, step, number, thrown);
      return;
    }
    access.write(
        access.ask(
            strand,
            journal -> {
              Instant now = run.core.access.now();
              List<Edit> edits = journal.done(path, payload, now, number);
              // known from now on, should the run be ended while the answer is under way
              if (step.compensation().isPresent()
                  && journal.step(path, now) instanceof Look.Finished finished) {
                remember(path, step, step.compensation().get(), finished.entry());
              }
              return edits;
            }));
    if (run.core.listening()) {
      Duration took = Duration.ofNanos(System.nanoTime() - began);
      run.core.tell(new RunEvent.StepFinished(run.runId(), run.definition.name(), path, took));
    }
  }

  @SuppressWarnings({"unchecked", "NullAway"}) // decoded by the step's own type
  private <T extends @Nullable Object> void remember(
      String path, Step<T> step, Compensation<T> compensation, Entry entry) {
    T value = (T) run.core.codec.decode(entry.payload(), step.type());
    run.undos.put(entry.number(), new Undos.Undo(path, undoing(path, step, compensation, value)));
  }

  private StepAttempt attemptOf(String path, int number) {
    return new StepAttempt(number, () -> RunContext.derivedId(run.runId(), path));
  }

  // unknown outcomes

  private <T extends @Nullable Object> void resolve(
      String path, Step<T> step, Look.Unknown unknown) {
    run.core.tell(
        new RunEvent.OutcomeUnknown(
            run.runId(), run.definition.name(), path, unknown.attempt(), unknown.begun()));
    UnknownOutcome<T> policy = step.unknownOutcome();
    if (policy.asks()) {
      decided(path, unknown);
    } else if (policy.reconciliation().isPresent()) {
      reconcile(path, step, policy.reconciliation().get(), unknown);
    } else if (policy.needsIntent()) {
      String why =
          "attempt %d at step '%s' was begun at %s, and the process was gone before its result was journaled; the step's policy forbids another attempt"
              .formatted(unknown.attempt(), path, unknown.begun());
      settle(path, step, Resolution.failed(why), unknown.attempt());
    } else {
      // the code no longer minds
      settle(path, step, Resolution.repeat(), unknown.attempt());
    }
  }

  private void decided(String path, Look.Unknown unknown) {
    Journal.Decision decision =
        access.waits.await(
            strand,
            "somebody who knows the outcome of step '" + path + "'",
            null,
            () -> run.journal().decision(path, unknown.attempt()));
    if (decision == null) {
      throw new IllegalStateException("a wait without a limit ended with nothing");
    }
    int attempts = unknown.attempt();
    Instant now = run.core.access.now();
    access.write(
        access.ask(
            strand,
            journal ->
                switch (decision.verdict()) {
                  case Control.DONE -> journal.done(path, decision.payload(), now, attempts);
                  case Control.FAILED -> journal.failed(path, decision.payload(), now, attempts);
                  default -> journal.retry(path, decision.payload(), now, now, attempts);
                }));
  }

  private <T extends @Nullable Object> void reconcile(
      String path,
      Step<T> step,
      UnknownOutcome.Reconciliation<T> reconciliation,
      Look.Unknown unknown) {
    Instant due = unknown.begun().plus(step.timeLimit().orElse(Duration.ZERO));
    access.waits.await(
        strand, Waits.SLEEP + " to find out what became of '" + path + "'", due, () -> null);
    RetryPolicy policy = step.retry().orElse(run.definition.retry());
    for (int tries = 1; ; tries++) {
      Resolution<T> resolution;
      try {
        if (!run.enter(strand, Thread.currentThread())) {
          throw new InterruptedException("the run is ending");
        }
        try {
          resolution = reconciliation.find(attemptOf(path, unknown.attempt()));
        } finally {
          run.exit(strand);
          Thread.interrupted();
        }
        settle(path, step, resolution, unknown.attempt());
        return;
      } catch (Unwinding leaving) {
        throw leaving;
      } catch (Throwable thrown) {
        run.check(strand);
        double random = ThreadLocalRandom.current().nextDouble();
        Optional<Duration> wait = policy.next(new RetryPolicy.Attempt(tries, thrown, random));
        if (wait.isEmpty() || run.journal().ending() != Ending.NOT) {
          String why =
              "what became of step '%s' could not be found out: %s"
                  .formatted(path, Failure.of(thrown).message());
          settle(path, step, Resolution.failed(why), unknown.attempt());
          return;
        }
        Instant again = Runs.after(run.core.access.now(), wait.get());
        access.waits.await(
            strand, Waits.SLEEP + " to ask again about '" + path + "'", again, () -> null);
      }
    }
  }

  private <T extends @Nullable Object> void settle(
      String path, Step<T> step, Resolution<T> resolution, int attempts) {
    Instant now = run.core.access.now();
    Optional<Failure> failure = resolution.failure();
    byte[] payload =
        resolution.isDone()
            ? encode(path, step, resolution.result())
            : run.core.encode(failure.orElse(UNKNOWN));
    access.write(
        access.ask(
            strand,
            journal ->
                resolution.isDone()
                    ? journal.done(path, payload, now, attempts)
                    : failure.isPresent()
                        ? journal.failed(path, payload, now, attempts)
                        : journal.retry(path, payload, now, now, attempts)));
  }

  private byte[] encode(String path, Step<?> step, @Nullable Object value) {
    byte[] payload = run.core.codec.encode(value, step.type());
    if (payload.length > MAX_PAYLOAD) {
      throw new AgentException(
          ErrorCode.LIMIT_EXCEEDED,
          "the result of step '%s' has %d bytes, %d are allowed; store it elsewhere and return where"
              .formatted(path, payload.length, MAX_PAYLOAD));
    }
    return payload;
  }

  private <T extends @Nullable Object> T act(
      String path, Step<T> step, StepAction<T> action, StepAttempt attempt) throws Throwable {
    if (!run.enter(strand, Thread.currentThread())) {
      throw new InterruptedException("the run is ending");
    }
    try {
      if (run.core.listening()) {
        run.core.tell(
            new RunEvent.StepStarted(run.runId(), run.definition.name(), path, attempt.number()));
      }
      Optional<Duration> limit = step.timeLimit();
      return limit.isEmpty() ? action.run(attempt) : within(limit.get(), action, attempt);
    } finally {
      run.exit(strand);
      Thread.interrupted(); // whoever interrupted this action meant the action
    }
  }

  /** Acts on another thread, so that an action that ignores its interruption can be left behind. */
  private <T extends @Nullable Object> T within(
      Duration limit, StepAction<T> action, StepAttempt attempt) throws Throwable {
    FutureTask<T> task = new FutureTask<>(() -> action.run(attempt));
    run.core.executor.execute(task);
    try {
      return task.get(RuntimeOptions.nanos(limit), TimeUnit.NANOSECONDS);
    } catch (TimeoutException late) {
      throw new AgentException(
          ErrorCode.TIMEOUT, "no result within the time limit of " + words(limit), late);
    } catch (ExecutionException failed) {
      Throwable cause = failed.getCause();
      throw cause == null ? failed : cause;
    } catch (CancellationException impossible) {
      throw new IllegalStateException(impossible);
    } finally {
      task.cancel(true);
    }
  }

  private static String words(Duration limit) {
    return limit.toMillis() % 1000 == 0 ? limit.toSeconds() + " s" : limit.toMillis() + " ms";
  }

  private void failed(String path, Step<?> step, int number, Throwable thrown) {
    // what interrupts an action is not a failure of the step; the check says what it was
    run.check(strand);
    Failure failure = Failure.of(thrown);
    RetryPolicy policy = step.retry().orElse(run.definition.retry());
    Optional<Duration> wait =
        policy.next(
            new RetryPolicy.Attempt(number, thrown, ThreadLocalRandom.current().nextDouble()));
    byte[] payload = run.core.encode(failure);
    Instant now = run.core.access.now();
    access.write(
        access.ask(
            strand,
            journal -> {
              if (journal.ending() != Ending.NOT && !strand.undoes) {
                journal.step(path, now); // throws why nothing may begin
              }
              return wait.isPresent()
                  ? journal.retry(path, payload, Runs.after(now, wait.get()), now, number)
                  : journal.failed(path, payload, now, number);
            }));
    run.core.tell(
        new RunEvent.StepFailed(
            run.runId(), run.definition.name(), path, number, failure, wait.orElse(null)));
  }

  /** What undoes a finished step; itself a step. */
  @SuppressWarnings("NullAway") // a Void is always null
  <T extends @Nullable Object> Undos.Undoing undoing(
      String path, Step<T> step, Compensation<T> compensation, T result) {
    Step.Builder<Void> undo = Step.of("undo", Void.class);
    step.retry().ifPresent(undo::retry);
    step.timeLimit().ifPresent(undo::timeLimit);
    Step<Void> built = undo.build();
    return context ->
        context
            .steps()
            .make(
                Journal.undo(path),
                built,
                attempt -> {
                  compensation.undo(result, attempt);
                  return null;
                });
  }
}
