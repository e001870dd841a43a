package dev.troupe.examples.benchmarks;

import dev.troupe.testkit.ChildProcess;
import dev.troupe.testkit.FaultProxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * The processes that handle events, each behind a proxy, and what is done to them. The first one is
 * never ended, to show what it keeps in memory. Used by one thread, which calls {@link #tend}.
 */
final class ChaosWorkers implements AutoCloseable {
  private static final Duration START_LIMIT = Duration.ofMinutes(1);
  private static final Duration LEAVE_LIMIT = Duration.ofSeconds(30);

  private final ChaosServers servers;
  private final ChaosLog log;
  private final Path folder;
  private final List<Worker> workers = new ArrayList<>();
  private final List<String> problems = new ArrayList<>();
  private int faults = 1_000_000; // apart from the numbers of servers' faults

  private enum Doing {
    RUNS,
    STARTS,
    IS_GONE,
    LEAVES,
    IS_PAUSED,
    IS_CUT_OFF
  }

  private static final class Worker {
    final int slot;
    final FaultProxy proxy;
    @Nullable ChildProcess process;
    int starts;
    Doing doing = Doing.IS_GONE;
    long due = System.nanoTime();
    int fault;

    Worker(int slot, FaultProxy proxy) {
      this.slot = slot;
      this.proxy = proxy;
    }

    ChildProcess process() {
      ChildProcess one = process;
      if (one == null) {
        throw new IllegalStateException("worker " + slot + " was not started");
      }
      return one;
    }
  }

  ChaosWorkers(ChaosServers servers, ChaosLog log, Path folder, int count, long seed) {
    this.servers = servers;
    this.log = log;
    this.folder = folder;
    for (int i = 0; i < count; i++) {
      workers.add(new Worker(i, FaultProxy.to("127.0.0.1", servers.port(), seed + i)));
    }
  }

  /** What processes did that they should not. */
  List<String> problems() {
    return problems;
  }

  boolean quiet() {
    return workers.stream().allMatch(worker -> worker.doing == Doing.RUNS);
  }

  /** Goes on with what was begun: starts who is gone, lets go on who stands still. */
  void tend(Random random) {
    for (Worker worker : workers) {
      boolean due = System.nanoTime() - worker.due >= 0;
      switch (worker.doing) {
        case IS_GONE -> {
          if (due) {
            start(worker);
          }
        }
        case STARTS -> awaitReady(worker, due);
        case LEAVES -> awaitGone(worker, due, random);
        case IS_PAUSED -> {
          if (due) {
            worker.process().resume();
            runs(worker);
          }
        }
        case IS_CUT_OFF -> {
          if (due) {
            worker.proxy.heal();
            runs(worker);
          }
        }
        case RUNS -> {
          if (!worker.process().alive()) {
            ended(worker, "ended by itself");
          }
        }
      }
    }
  }

  private void ended(Worker worker, String how) {
    List<String> lines = worker.process().lines();
    problems.add(
        "%s %s:\n    %s"
            .formatted(
                worker.process(),
                how,
                String.join(
                    "\n    ", lines.subList(Math.max(0, lines.size() - 15), lines.size()))));
    worker.process().close();
    worker.doing = Doing.IS_GONE;
  }

  private void start(Worker worker) {
    worker.starts++;
    String name = "worker-%d.%d".formatted(worker.slot, worker.starts);
    int through = worker.proxy.port();
    worker.process =
        ChildProcess.of(ChaosWorker.class)
            .name(name)
            .jvm("-Xmx96m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError")
            .property("logback.configurationFile", ChaosRules.LOGGING)
            .args(servers.transport(through), servers.store(through), folder, name)
            .start();
    worker.doing = Doing.STARTS;
    worker.due = System.nanoTime() + START_LIMIT.toNanos();
  }

  private void awaitReady(Worker worker, boolean late) {
    if (worker.process().lines().contains("ready")) {
      runs(worker);
    } else if (late || !worker.process().alive()) {
      ended(worker, "did not get ready");
    }
  }

  private void awaitGone(Worker worker, boolean late, Random random) {
    if (!worker.process().alive()) {
      int code = worker.process().awaitExit(LEAVE_LIMIT);
      if (code != 0) {
        ended(worker, "left with code " + code);
      }
      worker.process().close();
      gone(worker, random);
    } else if (late) {
      ended(worker, "did not leave in " + LEAVE_LIMIT);
    }
  }

  private void gone(Worker worker, Random random) {
    worker.doing = Doing.IS_GONE;
    worker.due = System.nanoTime() + Duration.ofMillis(random.nextInt(2_000)).toNanos();
  }

  private void runs(Worker worker) {
    worker.doing = Doing.RUNS;
    if (worker.fault > 0) {
      log.write(ChaosLine.HEALED, worker.fault);
    }
  }

  /** Does something to one that runs, if there is one. */
  void fault(Random random) {
    Worker worker = workers.get(random.nextInt(workers.size()));
    if (worker.doing != Doing.RUNS || !worker.process().alive()) {
      return;
    }
    switch (random.nextInt(worker.slot == 0 ? 3 : 5)) {
      case 0 -> {
        begin(worker, "pause");
        worker.process().pause();
        // longer than the lease, or not quite
        later(worker, Doing.IS_PAUSED, 2_000 + random.nextInt(4_000));
      }
      case 1 -> {
        begin(worker, "cut");
        worker.proxy.cut();
        later(worker, Doing.IS_CUT_OFF, 100);
      }
      case 2 -> {
        begin(worker, "cut-off");
        worker.proxy.refuse();
        worker.proxy.cut();
        later(worker, Doing.IS_CUT_OFF, 1_000 + random.nextInt(5_000));
      }
      case 3 -> {
        begin(worker, "kill");
        worker.process().kill();
        worker.process().close();
        gone(worker, random);
      }
      default -> {
        begin(worker, "leave-and-join");
        leave(worker);
      }
    }
  }

  private void leave(Worker worker) {
    worker.process().send("go");
    worker.doing = Doing.LEAVES;
    worker.due = System.nanoTime() + LEAVE_LIMIT.toNanos();
  }

  private void begin(Worker worker, String what) {
    worker.fault = ++faults;
    log.write(ChaosLine.FAULT, worker.fault, what, worker.process().toString().split(" ", 2)[0]);
  }

  private static void later(Worker worker, Doing doing, int millis) {
    worker.doing = doing;
    worker.due = System.nanoTime() + Duration.ofMillis(millis).toNanos();
  }

  /** Has all leave in order, and notes who does not. */
  void leaveAll() {
    workers.forEach(this::leave);
    for (Worker worker : workers) {
      try {
        int code = worker.process().awaitExit(LEAVE_LIMIT);
        if (code != 0) {
          problems.add(worker.process() + " left with code " + code);
        }
      } catch (AssertionError e) {
        problems.add(String.valueOf(e.getMessage()));
      }
    }
  }

  @Override
  public void close() {
    for (Worker worker : workers) {
      ChildProcess process = worker.process;
      if (process != null) {
        process.close();
      }
      worker.proxy.close();
    }
  }
}
