package dev.troupe.testkit;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.run.Entry;
import dev.troupe.run.RunRecord;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunEvent;
import dev.troupe.state.Find;
import dev.troupe.state.Page;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Proves that work survives a crash at every place: runs a scenario with a process that dies
 * before, amid and after its k-th change of the store, for every k, lets a second process go on
 * over what the store kept, and checks that
 *
 * <ul>
 *   <li>the scenario ends, and with the same result as without a crash;
 *   <li>no step whose result was journaled when the process died is begun again.
 * </ul>
 *
 * <p>A scenario is called again in the second process, so it submits under ids of its own choice
 * and sends signals under ids. It closes the runtime it starts. With {@link #atOnce} it is also
 * called by several threads at the same time.
 *
 * <pre>{@code
 * CrashEverywhere.over(MemoryStateStore::new)
 *     .run(builder -> {
 *       try (AgentRuntime runtime = builder.agent(greeter).start()) {
 *         return runtime.submit(Submission.of("greeter", "Ada", String.class).id("1").build()).await();
 *       }
 *     });
 * }</pre>
 *
 * <p>Immutable; safe for use by many threads when the suppliers are.
 */
public final class CrashEverywhere {
  private final Supplier<? extends StateStore> newStore;
  private final UnaryOperator<StateStore> reopen;
  private final Duration patience;
  private final int atOnce;

  private CrashEverywhere(
      Supplier<? extends StateStore> newStore,
      UnaryOperator<StateStore> reopen,
      Duration patience,
      int atOnce) {
    this.newStore = newStore;
    this.reopen = reopen;
    this.patience = patience;
    this.atOnce = atOnce;
  }

  /**
   * What a process does: starts a runtime, submits, waits for the end.
   *
   * @param <T> the scenario's result
   */
  @FunctionalInterface
  public interface Scenario<T> {
    /**
     * Runs in one process.
     *
     * @param builder over the store, with 0 for hot waits and shutdown grace, a short poll and an
     *     expiry of a second; add agents and options
     * @return what the scenario is about; compared by {@code equals} with that of a run without
     *     crash
     * @throws Exception when it fails
     */
    T run(AgentRuntime.Builder builder) throws Exception;
  }

  /**
   * A scenario that needs the process's store for more than its runtime, such as a bus.
   *
   * @param <T> the scenario's result
   */
  @FunctionalInterface
  public interface StoreScenario<T> {
    /**
     * Runs in one process.
     *
     * @param builder as that of {@link Scenario}
     * @param store the store it is over, which dies with the process
     * @return what the scenario is about
     * @throws Exception when it fails
     */
    T run(AgentRuntime.Builder builder, StateStore store) throws Exception;
  }

  /**
   * What was done.
   *
   * @param calls how many changes of the store the scenario makes without a crash
   * @param crashes how many times a process died
   * @param begunAgain how many steps, over all crashes, were under way at a crash and begun again
   */
  public record Report(int calls, int crashes, int begunAgain) {}

  /**
   * Crashes over a kind of store.
   *
   * @param newStore gives a new, empty store for each crash
   * @return the harness
   */
  public static CrashEverywhere over(Supplier<? extends StateStore> newStore) {
    return new CrashEverywhere(newStore, store -> store, Duration.ofSeconds(30), 1);
  }

  /**
   * Sets how the second process comes by the data of the first.
   *
   * @param reopen is given the store, closes it and opens the same data again
   * @return a harness that does
   */
  public CrashEverywhere reopening(UnaryOperator<StateStore> reopen) {
    return new CrashEverywhere(newStore, reopen, patience, atOnce);
  }

  /**
   * Sets how long one run of the scenario may take.
   *
   * @param patience more than zero; by default 30 seconds
   * @return a harness that waits so long
   */
  public CrashEverywhere patience(Duration patience) {
    return new CrashEverywhere(newStore, reopen, patience, atOnce);
  }

  /**
   * Sets how many crashes are tried side by side, each over a store of its own. Over a store for
   * many processes the second process waits for a second until the first counts as dead, and little
   * else is done meanwhile.
   *
   * @param atOnce at least 1, which is the default
   * @return a harness that does
   */
  public CrashEverywhere atOnce(int atOnce) {
    if (atOnce < 1) {
      throw new IllegalArgumentException("atOnce must be at least 1: " + atOnce);
    }
    return new CrashEverywhere(newStore, reopen, patience, atOnce);
  }

  /**
   * Crashes the scenario everywhere.
   *
   * @param scenario what a process does
   * @param <T> the scenario's result
   * @return what was done
   * @throws AssertionError naming the crash and what was wrong after it
   */
  public <T> Report run(Scenario<T> scenario) {
    return run((builder, store) -> scenario.run(builder));
  }

  /**
   * Crashes a scenario everywhere that uses its store.
   *
   * @param scenario what a process does
   * @param <T> the scenario's result
   * @return what was done
   * @throws AssertionError naming the crash and what was wrong after it
   */
  public <T> Report run(StoreScenario<T> scenario) {
    Life<T> whole = new Life<>(newStore.get(), none(), Set.of());
    T expected = whole.untilEnd(scenario);
    whole.store.close();
    int calls = whole.dying.calls();
    int crashes = 0;
    int begunAgain = 0;
    ExecutorService crashing = Executors.newFixedThreadPool(atOnce);
    try {
      for (DyingStore.Moment moment : DyingStore.Moment.values()) {
        // a process that takes longer makes more calls: go on until one outlives its crash
        boolean outlived = false;
        for (int k = 1; !outlived; k += atOnce) {
          List<Future<OptionalInt>> tried = new ArrayList<>();
          for (int i = k; i < k + atOnce; i++) {
            Crash crash = new Crash(i, moment);
            tried.add(crashing.submit(() -> crash(scenario, crash, expected)));
          }
          for (Future<OptionalInt> one : tried) {
            OptionalInt again = result(one);
            outlived |= again.isEmpty();
            crashes += again.isEmpty() ? 0 : 1;
            begunAgain += again.orElse(0);
          }
        }
      }
    } finally {
      crashing.shutdownNow();
    }
    return new Report(calls, crashes, begunAgain);
  }

  /** How many steps were begun again after one crash; empty when the process outlived it. */
  private <T> OptionalInt crash(StoreScenario<T> scenario, Crash crash, T expected) {
    Life<T> first = new Life<>(newStore.get(), crash, Set.of());
    if (!first.untilDeath(scenario)) {
      first.store.close();
      return OptionalInt.empty();
    }
    StateStore kept = reopen.apply(first.store);
    Life<T> second = new Life<>(kept, none().after(crash), journaled(kept));
    T result = second.untilEnd(scenario);
    if (!Objects.equals(expected, result)) {
      throw new AssertionError(
          "%s: the result was %s, without a crash it is %s".formatted(crash, result, expected));
    }
    kept.close();
    return OptionalInt.of((int) first.begun.stream().filter(second.begun::contains).count());
  }

  private static OptionalInt result(Future<OptionalInt> one) {
    try {
      return one.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Error wrong) {
        throw wrong;
      }
      throw new AssertionError("a crash could not be tried", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AgentException(ErrorCode.CLOSED, "interrupted", e);
    }
  }

  private static Crash none() {
    return new Crash(Integer.MAX_VALUE, DyingStore.Moment.BEFORE);
  }

  private record Crash(int call, DyingStore.Moment moment, @Nullable Crash before) {
    Crash(int call, DyingStore.Moment moment) {
      this(call, moment, null);
    }

    Crash after(Crash crash) {
      return new Crash(call, moment, crash);
    }

    @Override
    public String toString() {
      Crash first = before;
      if (first != null) {
        return "after " + first;
      }
      return call == Integer.MAX_VALUE
          ? "without a crash"
          : "crash " + moment + " change " + call + " of the store";
    }
  }

  /** Every step that has a result in the store, as run and path. */
  private static Set<String> journaled(StateStore store) {
    Set<String> steps = new HashSet<>();
    String cursor = null;
    do {
      Page<Stored> page =
          store.find(new Find(Map.of(RunRecord.KIND, "run"), null, null, cursor, 100));
      for (Stored found : page.items()) {
        for (Stored run : store.scan(Scan.whole(found.id())).items()) {
          run.rows()
              .forEach(
                  (path, row) -> {
                    Entry.Kind kind = Entry.decode(row, path).kind();
                    if (kind == Entry.Kind.DONE || kind == Entry.Kind.FAILED) {
                      steps.add(run.id().key() + " " + path);
                    }
                  });
        }
      }
      cursor = page.next();
    } while (cursor != null);
    return steps;
  }

  /** One process of the scenario. */
  private final class Life<T> {
    final StateStore store;
    final DyingStore dying;
    final Set<String> begun = ConcurrentHashMap.newKeySet();
    private final Crash crash;
    private final Set<String> finished;
    private volatile @Nullable String repeated;

    Life(StateStore store, Crash crash, Set<String> finished) {
      this.store = store;
      this.crash = crash;
      this.finished = finished;
      this.dying = new DyingStore(store, crash.call(), crash.moment());
    }

    private void heard(RunEvent event) {
      if (event instanceof RunEvent.StepStarted step) {
        String place = step.run() + " " + step.path();
        begun.add(place);
        if (finished.contains(place)) {
          repeated = place;
        }
      }
    }

    private FutureTask<T> begin(StoreScenario<T> scenario) {
      boolean shared = store.info().sharing() == StoreInfo.Sharing.FLEET;
      AgentRuntime.Builder builder =
          AgentRuntime.builder()
              .store(dying)
              .hotWait(Duration.ZERO)
              .pollInterval(Duration.ofMillis(shared ? 20 : 5))
              .expiry(Duration.ofSeconds(1))
              .shutdownGrace(Duration.ZERO)
              .listener(this::heard);
      FutureTask<T> task = new FutureTask<>(() -> scenario.run(builder, dying));
      Thread thread = new Thread(task, "crash-everywhere");
      thread.setDaemon(true);
      thread.start();
      return task;
    }

    T untilEnd(StoreScenario<T> scenario) {
      T result = finish(begin(scenario));
      String again = repeated;
      if (again != null) {
        throw new AssertionError(crash + ": step '" + again + "' had a result and was begun again");
      }
      return result;
    }

    private T finish(FutureTask<T> task) {
      try {
        return task.get(patience.toMillis(), TimeUnit.MILLISECONDS);
      } catch (ExecutionException e) {
        throw new AssertionError(crash + ": the scenario failed", e.getCause());
      } catch (TimeoutException e) {
        task.cancel(true);
        throw new AssertionError(crash + ": the scenario did not end within " + patience, e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AgentException(ErrorCode.CLOSED, "interrupted", e);
      }
    }

    /** True when the process died; false when it outlived its crash. */
    boolean untilDeath(StoreScenario<T> scenario) {
      FutureTask<T> task = begin(scenario);
      try {
        long until = System.nanoTime() + patience.toNanos();
        while (!task.isDone() && !dying.isDead() && System.nanoTime() - until < 0) {
          dying.death().await(2, TimeUnit.MILLISECONDS);
        }
        if (!dying.isDead()) {
          finish(task);
          return false;
        }
        task.cancel(true); // its main thread waits for a result that will never come
        return true;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AgentException(ErrorCode.CLOSED, "interrupted", e);
      }
    }
  }
}
