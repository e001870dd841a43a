package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.Failure;
import dev.troupe.run.RunEnd;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A run that was submitted or looked up. Losing the handle loses nothing: the run goes on, and
 * {@link AgentRuntime#handle} gives another. Safe for use by many threads.
 *
 * @param <O> the agent's result
 */
public final class RunHandle<O extends @Nullable Object> {
  private final RuntimeCore core;
  private final String id;
  private final Class<O> output;
  private final boolean isNew;
  private final CompletableFuture<O> future = new CompletableFuture<>();
  private volatile boolean watched;

  RunHandle(RuntimeCore core, String id, Class<O> output, boolean isNew) {
    this.core = core;
    this.id = id;
    this.output = output;
    this.isNew = isNew;
  }

  /**
   * The run's id.
   *
   * @return the id, unique in the store
   */
  public String id() {
    return id;
  }

  /**
   * Whether this submission created the run.
   *
   * @return false when a run with this id was there already
   */
  public boolean isNew() {
    return isNew;
  }

  /**
   * Waits for the end of the run, wherever it ends.
   *
   * @return the result
   * @throws InterruptedException when the waiting thread was interrupted; the run goes on
   * @throws AgentException with {@link ErrorCode#RUN_FAILED}, {@link ErrorCode#RUN_CANCELLED},
   *     {@link ErrorCode#DEADLINE_EXCEEDED} or {@link ErrorCode#POISONED} when it did not succeed;
   *     with {@link ErrorCode#NON_DETERMINISM}, {@link ErrorCode#UNDECODABLE} or {@link
   *     ErrorCode#SWALLOWED_WAIT} when it was stopped; with {@link ErrorCode#CLOSED} when the
   *     runtime was closed before the end
   */
  public O await() throws InterruptedException {
    try {
      return watched().get();
    } catch (ExecutionException e) {
      throw failure(e);
    }
  }

  /**
   * As {@link #await()}, but not for ever.
   *
   * @param atMost how long to wait
   * @return the result
   * @throws InterruptedException when the waiting thread was interrupted; the run goes on
   * @throws AgentException as {@link #await()}, and with {@link ErrorCode#TIMEOUT} when the run has
   *     not ended in time; it goes on
   */
  public O await(Duration atMost) throws InterruptedException {
    try {
      return watched().get(RuntimeOptions.nanos(atMost), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw failure(e);
    } catch (TimeoutException e) {
      throw new AgentException(
          ErrorCode.TIMEOUT, "run %s has not ended within %s; it goes on".formatted(id, atMost), e);
    }
  }

  private CompletableFuture<O> watched() {
    if (!watched) {
      watched = true;
      if (!future.isDone()) {
        core.handles.watch(this);
      }
    }
    return future;
  }

  private static AgentException failure(ExecutionException e) {
    if (e.getCause() instanceof AgentException known) {
      return new AgentException(
          known.code(), String.valueOf(known.getMessage()), known); // a trace of this wait
    }
    throw new IllegalStateException(e);
  }

  /**
   * The end of the run as a stage; completed by a thread of the runtime, so what hangs on it
   * returns quickly.
   *
   * @return a stage that completes with the result, or with what {@link #await()} throws
   */
  public CompletionStage<O> completion() {
    return watched().minimalCompletionStage();
  }

  /**
   * Asks the run to stop. It ends as cancelled when its agent has been reached and its steps were
   * undone; its children are asked too.
   *
   * @param reason why, kept with the run
   * @return false when the run had ended before
   */
  public boolean cancel(String reason) {
    return Control.cancel(core, id, reason);
  }

  /**
   * Sends a signal to the run.
   *
   * @param name the signal's name
   * @param payload what the wait for it returns
   * @return false when the run had ended before
   */
  public boolean signal(String name, Object payload) {
    return Control.signal(core, id, name, RunIds.random(), payload);
  }

  @SuppressWarnings({"unchecked", "NullAway"}) // decoded by the handle's own type
  void end(RunEnd end) {
    try {
      if (end.state() == RunEnd.State.SUCCEEDED) {
        future.complete((O) core.codec.decode(end.payload(), output));
        return;
      }
      Failure failure = core.failure(end.payload());
      ErrorCode code =
          end.state() == RunEnd.State.CANCELLED
              ? ErrorCode.RUN_CANCELLED
              : failure.kind().equals(ErrorCode.DEADLINE_EXCEEDED.name())
                  ? ErrorCode.DEADLINE_EXCEEDED
                  : failure.kind().equals(ErrorCode.POISONED.name())
                      ? ErrorCode.POISONED
                      : ErrorCode.RUN_FAILED;
      String what = failure.message().isEmpty() ? failure.kind() : failure.message();
      future.completeExceptionally(
          new AgentException(code, "run %s did not succeed: %s".formatted(id, what)));
    } catch (RuntimeException undecodable) {
      future.completeExceptionally(undecodable);
    }
  }

  void fail(AgentException why) {
    future.completeExceptionally(why);
  }
}
