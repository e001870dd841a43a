package dev.troupe.run.sim;

import dev.troupe.run.Membership;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import java.util.ArrayList;
import java.util.List;

/** A mistake built in on purpose, to see whether the simulator finds it. */
enum Mutation {
  NONE,
  /** Writes of holders are not fenced. */
  NO_FENCE,
  /** A run leaves without asking whether mail came. */
  NO_MAIL_GUARD,
  /** Signals are delivered twice, under different names. */
  MAIL_TWICE,
  /** What a process holds and does not run is not looked for. */
  NO_RECLAIM,
  /** A process that has no thread free does not look either. */
  NO_IDLE_RECLAIM(true),
  /** Who finds the upkeep at work looks at its next turn. */
  IMPATIENT_RECLAIM(true),
  /** It is sure of what it holds as soon as it has looked, though claims may be on their way. */
  SURE_TOO_SOON(true),
  /** Records are claimed in the name of who has not joined yet. */
  CLAIMS_UNJOINED(true),
  /** The lease of the present incarnation covers what earlier ones claimed. */
  OLD_GRANTS(true),
  /** A process judges others as soon as it can. */
  HASTY_VERDICT,
  /** A process that is handed its own record takes over from itself. */
  JUDGES_ITSELF,
  /** Nobody looks for records of processes that are held by the dead. */
  NO_SWEEP,
  /** The record of a dead process is deleted at the first take-over. */
  NO_SECOND_LOOK,
  /** Effects begin whether the lease lasts or not. */
  NO_LEASE,
  /** Outbox records are removed before they are delivered. */
  OUTBOX_FIRST,
  /** What rides with a change does not keep others waiting until the change is stored. */
  LATE_RIDERS(true),
  /** What undoes a step is known only when the step's result is stored. */
  LATE_UNDOS(true),
  /** Steps are undone in the order in which they were made. */
  UNDO_FORWARD,
  /** Records with mail are not made due. */
  NO_WAKE_UP;

  private final boolean rare;

  Mutation() {
    this(false);
  }

  Mutation(boolean rare) {
    this.rare = rare;
  }

  /** Whether it takes hundreds or thousands of worlds until it matters. */
  boolean isRare() {
    return rare;
  }

  Change change(Change change) {
    List<Edit> edits = new ArrayList<>();
    for (Edit edit : change.edits()) {
      if (this == NO_FENCE && edit instanceof Edit.Held held && isRun(held.key())) {
        continue;
      }
      if (this == NO_MAIL_GUARD && edit instanceof Edit.NoMailAfter) {
        continue;
      }
      if (this == NO_WAKE_UP && edit instanceof Edit.Mail mail) {
        edits.add(new Edit.Mail(mail.key(), mail.row(), mail.value(), false));
        continue;
      }
      if (this == NO_WAKE_UP && edit instanceof Edit.Queue q) {
        edits.add(
            new Edit.Queue(q.key(), q.queue(), q.priority(), q.due(), q.lane(), Long.MAX_VALUE));
        continue;
      }
      edits.add(edit);
      if (this == MAIL_TWICE && edit instanceof Edit.Mail mail && isSignal(mail)) {
        edits.add(new Edit.Mail(mail.key(), mail.row() + "+", mail.value(), mail.urgent()));
      }
      if (this == NO_SECOND_LOOK && edit instanceof Edit.Queue queue && takesOver(change)) {
        edits.add(new Edit.Delete(queue.key()));
      }
    }
    return new Change(change.id(), change.partition(), edits);
  }

  private static boolean isRun(String key) {
    return !key.contains("/$") && !key.startsWith("process-");
  }

  private static boolean isSignal(Edit.Mail mail) {
    return mail.row().startsWith("signal/");
  }

  private static boolean takesOver(Change change) {
    return change.edits().size() == 3
        && change.edits().get(0) instanceof Edit.Held
        && change.edits().get(change.edits().size() - 1) instanceof Edit.Queue queue
        && queue.queue().equals(Membership.FLEET);
  }
}
