package dev.troupe.run;

import dev.troupe.run.ModelState.Harm;
import dev.troupe.run.ModelState.Holding;
import dev.troupe.run.ModelState.Job;
import dev.troupe.run.ModelState.Lease;
import dev.troupe.run.ModelState.Proc;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Place;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What a process does beside executing runs, one thing at a time: verdicts and take-overs, relaying
 * outbox records, re-taking what it holds and does not run. As {@code Upkeep}, {@code TakeOver} and
 * {@code ClaimLoop} do.
 */
final class ModelUpkeep {
  private final ModelScenario scenario;
  private final ModelExecution execution;
  private final ModelMember members;

  ModelUpkeep(ModelScenario scenario, ModelExecution execution, ModelMember members) {
    this.scenario = scenario;
    this.execution = execution;
    this.members = members;
  }

  // claims

  Grant grant(Proc proc, ModelState from) {
    return new Grant(proc.incarnation(), from.freeNumber(proc, scenario.forgets()));
  }

  /** The records of a claim's answer. */
  static List<Holding> holdings(ModelStore store, List<String> keys) {
    List<Holding> held = new ArrayList<>();
    for (String key : keys) {
      ModelRecord record = store.get(key);
      held.add(Holding.of(record, ((Place.Held) record.place).grant()));
    }
    return held;
  }

  /** A claim took records and the process does not know. */
  static ModelState unanswered(ModelState after, Proc proc) {
    return after.with(proc.granted().doing(null).suspecting(true));
  }

  void steps(Proc proc, ModelSteps steps) {
    boolean mayClaim =
        proc.version() > 0 || scenario.variant == Variant.CLAIMS_BEFORE_IT_HAS_JOINED;
    if (!mayClaim && (proc.job() == null || proc.job().inHand().isEmpty())) {
      return; // nobody would take over what a process holds that has no record
    }
    if (proc.job() != null) {
      goOn(proc, proc.job(), steps);
      return;
    }
    boolean mayJudge = members.mayJudge(proc);
    boolean hasty = scenario.variant == Variant.JUDGES_AT_ONCE && proc.punctual();
    if (mayJudge || hasty) {
      verdict(proc, steps);
    }
    for (String key : steps.from.store().due(Outbox.QUEUE)) {
      relay(proc, key, steps);
    }
    if (proc.former()) {
      Job job = new Job(Job.Kind.FORMER, former(proc), null, List.of());
      steps.own(
          proc.name() + " looks for what it held as " + job.holder(),
          steps.from.with(proc.looking(job)));
    }
    if (scenario.variant != Variant.NOTHING_RE_TAKEN
        && scenario.variant != Variant.VERSION_IS_FENCE_AND_MAILBOX) {
      reTake(proc, steps);
    }
  }

  private static String former(Proc proc) {
    return Proc.incarnation(proc.index(), proc.life() - 1);
  }

  private void verdict(Proc proc, ModelSteps steps) {
    for (String key : steps.from.store().due(Membership.FLEET)) {
      ModelStore store = steps.from.store().take(List.of(key), grant(proc, steps.from));
      Holding duty = holdings(store, List.of(key)).get(0);
      String dead = Membership.incarnation(duty.known().id);
      ModelState after = steps.from.with(store);
      String words = proc.name() + " is handed the record of " + dead + " and takes over";
      ModelState next =
          after.with(proc.granted().doing(new Job(Job.Kind.TAKE_OVER, dead, duty, List.of())));
      if (scenario.stalls() && !scenario.ignoresNeedless && isNeedless(dead, steps.from)) {
        steps.fault(words, next, "a process is declared dead that only the store had kept waiting");
      } else {
        steps.own(words, next);
      }
      if (steps.from.may(Harm.LOST)) {
        steps.harm(Harm.LOST, words + ", the answer is lost", unanswered(after, proc));
      }
    }
  }

  /** Whether the process lives and was not slow by itself. */
  private static boolean isNeedless(String incarnation, ModelState from) {
    return from.procs().stream()
        .anyMatch(p -> p.alive() && p.incarnation().equals(incarnation) && p.lease() != Lease.SLOW);
  }

  private void relay(Proc proc, String key, ModelSteps steps) {
    ModelStore store = steps.from.store().take(List.of(key), grant(proc, steps.from));
    ModelState after = steps.from.with(store);
    Job job = new Job(Job.Kind.RELAY, "", null, holdings(store, List.of(key)));
    String words = proc.name() + " takes an outbox record to relay it";
    steps.own(words, after.with(proc.granted().doing(job)));
    if (steps.from.may(Harm.LOST)) {
      steps.harm(Harm.LOST, words + ", the answer is lost", unanswered(after, proc));
    }
  }

  /** Done after each heartbeat, hence always sooner or later. */
  private void reTake(Proc proc, ModelSteps steps) {
    Set<Long> known = new HashSet<>();
    proc.runs().forEach(run -> known.add(run.grant().number()));
    List<String> keys = steps.from.store().heldBy(proc.incarnation(), known);
    if (!keys.isEmpty()) {
      String words = proc.name() + " takes again what it holds and does not run: " + keys;
      ModelStore store = steps.from.store().take(keys, grant(proc, steps.from));
      Job job = new Job(Job.Kind.RE_TAKE, proc.incarnation(), null, holdings(store, keys));
      ModelState after = steps.from.with(store);
      steps.own(words, after.with(proc.granted().doing(job)));
      if (steps.from.may(Harm.LOST)) {
        steps.harm(Harm.LOST, words + ", the answer is lost", unanswered(after, proc));
      }
    } else if (proc.suspect()) {
      steps.own(
          proc.name() + " makes sure that it holds nothing that it does not run",
          steps.from.with(proc.suspecting(false)));
    }
  }

  // one thing after another

  private void goOn(Proc proc, Job job, ModelSteps steps) {
    switch (job.kind()) {
      case RELAY -> deliver(proc, job, steps);
      case RELAYED -> delivered(proc, job, steps);
      case TAKE_OVER, FORMER, RE_TAKE -> {
        if (job.inHand().isEmpty()) {
          more(proc, job, steps);
        } else {
          putBack(proc, job, steps);
        }
      }
    }
  }

  private void more(Proc proc, Job job, ModelSteps steps) {
    boolean last =
        scenario.variant == Variant.RECORD_DELETED_FIRST && job.kind() == Job.Kind.TAKE_OVER;
    List<String> keys =
        job.kind() == Job.Kind.RE_TAKE
            ? List.of()
            : steps.from.store().heldBy(job.holder(), Set.of());
    if (last && isThere(job, steps.from)) {
      takenOver(proc, job, steps);
    } else if (!keys.isEmpty()) {
      ModelStore store = steps.from.store().take(keys, grant(proc, steps.from));
      ModelState after = steps.from.with(store);
      String words = proc.name() + " takes what " + job.holder() + " holds: " + keys;
      steps.own(words, after.with(proc.granted().doing(job.with(holdings(store, keys)))));
      if (steps.from.may(Harm.LOST)) {
        steps.harm(Harm.LOST, words + ", the answer is lost", unanswered(after, proc));
      }
    } else if (job.kind() == Job.Kind.TAKE_OVER && !last) {
      takenOver(proc, job, steps);
    } else {
      steps.own(proc.name() + " finds nothing more to put back", steps.from.with(proc.doing(null)));
    }
  }

  private static boolean isThere(Job job, ModelState from) {
    return from.store().get(job.duty().key()) != null;
  }

  private void putBack(Proc proc, Job job, ModelSteps steps) {
    Holding first = job.inHand().get(0);
    boolean died = job.kind() != Job.Kind.RE_TAKE;
    Change change = execution.back(first, died, steps.from.store().now);
    Job rest = job.with(job.inHand().subList(1, job.inHand().size()));
    change(proc, change, rest, proc.name() + " puts " + first.key() + " back", steps);
  }

  /** A change whose outcome changes nothing in what follows. */
  private void change(Proc proc, Change change, Job next, String words, ModelSteps steps) {
    ModelStore.Applied applied = steps.apply(words, change);
    ModelState after = steps.from.with(applied.after());
    String refused = applied.done() ? "" : ", which is refused";
    steps.own(words + refused, after.with(proc.doing(next)));
    if (steps.from.may(Harm.LOST)) {
      // sent again at once it would come to the same; here the process gives up
      steps.harm(
          Harm.LOST, words + ", the answer is lost", after.with(proc.doing(null).suspecting(true)));
    }
  }

  private void takenOver(Proc proc, Job job, ModelSteps steps) {
    Instant now = steps.from.store().now;
    Holding duty = job.duty();
    String id = "over " + duty.grant().holder() + "." + duty.grant().number();
    Membership member = members.view(proc).member();
    Change change = member.takenOver(id, duty.known().whole(now), duty.grant(), now);
    String words = proc.name() + " ends the take-over of " + job.holder();
    boolean first = scenario.variant == Variant.RECORD_DELETED_FIRST;
    if (first || scenario.variant == Variant.RECORD_DELETED_AT_ONCE) {
      Edit fence = new Edit.Held(duty.key(), duty.grant());
      change = new Change(id, change.partition(), List.of(fence, new Edit.Delete(duty.key())));
    }
    boolean deletes = change.edits().get(change.edits().size() - 1) instanceof Edit.Delete;
    words += deletes ? " and deletes its record" : " and puts its record back for one more expiry";
    change(proc, change, first ? job : null, words, steps);
  }

  private void deliver(Proc proc, Job job, ModelSteps steps) {
    Holding record = job.inHand().get(0);
    String id = "relay " + record.grant().holder() + "." + record.grant().number();
    Change change =
        scenario.variant.bendDelivery(
            Outbox.deliver(id, record.known().whole(steps.from.store().now), scenario.partitions));
    String target = change.edits().get(0).key();
    Job next = new Job(Job.Kind.RELAYED, "", null, job.inHand());
    change(proc, change, next, proc.name() + " delivers to " + target, steps);
  }

  private void delivered(Proc proc, Job job, ModelSteps steps) {
    Holding record = job.inHand().get(0);
    String id = "gone " + record.grant().holder() + "." + record.grant().number();
    Change change = Outbox.delivered(id, record.known().whole(steps.from.store().now));
    change(proc, change, null, proc.name() + " removes the outbox record", steps);
  }
}
