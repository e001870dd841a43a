package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.runtime.RunView;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Histories of a small model of a fleet, in which processes die and stand still between any two
 * moments: none that keeps the rules is called wrong, and of those that break them, none is missed
 * that can be told from outside.
 */
@Timeout(120)
class HistorySimulationTest {
  private static final int SEEDS = Integer.getInteger("troupe.test.seeds", 400);

  /** What is wrong with the fleet. */
  private enum Bug {
    NONE,
    /** A process that takes a run does not see what was journaled last. */
    FORGETS,
    /** The store lets anybody write. */
    NO_FENCE,
    /** A process does not look at its lease before an effect begins. */
    NO_LEASE
  }

  @TempDir Path folder;

  @Test
  void noFleetThatKeepsTheRulesIsCalledWrong() {
    long repeated = 0;
    long late = 0;
    for (int seed = 0; seed < SEEDS; seed++) {
      Fleet fleet = new Fleet(seed, Bug.NONE, seed % 2 == 0);
      HistoryReport report = fleet.live();
      assertThat(report.violations()).as("seed %d: %s", seed, report).isEmpty();
      assertThat(report.count(HistoryReport.Count.SUCCEEDED)).isEqualTo(Fleet.RUNS);
      repeated += report.count(HistoryReport.Count.REPEATED);
      late += report.count(HistoryReport.Count.LATE);
    }
    System.out.printf("%d fleets: %d effects repeated, %d late%n", SEEDS, repeated, late);
    assertThat(repeated).isGreaterThan(SEEDS);
    assertThat(late).isPositive();
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
  void noFleetThatBreaksThemIsMissed(Bug bug) {
    int wrong = 0;
    int missed = 0;
    for (int seed = 0; seed < SEEDS; seed++) {
      Fleet fleet = new Fleet(seed, bug, true);
      HistoryReport report = fleet.live();
      if (fleet.sins > 0) {
        wrong++;
        missed += report.violations().isEmpty() ? 1 : 0;
      } else if (fleet.doubts == 0) {
        assertThat(report.violations()).as("seed %d: %s", seed, report).isEmpty();
      }
    }
    System.out.printf("%s: %d of %d fleets did wrong, %d missed%n", bug, wrong, SEEDS, missed);
    assertThat(wrong).isGreaterThan(SEEDS / 20);
    // one that ignores its lease may meet another that dies before it does anything: nobody can
    // tell
    assertThat(missed).isLessThanOrEqualTo(bug == Bug.FORGETS ? 0 : wrong / 30);
  }

  /** What a branch of an execution does next. */
  private enum Next {
    LOOK,
    NOTE_BEGIN,
    MAKE,
    WRITE,
    NOTE_KNOWN
  }

  /** A record of the store. */
  private static final class Stored {
    final Set<String> journal = new HashSet<>();
    final Map<String, Integer> attempts = new HashMap<>();
    final Set<String> noted = new HashSet<>();
    Execution holder;
    boolean ended;
  }

  private static final class Branch {
    final List<String> paths;
    int at;
    int attempt;
    Next next = Next.LOOK;

    /** Looked at the lease before the process stood still. */
    boolean wakes;

    /** Had no right to begin when it looked, or the result was journaled and that noted. */
    boolean wrong;

    Branch(List<String> paths) {
      this.paths = paths;
    }
  }

  private static final class Execution {
    final String run;
    final Set<String> seen;
    boolean noted;
    boolean lost;
    int stage;
    boolean endNoted = true;
    List<Branch> branches = new ArrayList<>();

    Execution(String run, Set<String> seen) {
      this.run = run;
      this.seen = seen;
    }
  }

  private static final class Worker {
    HistoryScript.Process log;
    final List<Execution> executions = new ArrayList<>();
    long stoodSince = -1;
    long still;
  }

  /** Three processes, four runs, one thread. */
  private final class Fleet {
    static final int RUNS = 4;
    static final List<List<List<String>>> PROGRAM =
        List.of(
            List.of(List.of("a", "b", "b#2")),
            List.of(List.of("g#1/0/a", "g#1/0/b"), List.of("g#1/1/a", "g#1/1/b", "g#1/1/c")),
            List.of(List.of("c", "d")));

    final Random random;
    final Bug bug;
    final boolean listens;
    final HistoryScript script = new HistoryScript(folder);
    final HistoryScript.Process client = script.on("client");
    final Map<String, Stored> store = new HashMap<>();
    final List<Worker> workers = new ArrayList<>();
    int lives;
    int sins;
    int doubts;

    Fleet(long seed, Bug bug, boolean listens) {
      this.listens = listens;
      this.random = new Random(seed);
      this.bug = bug;
    }

    HistoryReport live() {
      for (int run = 0; run < RUNS; run++) {
        client.submit("r" + run);
        store.put("r" + run, new Stored());
      }
      for (int i = 0; i < 3; i++) {
        workers.add(born());
      }
      for (int step = 0; step < 600; step++) {
        faults();
        step(workers.get(random.nextInt(3)));
      }
      while (store.values().stream().anyMatch(run -> !run.ended)) {
        workers.forEach(this::wake);
        step(workers.get(random.nextInt(3)));
      }
      store.keySet().forEach(run -> client.outcome(run, RunView.State.SUCCEEDED));
      return script.check();
    }

    private Worker born() {
      Worker worker = new Worker();
      worker.log = script.on("life" + lives++);
      return worker;
    }

    private void faults() {
      int i = random.nextInt(3);
      Worker worker = workers.get(i);
      int dice = random.nextInt(200);
      if (dice == 0) {
        workers.set(i, born());
      } else if (dice < 3 && worker.stoodSince < 0) {
        worker.stoodSince = script.now();
        worker.still = 0;
        worker.executions.forEach(
            e -> e.branches.forEach(b -> b.wakes = b.next == Next.NOTE_BEGIN));
      } else if (dice < 12) {
        wake(worker);
      }
    }

    private void wake(Worker worker) {
      if (worker.stoodSince >= 0) {
        script.pass(5_000);
        worker.log.wakes(worker.stoodSince, 5_000 + worker.still);
        worker.stoodSince = -1;
        // what was under way when it stood still is done first, as threads do
        for (Execution execution : List.copyOf(worker.executions)) {
          if (!execution.noted) {
            advance(worker, execution);
          }
          List.copyOf(execution.branches).forEach(branch -> advance(worker, execution, branch));
        }
        script.pass(2_000);
      }
    }

    private void step(Worker worker) {
      if (worker.stoodSince >= 0) {
        return;
      }
      script.pass(1);
      if (worker.executions.isEmpty() || random.nextInt(10) == 0) {
        claim(worker);
      } else {
        advance(worker, worker.executions.get(random.nextInt(worker.executions.size())));
      }
    }

    private void claim(Worker worker) {
      String run = "r" + random.nextInt(RUNS);
      Stored stored = store.get(run);
      if (!stored.ended && mayBeTaken(stored)) {
        Set<String> seen = new HashSet<>(stored.journal);
        if (bug == Bug.FORGETS && random.nextInt(4) == 0) {
          seen.removeIf(path -> random.nextInt(4) == 0);
        }
        stored.holder = new Execution(run, seen);
        worker.executions.add(stored.holder);
      }
    }

    /** Nobody has it, or its process is dead or stands still. */
    private boolean mayBeTaken(Stored stored) {
      return workers.stream()
          .filter(worker -> worker.stoodSince < 0)
          .noneMatch(worker -> worker.executions.contains(stored.holder));
    }

    private void advance(Worker worker, Execution execution) {
      Stored stored = store.get(execution.run);
      if (execution.lost) {
        worker.executions.remove(execution);
      } else if (!execution.noted) {
        execution.noted = true;
        worker.log.take(execution.run);
      } else if (!execution.branches.isEmpty()) {
        advance(
            worker, execution, execution.branches.get(random.nextInt(execution.branches.size())));
      } else if (execution.stage < PROGRAM.size()) {
        execution.branches = new ArrayList<>();
        PROGRAM.get(execution.stage++).forEach(paths -> execution.branches.add(new Branch(paths)));
      } else if (!execution.endNoted) {
        worker.log.end(execution.run);
        worker.executions.remove(execution);
      } else if (stored.ended || stored.holder != execution) {
        worker.executions.remove(execution);
      } else {
        stored.ended = true;
        execution.endNoted = false;
      }
    }

    private void advance(Worker worker, Execution execution, Branch branch) {
      if (branch.at == branch.paths.size()) {
        execution.branches.remove(branch);
        return;
      }
      String run = execution.run;
      String path = branch.paths.get(branch.at);
      Stored stored = store.get(run);
      boolean holds = stored.holder == execution && !stored.ended;
      switch (branch.next) {
        case LOOK -> {
          if (execution.seen.contains(path)) {
            branch.at++;
          } else if (!holds && bug != Bug.NO_LEASE && bug != Bug.NO_FENCE) {
            execution.lost = true;
            execution.branches = new ArrayList<>();
          } else {
            doubts += stored.journal.contains(path) ? 1 : 0; // what comes after it may prove that
            branch.wrong = !holds || stored.noted.contains(path);
            branch.attempt = stored.attempts.getOrDefault(path, 0) + 1;
            branch.next = Next.NOTE_BEGIN;
          }
        }
        case NOTE_BEGIN -> {
          // what it decided before it stood still is late, not wrong
          boolean wrong = !holds || stored.noted.contains(path);
          sins += branch.wrong || (wrong && !branch.wakes) ? 1 : 0;
          branch.wakes = false;
          worker.log.begin(run, path, branch.attempt);
          branch.next = random.nextInt(6) == 0 ? Next.LOOK : Next.MAKE;
          if (branch.next == Next.LOOK && (holds || bug == Bug.NO_FENCE)) {
            stored.attempts.merge(path, branch.attempt, Math::max); // it failed, and that is kept
          }
        }
        case MAKE -> branch.next = Next.WRITE;
        case WRITE -> {
          if (holds || bug == Bug.NO_FENCE) {
            doubts += holds ? 0 : 1; // found when it is noted, and not late
            stored.journal.add(path);
            execution.seen.add(path);
            branch.next = Next.NOTE_KNOWN;
          } else {
            execution.lost = true;
            execution.branches = new ArrayList<>();
          }
        }
        case NOTE_KNOWN -> {
          if (listens) {
            worker.log.known(run, path);
            stored.noted.add(path);
          }
          branch.next = Next.LOOK;
        }
      }
    }
  }
}
