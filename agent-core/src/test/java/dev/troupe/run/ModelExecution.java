package dev.troupe.run;

import dev.troupe.agent.RunEndingException;
import dev.troupe.run.ModelAgent.Move;
import dev.troupe.run.ModelState.Harm;
import dev.troupe.run.ModelState.Holding;
import dev.troupe.run.ModelState.Phase;
import dev.troupe.run.ModelState.Proc;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How a process executes a run that it holds: as {@code Execution} does, with one step for each
 * round trip to the store. Between round trips only the process itself acts, so no interleaving is
 * left out.
 *
 * <p>The journal is read anew for each step from the record as the process knows it, and the agent
 * is executed from the top. That gives the same change each time, so a change whose answer is
 * missing need not be kept to be sent again.
 */
final class ModelExecution {
  private final ModelScenario scenario;
  private final Map<String, RunHeader> headers = new HashMap<>();

  ModelExecution(ModelScenario scenario) {
    this.scenario = scenario;
  }

  private record Sent(Change change, boolean leaves, boolean tells, String words) {}

  void steps(Proc proc, Holding run, boolean mayBegin, ModelSteps steps) {
    ModelState from = steps.from;
    String who = proc.name() + " ";
    if (run.phase() == Phase.LET_GO) {
      giveBack(proc, run, steps);
      return;
    }
    if (!run.pending().isEmpty()) {
      send(proc, run, again(run), who + "sends again: ", steps);
      steps.own(
          who + "gives up and lets go of " + run.key(), from.with(proc.with(run, run.letGo())));
      return;
    }
    look(proc, run, steps);
    Instant now = from.store().now;
    if (run.phase() == Phase.EXECUTES) {
      Journal journal = journal(run, run.known().mail.size(), now);
      Move move = evaluate(run, journal, now);
      if (move instanceof Move.Effect effect) {
        begin(proc, run, effect, mayBegin, steps);
        return;
      }
      if (move instanceof Move.Wait) {
        steps.own(
            who + "has nothing to do in " + run.key() + " but to wait",
            from.with(proc.with(run, run.leaving(now))));
        return;
      }
      send(proc, run, sent(run, journal, move, now), who, steps);
      return;
    }
    send(proc, run, decided(run, now), who, steps);
  }

  /** What is sent again: the same change as it was decided then. */
  private Sent again(Holding run) {
    if (run.phase() == Phase.EXECUTES) {
      Journal journal = journal(run, run.known().mail.size(), run.when());
      return sent(run, journal, evaluate(run, journal, run.when()), run.when());
    }
    return decided(run, run.when());
  }

  private Sent decided(Holding run, Instant now) {
    if (run.phase() == Phase.INSIDE) {
      Journal journal = journal(run, run.known().mail.size(), now);
      List<Edit> edits = journal.done(ModelAgent.EFFECT, new byte[0], now, 1);
      return new Sent(journal.change(edits), false, false, "writes the effect of");
    }
    Journal journal = journal(run, run.looked(), run.when());
    Move.Wait wait = (Move.Wait) evaluate(run, journal, run.when());
    journal.receive(run.known().items()); // what came after the code had decided
    return new Sent(journal.park(wait.due(), run.looked()), true, false, "parks");
  }

  private static Sent sent(Holding run, Journal journal, Move move, Instant now) {
    if (move instanceof Move.Write write) {
      boolean tells = journal.ending() != Ending.NOT;
      return new Sent(journal.change(write.edits()), false, tells, write.words() + ", from");
    }
    boolean cancelled = journal.ending() != Ending.NOT;
    RunEnd.State state = cancelled ? RunEnd.State.CANCELLED : RunEnd.State.SUCCEEDED;
    RunEnd end = new RunEnd(state, now, new byte[0]);
    return new Sent(journal.end(end, null), true, false, cancelled ? "ends, cancelled," : "ends");
  }

  /** Executes the agent from the top; what an ending run still does is as in the runtime. */
  private Move evaluate(Holding run, Journal journal, Instant now) {
    Move move;
    try {
      move = scenario.agents.get(run.key()).next(journal, now);
    } catch (RunEndingException ended) {
      move = new Move.Return();
    }
    if (move instanceof Move.Return && journal.ending() == Ending.NOT) {
      if (journal.mismatch() != null) {
        throw new IllegalStateException(journal.mismatch());
      }
      return move;
    }
    if (move instanceof Move.Return && !run.told()) {
      List<Edit> edits = journal.cancelChildren("it is ending");
      return edits.isEmpty() ? move : new Move.Write(edits, "tells its children to stop");
    }
    return move;
  }

  /** The journal as it is after so many changes and outbox records under the grant. */
  Journal journal(Holding run, int mail, Instant now) {
    Stored stored = run.known().upTo(mail, now);
    RunHeader header =
        headers.computeIfAbsent(run.known().value, v -> RunRecord.decode(stored).header());
    Journal journal = new Journal(header, stored);
    if (run.sent() == 0) {
      return journal;
    }
    RunHeader elsewhere = ModelScenario.header("elsewhere", run.key(), null);
    for (int i = 0; i < run.sent(); i++) {
      journal.called("counted#" + i, elsewhere, null, now);
    }
    return journal.reread(stored);
  }

  private Change numbered(Holding run, Change change) {
    String id =
        run.grant().holder() + "." + run.grant().number() + "." + run.key() + "." + run.changes();
    return scenario.variant.bend(new Change(id, change.partition(), change.edits()), run.known());
  }

  private void send(Proc proc, Holding run, Sent sent, String who, ModelSteps steps) {
    ModelState from = steps.from;
    Change change = numbered(run, sent.change());
    String words = who + sent.words() + " " + run.key();
    ModelStore.Applied applied = steps.apply(words, change);
    ModelState after = from.with(applied.after());
    if (applied.done()) {
      steps.own(words, after.with(proc.with(run, answered(run, change, sent))));
      if (from.may(Harm.LOST) && run.pending().isEmpty()) {
        Holding waiting = run.waitingFor(change.id(), decidedAt(run, from));
        steps.harm(Harm.LOST, words + ", the answer is lost", after.with(proc.with(run, waiting)));
        steps.harm(
            Harm.LOST, words + ", which never arrives", from.with(proc.with(run, run.letGo())));
      }
      return;
    }
    Outcome.Refused refused = (Outcome.Refused) applied.outcome();
    Stored found = refused.found();
    if (found != null && found.lastChange().equals(change.id())) {
      steps.own(words + ", it was done", from.with(proc.with(run, answered(run, change, sent))));
    } else if (refused.because() instanceof Edit.NoMailAfter) {
      reload(proc, run, words, steps);
    } else if (refused.because() instanceof Edit.Absent) {
      childIsThere(proc, run, change, sent, words, steps);
    } else {
      steps.own(words + ", is refused and lets go", from.with(proc.with(run, run.letGo())));
    }
  }

  private static Instant decidedAt(Holding run, ModelState from) {
    return run.phase() == Phase.LEAVING ? run.when() : from.store().now;
  }

  /** What is left in hand after a change was done; null when the run has left. */
  private static Holding answered(Holding run, Change change, Sent sent) {
    if (sent.leaves()) {
      return null;
    }
    ModelRecord known = run.known();
    int posts = 0;
    for (Edit edit : change.edits()) {
      if (edit instanceof Edit.Row row && row.key().equals(run.key())) {
        known = known.row(row);
      }
      if (edit instanceof Edit.Put put && Outbox.isOutbox(put.key())) {
        posts++;
      }
    }
    return run.after(known, posts, sent.tells());
  }

  /** Mail came that the code has not seen: it is executed again with all that there is now. */
  private void reload(Proc proc, Holding run, String words, ModelSteps steps) {
    ModelState from = steps.from;
    ModelRecord whole = from.store().get(run.key());
    Holding next = run.in(Phase.EXECUTES).knowing(whole);
    steps.own(words + ", but there is new mail", from.with(proc.with(run, next)));
  }

  /** As in {@code RunContext}: the child is this call's when the call is in the journal. */
  private void childIsThere(
      Proc proc, Holding run, Change change, Sent sent, String words, ModelSteps steps) {
    ModelState from = steps.from;
    ModelState next = from.with(proc.with(run, answered(run, change, sent)));
    if (from.store().get(run.key()).rows.containsKey(ModelAgent.CALL)) {
      steps.own(words + ", it was done", next);
    } else {
      steps.fault(words, next, "a child is there that nobody called");
    }
  }

  private void begin(
      Proc proc, Holding run, Move.Effect effect, boolean mayBegin, ModelSteps steps) {
    if (!mayBegin && scenario.variant != Variant.EFFECTS_WITHOUT_LEASE) {
      steps.own(
          proc.name() + " has no lease to begin the effect and lets go of " + run.key(),
          steps.from.with(proc.with(run, run.letGo())));
      return;
    }
    ModelState next = steps.from.with(proc.with(run, run.in(Phase.INSIDE)));
    String words = proc.name() + " begins the effect of " + run.key();
    ModelRecord present = steps.from.store().get(run.key());
    // a store that has gone back may have forgotten the claim: then the execution goes on until its
    // next write is refused, and may repeat what another has done meanwhile
    boolean excused = scenario.failsOver() && !steps.from.store().passes(present, run.grant());
    if (present.rows.containsKey(effect.path()) && !excused) {
      steps.fault(words, next, "an effect is made again whose result the store has");
    } else {
      steps.own(words, next);
    }
  }

  /** Fetches mail; nobody need hold a run to read. */
  private void look(Proc proc, Holding run, ModelSteps steps) {
    ModelRecord present = steps.from.store().get(run.key());
    int seen = run.known().mail.size();
    if (present != null && present.mail.size() > seen) {
      List<ModelRecord.Letter> all = new ArrayList<>(run.known().mail);
      all.addAll(present.mail.subList(seen, present.mail.size())); // what has a higher number
      Holding knows = run.knowing(run.known().withMail(all));
      steps.own(
          proc.name() + " fetches the mail of " + run.key(),
          steps.from.with(proc.with(run, knows)));
    }
  }

  private void giveBack(Proc proc, Holding run, ModelSteps steps) {
    ModelState from = steps.from;
    Instant now = from.store().now;
    Journal journal = journal(run, run.known().mail.size(), now);
    Change change = numbered(run, journal.handBack(now));
    String words = proc.name() + " gives back " + run.key();
    ModelStore.Applied applied = steps.apply(words, change);
    ModelState after = from.with(applied.after());
    steps.own(
        words + (applied.done() ? "" : ", which is refused"), after.with(proc.with(run, null)));
    if (applied.done() && from.may(Harm.LOST)) {
      steps.harm(
          Harm.LOST, words + ", the answer is lost", after.with(proc.with(run, run.letGo())));
    }
  }

  /** The change by which a record that another held or that was lost goes back into its queue. */
  Change back(Holding record, boolean died, Instant now) {
    Change change;
    if (record.known().isRun()) {
      Journal journal = journal(record, record.known().mail.size(), now);
      change =
          died ? uncounted(journal.takeUp(now, 100, none -> new byte[0])) : journal.handBack(now);
    } else {
      Stored stored = record.known().whole(now);
      Edit edit =
          record.known().isProcess()
              ? new Edit.Queue(record.key(), Membership.FLEET, 0, now, null, Long.MAX_VALUE)
              : Outbox.requeue(stored);
      Edit fence = new Edit.Held(record.key(), record.grant());
      change = new Change("", record.known().id.partition(), List.of(fence, edit));
    }
    return numbered(record, change);
  }

  /** Without the row that counts deaths: no run of the model dies often enough to be stopped. */
  private static Change uncounted(Change change) {
    List<Edit> edits =
        change.edits().stream()
            .filter(e -> !(e instanceof Edit.Row row && row.row().equals("$deaths")))
            .toList();
    return new Change(change.id(), change.partition(), edits);
  }
}
