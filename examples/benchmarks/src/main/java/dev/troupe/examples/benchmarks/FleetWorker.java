package dev.troupe.examples.benchmarks;

import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.examples.party.Stores;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunEvent;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** One process of the reports: says what it has done, until its input ends or it is killed. */
public final class FleetWorker {
  static final String SLEEPER = "sleeper";
  static final String HOLDER = "holder";

  private FleetWorker() {}

  /**
   * The program.
   *
   * @param args the store, how many runs may have a thread, and {@code hold} to keep the first step
   *     of holders for ever
   * @throws Exception when it can't start
   */
  public static void main(String[] args) throws Exception {
    AtomicInteger effects = new AtomicInteger();
    AtomicInteger ended = new AtomicInteger();
    AtomicLong first = new AtomicLong();
    AtomicLong last = new AtomicLong();
    boolean hold = args.length > 2 && args[2].equals("hold");
    try (StateStore store = Stores.open(args[0]);
        AgentRuntime runtime =
            AgentRuntime.builder()
                .store(store)
                .maxConcurrentRuns(Integer.parseInt(args[1]))
                .hotWait(Duration.ZERO)
                .retention(null)
                .agent(sleeper())
                .agent(
                    holder(
                        () -> {
                          effects.incrementAndGet();
                          first.compareAndSet(0, System.currentTimeMillis());
                          last.set(System.currentTimeMillis());
                          while (hold) {
                            LockSupport.park();
                          }
                        }))
                .listener(
                    event -> {
                      if (event instanceof RunEvent.Ended) {
                        ended.incrementAndGet();
                        last.set(System.currentTimeMillis());
                      }
                    })
                .start()) {
      System.out.println("ready " + runtime.processes().size());
      while (System.in.available() == 0) {
        System.out.println("done " + effects + " " + first + " " + ended + " " + last);
        LockSupport.parkNanos(100_000_000);
      }
    }
  }

  /** Makes one step. */
  static AgentDefinition<Integer, Integer> holder(Runnable effect) {
    return AgentDefinition.of(
            HOLDER,
            Integer.class,
            Integer.class,
            (in, context) ->
                context.step(
                    "hold",
                    Integer.class,
                    attempt -> {
                      effect.run();
                      return in;
                    }))
        .build();
  }

  /** Sleeps until the instant that is its input. */
  static AgentDefinition<Instant, String> sleeper() {
    return AgentDefinition.of(SLEEPER, Instant.class, String.class, FleetWorker::sleep).build();
  }

  private static String sleep(Instant until, AgentContext context) {
    context.sleep(Duration.between(context.now(), until));
    return "awake";
  }
}
