package dev.troupe.run;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.RunEndingException;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
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
public final class Journal {
  /** The most entries of a journal. */
  public static final int MAX_ENTRIES = 10_000;

  /** The most bytes of a journal: 16 MiB. */
  public static final long MAX_TOTAL_BYTES = 16L << 20;

  static final String UNDO = "undo/";
  private static final String FAIL_ROW = "$fail";
  static final String STOP_ROW = "$stop";

  private final RunHeader header;
  private final RecordId id;
  private final Grant grant;
  private final String changePrefix;
  private final Mailbox mailbox = new Mailbox();
  private final List<Edit> riders = new ArrayList<>();
  private final Post post;
  private final Entries entries;
  private final Executions executions;
  private @Nullable Entry failing;
  private Ending ending = Ending.NOT;
  private boolean compensating;
  private int changes;

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
    if (!(stored.place() instanceof Place.Held held)) {
      throw new IllegalArgumentException(stored + " is not held");
    }
    this.header = header;
    this.id = stored.id();
    this.grant = held.grant();
    this.changePrefix =
        grant.holder()
            + "-"
            + grant.number()
            + "-"
            + Integer.toHexString(id.key().hashCode())
            + "-";
    this.post = new Post(header.id(), grant);
    this.entries = new Entries(header, riders, post);
    this.executions = new Executions(id.key(), riders);
    entries.load(
        stored.rows(),
        (row, entry) -> {
          if (row.equals(FAIL_ROW)) {
            failing = entry;
            ending = Ending.FAILED;
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

  /**
   * Reads the same run again under the same grant, to execute it from the top.
   *
   * @param whole the record with its rows and mail
   * @return a new journal
   */
  public Journal reread(Stored whole) {
    Journal again = new Journal(header, whole);
    again.changes = changes; // ids of changes are never used twice
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
    return riders.size();
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
    return ending;
  }

  /**
   * Lets nothing new begin any more. A stronger reason replaces a weaker one.
   *
   * @param why the reason
   */
  public void end(Ending why) {
    if (why.compareTo(ending) > 0) {
      ending = why;
    }
  }

  /** Allows compensation to begin, and nothing else. */
  public void compensate() {
    compensating = true;
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
    return UNDO + path;
  }

  // steps

  /**
   * The code has reached a step.
   *
   * @param path its path
   * @param now the store's time
   * @return its result, when to go on, or that it may begin
   */
  public Look step(String path, Instant now) {
    Entry known = entries.reach(path, Entry.Kind.DONE, Entry.Kind.FAILED, "a step");
    if (known != null) {
      return new Look.Finished(known);
    }
    begin(path);
    Entry tried = entries.open(path);
    int attempt = tried == null ? 1 : tried.attempts() + 1;
    Entry begun = entries.open(Entries.intent(path, attempt));
    if (begun != null) {
      return new Look.Unknown(attempt, Instant.ofEpochMilli(begun.at()));
    }
    if (tried == null) {
      return new Look.Begin(1);
    }
    Instant due = Instant.ofEpochMilli(tried.headNumber());
    return due.isAfter(now) ? new Look.Later(due) : new Look.Begin(attempt);
  }

  /**
   * An attempt at a step is about to begin that must not be repeated blindly.
   *
   * @param path the step
   * @param now the store's time
   * @param attempt its number
   * @return what must be stored before it begins
   */
  public List<Edit> intent(String path, Instant now, int attempt) {
    Entry begun = entries.create(Entry.Kind.INTENT, now, attempt, new byte[0]);
    return List.of(entries.keepOpen(Entries.intent(path, attempt), begun));
  }

  /**
   * What somebody said of an attempt whose outcome is unknown.
   *
   * @param path the step
   * @param attempt its number
   * @return what was said, null while nobody has
   */
  public @Nullable Decision decision(String path, int attempt) {
    byte[] said = mailbox.outcome(path, attempt);
    if (said == null) {
      return null;
    }
    Entry entry = new Entry(Entry.Kind.OPEN, 0, 0, 1, said);
    return new Decision(entry.head(), entry.tail());
  }

  /**
   * An answer about an unknown outcome.
   *
   * @param verdict {@code done}, {@code failed} or {@code repeat}
   * @param payload the encoded result or failure
   */
  public record Decision(String verdict, byte[] payload) {}

  /**
   * A step has its result.
   *
   * @param path the step
   * @param payload the encoded result
   * @param now the store's time
   * @param attempts how many attempts it took
   * @return what must be stored
   */
  public List<Edit> done(String path, byte[] payload, Instant now, int attempts) {
    return entries.finish(path, entries.create(Entry.Kind.DONE, now, attempts, payload));
  }

  /**
   * A step or call has failed for good.
   *
   * @param path the step or call
   * @param payload the encoded failure
   * @param now the store's time
   * @param attempts how many attempts were made
   * @return what must be stored; for a call it also cancels the child
   */
  public List<Edit> failed(String path, byte[] payload, Instant now, int attempts) {
    List<Edit> edits = new ArrayList<>();
    Entry before = entries.peek(path);
    if (before != null && before.kind() == Entry.Kind.CALL) {
      edits.addAll(cancel(before.head(), Entry.text("call " + path + " is over")));
    }
    edits.addAll(entries.finish(path, entries.create(Entry.Kind.FAILED, now, attempts, payload)));
    return edits;
  }

  /**
   * An attempt at a step failed and another follows.
   *
   * @param path the step
   * @param payload the encoded failure
   * @param due when the next attempt may begin
   * @param now the store's time
   * @param attempts how many attempts were made
   * @return what must be stored
   */
  public List<Edit> retry(String path, byte[] payload, Instant due, Instant now, int attempts) {
    byte[] state = Entry.text(Long.toString(due.toEpochMilli()), payload);
    return List.of(entries.keepOpen(path, entries.create(Entry.Kind.OPEN, now, attempts, state)));
  }

  // waits

  /**
   * The code has reached a sleep. A new one is journaled with the next change.
   *
   * @param path its path
   * @param duration how long
   * @param now the store's time
   * @return when it ends
   */
  public Instant sleep(String path, Duration duration, Instant now) {
    Entry known = entries.reach(path, Entry.Kind.SLEEP, Entry.Kind.SLEEP, "a sleep");
    if (known == null) {
      begin(path);
      String due = Long.toString(Runs.after(now, duration).toEpochMilli());
      known = entries.create(Entry.Kind.SLEEP, now, 1, Entry.text(due));
      riders.addAll(entries.finish(path, known));
    }
    return Instant.ofEpochMilli(known.headNumber());
  }

  /**
   * The code waits for a signal.
   *
   * @param path the wait's path
   * @param name the signal's name
   * @param now the store's time
   * @param edits takes what must be stored when a signal is received by this call
   * @return the signal or that none came in time; null to wait
   */
  public @Nullable Received signal(String path, String name, Instant now, List<Edit> edits) {
    Entry known =
        entries.reach(path, Entry.Kind.SIGNAL, Entry.Kind.TIMED_OUT, "a wait for a signal");
    if (known != null && known.kind() == Entry.Kind.TIMED_OUT) {
      return new Received(known, null);
    }
    if (known != null) {
      return new Received(known, mailbox.take(known.head()));
    }
    begin(path);
    Stored.MailItem next = mailbox.nextSignal(name);
    if (next == null) {
      return null;
    }
    Entry received = entries.create(Entry.Kind.SIGNAL, now, 1, Entry.text(next.name()));
    edits.addAll(entries.finish(path, received));
    return new Received(received, mailbox.take(next.name()));
  }

  /**
   * A signal, or that none came.
   *
   * @param entry the journal's line
   * @param payload the encoded payload, null when none came in time
   */
  public record Received(Entry entry, byte @Nullable [] payload) {}

  /**
   * Until when a limited wait for a signal lasts. A new one is journaled with the next change.
   *
   * @param path the wait's path
   * @param atMost how long it may last
   * @param now the store's time
   * @return when it is over
   */
  public Instant signalLimit(String path, Duration atMost, Instant now) {
    Entry known = entries.open(path);
    if (known == null) {
      String due = Long.toString(Runs.after(now, atMost).toEpochMilli());
      known = entries.create(Entry.Kind.OPEN, now, 1, Entry.text(due));
      riders.add(entries.keepOpen(path, known));
    }
    return Instant.ofEpochMilli(known.headNumber());
  }

  /**
   * A wait for a signal is over without one.
   *
   * @param path the wait's path
   * @param due when it was over
   * @return what must be stored
   */
  public List<Edit> signalTimedOut(String path, Instant due) {
    return entries.finish(path, entries.create(Entry.Kind.TIMED_OUT, due, 1, new byte[0]));
  }

  // calls and groups

  /**
   * The code has reached a call.
   *
   * @param path its path
   * @return the child's result, until when to wait for it, or that it may begin
   */
  public Look call(String path) {
    Entry known = entries.reach(path, Entry.Kind.CALL, Entry.Kind.FAILED, "a call");
    if (known == null) {
      begin(path);
      return new Look.Begin(1);
    }
    if (known.kind() == Entry.Kind.FAILED) {
      return new Look.Finished(known);
    }
    byte[] answer = mailbox.childResult(path);
    if (answer != null) {
      return new Look.Finished(Entry.decode(answer, "result of " + known.head()));
    }
    if (ending != Ending.NOT && !compensating) {
      throw ended();
    }
    long due = known.tailNumber();
    return new Look.Later(due == 0 ? null : Instant.ofEpochMilli(due));
  }

  /**
   * Whether a call has a time limit of its own.
   *
   * @param path the call
   * @return true when it has
   */
  public boolean limited(String path) {
    Entry known = entries.peek(path);
    return known != null && known.kind() == Entry.Kind.CALL && known.tailNumber() != 0;
  }

  /**
   * A child is created.
   *
   * @param path the call
   * @param child the child's header
   * @param due when the call has to be over, null for never
   * @param now the store's time
   * @return what must be stored
   */
  public List<Edit> called(String path, RunHeader child, @Nullable Instant due, Instant now) {
    String limit = due == null ? "0" : Long.toString(due.toEpochMilli());
    Entry call = entries.create(Entry.Kind.CALL, now, 1, Entry.text(child.id(), Entry.text(limit)));
    List<Edit> edits = new ArrayList<>();
    edits.add(
        new Edit.NoRow(id.key(), path)); // else a late copy could undo that it turned out late
    edits.addAll(entries.finish(path, call));
    edits.addAll(post.create(child));
    return edits;
  }

  /**
   * Which branch of a group has won.
   *
   * @param path the group's path
   * @return the branch's index, empty while none has
   */
  public OptionalInt winner(String path) {
    Entry known =
        entries.reach(path, Entry.Kind.WINNER, Entry.Kind.WINNER, "a choice between branches");
    if (known == null) {
      return OptionalInt.empty();
    }
    int index = (int) known.headNumber();
    entries.passBy(path, index);
    return OptionalInt.of(index);
  }

  /**
   * A branch of a group has won.
   *
   * @param path the group's path
   * @param index the branch
   * @param now the store's time
   * @return what must be stored; it also cancels the children of the other branches
   */
  public List<Edit> won(String path, int index, Instant now) {
    List<Edit> edits = new ArrayList<>();
    entries.forEach(
        (p, entry) -> {
          if (p.startsWith(path + "/")
              && !Entries.inBranch(p, path, index)
              && waitsForChild(p, entry)) {
            edits.addAll(cancel(entry.head(), Entry.text("another branch won")));
          }
        });
    entries.passBy(path, index); // the others may not have reached again what they did before
    edits.addAll(
        entries.finish(
            path, entries.create(Entry.Kind.WINNER, now, 1, Entry.text(Integer.toString(index)))));
    return edits;
  }

  private List<Edit> cancel(String child, byte[] reason) {
    return post.mail(child, Mailbox.CANCEL, reason);
  }

  private boolean waitsForChild(String path, Entry entry) {
    return entry.kind() == Entry.Kind.CALL && mailbox.childResult(path) == null;
  }

  /**
   * Tells every child that still runs to stop.
   *
   * @param why the reason, for their records
   * @return what must be stored, perhaps nothing
   */
  public List<Edit> cancelChildren(String why) {
    List<Edit> edits = new ArrayList<>();
    entries.forEach(
        (path, entry) -> {
          if (waitsForChild(path, entry)) {
            edits.addAll(cancel(entry.head(), Entry.text(why)));
          }
        });
    return edits;
  }

  /**
   * The agent tells how far it is. Journaled with the next change.
   *
   * @param path the place
   * @param payload the encoded progress
   * @param now the store's time
   * @return false when it was told before
   */
  public boolean publish(String path, byte[] payload, Instant now) {
    if (entries.peek(path) != null) {
      return false;
    }
    begin(path);
    riders.addAll(entries.finish(path, entries.create(Entry.Kind.PROGRESS, now, 1, payload)));
    return true;
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
            new Edit.Queue(
                id.key(),
                header.queue(),
                header.terms().priority(),
                due == null ? Runs.NEVER : due,
                header.terms().lane(),
                looked + 1)));
  }

  /**
   * Gives the run back so that any process may go on at once.
   *
   * @param now the store's time
   * @return the change
   */
  public Change handBack(Instant now) {
    return change(
        List.of(
            new Edit.Queue(
                id.key(),
                header.queue(),
                header.terms().priority(),
                now,
                header.terms().lane(),
                mailSeen() + 1)));
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
    Edit home =
        new Edit.Queue(
            id.key(),
            header.queue(),
            header.terms().priority(),
            now,
            header.terms().lane(),
            mailSeen() + 1);
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
    riders.clear();
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
    Edit held = new Edit.Held(id.key(), grant);
    List<Edit> all;
    if (riders.isEmpty() && edits.size() == 1) {
      all = List.of(held, edits.get(0)); // a step
    } else {
      all = new ArrayList<>(1 + riders.size() + edits.size());
      all.add(held);
      all.addAll(riders);
      all.addAll(edits);
      riders.clear();
    }
    return new Change(changePrefix + ++changes, id.partition(), all);
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

  private void begin(String path) {
    if (ending != Ending.NOT && !(compensating && path.startsWith(UNDO))) {
      throw ended();
    }
    if (!path.startsWith(UNDO)) { // what was done can be undone, however full the journal is
      entries.begin(path);
    }
  }

  private RunEndingException ended() {
    return new RunEndingException(ending.code(), "run " + header.id() + " " + ending.words());
  }
}
