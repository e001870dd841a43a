package dev.troupe.run;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * What a run has done, and the one place that decides what it may do next. A path says where in the
 * agent's code an effect stands: {@code name#occurrence}, behind {@code group#occurrence/branch/}
 * for each group of branches around it.
 *
 * <p>The methods that record something take it into the journal at once and return the edits that
 * must be stored before anyone acts on it; {@link #change} makes a change of them. When that change
 * is not done, the journal is thrown away and read again from the store.
 *
 * <p>Pure: time comes in, edits go out. Not safe for several threads; the runtime guards it with
 * the run's lock.
 */
public final class Journal extends Effects {
  /** The most entries of a journal. */
  public static final int MAX_ENTRIES = 10_000;

  /** The most bytes of a journal: 16 MiB. */
  public static final long MAX_TOTAL_BYTES = 16L << 20;

  private static final String FAIL_ROW = "$fail";
  static final String STOP_ROW = "$stop";

  private final Grant grant;
  private final Executions executions;
  private @Nullable Entry failing;

  /**
   * An answer about an unknown outcome.
   *
   * @param verdict {@code done}, {@code failed} or {@code repeat}
   * @param payload the encoded result or failure
   */
  public record Decision(String verdict, byte[] payload) {}

  /**
   * A signal, or that none came.
   *
   * @param entry the journal's line
   * @param payload the encoded payload, null when none came in time
   */
  public record Received(Entry entry, byte @Nullable [] payload) {}

  /**
   * Reads a run that was handed out by a claim.
   *
   * @param stored the record with its rows and mail
   * @throws AgentException with {@link ErrorCode#UNDECODABLE} when header, row or mail can't be
   *     read
   */
  public Journal(Stored stored) {
    this(RunRecord.decode(stored).header(), stored);
  }

  /**
   * Reads a run whose header is known.
   *
   * @param header the header
   * @param stored the record with its rows and mail
   */
  public Journal(RunHeader header, Stored stored) {
    super(header, stored.id(), grantOf(stored));
    this.grant = grantOf(stored);
    this.executions = new Executions(id.key(), changes.riders);
    entries.load(
        stored.rows(),
        (row, entry) -> {
          if (row.equals(FAIL_ROW)) {
            failing = entry;
            end(Ending.FAILED);
          } else {
            executions.load(row, entry);
          } // what was stopped or put aside is kept for people
        });
    receive(stored.mail());
    entries.forEach(
        (path, entry) -> {
          if (entry.kind() == Entry.Kind.SIGNAL) {
            mailbox.take(entry.head());
          }
        });
  }

  private static Grant grantOf(Stored stored) {
    if (!(stored.place() instanceof Place.Held held)) {
      throw new IllegalArgumentException(stored + " is not held");
    }
    return held.grant();
  }

  /**
   * Reads the same run again under the same grant, to execute it from the top.
   *
   * @param whole the record with its rows and mail
   * @return a new journal
   */
  public Journal reread(Stored whole) {
    Journal again = new Journal(header, whole);
    again.changes.after(changes); // ids of changes are never used twice
    again.post.after(post);
    again.executions.goesOn(executions, grant.holder(), again.entries.lastNumber());
    return again;
  }

  /**
   * How many edits wait to go with the next change.
   *
   * @return at least 0
   */
  public int riding() {
    return changes.riders.size();
  }

  /**
   * What the run is.
   *
   * @return its header
   */
  public RunHeader header() {
    return header;
  }

  /**
   * Where the run lies.
   *
   * @return the record's id
   */
  public RecordId id() {
    return id;
  }

  /**
   * Under which grant it is held.
   *
   * @return the grant
   */
  public Grant grant() {
    return grant;
  }

  /**
   * How many effects are finished and will not be made again.
   *
   * @return at least 0
   */
  public int finished() {
    return entries.size();
  }

  /**
   * The number of the last mail looked at.
   *
   * @return 0 when there was none
   */
  public long mailSeen() {
    return mailbox.seen();
  }

  /**
   * Takes mail in.
   *
   * @param mail in the order of its numbers; what was seen before is passed over
   */
  public void receive(List<Stored.MailItem> mail) {
    for (Stored.MailItem item : mail) {
      mailbox.accept(item);
    }
    if (mailbox.cancelled()) {
      end(Ending.CANCELLED);
    }
  }

  /**
   * Why nothing new may begin.
   *
   * @return {@link Ending#NOT} when it may
   */
  public Ending ending() {
    return gate.ending();
  }

  /**
   * Lets nothing new begin any more. A stronger reason replaces a weaker one.
   *
   * @param why the reason
   */
  public void end(Ending why) {
    gate.close(why);
  }

  /** Allows compensation to begin, and nothing else. */
  public void compensate() {
    gate.compensate();
  }

  /**
   * The failure with which the run began to fail before a crash.
   *
   * @return the encoded failure, null when it has not failed
   */
  public byte @Nullable [] failure() {
    Entry x = failing;
    return x == null ? null : x.payload();
  }

  /**
   * The path of the compensation of an effect.
   *
   * @param path the effect
   * @return its path
   */
  public static String undo(String path) {
    return Entries.UNDO + path;
  }

  // what becomes of the run

  /**
   * The run fails and compensation follows.
   *
   * @param payload the encoded failure
   * @param now the store's time
   * @return what must be stored
   */
  public List<Edit> failing(byte[] payload, Instant now) {
    Entry x = entries.create(Entry.Kind.FAILING, now, 1, payload);
    failing = x;
    end(Ending.FAILED);
    return List.of(new Edit.Row(id.key(), FAIL_ROW, x.encode()));
  }

  /**
   * Leaves the run until a time or until mail comes. Not done when mail came that the code has not
   * looked at.
   *
   * @param due when it goes on at the latest, null for when mail comes
   * @param looked the number of the last mail that was there when the run decided to wait
   * @return the change
   */
  public Change park(@Nullable Instant due, long looked) {
    return change(
        List.of(
            new Edit.NoMailAfter(id.key(), looked),
            queue(due == null ? Runs.NEVER : due, looked + 1)));
  }

  /**
   * Gives the run back so that any process may go on at once.
   *
   * @param now the store's time
   * @return the change
   */
  public Change handBack(Instant now) {
    return change(List.of(queue(now, mailSeen() + 1)));
  }

  /**
   * Notes which process executes the run from here on. Journaled with the next change, and only
   * when it is another one than before or the last one died.
   *
   * @param where where the process runs, for people
   * @param now the store's time
   */
  public void executedBy(String where, Instant now) {
    executions.begins(grant.holder(), where, now, entries.lastNumber());
  }

  /**
   * A process died with the run in its hands. Should it have written nothing, it is noted now, as
   * having begun at the earliest time possible; goes along with {@link #takeUp}.
   *
   * @param holder the process
   * @param where where it ran, for people
   */
  public void diedIn(String holder, String where) {
    executions.dies(holder, where, header.origin().created(), entries.lastNumber());
  }

  /**
   * Puts the run of a dead process back into its queue. A run that has come no further since the
   * last process died on it may be what kills them: after too many deaths it begins to fail, which
   * undoes what it did and tells its parent; when that kills processes too, it is stopped.
   *
   * @param now the store's time
   * @param limit how many deaths in a row are allowed
   * @param failure gives the encoded failure for a number of deaths
   * @return the change
   */
  public Change takeUp(Instant now, int limit, IntFunction<byte[]> failure) {
    int count = executions.deathsWithOneMore(entries.lastNumber());
    Edit home = queue(now, mailSeen() + 1);
    if (count <= limit) {
      return change(List.of(executions.died(now, count, entries.lastNumber()), home));
    }
    if (failing != null) {
      return stop(failure.apply(count), now);
    }
    List<Edit> edits = new ArrayList<>(failing(failure.apply(count), now));
    // undoing what it did has as many tries
    edits.add(executions.died(now, 0, entries.lastNumber()));
    edits.add(home);
    return change(edits);
  }

  /**
   * Puts aside what code did that does not fit the journal, so that code that fits can go on. The
   * rows are kept under other names.
   *
   * @return what must be stored, perhaps nothing
   */
  public List<Edit> setAside() {
    changes.riders.clear();
    return entries.setAside();
  }

  /**
   * Stops the run where it is, because journal and code do not fit. Mail does not wake it.
   *
   * @param payload the encoded failure
   * @param now the store's time
   * @return the change
   */
  public Change stop(byte[] payload, Instant now) {
    Entry z = entries.create(Entry.Kind.STOPPED, now, 1, payload);
    return change(
        List.of(
            new Edit.Row(id.key(), STOP_ROW, z.encode()),
            new Edit.Queue(
                id.key(), Runs.STOPPED, 0, Runs.NEVER, header.terms().lane(), Long.MAX_VALUE)));
  }

  /**
   * Ends the run and tells its parent.
   *
   * @param end how it ended
   * @param keep until when the record of a root and its children is kept, null for ever
   * @return the change
   */
  public Change end(RunEnd end, @Nullable Instant keep) {
    List<Edit> edits = new ArrayList<>();
    edits.add(new RunRecord(header, end).put());
    edits.add(new Edit.Release(id.key()));
    String parent = header.origin().parent();
    if (parent != null) {
      Entry.Kind kind = end.state() == RunEnd.State.SUCCEEDED ? Entry.Kind.DONE : Entry.Kind.FAILED;
      Entry result = new Entry(kind, 0, end.at().toEpochMilli(), 1, end.payload());
      edits.addAll(post.mail(parent, Mailbox.CHILD + header.origin().path(), result.encode()));
    }
    if (keep != null && (parent == null || !post.isNear(parent))) {
      edits.addAll(Runs.retain(header.id(), keep)); // nobody else's tree holds it
    }
    return change(edits);
  }

  /**
   * A change by the holder of this run, with everything that was to ride along.
   *
   * @param edits what it does
   * @return the change, guarded by the grant
   */
  public Change change(List<Edit> edits) {
    return changes.next(edits);
  }

  /**
   * Finds whether the code has passed by what is journaled. To be asked when the agent has
   * returned, failed or waits, unless the run is ending.
   *
   * @return the error that stops the run, null when journal and code fit
   */
  public @Nullable AgentException mismatch() {
    return entries.mismatch();
  }

  /** Leaves the run in its queue, to go on at a time or when mail of this number comes. */
  private Edit queue(Instant due, long mail) {
    RunHeader.Terms terms = header.terms();
    return new Edit.Queue(id.key(), header.queue(), terms.priority(), due, terms.lane(), mail);
  }
}
