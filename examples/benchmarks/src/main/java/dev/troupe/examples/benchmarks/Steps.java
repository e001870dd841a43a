package dev.troupe.examples.benchmarks;

import com.sun.management.ThreadMXBean;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunHandle;
import dev.troupe.state.StateStore;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An agent that does nothing but journaled steps, and what measures it. */
final class Steps {
  /** What a step gives: encoded, stored and decoded like any result. */
  record Offer(String id, String title, int price) {}

  /** What a run is to do: how many steps, and whether they give text or a record. */
  record Work(int steps, boolean text) {}

  /** What a run tells of itself: time and memory of all its steps, on its own thread. */
  record Cost(long nanos, long bytes) {}

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private Steps() {}

  /** Without retention what is removed is no part of the figure. */
  static AgentRuntime runtime(StateStore store, int runs, @Nullable Duration retention) {
    return AgentRuntime.builder()
        .store(store)
        .maxConcurrentRuns(runs)
        .retention(retention)
        .agent(AgentDefinition.of("steps", Work.class, Cost.class, Steps::execute).build())
        .start();
  }

  private static Cost execute(Work work, AgentContext context) {
    Offer offer = new Offer("id-1", "A harp and two fiddles", 120);
    long thread = Thread.currentThread().getId();
    long bytes = THREADS.getThreadAllocatedBytes(thread);
    long began = System.nanoTime();
    for (int i = 0; i < work.steps(); i++) {
      if (work.text()) {
        context.step("step", String.class, attempt -> offer.title());
      } else {
        context.step("step", Offer.class, attempt -> offer);
      }
    }
    return new Cost(System.nanoTime() - began, THREADS.getThreadAllocatedBytes(thread) - bytes);
  }

  /** The bytes of the offer as JSON, for floors that write the same rows. */
  static byte[] row() {
    return dev.troupe.Codec.json()
        .encode(new Offer("id-1", "A harp and two fiddles", 120), Offer.class);
  }

  /** Steps a second over all runs, from submission to the last result. */
  static double throughput(AgentRuntime runtime, int runs, int stepsEach)
      throws InterruptedException {
    long began = System.nanoTime();
    List<RunHandle<Cost>> handles = new ArrayList<>();
    for (int i = 0; i < runs; i++) {
      handles.add(runtime.submit("steps", new Work(stepsEach, false), Cost.class));
    }
    for (RunHandle<Cost> handle : handles) {
      handle.await();
    }
    return (double) runs * stepsEach * 1e9 / (System.nanoTime() - began);
  }
}
