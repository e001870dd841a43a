package dev.troupe.run;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The changes that come from outside a run: create, signal, cancel, resume, forget. Whoever holds
 * the run makes all others through its {@link Journal}.
 */
public final class Runs {
  /** A due time that never comes; far enough for every store's clock, near enough for its types. */
  public static final Instant NEVER = Instant.parse("9999-12-31T00:00:00Z");

  /** The queue of runs that were stopped: journal and code do not fit, or a budget is spent. */
  public static final String STOPPED = "$stopped";

  /** The queue of records that remind of roots to be removed. */
  public static final String RETENTION = "$retention";

  private static final String TOMBSTONE = "$gone";
  private static final String REMINDER = "$keep";

  /** The name, beside a run, of the record with what people are shown of it; goes with the run. */
  public static final String LOG = "$log";

  private Runs() {}

  /**
   * A time from now, never later than {@link #NEVER}.
   *
   * @param now the store's time
   * @param duration how long from then
   * @return the instant
   */
  public static Instant after(Instant now, Duration duration) {
    return duration.compareTo(Duration.between(now, NEVER)) >= 0 ? NEVER : now.plus(duration);
  }

  /**
   * Whether a run was stopped, and not resumed since.
   *
   * @param run the record with its rows
   * @return true when it is to stay where it is
   */
  public static boolean isStopped(Stored run) {
    return run.rows().containsKey(Journal.STOP_ROW);
  }

  /**
   * Why a run was stopped.
   *
   * @param run the record with its rows
   * @return the encoded failure, null when it is not stopped
   * @throws dev.troupe.AgentException with {@link dev.troupe.ErrorCode#UNDECODABLE}
   */
  public static byte @Nullable [] whyStopped(Stored run) {
    byte[] row = run.rows().get(Journal.STOP_ROW);
    return row == null
        ? null
        : Entry.decode(row, "row %s of run %s".formatted(Journal.STOP_ROW, run.id().key()))
            .payload();
  }

  /**
   * The children that a run has called and that have not told it how they ended.
   *
   * @param run the record with its rows and mail
   * @return their ids
   * @throws dev.troupe.AgentException with {@link dev.troupe.ErrorCode#UNDECODABLE}
   */
  public static List<String> unanswered(Stored run) {
    Set<String> answered = new HashSet<>();
    run.mail().forEach(mail -> answered.add(mail.name()));
    List<String> children = new ArrayList<>();
    run.rows()
        .forEach(
            (row, value) -> {
              boolean inCode = row.indexOf('#') >= 0 && !row.startsWith(Entries.ASIDE);
              if (inCode && !answered.contains(Mailbox.CHILD + row)) {
                Entry entry =
                    Entry.decode(value, "row %s of run %s".formatted(row, run.id().key()));
                if (entry.kind() == Entry.Kind.CALL) {
                  children.add(entry.head());
                }
              }
            });
    return children;
  }

  /**
   * Puts a stopped run back where stopped runs wait; its lane stays closed.
   *
   * @param run the record, held
   * @return the edit
   */
  public static Edit queueStopped(Stored run) {
    String lane = run.place() instanceof Place.Held held ? held.lane() : null;
    return new Edit.Queue(run.id().key(), STOPPED, 0, NEVER, lane, Long.MAX_VALUE);
  }

  /**
   * Creates a root, once: refused when it exists or existed.
   *
   * @param changeId the change's id
   * @param partitions the store's number of partitions
   * @param header the run
   * @return the change
   */
  public static Change submit(String changeId, int partitions, RunHeader header) {
    List<Edit> edits = new ArrayList<>();
    edits.add(new Edit.Absent(tombstone(header.id())));
    edits.addAll(create(header));
    return new Change(changeId, RecordId.of(header.id(), partitions).partition(), edits);
  }

  static List<Edit> create(RunHeader header) {
    return List.of(
        new Edit.Absent(header.id()),
        new RunRecord(header, null).put(),
        new Edit.Queue(
            header.id(),
            header.queue(),
            header.terms().priority(),
            header.origin().created(),
            header.terms().lane(),
            1));
  }

  /**
   * Sends a signal.
   *
   * @param changeId the change's id
   * @param run where the run lies
   * @param name the signal's name
   * @param signalId tells this signal from others of the name; the same id is received once
   * @param payload the encoded payload
   * @return the change
   */
  public static Change signal(
      String changeId, RecordId run, String name, String signalId, byte[] payload) {
    return new Change(
        changeId,
        run.partition(),
        List.of(new Edit.Mail(run.key(), Mailbox.SIGNAL + name + "/" + signalId, payload, true)));
  }

  /**
   * Asks a run to stop.
   *
   * @param changeId the change's id
   * @param run where the run lies
   * @param reason why, in words
   * @return the change
   */
  public static Change cancel(String changeId, RecordId run, String reason) {
    return new Change(
        changeId,
        run.partition(),
        // a name of its own, so that the outcome says whether the run could still take it
        List.of(
            new Edit.Mail(run.key(), Mailbox.CANCEL + "/" + changeId, Entry.text(reason), true)));
  }

  /**
   * Tells a run what became of an attempt whose outcome it does not know.
   *
   * @param changeId the change's id
   * @param run the run's record with its rows
   * @param path the step
   * @param verdict as {@link Journal#decision} reads it: {@code done}, {@code failed} or {@code
   *     repeat}
   * @param payload the encoded result or failure
   * @return the change, null when the run has no such attempt
   */
  public static @Nullable Change resolve(
      String changeId, Stored run, String path, String verdict, byte[] payload) {
    byte[] tried = run.rows().get(Entries.OPEN + path);
    int attempt =
        tried == null ? 1 : Entry.decode(tried, "row of run " + run.id().key()).attempts() + 1;
    if (!run.rows().containsKey(Entries.OPEN + Entries.intent(path, attempt))) {
      return null;
    }
    String mail = Mailbox.outcomeOf(path, attempt);
    byte[] value = Entry.text(verdict, payload);
    return new Change(
        changeId, run.id().partition(), List.of(new Edit.Mail(run.id().key(), mail, value, true)));
  }

  /**
   * Lets a stopped run go on.
   *
   * @param changeId the change's id
   * @param stopped the run's record as it was read
   * @param header its header
   * @param now the store's time
   * @return the change; refused when the record has changed since
   */
  public static Change resume(String changeId, Stored stopped, RunHeader header, Instant now) {
    String key = stopped.id().key();
    return new Change(
        changeId,
        stopped.id().partition(),
        List.of(
            new Edit.AtVersion(key, stopped.version()),
            new Edit.Row(key, Journal.STOP_ROW, null),
            new Edit.Queue(
                key,
                header.queue(),
                header.terms().priority(),
                now,
                header.terms().lane(),
                stopped.mailNumber() + 1)));
  }

  /**
   * The record whose presence says that a run existed and was removed.
   *
   * @param run the run's id
   * @return its key
   */
  public static String tombstone(String run) {
    return within(run, TOMBSTONE);
  }

  /** A record beside a run, in its partition, that no run's id can name. */
  private static String within(String run, String what) {
    return run + "/" + what;
  }

  static List<Edit> retain(String run, Instant until) {
    String key = within(run, REMINDER);
    return List.of(
        new Edit.Put(key, Entry.text(run), Map.of(), null),
        new Edit.Queue(key, RETENTION, 0, until, null, Long.MAX_VALUE));
  }

  /**
   * The run that a record of the queue {@link #RETENTION} reminds of.
   *
   * @param reminder the record
   * @return the run's id
   */
  public static String reminded(Stored reminder) {
    return new String(reminder.value(), StandardCharsets.UTF_8);
  }

  /**
   * Removes records of a tree whose root has ended.
   *
   * @param changeId the change's id
   * @param partition where they lie
   * @param keys at most 200 records
   * @return the change
   */
  public static Change forget(String changeId, int partition, List<String> keys) {
    List<Edit> edits = new ArrayList<>();
    for (String key : keys) {
      edits.add(new Edit.Delete(key));
    }
    return new Change(changeId, partition, edits);
  }

  /**
   * Removes a root and its reminder, leaving for a while the memory that its id was used.
   *
   * @param changeId the change's id
   * @param root where the root lies
   * @param now the store's time
   * @param remember how long its id stays taken
   * @return the change
   */
  public static Change bury(String changeId, RecordId root, Instant now, Duration remember) {
    return new Change(
        changeId,
        root.partition(),
        List.of(
            new Edit.Delete(root.key()),
            new Edit.Delete(within(root.key(), REMINDER)),
            new Edit.Put(tombstone(root.key()), new byte[0], Map.of(), now.plus(remember))));
  }
}
