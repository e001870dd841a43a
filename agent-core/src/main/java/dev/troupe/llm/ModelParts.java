package dev.troupe.llm;

import dev.troupe.llm.guard.Guards;
import dev.troupe.resilience.CircuitBreakers;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.state.MemoryStateStore;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** What a model and its bound copies share, and what of it the model opened itself. */
final class ModelParts implements AutoCloseable {
  final Governor governor;
  final Guards guards;
  final RetryPolicy durable;
  final int repairs;
  private final Executor executor;
  private final @Nullable ExecutorService ownExecutor;
  private final @Nullable CircuitBreakers ownBreakers;

  ModelParts(
      Governor governor,
      Guards guards,
      RetryPolicy durable,
      int repairs,
      @Nullable Executor executor,
      @Nullable CircuitBreakers ownBreakers) {
    this.governor = governor;
    this.guards = guards;
    this.durable = durable;
    this.repairs = repairs;
    ExecutorService own = executor == null ? threads() : null;
    this.ownExecutor = own;
    this.executor = executor == null ? Objects.requireNonNull(own) : executor;
    this.ownBreakers = ownBreakers;
  }

  /** The way of one call to the governor. */
  GuardedCall guarded(String run, int number) {
    return new GuardedCall(governor, guards, run, number);
  }

  Executor executor() {
    return executor;
  }

  static CircuitBreakers ownBreakers() {
    return CircuitBreakers.builder(new MemoryStateStore()).start();
  }

  /** Virtual threads where the JVM has them, found once; else threads that are kept for reuse. */
  private static ExecutorService threads() {
    try {
      return (ExecutorService)
          Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
    } catch (ReflectiveOperationException before21) {
      AtomicInteger count = new AtomicInteger();
      return Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "troupe-model-" + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
          });
    }
  }

  /** Streams that are under way are interrupted. */
  @Override
  public void close() {
    if (ownExecutor != null) {
      ownExecutor.shutdownNow();
    }
    if (ownBreakers != null) {
      ownBreakers.close();
    }
  }
}
