package dev.troupe.run.sim;

import dev.troupe.run.Ending;
import dev.troupe.run.Entry;
import dev.troupe.run.Journal;
import dev.troupe.run.Look;
import dev.troupe.run.Runs;
import dev.troupe.run.sim.Program.Act;
import dev.troupe.run.sim.Program.Unknown;
import dev.troupe.state.Edit;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Makes the steps of a strand: the runtime's {@code StepRunner}. */
final class SimSteps {
  private final SimStrand strand;
  private final SimRun run;
  private @Nullable Acting acting;

  /** An effect under way. */
  private final class Acting {
    final Runnable interrupted;
    final boolean reacts;

    Acting(Runnable interrupted, boolean reacts) {
      this.interrupted = interrupted;
      this.reacts = reacts;
    }
  }

  SimSteps(SimStrand strand) {
    this.strand = strand;
    this.run = strand.run;
  }

  void make(String path, Act act, Consumer<Entry> then) {
    Look look = run.ask(strand, journal -> journal.step(path, strand.now()));
    Runnable again = () -> make(path, act, then);
    if (look instanceof Look.Finished finished) {
      then.accept(finished.entry());
    } else if (look instanceof Look.Later later) {
      run.waits.await(strand, "sleep", later.due(), () -> false, got -> again.run());
    } else if (look instanceof Look.Begin begin) {
      attempt(path, act, begin.attempt(), again);
    } else if (look instanceof Look.Unknown unknown) {
      resolve(path, act, unknown, again);
    }
  }

  private void attempt(String path, Act act, int number, Runnable then) {
    List<Edit> intent =
        act.unknown() == Unknown.REPEAT
            ? List.of()
            : run.ask(strand, journal -> journal.intent(path, strand.now(), number));
    run.writer.write(strand::guard, intent, () -> awaitLease(() -> act(path, act, number, then)));
  }

  /** An effect begins only while this process is sure to be the only one that makes it. */
  private void awaitLease(Runnable then) {
    SimProcess process = run.process;
    if (!process.fleet.mayBegin()) {
      if (!process.fleet.holdsLease()) {
        throw run.lost();
      }
      if (!run.departing()) {
        strand.after(Timeline.millis(5), () -> awaitLease(then));
        return;
      }
    } else if (process.mutation() != Mutation.OLD_GRANTS
        && !run.journal().grant().holder().equals(process.incarnation())) {
      throw run.lost(); // the lease says nothing of what an earlier incarnation claimed
    }
    then.run();
  }

  private void act(String path, Act act, int number, Runnable then) {
    if (!run.mayEnter(strand)) {
      failed(path, act, number, then);
      return;
    }
    Truth truth = run.process.truth();
    boolean once = act.unknown() != Unknown.REPEAT;
    truth.begins(run, path, number, once, run.process.storeNow());
    boolean fails = act.attempts() <= act.failures() || number <= act.failures();
    boolean early = run.process.chance(50);
    if (!fails && early) {
      truth.performs(run, path, number); // the world knows before the process does
    }
    Acting mine =
        new Acting(
            () -> {
              acting = null;
              failed(path, act, number, then);
            },
            run.process.chance(80));
    acting = mine;
    strand.after(
        Timeline.millis(act.millis()),
        () -> {
          if (acting != mine) {
            return; // it was interrupted
          }
          acting = null;
          if (fails) {
            failed(path, act, number, then);
            return;
          }
          if (!early) {
            truth.performs(run, path, number);
          }
          byte[] value = SimRun.bytes(Reference.valueOf(run.runId(), path));
          run.writer.write(
              strand::guard,
              run.ask(strand, journal -> done(journal, path, act, value, number)),
              then);
        });
  }

  /** What undoes a step is known from the moment on at which its result is journaled. */
  private List<Edit> done(Journal journal, String path, Act act, byte[] value, int number) {
    List<Edit> edits = journal.done(path, value, strand.now(), number);
    boolean known = act.undo() && run.process.mutation() != Mutation.LATE_UNDOS;
    if (known && journal.step(path, strand.now()) instanceof Look.Finished finished) {
      run.undos.put(finished.entry().number(), new SimRun.Undo(path, act));
    }
    return edits;
  }

  void interrupt() {
    Acting now = acting;
    if (now != null && now.reacts) {
      strand.after(
          1,
          () -> {
            if (acting == now) {
              now.interrupted.run();
            }
          });
    }
  }

  private void failed(String path, Act act, int number, Runnable then) {
    run.check(strand);
    byte[] payload = SimRun.bytes("it failed");
    Instant now = strand.now();
    List<Edit> edits =
        run.ask(
            strand,
            journal -> {
              if (journal.ending() != Ending.NOT && !strand.undoes) {
                journal.step(path, now); // throws why nothing may begin
              }
              Duration wait = Duration.ofMillis(50L << Math.min(number, 6));
              return number < act.attempts()
                  ? journal.retry(path, payload, Runs.after(now, wait), now, number)
                  : journal.failed(path, payload, now, number);
            });
    run.writer.write(strand::guard, edits, then);
  }

  private void resolve(String path, Act act, Look.Unknown unknown, Runnable then) {
    int attempt = unknown.attempt();
    if (act.unknown() == Unknown.ASK) {
      run.process.asks(run.runId(), path, attempt);
      run.waits.await(
          strand,
          "somebody",
          null,
          () -> run.journal().decision(path, attempt) != null,
          got -> {
            Journal.Decision said = run.journal().decision(path, attempt);
            settle(path, act, said == null ? "" : said.verdict(), attempt, then);
          });
    } else if (act.unknown() == Unknown.RECONCILE) {
      Instant due = unknown.begun().plusMillis(act.millis());
      run.waits.await(
          strand,
          "sleep",
          due,
          () -> false,
          got ->
              awaitLease(
                  () -> {
                    Truth truth = run.process.truth();
                    boolean made = truth.wasPerformed(run.runId(), path, attempt);
                    settle(path, act, made ? "done" : "repeat", attempt, then);
                  }));
    } else {
      settle(path, act, "failed", attempt, then);
    }
  }

  private void settle(String path, Act act, String verdict, int attempt, Runnable then) {
    Instant now = strand.now();
    byte[] value = SimRun.bytes(Reference.valueOf(run.runId(), path));
    List<Edit> edits =
        run.ask(
            strand,
            journal ->
                switch (verdict) {
                  case "done" -> done(journal, path, act, value, attempt);
                  case "failed" -> journal.failed(path, value, now, attempt);
                  default -> journal.retry(path, value, now, now, attempt);
                });
    run.writer.write(strand::guard, edits, then);
  }
}
