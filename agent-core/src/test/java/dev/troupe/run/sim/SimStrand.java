package dev.troupe.run.sim;

import dev.troupe.AgentException;
import dev.troupe.agent.RunEndingException;
import dev.troupe.run.Entry;
import dev.troupe.run.Journal;
import dev.troupe.run.Look;
import dev.troupe.run.RunHeader;
import dev.troupe.run.Runs;
import dev.troupe.run.sim.Program.Act;
import dev.troupe.run.sim.Program.Await;
import dev.troupe.run.sim.Program.Call;
import dev.troupe.run.sim.Program.Group;
import dev.troupe.run.sim.Program.Op;
import dev.troupe.run.sim.Program.Paths;
import dev.troupe.run.sim.Program.Sleep;
import dev.troupe.run.sim.Program.Tell;
import dev.troupe.run.sim.Program.Think;
import dev.troupe.run.sim.Program.Unknown;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Scan;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One line of execution of a run: interprets ops as the runtime's {@code RunContext} and {@code
 * StepRunner} do, in the same order of calls, with continuations where those block.
 */
final class SimStrand {
  /** A step or call that failed for good; the agent may catch it. */
  static final class Failed extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Failed(String path) {
      super(path, null, false, false);
    }
  }

  /** Takes what a strand came to. */
  interface Over {
    void come(String result, @Nullable Throwable thrown);
  }

  final SimRun run;
  final boolean undoes;
  private final @Nullable SimStrand parent;
  private final Paths paths;
  private final List<Op> ops;
  boolean lost;
  private boolean over;
  private int next;
  private String sum = "";
  private @Nullable Over whenOver;
  private final SimSteps steps;

  SimStrand(SimRun run, @Nullable SimStrand parent, String prefix, List<Op> ops, boolean undoes) {
    this.run = run;
    this.parent = parent;
    this.paths = new Paths(prefix);
    this.ops = ops;
    this.undoes = undoes;
    this.steps = new SimSteps(this);
  }

  boolean isLost() {
    return lost || (parent != null && parent.isLost());
  }

  void start(Over then) {
    whenOver = then;
    guard(this::goOn);
  }

  /** Every piece of this strand's code runs in here. */
  void guard(Runnable piece) {
    if (over) {
      return;
    }
    if (undoes) {
      run.guard(
          () -> {
            try {
              piece.run();
            } catch (SimRun.Unwinding leaving) {
              over = true;
              throw leaving;
            }
          });
      return;
    }
    try {
      piece.run();
    } catch (SimRun.Unwinding | RunEndingException | Failed thrown) {
      end("", thrown);
    } catch (AgentException unexpected) {
      throw Truth.violation(run.runId(), "the engine says: %s", unexpected);
    }
  }

  private void end(String result, @Nullable Throwable thrown) {
    over = true;
    if (whenOver != null) {
      whenOver.come(result, thrown);
    }
  }

  private void goOn() {
    if (next == ops.size()) {
      end(sum, null);
      return;
    }
    begin(ops.get(next++));
  }

  private void fold(String value) {
    sum = Reference.fold(sum, value);
    goOn();
  }

  private void begin(Op op) {
    if (op instanceof Act act) {
      String path = paths.next(act.name());
      steps.make(path, act, entry -> made(path, act, entry));
    } else if (op instanceof Sleep sleep) {
      sleep(paths.next("sleep"), sleep);
    } else if (op instanceof Await await) {
      await(paths.next("signal " + await.signal()), await);
    } else if (op instanceof Call call) {
      String path = paths.next(call.name());
      Look look = run.ask(this, journal -> journal.call(path));
      if (look instanceof Look.Begin) {
        create(path, call, 1);
      } else {
        answer(path, call);
      }
    } else if (op instanceof Group group) {
      new SimGroup(this, group, paths.next(group.name())).run(this::fold);
    } else if (op instanceof Tell) {
      String path = paths.told();
      run.ask(this, journal -> journal.publish(path, SimRun.bytes("so far"), now()));
      fold(path);
    } else if (op instanceof Think think) {
      after(Timeline.millis(think.millis()), () -> fold("thought"));
    }
  }

  Instant now() {
    return run.process.access.now();
  }

  void after(long nanos, Runnable piece) {
    run.process.after(nanos, () -> guard(piece));
  }

  // steps

  private void made(String path, Act act, Entry entry) {
    if (entry.kind() == Entry.Kind.FAILED) {
      if (!act.caught()) {
        throw new Failed(path);
      }
      fold(act.unknown() == Unknown.NEVER ? path : path + Reference.FAILED);
      return;
    }
    if (act.undo()) {
      run.ask(this, journal -> run.undos.put(entry.number(), new SimRun.Undo(path, act)));
    }
    fold(act.unknown() == Unknown.NEVER ? path : text(entry.payload()));
  }

  private static String text(byte[] payload) {
    return new String(payload, StandardCharsets.UTF_8);
  }

  /** Undoes a step; itself a step. */
  void undo(SimRun.Undo undo, Runnable then) {
    Act act =
        new Act(
            "undo",
            undo.act().failures(),
            undo.act().failures() + 1,
            Unknown.REPEAT,
            false,
            false,
            undo.act().millis());
    steps.make(Journal.undo(undo.path()), act, entry -> then.run());
  }

  /** Wakes the effect under way, if it minds. */
  void interrupt() {
    steps.interrupt();
  }

  // waits

  private void sleep(String path, Sleep sleep) {
    Instant due =
        run.ask(this, journal -> journal.sleep(path, Duration.ofMillis(sleep.millis()), now()));
    run.waits.await(
        this,
        "sleep",
        due,
        () -> false,
        got -> {
          run.process.passed(run.runId(), path, due);
          fold(path);
        });
  }

  private void await(String path, Await await) {
    List<Edit> edits = new ArrayList<>();
    if (receive(path, await, edits)) {
      received(path, edits);
      return;
    }
    Instant due =
        await.limit() == 0
            ? null
            : run.ask(
                this,
                journal -> journal.signalLimit(path, Duration.ofMillis(await.limit()), now()));
    run.waits.await(
        this,
        "signal",
        due,
        () -> receive(path, await, edits),
        got -> {
          if (got || due == null) {
            received(path, edits);
            return;
          }
          run.process.passed(run.runId(), path, due);
          run.writer.write(
              this::guard,
              run.ask(this, journal -> journal.signalTimedOut(path, due)),
              () -> {
                receive(path, await, edits);
                received(path, edits);
              });
        });
  }

  private boolean receive(String path, Await await, List<Edit> edits) {
    return run.ask(this, journal -> journal.signal(path, await.signal(), now(), edits)) != null;
  }

  private void received(String path, List<Edit> edits) {
    run.writer.write(this::guard, edits, () -> fold(path));
  }

  // calls

  private void create(String path, Call call, int turn) {
    Instant at = now();
    Instant due = call.limit() == 0 ? null : Runs.after(at, Duration.ofMillis(call.limit()));
    RunHeader child = child(path, call, at, due);
    run.writer.attempt(
        this::guard,
        run.ask(this, journal -> journal.called(path, child, due, at)),
        outcome -> {
          Edit because = outcome instanceof Outcome.Refused refused ? refused.because() : null;
          if (because == null || because instanceof Edit.NoRow) {
            answer(path, call); // done now, or before with its answer lost
          } else if (!(because instanceof Edit.Absent)) {
            throw run.lost();
          } else {
            run.process.access.first(
                Scan.whole(run.journal().id()),
                whole ->
                    guard(
                        () -> {
                          if (whole == null || !whole.rows().containsKey(path)) {
                            throw Truth.violation(
                                run.runId(), "the child of %s is there before its call", path);
                          }
                          answer(path, call);
                        }),
                () ->
                    guard(
                        () -> {
                          throw run.lost();
                        }));
          }
        });
  }

  private RunHeader child(String path, Call call, Instant at, @Nullable Instant due) {
    RunHeader header = run.journal().header();
    Instant own = header.terms().deadline();
    return new RunHeader(
        Reference.childId(run.runId(), call, path),
        call.child().agent(),
        "1",
        new RunHeader.Origin(run.runId(), path, call.child().agent(), at),
        new RunHeader.Terms(
            header.terms().priority(),
            call.key().isEmpty() ? null : call.key(),
            due == null || (own != null && own.isBefore(due)) ? own : due,
            "",
            "",
            ""),
        header.encoding(),
        SimRun.bytes(Integer.toString(call.child().number())));
  }

  private void answer(String path, Call call) {
    Look look = run.ask(this, journal -> journal.call(path));
    if (look instanceof Look.Finished finished) {
      answered(path, call, finished.entry());
      return;
    }
    Instant due = ((Look.Later) look).due();
    run.waits.await(
        this,
        "child",
        due,
        () -> run.journal().call(path) instanceof Look.Finished,
        got -> {
          if (got) {
            answered(path, call, ((Look.Finished) run.journal().call(path)).entry());
          } else {
            byte[] late = SimRun.bytes("TIMEOUT");
            run.writer.write(
                this::guard,
                run.ask(this, journal -> journal.failed(path, late, now(), 1)),
                () -> answer(path, call));
          }
        });
  }

  private void answered(String path, Call call, Entry entry) {
    boolean failed = entry.kind() == Entry.Kind.FAILED;
    if (failed && !call.caught()) {
      throw new Failed(path);
    }
    if (call.limit() > 0) {
      fold(path);
    } else {
      fold(failed ? path + Reference.FAILED : text(entry.payload()));
    }
  }
}
