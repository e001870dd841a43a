package dev.troupe.run;

import dev.troupe.run.ModelState.Harm;
import dev.troupe.run.ModelState.Holding;
import dev.troupe.run.ModelState.Job;
import dev.troupe.run.ModelState.Late;
import dev.troupe.run.ModelState.Lease;
import dev.troupe.run.ModelState.Proc;
import dev.troupe.run.ModelSteps.Step;
import dev.troupe.state.Change;
import dev.troupe.state.Grant;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * The protocol between processes over one store, as a graph: a state, and the steps that lead on
 * from it. Whatever a process writes comes from the engine's own code ({@link Journal}, {@link
 * Runs}, {@link Membership}, {@link Outbox}); written here is only when it writes what, as the
 * package {@code runtime} does.
 *
 * <p>A step is one round trip to the store, or one decision inside a process. It is an <em>own</em>
 * step when it comes sooner or later without the environment's doing: what a live process does, and
 * the passing of time. All else is the environment: it may happen, a limited number of times, and
 * need not.
 *
 * <p>What is not modelled, and why nothing is lost: a change of a dead process that arrives late is
 * refused by its guard, or is done before the take-over as if the process had died later; a
 * heartbeat in good time (see {@link ModelMember}); the rows that say which process executed a run,
 * which nobody asks for.
 */
final class ProtocolModel {
  private final ModelScenario scenario;
  private final ModelExecution execution;
  private final ModelMember members;
  private final ModelUpkeep upkeep;

  ProtocolModel(ModelScenario scenario) {
    this.scenario = scenario;
    this.execution = new ModelExecution(scenario);
    this.members = new ModelMember(scenario);
    this.upkeep = new ModelUpkeep(scenario, execution, members);
  }

  ModelState begin() {
    return scenario.begin();
  }

  List<Step> steps(ModelState from) {
    ModelSteps steps = new ModelSteps(from, scenario.forgets());
    boolean likeNew = false;
    for (Proc proc : from.procs()) {
      boolean twin = from.isLikeNew(proc);
      if (proc.alive() && !(twin && likeNew)) {
        likeNew |= twin;
        boolean mayBegin = members.mayBegin(proc);
        members.steps(proc, steps);
        upkeep.steps(proc, steps);
        if (mayBegin) {
          claim(proc, steps);
        }
        for (Holding run : proc.runs()) {
          execution.steps(proc, run, mayBegin && isOfThisLife(proc, run), steps);
        }
        harm(proc, mayBegin, steps);
      }
    }
    arrivals(steps);
    mail(steps);
    failOver(steps);
    time(steps);
    return steps.found;
  }

  /** A lease is that of an incarnation: what was claimed by an earlier one begins nothing. */
  private boolean isOfThisLife(Proc proc, Holding run) {
    return scenario.variant == Variant.LEASE_OF_ANOTHER_LIFE
        || run.grant().holder().equals(proc.incarnation());
  }

  // claims of runs

  private void claim(Proc proc, ModelSteps steps) {
    ModelState from = steps.from;
    List<String> due = from.store().due("@");
    for (String key : due) {
      String words = proc.name() + " claims " + key;
      ModelState after = from.with(from.store().take(List.of(key), upkeep.grant(proc, from)));
      steps.own(words, handed(after, proc.granted(), key));
      if (from.may(Harm.LOST)) {
        steps.harm(
            Harm.LOST, words + ", the answer is lost", after.with(proc.granted().suspecting(true)));
      }
    }
    if (from.may(Harm.HINT)) {
      for (String key : from.store().queuedRuns()) {
        if (!due.contains(key)) {
          ModelState after = from.with(from.store().take(List.of(key), upkeep.grant(proc, from)));
          steps.harm(
              Harm.HINT,
              proc.name() + " claims " + key + " by name, which is not due",
              handed(after, proc.granted(), key));
        }
      }
    }
  }

  private static ModelState handed(ModelState after, Proc proc, String key) {
    List<Holding> runs = new ArrayList<>(proc.runs());
    runs.addAll(ModelUpkeep.holdings(after.store(), List.of(key)));
    return after.with(proc.running(runs));
  }

  // what the environment does

  private void harm(Proc proc, boolean mayBegin, ModelSteps steps) {
    ModelState from = steps.from;
    boolean others = from.procs().stream().anyMatch(p -> p != proc && p.alive());
    if (from.may(Harm.CRASH) && others) {
      steps.harm(Harm.CRASH, proc.name() + " dies", from.with(proc.gone()));
    }
    if (from.may(Harm.SLOW) && proc.punctual() && proc.version() > 0) {
      String key = proc.id(scenario.partitions).key();
      ModelState after = from.with(from.store().expired(key));
      steps.harm(
          Harm.SLOW,
          proc.name() + " is slow: its lease ends, its record expires",
          after.with(proc.member(proc.version(), proc.unanswered(), Lease.SLOW)));
    }
    if (from.may(Harm.LATE) && mayBegin) {
      for (String queue : scenario.lateQueues()) {
        if (!queue.equals(Membership.FLEET) || members.mayJudge(proc)) {
          List<Late> late = new ArrayList<>(from.late());
          late.add(new Late(proc.index(), proc.life(), upkeep.grant(proc, from).number(), queue));
          steps.harm(
              Harm.LATE,
              proc.name() + " sends a claim of " + queue + ", which is long under way",
              from.with(proc.granted()).withLate(late));
        }
      }
    }
    if (from.may(Harm.LEAVE) && others && proc.runs().isEmpty() && proc.job() == null) {
      leave(proc, steps);
    }
  }

  /**
   * A process leaves that executes nothing any more. It deletes its record only when nothing can be
   * held in its name; otherwise the record becomes due, and the others take over.
   */
  private void leave(Proc proc, ModelSteps steps) {
    ModelState from = steps.from;
    boolean sure =
        !proc.suspect()
            && !proc.former()
            && from.late().stream().noneMatch(l -> l.proc() == proc.index());
    boolean empty = sure || scenario.variant == Variant.LEAVES_AS_EMPTY;
    Change change =
        members.view(proc).member().leave("leave " + proc.name(), empty, from.store().now);
    ModelState after = from.with(from.store().apply(change).after());
    steps.harm(
        Harm.LEAVE,
        proc.name() + (empty ? " leaves and deletes its record" : " leaves, to be taken over"),
        after.with(proc.gone()));
  }

  /**
   * A claim arrives that was long under way.
   *
   * <p>An assumption about time is made here: when it asks for records of the dead, it is not so
   * late that its sender's own is among them. A process asks only within half an expiry after a
   * heartbeat, so the claim would have to be under way for the other half.
   */
  private void arrivals(ModelSteps steps) {
    ModelState from = steps.from;
    for (Late late : from.late()) {
      List<Late> rest = new ArrayList<>(from.late());
      rest.remove(late);
      String whose = Proc.incarnation(late.proc(), late.life());
      Proc proc = from.procs().get(late.proc());
      Grant grant = new Grant(whose, late.number());
      List<String> due = new ArrayList<>(from.store().due(late.queue()));
      due.remove(Proc.id(whose, scenario.partitions).key());
      for (String key : due) {
        ModelState after = from.with(from.store().take(List.of(key), grant)).withLate(rest);
        String words = "the late claim of " + whose + " is handed " + key;
        if (!proc.alive()) {
          steps.maybe(words, after);
        } else {
          steps.maybe(words + ", nobody waits for the answer", after.with(proc.suspecting(true)));
          if (late.queue().equals("@")) {
            steps.maybe(words, handed(after, proc, key));
          }
        }
      }
      if (due.isEmpty()) {
        steps.maybe("the late claim of " + whose + " finds nothing", from.withLate(rest));
      }
    }
  }

  private void mail(ModelSteps steps) {
    ModelState from = steps.from;
    RecordId target = RecordId.of(scenario.roots.get(0).id(), scenario.partitions);
    if (from.may(Harm.SIGNAL)) {
      int number = from.harms().left(Harm.SIGNAL);
      Change signal =
          Runs.signal("s" + number, target, ModelAgent.SIGNAL, "s" + number, new byte[0]);
      steps.harm(
          Harm.SIGNAL,
          "a signal is sent to " + target.key(),
          from.with(from.store().apply(signal).after()));
    }
    if (from.may(Harm.CANCEL)) {
      Change cancel = Runs.cancel("cancel", target, "not needed");
      steps.harm(
          Harm.CANCEL,
          "somebody cancels " + target.key(),
          from.with(from.store().apply(cancel).after()));
    }
    if (from.may(Harm.STALL)) {
      ModelState after = from;
      for (Proc proc : from.procs()) {
        if (proc.alive() && proc.punctual()) {
          String key = proc.id(scenario.partitions).key();
          after = after.with(after.store().expired(key));
          after = after.with(proc.member(proc.version(), proc.unanswered(), Lease.STALLED));
        }
      }
      steps.harm(Harm.STALL, "the store stands still, all leases end", after);
    }
  }

  private void failOver(ModelSteps steps) {
    ModelState from = steps.from;
    if (from.may(Harm.FAILOVER)) {
      if (from.snapshot() == null) {
        steps.maybe("the store's copy falls behind", from.remember(from.store()));
      } else {
        steps.harm(
            Harm.FAILOVER,
            "the store fails over to its copy",
            from.with(from.snapshot()).remember(null));
      }
    }
  }

  /**
   * Time passes: the record of a process that beats no more expires, or the next timer is due.
   *
   * <p>An assumption about time is made here: when the record of a dead process has been put back
   * for one more expiry and that is over too, no claim of that process is under way any more.
   */
  private void time(ModelSteps steps) {
    ModelState from = steps.from;
    Instant now = from.store().now;
    Instant next = Runs.NEVER;
    for (ModelRecord record : from.store().all()) {
      if (!(record.place instanceof Place.Queued queued) || !queued.due().isAfter(now)) {
        continue;
      }
      if (record.isRun() && queued.due().isBefore(next)) {
        next = queued.due();
      }
      if (record.isProcess()) {
        String whose = Membership.incarnation(record.id);
        if (from.procs().stream().noneMatch(p -> p.alive() && p.incarnation().equals(whose))) {
          boolean twice = Membership.isGone(record.whole(now));
          List<Late> late = new ArrayList<>(from.late());
          late.removeIf(l -> twice && Proc.incarnation(l.proc(), l.life()).equals(whose));
          steps.own(
              "the record of " + whose + " expires" + (twice ? " once more" : ""),
              from.with(from.store().expired(record.key())).withLate(late));
        }
      }
    }
    if (next.isBefore(Runs.NEVER)) {
      steps.own("time passes until a timer is due", from.with(from.store().at(next)));
    }
  }

  // what must hold

  /** What is wrong with a state, null when nothing is. */
  String fault(ModelState state) {
    TreeMap<String, String> writers = new TreeMap<>();
    for (Proc proc : state.procs()) {
      for (Holding holding : holdings(proc)) {
        ModelRecord record = state.store().get(holding.key());
        if (state.store().passes(record, holding.grant())) {
          String other = writers.put(holding.key(), proc.name());
          if (other != null) {
            return "two writers of " + holding.key() + ": " + other + " and " + proc.name();
          }
        }
      }
    }
    for (ModelRecord record : state.store().all()) {
      if (record.isRun()
          && record.place instanceof Place.Queued queued
          && queued.due().isAfter(state.store().now)
          && record.mail.size() >= queued.wakeAtMail()) {
        return "a lost wake-up: " + record.key() + " is not due, and has mail that woke nobody";
      }
      String result = Mailbox.CHILD + ModelAgent.CALL;
      if (record.mail.stream().filter(l -> l.name().startsWith(result)).count() > 1) {
        return "the result of the child came twice";
      }
    }
    return laneFault(state);
  }

  private String laneFault(ModelState state) {
    for (int i = 0; i < scenario.roots.size(); i++) {
      RunHeader earlier = scenario.roots.get(i);
      String lane = earlier.terms().lane();
      ModelRecord first = state.store().get(earlier.id());
      for (RunHeader later : scenario.roots.subList(i + 1, scenario.roots.size())) {
        if (lane != null
            && lane.equals(later.terms().lane())
            && !first.hasEnded()
            && !(state.store().get(later.id()).place instanceof Place.Queued)) {
          return "in their lane " + later.id() + " is before " + earlier.id();
        }
      }
    }
    return null;
  }

  private static List<Holding> holdings(Proc proc) {
    List<Holding> all = new ArrayList<>(proc.runs());
    Job job = proc.job();
    if (job != null) {
      all.addAll(job.inHand());
      if (job.duty() != null) {
        all.add(job.duty());
      }
    }
    return all;
  }

  /**
   * Whether all is well at rest: nobody holds a run, nothing waits for a relay, and each run has
   * ended, waits for what nobody has sent, or stands in a lane behind one that waits.
   *
   * <p>From <em>every</em> state, whatever the environment has done, such a state must be within
   * reach by own steps alone. A state from where it is not is stuck: a run could go on and nothing
   * that will happen by itself ever moves it, be it because nothing happens at all or because what
   * happens goes in a circle.
   */
  boolean atRest(ModelState state) {
    for (ModelRecord record : state.store().all()) {
      if (Outbox.isOutbox(record.key())) {
        return false;
      }
      if (record.isRun() && !record.hasEnded() && state.store().heads(record)) {
        boolean waits =
            record.place instanceof Place.Queued queued
                && queued.due().equals(Runs.NEVER)
                && scenario.agents.get(record.key()).waitsRightly(state.store(), record);
        if (!waits) {
          return false;
        }
      }
    }
    return true;
  }
}
