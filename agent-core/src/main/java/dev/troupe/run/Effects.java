package dev.troupe.run;

import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The part of a journal that the agent's code asks, effect by effect: steps, waits, calls, choices
 * between branches, progress. {@link Journal} is the whole, and makes these methods public.
 */
abstract sealed class Effects permits Journal {
  final RunHeader header;
  final RecordId id;
  final Changes changes;
  final Mailbox mailbox = new Mailbox();
  final Post post;
  final Entries entries;
  final Children children;
  final Gate gate;

  Effects(RunHeader header, RecordId id, Grant grant) {
    this.header = header;
    this.id = id;
    this.changes = new Changes(id, grant);
    this.post = new Post(header.id(), grant);
    this.entries = new Entries(header, changes.riders, post);
    this.children = new Children(entries, mailbox, post);
    this.gate = new Gate(header.id());
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
  public Journal.@Nullable Decision decision(String path, int attempt) {
    byte[] said = mailbox.outcome(path, attempt);
    if (said == null) {
      return null;
    }
    Entry entry = new Entry(Entry.Kind.OPEN, 0, 0, 1, said);
    return new Journal.Decision(entry.head(), entry.tail());
  }

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
      edits.addAll(children.cancel(before, "call " + path + " is over"));
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
      changes.riders.addAll(entries.finish(path, known));
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
  public Journal.@Nullable Received signal(
      String path, String name, Instant now, List<Edit> edits) {
    Entry known =
        entries.reach(path, Entry.Kind.SIGNAL, Entry.Kind.TIMED_OUT, "a wait for a signal");
    if (known != null && known.kind() == Entry.Kind.TIMED_OUT) {
      return new Journal.Received(known, null);
    }
    if (known != null) {
      return new Journal.Received(known, mailbox.take(known.head()));
    }
    begin(path);
    Stored.MailItem next = mailbox.nextSignal(name);
    if (next == null) {
      return null;
    }
    Entry received = entries.create(Entry.Kind.SIGNAL, now, 1, Entry.text(next.name()));
    edits.addAll(entries.finish(path, received));
    return new Journal.Received(received, mailbox.take(next.name()));
  }

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
      changes.riders.add(entries.keepOpen(path, known));
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
    gate.await();
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
    List<Edit> edits =
        children.cancelWhere(
            place -> place.startsWith(path + "/") && !Entries.inBranch(place, path, index),
            "another branch won");
    entries.passBy(path, index); // the others may not have reached again what they did before
    edits.addAll(
        entries.finish(
            path, entries.create(Entry.Kind.WINNER, now, 1, Entry.text(Integer.toString(index)))));
    return edits;
  }

  /**
   * Tells every child that still runs to stop.
   *
   * @param why the reason, for their records
   * @return what must be stored, perhaps nothing
   */
  public List<Edit> cancelChildren(String why) {
    return children.cancelWhere(place -> true, why);
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
    changes.riders.addAll(
        entries.finish(path, entries.create(Entry.Kind.PROGRESS, now, 1, payload)));
    return true;
  }

  /**
   * The agent publishes an event. It goes out with the next change.
   *
   * @param path the place
   * @param what for people: the topic, a line feed, and the event's id
   * @param laid what lays the event down in a record of this key
   * @param now the store's time
   * @return false when it was published before
   */
  public boolean publish(String path, String what, Function<String, List<Edit>> laid, Instant now) {
    if (entries.reach(path, Entry.Kind.PUBLISHED, Entry.Kind.PUBLISHED, "an event") != null) {
      return false;
    }
    begin(path);
    List<Edit> edits = laid.apply(post.eventKey());
    changes.riders.addAll(
        entries.finish(path, entries.create(Entry.Kind.PUBLISHED, now, 1, Entry.text(what))));
    changes.riders.addAll(edits);
    return true;
  }

  private void begin(String path) {
    gate.begin(path);
    // what was done can be undone, however full the journal is
    if (!path.startsWith(Entries.UNDO)) {
      entries.begin(path);
    }
  }
}
