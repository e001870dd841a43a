package dev.troupe.run;

import dev.troupe.run.ModelState.Harm;
import dev.troupe.run.ModelState.Lease;
import dev.troupe.run.ModelState.Proc;
import dev.troupe.state.Change;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How a process is a member of its fleet, by the engine's {@link Membership}, which is made anew
 * for each step and told the heartbeats that lead to where the process stands.
 *
 * <p>A heartbeat is a step only where it makes a difference: to a process that has not joined, was
 * slow, misses an answer, or was judged. A heartbeat in good time changes nothing that anybody asks
 * for. So time is not counted: a record expires when the environment makes its process slow, or
 * when the process is dead.
 */
final class ModelMember {
  private static final long EXPIRY = ModelScenario.EXPIRY.toNanos();

  private final ModelScenario scenario;

  ModelMember(ModelScenario scenario) {
    this.scenario = scenario;
  }

  /** The engine's view of a process, and its monotonic time. */
  record View(Membership member, long nanos) {}

  /** What a process may do; it depends on nothing but these two. */
  private record Standing(Lease lease, boolean joined) {}

  private final Map<Standing, Boolean> mayBegin = new HashMap<>();
  private final Map<Standing, Boolean> mayJudge = new HashMap<>();

  boolean mayBegin(Proc proc) {
    return mayBegin.computeIfAbsent(
        new Standing(proc.lease(), proc.version() > 0),
        s -> {
          View view = view(proc);
          return view.member.beginsUntil() - view.nanos > 0;
        });
  }

  boolean mayJudge(Proc proc) {
    return mayJudge.computeIfAbsent(
        new Standing(proc.lease(), proc.version() > 0),
        s -> {
          View view = view(proc);
          return view.member.mayJudge(view.nanos);
        });
  }

  View view(Proc proc) {
    Membership member =
        new Membership(proc.incarnation(), scenario.partitions, ModelScenario.EXPIRY);
    if (proc.version() > 0) {
      beaten(member, proc, 0);
      if (proc.lease() == Lease.STEADY) {
        beaten(member, proc, EXPIRY * 2 / 5);
        beaten(member, proc, EXPIRY * 4 / 5);
      }
    }
    proc.unanswered().forEach(id -> member.beat(id, new byte[0], ModelState.BEGIN));
    long nanos = proc.lease() == Lease.FRESH ? 0 : proc.punctual() ? EXPIRY : 3 * EXPIRY;
    return new View(member, nanos);
  }

  private static void beaten(Membership member, Proc proc, long nanos) {
    Instant now = ModelState.BEGIN.plusNanos(nanos);
    Outcome done =
        new Outcome.Done(
            now, List.of(new Outcome.Seen(member.id().key(), proc.version(), 0, true, null)));
    member.answered(done, now, nanos, nanos);
  }

  /** Heartbeats, and the time that passes in which they go through. */
  void steps(Proc proc, ModelSteps steps) {
    if (!proc.punctual() || proc.version() == 0 || !proc.unanswered().isEmpty()) {
      beat(proc, steps);
    } else if (!isInOrder(proc, steps.from)) {
      beat(proc, steps);
    } else if (steps.from.may(Harm.BEAT_LOST)) {
      Change change = change(view(proc), proc, steps.from);
      ModelState after = steps.from.with(steps.from.store().apply(change).after());
      steps.harm(
          Harm.BEAT_LOST,
          proc.name() + " beats, the answer is lost",
          after.with(missing(proc, change.id())));
    }
    // in the time that this takes everybody beats whom only the store had kept from it
    boolean allBeat = steps.from.procs().stream().noneMatch(p -> p.lease() == Lease.STALLED);
    boolean matters = !steps.from.store().due(Membership.FLEET).isEmpty();
    if (proc.lease() == Lease.FRESH && proc.version() > 0 && allBeat && matters) {
      steps.own(
          proc.name() + " has beaten for a whole expiry",
          steps.from.with(proc.member(proc.version(), proc.unanswered(), Lease.STEADY)));
    }
  }

  private boolean isInOrder(Proc proc, ModelState from) {
    ModelRecord record = from.store().get(proc.id(scenario.partitions).key());
    return record != null
        && record.version == proc.version()
        && record.place instanceof Place.Queued queued
        && queued.due().isAfter(from.store().now);
  }

  private Change change(View view, Proc proc, ModelState from) {
    String id =
        "beat " + proc.incarnation() + "." + proc.version() + "." + proc.unanswered().size();
    return view.member.beat(id, new byte[0], from.store().now);
  }

  private static Proc missing(Proc proc, String change) {
    List<String> more = new ArrayList<>(proc.unanswered());
    more.add(change);
    return proc.member(proc.version(), List.copyOf(more), proc.lease());
  }

  private void beat(Proc proc, ModelSteps steps) {
    ModelState from = steps.from;
    View view = view(proc);
    Change change = change(view, proc, from);
    ModelStore.Applied applied = from.store().apply(change);
    ModelState after = from.with(applied.after());
    Outcome outcome = bent(applied.outcome());
    Membership.Standing standing =
        view.member.answered(outcome, from.store().now, view.nanos, view.nanos);
    String words = proc.name() + " beats";
    switch (standing) {
      case MEMBER -> {
        long version = ((Outcome.Done) outcome).seen().get(0).version();
        Lease lease = proc.lease() == Lease.STEADY ? Lease.STEADY : Lease.FRESH;
        steps.own(
            words + (proc.version() == 0 ? ", joining as another" : ""),
            after.with(proc.member(version, List.of(), lease)));
        if (from.may(Harm.BEAT_LOST)) {
          steps.harm(
              Harm.BEAT_LOST,
              words + ", the answer is lost",
              after.with(missing(proc, change.id())));
        }
      }
      case UNSURE -> {
        long version = ((Outcome.Refused) outcome).found().version();
        steps.own(
            words + " and finds that a heartbeat without an answer was done",
            from.with(proc.member(version, proc.unanswered(), proc.lease())));
      }
      case DEAD ->
          steps.own(
              words + ", finds that it was declared dead, lets go of all and begins anew",
              from.with(proc.again()));
    }
  }

  /** In one variant a process does not notice that its record is held by another. */
  private Outcome bent(Outcome outcome) {
    if (scenario.variant != Variant.BEAT_REGAINS_A_JUDGED_RECORD
        || !(outcome instanceof Outcome.Refused refused)
        || refused.found() == null) {
      return outcome;
    }
    Stored found = refused.found();
    Stored queued =
        Stored.builder(found.id(), found.now())
            .version(found.version(), found.lastChange())
            .place(new Place.Queued(Membership.FLEET, 0, found.now(), null, Long.MAX_VALUE))
            .build();
    return new Outcome.Refused(refused.now(), refused.because(), queued);
  }
}
