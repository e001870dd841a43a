package dev.troupe.examples.benchmarks;

import dev.troupe.runtime.AgentRuntime;
import dev.troupe.state.MemoryStateStore;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** A journaled step on the memory store; with it the share of submit, claim and end of a run. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 1, jvmArgsAppend = "-Xmx4g")
public class MemoryStepBenchmark {
  private static final int STEPS = 1_000;

  @SuppressWarnings("NullAway.Init") // JMH calls start() first
  private AgentRuntime runtime;

  /** Starts a runtime over an empty store. */
  @Setup
  public void start() {
    runtime = Steps.runtime(new MemoryStateStore(), 4, Duration.ZERO);
  }

  /** Closes it. */
  @TearDown
  public void stop() {
    runtime.close();
  }

  /**
   * One run of a thousand steps.
   *
   * @return what the run tells of itself
   * @throws InterruptedException when the benchmark is stopped
   */
  @Benchmark
  @OperationsPerInvocation(STEPS)
  public Object step() throws InterruptedException {
    return runtime.submit("steps", new Steps.Work(STEPS, false), Steps.Cost.class).await();
  }
}
