package dev.troupe.run;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import java.util.ArrayList;
import java.util.List;

/**
 * The protocol as it is, and ways to get it wrong. A wrong one bends what the engine sends, or what
 * the store or a process makes of it; the engine's own code is the same in all.
 */
enum Variant {
  RIGHT("the protocol as it is"),
  VERSION_IS_FENCE_AND_MAILBOX(
      "mail raises the version, every write of the holder is guarded by the version, nothing is"
          + " re-taken"),
  PARK_CHECKS_ONLY_OWNERSHIP("a run parks whether or not mail came since it looked"),
  PARK_ON_WHAT_WAS_FETCHED(
      "a run parks on the mail that its process has fetched, not on the mail that its code has"
          + " seen"),
  COUNTING_FENCE("a grant is a count kept in the record, without the name of its holder"),
  NOTHING_RE_TAKEN("a process does not ask for what it holds and does not run"),
  RECORD_DELETED_AT_ONCE("a take-over deletes the record of the dead process at once"),
  RECORD_DELETED_FIRST(
      "a take-over deletes the record of the dead process before its runs are back"),
  LEAVES_AS_EMPTY("a process that leaves deletes its record though the answer to a claim was lost"),
  BEAT_REGAINS_A_JUDGED_RECORD(
      "a process knows its record by its unanswered heartbeat, also when somebody holds the record"
          + " by now"),
  EFFECTS_WITHOUT_LEASE("an effect begins whether or not the process has its lease"),
  LEASE_OF_ANOTHER_LIFE(
      "an effect begins by the lease that the process has now, also under a grant of an earlier"
          + " incarnation"),
  CLAIMS_BEFORE_IT_HAS_JOINED(
      "a process that was declared dead claims as another incarnation before that has a record"),
  JUDGES_AT_ONCE("a process judges others without having been able to beat for a whole expiry"),
  OUTBOX_WITHOUT_NAMES("each delivery of an outbox record has a name of its own, and creates anew"),
  HAND_BACK_LEAVES_THE_LANE("a run that is parked or put back loses its place in its lane");

  final String words;

  Variant(String words) {
    this.words = words;
  }

  /** Whether the variant asks for versions of runs. */
  boolean countsVersions() {
    return this == VERSION_IS_FENCE_AND_MAILBOX || this == COUNTING_FENCE;
  }

  /** A change by the holder of a record, as this variant sends it. */
  Change bend(Change change, ModelRecord known) {
    List<Edit> edits = new ArrayList<>();
    for (Edit edit : change.edits()) {
      if (this == VERSION_IS_FENCE_AND_MAILBOX && edit instanceof Edit.Held held) {
        edits.add(new Edit.AtVersion(held.key(), known.version));
      } else if (edit instanceof Edit.NoMailAfter guard) {
        park(guard, known, edits);
      } else if (this == HAND_BACK_LEAVES_THE_LANE
          && edit instanceof Edit.Queue q
          && q.key().equals(known.key())) {
        edits.add(new Edit.Queue(q.key(), q.queue(), q.priority(), q.due(), null, q.wakeAtMail()));
      } else {
        edits.add(edit);
      }
    }
    return new Change(change.id(), change.partition(), edits);
  }

  private void park(Edit.NoMailAfter guard, ModelRecord known, List<Edit> edits) {
    if (this == PARK_ON_WHAT_WAS_FETCHED) {
      edits.add(new Edit.NoMailAfter(guard.key(), known.mail.size()));
    } else if (this != VERSION_IS_FENCE_AND_MAILBOX && this != PARK_CHECKS_ONLY_OWNERSHIP) {
      edits.add(guard);
    }
  }

  /** The delivery of an outbox record, as this variant sends it. */
  Change bendDelivery(Change change) {
    if (this != OUTBOX_WITHOUT_NAMES) {
      return change;
    }
    List<Edit> edits = new ArrayList<>();
    for (Edit edit : change.edits()) {
      if (edit instanceof Edit.Mail mail) {
        String name = mail.row() + "~" + change.id();
        edits.add(new Edit.Mail(mail.key(), name, mail.value(), mail.urgent()));
      } else if (!(edit instanceof Edit.Absent)) {
        edits.add(edit);
      }
    }
    return new Change(change.id(), change.partition(), edits);
  }
}
