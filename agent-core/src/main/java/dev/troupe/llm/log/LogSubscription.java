package dev.troupe.llm.log;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A run's log that is shown to a listener as it grows, by a thread of the host's, until the run is
 * over or this is closed. Made by {@link RunLog#subscribe}.
 *
 * <p>Nothing is collected for a listener that is slow: it is shown what the log still has when it
 * comes back for more, and told what is missing. Safe for use by many threads.
 */
public final class LogSubscription implements AutoCloseable {
  private final RunLog log;
  private final String run;
  private final LogListener listener;
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private final FutureTask<?> task = new FutureTask<>(this::follow, null);

  /** Held while the listener is called. */
  private final ReentrantLock showing = new ReentrantLock();

  private volatile boolean closed;
  private volatile long lastSeen;

  LogSubscription(RunLog log, String run, long after, LogListener listener) {
    this.log = log;
    this.run = run;
    this.listener = listener;
    this.lastSeen = Math.max(0, after);
  }

  LogSubscription start(Executor executor) {
    executor.execute(task);
    return this;
  }

  private void follow() {
    try {
      log.follow(
          run,
          lastSeen,
          new LogListener() {
            @Override
            public void entry(LogEntry entry) {
              show(
                  () -> {
                    listener.entry(entry);
                    lastSeen = entry.number();
                  });
              goOn(); // it may have closed this
            }

            @Override
            public void missing(long from, long to) {
              show(() -> listener.missing(from, to));
            }
          });
      ended.complete(null);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt(); // by the host, who ends its executor; or by close
      ended.completeExceptionally(over());
    } catch (RuntimeException | Error failed) {
      ended.completeExceptionally(closed ? over() : failed);
    }
  }

  private void show(Runnable call) {
    showing.lock();
    try {
      goOn();
      call.run();
    } finally {
      showing.unlock();
    }
  }

  private void goOn() {
    if (closed) {
      throw new CancellationException();
    }
  }

  private AgentException over() {
    return new AgentException(
        ErrorCode.CLOSED,
        "the subscription to the log of run %s was closed; go on behind number %d with another"
            .formatted(run, lastSeen));
  }

  /**
   * The last number that the listener took: where another subscription goes on, at this process or
   * any other.
   *
   * @return the number, as given to {@link RunLog#subscribe} when there was none since
   */
  public long lastSeen() {
    return lastSeen;
  }

  /**
   * Tells when nothing more is shown.
   *
   * @return completes when the run is over and all was shown; exceptionally with what the listener
   *     threw, and with an {@link AgentException}: {@link ErrorCode#RUN_NOT_FOUND}, {@link
   *     ErrorCode#CLOSED} after {@link #close} or when the log was closed, or the store's
   */
  public CompletionStage<Void> ended() {
    return ended.minimalCompletionStage();
  }

  /**
   * Shows nothing more: once this has returned, the listener is not called again. A call of it that
   * is under way is interrupted and waited for, unless it is the one that closes.
   */
  @Override
  public void close() {
    closed = true; // first: whoever shows the next entry looks at it
    if (showing.isHeldByCurrentThread()) {
      ended.completeExceptionally(over());
      return;
    }
    task.cancel(true);
    showing.lock(); // a call that was under way is over by then
    try {
      ended.completeExceptionally(over());
    } finally {
      showing.unlock();
    }
  }
}
