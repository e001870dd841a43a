package dev.troupe.run.sim;

import dev.troupe.run.Entry;
import dev.troupe.run.Membership;
import dev.troupe.run.RunRecord;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Place;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What really happened, seen from outside of all processes, and the invariants that must hold at
 * every moment.
 */
final class Truth {
  /** An invariant does not hold. */
  static final class Violation extends Error {
    private static final long serialVersionUID = 1L;
    final String run;

    Violation(String run, String words) {
      super(words, null, false, false);
      this.run = run;
    }
  }

  private final Timeline time;
  private final Map<String, Grant> holders = new HashMap<>();
  private final Map<String, String> holdersBefore = new HashMap<>();
  private final Map<String, Deque<String>> lanes = new HashMap<>();
  private final Set<String> ended = new HashSet<>();
  private final Set<String> fromItself = new HashSet<>();
  private final Map<String, Integer> takenUp = new HashMap<>();
  // by run and path
  private final Map<String, byte[]> journaled = new HashMap<>();
  private final Set<String> intents = new HashSet<>();
  private final Set<String> performed = new HashSet<>();
  private final Map<String, List<String>> undone = new HashMap<>();
  // by incarnation
  private final Map<String, Instant> expires = new HashMap<>();
  private final Map<String, Integer> processOf = new HashMap<>();
  private final Set<String> joined = new HashSet<>();
  private final Set<String> buried = new HashSet<>();
  private final Map<Grant, Integer> sleepwalkers = new HashMap<>();
  // by process
  private final Map<Integer, Long> troubles = new HashMap<>();
  private final Set<Integer> dead = new HashSet<>();
  private long jumpedAt = Long.MIN_VALUE / 2;
  int effects;
  int undos;
  int takeOvers;

  Truth(Timeline time) {
    this.time = time;
  }

  static Violation violation(String run, String words, Object... details) {
    return new Violation(run, words.formatted(details));
  }

  private static String at(String run, String path) {
    return run + "\n" + path;
  }

  // processes

  void isIncarnation(int process, Membership member) {
    processOf.put(member.incarnation(), process);
  }

  /** Something that a process can't help keeps it from its heartbeats. */
  void troubled(int process, long until) {
    troubles.merge(process, until, Math::max);
  }

  void died(int process) {
    dead.add(process);
  }

  /** The store's clock jumped by more than a lease can bear. */
  void jumped() {
    jumpedAt = time.now();
  }

  /**
   * Whether a claim came to the store when its process was dead for so long that its record was
   * removed, and nobody has given back what was handed out. A process that lives does; one that
   * dies at this very moment can't, and that is beyond what the protocol covers.
   */
  boolean isHaunted() {
    return holders.values().stream().map(sleepwalkers::get).anyMatch(dead::contains);
  }

  private boolean jumpedLately() {
    return time.now() - jumpedAt < 3 * Faults.EXPIRY;
  }

  // what the store has done

  void claimed(Network.Caller by, Claim claim, Stored record, long sent) {
    String key = record.id().key();
    Grant before = holders.put(key, claim.grant());
    holdersBefore.put(key, before == null ? "" : before.holder());
    if (!joined.contains(claim.grant().holder())) {
      throw violation(key, "was handed to %s, who has never joined", claim.grant());
    }
    if (before != null && !(claim.from() instanceof Claim.From.HeldBy)) {
      throw violation(key, "was handed to %s while it was held by %s", claim.grant(), before);
    }
    if (buried.contains(claim.grant().holder())) {
      sleepwalkers.put(claim.grant(), by.number());
    }
    if (claim.from() instanceof Claim.From.Due && key.startsWith("process-")) {
      judged(by, record, sent);
    }
    if (isRun(record) && ((Place.Held) record.place()).lane() != null) {
      String lane = record.id().partition() + " " + ((Place.Held) record.place()).lane();
      String first = lanes.getOrDefault(lane, new ArrayDeque<>()).peekFirst();
      if (!key.equals(first)) {
        throw violation(key, "was handed out though its lane begins with %s", first);
      }
    }
  }

  private void judged(Network.Caller by, Stored record, long sent) {
    takeOvers++;
    String incarnation = Membership.incarnation(record.id());
    Instant due = expires.remove(incarnation);
    time.tell(by.number(), "judges", "", incarnation, 0);
    Integer process = processOf.get(incarnation);
    if (due == null || process == null || dead.contains(process) || jumpedLately()) {
      return;
    }
    if (time.now() - sent > Faults.EXPIRY / 4) {
      return; // the store stood still while it was asked
    }
    long since = troubles.getOrDefault(process, Long.MIN_VALUE / 2);
    if (time.now() - since > 2 * Faults.EXPIRY) {
      throw violation(
          "",
          "process %d was declared dead by process %d though nothing but a store that stood still"
              + " kept it from its heartbeats",
          process,
          by.number());
    }
  }

  void applied(Change change, Instant now) {
    Grant fence = null;
    for (Edit edit : change.edits()) {
      String key = edit.key();
      if (edit instanceof Edit.Held held) {
        fence = held.grant();
        if (!held.grant().equals(holders.get(key))) {
          throw violation(
              key, "was written under %s while %s holds it", held.grant(), holders.get(key));
        }
      } else if (edit instanceof Edit.Row row) {
        row(row, fence);
      } else if (edit instanceof Edit.Put put) {
        put(put, fence);
      } else if (edit instanceof Edit.Queue queue) {
        queued(change, queue);
      } else if (edit instanceof Edit.Release || edit instanceof Edit.Delete) {
        holders.remove(key);
        lanes.values().forEach(lane -> lane.remove(key));
        if (edit instanceof Edit.Delete && key.startsWith("process-")) {
          expires.remove(key.substring("process-".length()));
          buried.add(key.substring("process-".length()));
        }
      }
    }
  }

  private void queued(Change change, Edit.Queue queue) {
    String key = queue.key();
    holders.remove(key);
    if (queue.lane() != null) {
      String lane = change.partition() + " " + queue.lane();
      Deque<String> order = lanes.computeIfAbsent(lane, l -> new ArrayDeque<>());
      if (!order.contains(key)) {
        order.addLast(key);
      }
    }
    if (queue.queue().equals(Membership.FLEET)) {
      String incarnation = key.substring("process-".length());
      boolean takenOver = change.edits().get(0) instanceof Edit.Held;
      if (!takenOver && change.edits().size() == 3 && change.edits().get(1) instanceof Edit.Put) {
        joined.add(incarnation);
        expires.put(incarnation, queue.due());
      } else {
        processOf.remove(incarnation); // it has left, or is dead
      }
    }
  }

  private void row(Edit.Row row, Grant fence) {
    byte[] value = row.value();
    String path = row.row();
    if (path.equals("$deaths")) {
      takenUp.merge(row.key(), 1, Integer::sum);
      boolean itself = fence != null && fence.holder().equals(holdersBefore.get(row.key()));
      if (itself && !fromItself.add(at(row.key(), fence.holder()))) {
        throw violation(row.key(), "was taken over by %s from itself again", fence.holder());
      }
    }
    if (path.indexOf('#') < 0 || path.startsWith("$")) {
      return;
    }
    if (fence == null) {
      throw violation(row.key(), "row %s was written without a grant", path);
    }
    if (value == null) {
      throw violation(row.key(), "row %s was removed", path);
    }
    if (ended.contains(row.key())) {
      throw violation(row.key(), "row %s was written after the end", path);
    }
    byte[] before = journaled.put(at(row.key(), path), value);
    boolean called = before != null && Entry.decode(before, path).kind() == Entry.Kind.CALL;
    if (before != null && !called && !Arrays.equals(before, value)) { // a call may turn out late
      throw violation(row.key(), "what was journaled at %s was replaced by something else", path);
    }
  }

  private void put(Edit.Put put, Grant fence) {
    String state = put.tags().get(RunRecord.STATE);
    if (state == null || state.equals("live")) {
      return;
    }
    if (fence == null || !ended.add(put.key())) {
      throw violation(put.key(), "ended twice, or by somebody who did not hold it");
    }
    time.tell(-1, "ends", put.key(), state, 0);
  }

  private static boolean isRun(Stored record) {
    return "run".equals(record.tags().get(RunRecord.KIND));
  }

  boolean hasEnded(String run) {
    return ended.contains(run);
  }

  int timesTakenUp(String run) {
    return takenUp.getOrDefault(run, 0);
  }

  // effects

  /** An effect begins in a process. */
  void begins(SimRun run, String path, int attempt, boolean once, Instant now) {
    String id = run.runId();
    effects++;
    time.tell(run.process.number(), "effect", id, path, attempt);
    if (path.startsWith("undo/")) {
      undoing(id, path);
    }
    if (jumpedLately()) {
      return; // a lease can't know that the store's clock jumped
    }
    if (journaled.containsKey(at(id, path))) {
      throw violation(id, "effect %s is made again after its result was journaled", path);
    }
    if (once && !intents.add(at(id, path) + "\n" + attempt)) {
      throw violation(id, "attempt %d at %s is made again, which is forbidden", attempt, path);
    }
    Grant holder = holders.get(id);
    Grant mine = run.journal().grant();
    if (holder == null || !holder.holder().equals(mine.holder())) {
      throw violation(id, "effect %s begins under %s while %s holds it", path, mine, holder);
    }
    Instant due = expires.get(mine.holder());
    if (due == null || !due.isAfter(now)) {
      throw violation(id, "effect %s begins outside of the lease of %s", path, mine.holder());
    }
  }

  private void undoing(String run, String path) {
    undos++;
    List<String> order = undone.computeIfAbsent(run, r -> new ArrayList<>());
    if (order.contains(path)) {
      return; // another attempt
    }
    for (String other : order) {
      if (!journaled.containsKey(at(run, other))) {
        throw violation(run, "%s begins before %s is over", path, other);
      }
    }
    order.add(path);
  }

  /** What was undone of a run, in order. */
  List<String> undone(String run) {
    return undone.getOrDefault(run, List.of());
  }

  void performs(SimRun run, String path, int attempt) {
    performed.add(at(run.runId(), path));
    performed.add(at(run.runId(), path) + "\n" + attempt);
    time.tell(run.process.number(), "performed", run.runId(), path, attempt);
  }

  boolean wasPerformed(String run, String path) {
    return performed.contains(at(run, path));
  }

  boolean wasPerformed(String run, String path, int attempt) {
    return performed.contains(at(run, path) + "\n" + attempt);
  }

  /** A wait that only time ends is over. */
  void passed(String run, String path, Instant due, Instant now, long tolerance) {
    if (now.plusMillis(tolerance).isBefore(due)) {
      throw violation(run, "%s was due at %s and is over at %s", path, due, now);
    }
  }
}
