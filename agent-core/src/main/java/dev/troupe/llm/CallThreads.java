package dev.troupe.llm;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;

/**
 * Where models are called: on threads of their own, so that one that ignores interruption holds
 * nobody. Virtual threads where the JVM has them, on which an interrupt closes a blocking socket
 * too; else threads that are kept for reuse.
 */
final class CallThreads implements AutoCloseable {
  private final ExecutorService executor = executor();

  private static ExecutorService executor() {
    try {
      return (ExecutorService)
          Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
    } catch (ReflectiveOperationException before21) {
      return Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "troupe-llm");
            thread.setDaemon(true);
            return thread;
          });
    }
  }

  <T> Future<T> start(String provider, Callable<T> call) {
    try {
      return executor.submit(call);
    } catch (RejectedExecutionException closed) {
      throw new AgentException(
          ErrorCode.CLOSED, provider + ": the provider was closed; make a new one", closed);
    }
  }

  /** Calls under way go on; no new ones begin. */
  @Override
  public void close() {
    executor.shutdown();
  }
}
