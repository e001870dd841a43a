package dev.troupe.testkit;

import dev.troupe.runtime.RunView;
import dev.troupe.testkit.HistoryReport.Count;
import dev.troupe.testkit.HistoryReport.Rule;
import dev.troupe.testkit.HistoryReport.Violation;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Judges events in the order of their tickets. The reasons are in {@link History}. Belongs to one
 * thread and is used once.
 */
final class HistoryChecker {
  private final Map<String, HistoryRun> runs = new LinkedHashMap<>();
  private final Map<String, HistoryStalls> stalls = new HashMap<>();
  private final List<Violation> violations = new ArrayList<>();
  private final Map<Count, Long> counts = new EnumMap<>(Count.class);

  void add(HistoryEvent event) {
    switch (event.kind()) {
      case OPENED -> count(Count.PROCESSES, 1);
      case STALLED -> stalls(event).add(event);
      case SUBMITTING -> submitting(event, run(event));
      case SUBMITTED -> submitted(event, run(event));
      case TAKEN -> taken(event, run(event));
      case BEGIN -> begin(event, run(event));
      case END -> count(Count.MADE, 1);
      case KNOWN -> known(event, run(event));
      case TIMER -> timer(event);
      case ENDED -> ended(event, run(event));
      case OUTCOME -> outcome(event, run(event));
    }
  }

  HistoryReport finish(boolean complete, int torn) {
    count(Count.TORN, torn);
    stalls.values().forEach(s -> count(Count.STALLS, s.count()));
    boolean read = runs.values().stream().anyMatch(run -> !run.outcomes.isEmpty());
    for (HistoryRun run : runs.values()) {
      finish(run, complete, read);
    }
    new HistoryLanes(violations).check(runs.values());
    return new HistoryReport(violations, counts);
  }

  // events

  private static void submitting(HistoryEvent event, HistoryRun run) {
    if (run.submitting == HistoryRun.NEVER) {
      run.submitting = event.ticket();
      run.key = event.field(1);
    }
  }

  private static void submitted(HistoryEvent event, HistoryRun run) {
    if (run.submitted == HistoryRun.NEVER) {
      run.submitted = event.ticket();
    }
  }

  private void taken(HistoryEvent event, HistoryRun run) {
    count(Count.TAKEN, 1);
    String process = event.process();
    run.hasParent |= !event.field(1).isEmpty();
    long before = run.lastAct(process);
    HistoryRun.End end = run.end;
    if (end != null && !stalls(event).excuse(event, before, end.ticket())) {
      wrong(
          Rule.ONE_END,
          run,
          "%s began to execute run %s (%s), which %s had ended (%s)",
          process,
          run.id,
          place(event.ticket()),
          end.process(),
          place(end.ticket()));
    }
    boolean stale =
        run.holders.entrySet().stream()
            .filter(holder -> !holder.getKey().equals(process))
            .anyMatch(holder -> stalls(event).excuse(event, before, holder.getValue()));
    if (!stale) {
      run.holders.clear();
    }
    run.holders.put(process, event.ticket());
    run.take(process, event.ticket());
  }

  private void begin(HistoryEvent event, HistoryRun run) {
    count(Count.BEGUN, 1);
    String path = HistoryRun.canonical(event.field(1));
    HistoryRun.Effect effect = run.effect(path);
    boolean undoes = path.startsWith(HistoryRun.UNDO);
    if (undoes) {
      count(Count.UNDONE, 1);
    }
    String branch = HistoryRun.branch(path);
    long before = run.lastAct(event.process(), branch);
    boolean first = effect.begun == HistoryRun.NEVER;
    boolean late = judge(event, run, effect, before);
    if (late) {
      count(Count.LATE, 1);
    } else {
      repeat(event, run, effect);
    }
    if (first && undoes) {
      undo(run, path.substring(HistoryRun.UNDO.length()), event);
    }
    if (undoes && run.undoing == HistoryRun.NEVER) {
      run.undoing = event.ticket();
    }
    run.begin(effect, event.ticket());
    run.act(event.process(), branch, event.ticket());
  }

  /** True when the effect is late, which is not wrong. */
  private boolean judge(HistoryEvent event, HistoryRun run, HistoryRun.Effect effect, long before) {
    String process = event.process();
    String what = "%s began '%s' of run %s (%s)";
    what = what.formatted(process, effect.path, run.id, place(event.ticket()));
    long holding = run.takenBy(process);
    if (holding == HistoryRun.NEVER) {
      wrong(Rule.RECORD, run, "%s and never noted that it executes the run", what);
      return false;
    }
    HistoryRun.Proof proof = run.proof(effect);
    if (proof != null) {
      if (stalls(event).excuse(event, before, proof.ticket())) {
        return true;
      }
      wrong(
          Rule.EFFECT_ONCE,
          run,
          "%s though its result was journaled: %s (%s)",
          what,
          proof.words(),
          place(proof.ticket()));
      return false;
    }
    HistoryRun.End end = run.end;
    if (end != null) {
      // a branch of the very execution that ended may have been about to begin
      boolean ownEnd = end.process().equals(process) && holding < end.ticket();
      if (ownEnd || stalls(event).excuse(event, before, end.ticket())) {
        return true;
      }
      wrong(
          Rule.ONE_END,
          run,
          "%s after %s had ended the run (%s)",
          what,
          end.process(),
          place(end.ticket()));
      return false;
    }
    settle(event, run, before);
    Map.Entry<String, Long> other = holderInsteadOf(process, run);
    if (other != null) {
      if (stalls(event).excuse(event, before, other.getValue())) {
        return true;
      }
      wrong(
          Rule.ONE_HOLDER,
          run,
          "%s after %s had taken the run over (%s)",
          what,
          other.getKey(),
          place(other.getValue()));
      return false;
    }
    boolean forward = !effect.path.startsWith(HistoryRun.UNDO);
    if (forward && run.undoing != HistoryRun.NEVER && holding > run.undoing) {
      wrong(
          Rule.COMPENSATION,
          run,
          "%s in an execution that began after the run had begun to undo (%s)",
          what,
          place(run.undoing));
    }
    return false;
  }

  private void repeat(HistoryEvent event, HistoryRun run, HistoryRun.Effect effect) {
    long holding = run.takenBy(event.process());
    long attempt = event.number(2);
    if (effect.begun != HistoryRun.NEVER && run.proof(effect) == null) {
      if (effect.holding != holding) {
        count(Count.REPEATED, 1);
      } else if (attempt <= effect.attempt) {
        wrong(
            Rule.EFFECT_ONCE,
            run,
            "%s began '%s' of run %s as attempt %d (%s) in an execution that had begun attempt %d",
            event.process(),
            effect.path,
            run.id,
            attempt,
            place(event.ticket()),
            effect.attempt);
      }
    }
    effect.holding = holding;
    effect.attempt = attempt;
  }

  private void undo(HistoryRun run, String path, HistoryEvent event) {
    HistoryRun.Effect done = run.begun(path);
    String what = "%s undoes '%s' of run %s (%s)";
    what = what.formatted(event.process(), path, run.id, place(event.ticket()));
    if (done == null) {
      wrong(Rule.COMPENSATION, run, "%s, which was never begun", what);
      return;
    }
    String earlier = run.undoneBefore(done);
    if (earlier != null) {
      wrong(Rule.COMPENSATION, run, "%s after '%s', which had been done before it", what, earlier);
    }
  }

  private void known(HistoryEvent event, HistoryRun run) {
    String path = HistoryRun.canonical(event.field(1));
    wrote(event, run, HistoryRun.branch(path), "the result of '" + path + "' in");
    run.know(run.effect(path), event.process(), event.ticket());
  }

  private void ended(HistoryEvent event, HistoryRun run) {
    RunView.State state = state(event);
    HistoryRun.End before = run.end;
    if (before != null) {
      wrong(
          Rule.ONE_END,
          run,
          "run %s was ended twice: %s by %s (%s), %s by %s (%s)",
          run.id,
          before.state(),
          before.process(),
          place(before.ticket()),
          state,
          event.process(),
          place(event.ticket()));
      return;
    }
    if (state != RunView.State.STOPPED) {
      wrote(event, run, "", "the end of");
      run.end = new HistoryRun.End(state, event.process(), event.ticket());
      return;
    }
    count(Count.STOPPED, 1);
    if (run.holders.containsKey(event.process())) { // any other only believes that it stopped it
      run.forget(event.ticket());
    }
  }

  private static void outcome(HistoryEvent event, HistoryRun run) {
    run.hasParent |= !event.field(2).isEmpty();
    run.outcomes.add(new HistoryRun.Outcome(state(event), event.ticket()));
  }

  /** The store accepted a write, so whoever made it must have held the run. */
  private void wrote(HistoryEvent event, HistoryRun run, String branch, String what) {
    String process = event.process();
    long before = run.lastAct(process, branch);
    settle(event, run, before);
    Map.Entry<String, Long> other = holderInsteadOf(process, run);
    if (run.takenBy(process) == HistoryRun.NEVER) {
      wrong(
          Rule.RECORD,
          run,
          "%s wrote %s run %s (%s) and never noted that it executes the run",
          process,
          what,
          run.id,
          place(event.ticket()));
    } else if (other != null && !stalls(event).excuse(event, before, other.getValue())) {
      wrong(
          Rule.ONE_HOLDER,
          run,
          "the store accepted %s run %s from %s (%s) after %s had taken the run over (%s)",
          what,
          run.id,
          process,
          place(event.ticket()),
          other.getKey(),
          place(other.getValue()));
    }
    run.act(process, branch, event.ticket());
  }

  private void timer(HistoryEvent event) {
    count(Count.TIMERS, 1);
    Instant due = Instant.parse(event.field(1));
    Instant fired = Instant.parse(event.field(2));
    if (fired.isBefore(due)) {
      wrong(
          Rule.TIMER,
          run(event),
          "a timer of run %s, due at %s, fired at %s on %s (%s): %s too early",
          event.run(),
          due,
          fired,
          event.process(),
          place(event.ticket()),
          Duration.between(fired, due));
    }
  }

  // the end

  private void finish(HistoryRun run, boolean complete, boolean read) {
    count(Count.EFFECTS, run.effects());
    boolean accepted = run.submitted != HistoryRun.NEVER;
    boolean tried = run.submitting != HistoryRun.NEVER;
    if (!accepted && !run.seen()) {
      count(Count.IN_DOUBT, tried ? 1 : 0);
      return;
    }
    count(Count.RUNS, 1);
    if (!accepted && !tried && !run.hasParent) {
      wrong(Rule.NOTHING_LOST, run, "run %s is there and nobody submitted it", run.id);
    }
    if (run.outcomes.size() > 1) {
      wrong(
          Rule.ONE_OUTCOME,
          run,
          "the store holds %d outcomes of run %s",
          run.outcomes.size(),
          run.id);
    }
    if (complete && read && run.outcomes.isEmpty()) {
      wrong(Rule.NOTHING_LOST, run, "run %s was accepted and is not in the store", run.id);
    }
    RunView.State state = fate(run);
    if (complete && !state.ended() && !(read && run.outcomes.isEmpty())) {
      wrong(Rule.ONE_END, run, "run %s was accepted and has no end, it is %s", run.id, state);
    }
    if (state == RunView.State.SUCCEEDED && run.undoing != HistoryRun.NEVER) {
      wrong(
          Rule.COMPENSATION,
          run,
          "run %s succeeded though something of it was undone (%s)",
          run.id,
          place(run.undoing));
    }
    count(
        switch (state) {
          case SUCCEEDED -> Count.SUCCEEDED;
          case FAILED -> Count.FAILED;
          case CANCELLED -> Count.CANCELLED;
          default -> Count.ALIVE;
        },
        1);
  }

  /** Where a run stands by what a process told and by what the store holds, which must agree. */
  private RunView.State fate(HistoryRun run) {
    HistoryRun.End end = run.end;
    RunView.State state = end == null ? RunView.State.QUEUED : end.state();
    for (HistoryRun.Outcome outcome : run.outcomes) {
      if (end == null) {
        state = outcome.state();
      } else if (outcome.state() != end.state()
          && (outcome.state().ended() || outcome.ticket() > end.ticket())) {
        wrong(
            Rule.ONE_END,
            run,
            "%s ended run %s as %s (%s), the store says %s (%s)",
            end.process(),
            run.id,
            end.state(),
            place(end.ticket()),
            outcome.state(),
            place(outcome.ticket()));
      }
    }
    return state;
  }

  // words

  /** Of several that may hold a run, it is the one that does something and is not late with it. */
  private void settle(HistoryEvent event, HistoryRun run, long before) {
    String process = event.process();
    if (run.holders.size() > 1
        && run.holders.containsKey(process)
        && run.holders.entrySet().stream()
            .filter(holder -> !holder.getKey().equals(process))
            .noneMatch(holder -> stalls(event).excuse(event, before, holder.getValue()))) {
      run.holders.keySet().retainAll(Set.of(process));
    }
  }

  private static Map.@Nullable Entry<String, Long> holderInsteadOf(String process, HistoryRun run) {
    return run.holders.containsKey(process) || run.holders.isEmpty()
        ? null
        : run.holders.entrySet().iterator().next();
  }

  private HistoryRun run(HistoryEvent event) {
    return runs.computeIfAbsent(event.run(), HistoryRun::new);
  }

  private HistoryStalls stalls(HistoryEvent event) {
    return stalls.computeIfAbsent(event.process(), p -> new HistoryStalls());
  }

  private static RunView.State state(HistoryEvent event) {
    return RunView.State.valueOf(event.field(1));
  }

  private static String place(long ticket) {
    return "event " + ticket;
  }

  private void count(Count count, long more) {
    counts.merge(count, more, Long::sum);
  }

  private void wrong(Rule rule, HistoryRun run, String sentence, Object... values) {
    violations.add(new Violation(rule, run.id, sentence.formatted(values)));
  }
}
