package dev.troupe.jdbc;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Judges a list of changes against locked records and collects what they come to. All guards of a
 * change are judged before its first edit, so a refused one leaves nothing behind.
 */
final class PostgresList {
  /** Says that the outcome depends on rows or mail that were not looked at. */
  static final class Unsure extends Exception {
    private static final long serialVersionUID = 1L;

    Unsure() {
      super("look first", null, false, false);
    }
  }

  /** What was found of the rows and mail that the list asks for. */
  record Found(Set<PostgresWrites.Part> rows, Set<PostgresWrites.Part> mail) {}

  /** A refusal whose record's value may have to be read. */
  record Refusal(Edit because, @Nullable PostgresHead found) {}

  final PostgresWrites writes = new PostgresWrites();
  final List<Refusal> refusals = new ArrayList<>();
  private final long now;
  private final @Nullable Found found;
  private final LongSupplier ids;
  private final Map<RecordId, PostgresHead> heads = new HashMap<>();
  private final Map<RecordId, PostgresHead> expired = new HashMap<>();
  private final List<Object> answers = new ArrayList<>();
  private final Set<Long> assumed = new HashSet<>();
  private boolean guessed;

  /**
   * Begins a list.
   *
   * @param locked the records as they are, expired ones included
   * @param now the store's time
   * @param found what is known of rows and mail; null when nothing is, which is enough mostly
   * @param ids gives the next id of a new record
   */
  PostgresList(List<PostgresHead> locked, long now, @Nullable Found found, LongSupplier ids) {
    this.now = now;
    this.found = found;
    this.ids = ids;
    for (PostgresHead head : locked) {
      heads.put(head.name, new PostgresHead(head));
    }
  }

  void judge(List<Change> changes) throws Unsure {
    for (Change change : changes) {
      expire();
      guessed = false;
      Edit failed = firstFailing(change);
      if (failed == null) {
        answers.add(new Outcome.Done(Instant.ofEpochMilli(now), make(change)));
      } else if (guessed) {
        throw new Unsure(); // an earlier line may be the one that fails
      } else {
        PostgresHead head = alive(change, failed.key());
        Refusal refusal = new Refusal(failed, head == null ? null : new PostgresHead(head));
        refusals.add(refusal);
        answers.add(refusal);
      }
    }
    if (writes.expectsNoRows() && writes.isEmpty()) {
      throw new Unsure(); // no commit would tell
    }
  }

  /** The outcomes, when all values of refused records are there. */
  List<Outcome> outcomes(Map<Long, byte[]> values) {
    List<Outcome> outcomes = new ArrayList<>(answers.size());
    for (Object answer : answers) {
      if (answer instanceof Refusal refusal) {
        outcomes.add(
            new Outcome.Refused(
                Instant.ofEpochMilli(now), refusal.because(), stored(refusal.found(), values)));
      } else {
        outcomes.add((Outcome) answer);
      }
    }
    return outcomes;
  }

  private @Nullable Stored stored(@Nullable PostgresHead head, Map<Long, byte[]> values) {
    if (head == null) {
      return null;
    }
    byte[] value = head.value == null ? values.get(head.id) : head.value;
    return head.show(now)
        .value(Objects.requireNonNullElse(value, new byte[0]))
        .mail(head.mail, List.of())
        .build();
  }

  /** The record if it is there and had not expired when the change began. */
  private @Nullable PostgresHead alive(Change change, String key) {
    return heads.get(new RecordId(change.partition(), key));
  }

  /** Puts aside what has expired; it is removed when its key is used again. */
  private void expire() {
    for (PostgresHead head : List.copyOf(heads.values())) {
      if (head.expires <= now) {
        heads.remove(head.name);
        expired.put(head.name, head);
      }
    }
  }

  private @Nullable Edit firstFailing(Change change) throws Unsure {
    List<Edit> edits = change.edits();
    for (int i = 0; i < edits.size(); i++) {
      Edit edit = edits.get(i);
      if (!holds(change, i, edit, alive(change, edit.key()))) {
        return edit;
      }
    }
    return null;
  }

  private boolean holds(Change change, int index, Edit edit, @Nullable PostgresHead head)
      throws Unsure {
    if (edit instanceof Edit.Held guard) {
      return head != null && guard.grant().equals(head.holder());
    } else if (edit instanceof Edit.Absent) {
      return head == null;
    } else if (edit instanceof Edit.AtVersion guard) {
      return head != null && head.version == guard.version();
    } else if (edit instanceof Edit.NoMailAfter guard) {
      return head == null || head.mail <= guard.mail();
    } else if (edit instanceof Edit.NoRow guard) {
      return head == null || !hasRow(head, guard.row());
    } else if (edit instanceof Edit.Add add) {
      return sumHolds(change.edits(), index, add, head);
    }
    boolean raises =
        edit instanceof Edit.Put || edit instanceof Edit.Queue || edit instanceof Edit.Release;
    return !raises || head == null || !head.lastChange.equals(change.id());
  }

  private boolean hasRow(PostgresHead head, String row) {
    Boolean written = writes.hasRow(head.id, row);
    if (written != null) {
      return written;
    }
    if (head.fresh) {
      return false;
    }
    if (found == null) {
      // most often it holds; the commit fails if it does not
      writes.expectNoRow(head.id, row);
      assumed.add(head.id);
      guessed = true;
      return false;
    }
    return found.rows().contains(new PostgresWrites.Part(head.id, row));
  }

  /** Judges an addition together with those before it to the same counter. */
  private static boolean sumHolds(
      List<Edit> edits, int index, Edit.Add add, @Nullable PostgresHead head) {
    long sum = head == null ? 0 : head.counters.getOrDefault(add.counter(), 0L);
    for (int i = 0; i <= index; i++) {
      if (edits.get(i) instanceof Edit.Add other
          && other.key().equals(add.key())
          && other.counter().equals(add.counter())) {
        try {
          sum = Math.addExact(sum, other.delta());
        } catch (ArithmeticException beyond) {
          return false; // no counter goes further than a long
        }
      }
    }
    return sum >= add.atLeast();
  }

  private List<Outcome.Seen> make(Change change) throws Unsure {
    Map<String, Boolean> accepted = new LinkedHashMap<>();
    for (Edit edit : change.edits()) {
      accepted.merge(edit.key(), make(change, edit), Boolean::logicalAnd);
    }
    List<Outcome.Seen> seen = new ArrayList<>(accepted.size());
    accepted.forEach(
        (key, taken) -> {
          PostgresHead head = alive(change, key);
          seen.add(
              head == null
                  ? new Outcome.Seen(key, 0, 0, taken, null)
                  : new Outcome.Seen(key, head.version, head.mail, taken, head.holder()));
        });
    return seen;
  }

  /** Makes one edit; false when it was mail that had to be dropped. */
  private boolean make(Change change, Edit edit) throws Unsure {
    if (edit instanceof Edit.Row row) {
      PostgresHead head =
          row.value() == null ? alive(change, row.key()) : obtain(change, row.key());
      if (head != null) {
        writes.row(head.id, row.row(), row.value());
      }
    } else if (edit instanceof Edit.Mail mail) {
      return deliver(change, mail);
    } else if (edit instanceof Edit.Put put) {
      put(change, put);
    } else if (edit instanceof Edit.Queue queue) {
      PostgresHead head = obtain(change, queue.key());
      raise(head, change);
      // what is due already is due now, so that nobody stands before those who wait
      Instant due = Instant.ofEpochMilli(Math.max(now, queue.due().toEpochMilli()));
      move(
          head,
          new Place.Queued(queue.queue(), queue.priority(), due, queue.lane(), queue.wakeAtMail()));
    } else if (edit instanceof Edit.Release release) {
      PostgresHead head = alive(change, release.key());
      if (head != null) {
        raise(head, change);
        move(head, Place.NONE);
      }
    } else if (edit instanceof Edit.Add add) {
      PostgresHead head = obtain(change, add.key());
      Map<String, Long> counters = new HashMap<>(head.counters);
      counters.merge(add.counter(), add.delta(), Long::sum);
      head.counters = counters;
      head.newCounters = true;
      writes.touch(head);
    } else if (edit instanceof Edit.Delete delete) {
      PostgresHead head = alive(change, delete.key());
      if (head != null) {
        if (assumed.contains(head.id)) {
          throw new Unsure(); // what was assumed of it goes with it, and no commit would tell
        }
        remove(head);
      }
    }
    return true;
  }

  private void put(Change change, Edit.Put put) {
    PostgresHead head = obtain(change, put.key());
    raise(head, change);
    head.value = put.value();
    head.newValue = true;
    Instant expires = put.expires();
    head.expires = expires == null ? PostgresHead.NEVER : expires.toEpochMilli();
    if (!head.tags.equals(put.tags())) {
      head.tags = put.tags();
      head.newTags = true;
    }
  }

  private boolean deliver(Change change, Edit.Mail mail) throws Unsure {
    PostgresHead head = alive(change, mail.key());
    if (head == null) {
      return false;
    }
    if (head.mail > 0 && hasMail(head, mail.row())) {
      return true;
    }
    if (head.place instanceof Place.None) {
      return false;
    }
    head.mail++;
    writes.touch(head);
    writes.mail(head.id, mail.row(), head.mail, mail.value());
    if (head.place instanceof Place.Queued q
        && (mail.urgent() || head.mail >= q.wakeAtMail())
        && q.due().toEpochMilli() > now) {
      Instant due = Instant.ofEpochMilli(now);
      head.place = new Place.Queued(q.queue(), q.priority(), due, q.lane(), q.wakeAtMail());
    }
    return true;
  }

  private boolean hasMail(PostgresHead head, String name) throws Unsure {
    if (writes.hasMail(head.id, name)) {
      return true;
    }
    if (head.fresh) {
      return false;
    }
    if (found != null) {
      return found.mail().contains(new PostgresWrites.Part(head.id, name));
    }
    if (head.place instanceof Place.None) {
      throw new Unsure(); // accepted before, or too late: no commit would tell
    }
    assumed.add(head.id);
    return false; // most often; the commit fails if it was accepted before
  }

  private PostgresHead obtain(Change change, String key) {
    PostgresHead head = alive(change, key);
    if (head == null) {
      RecordId id = new RecordId(change.partition(), key);
      PostgresHead gone = expired.remove(id);
      if (gone != null) {
        remove(gone);
      }
      head = new PostgresHead(ids.getAsLong(), id, now);
      head.fresh = true;
      head.value = new byte[0];
      head.newValue = true;
      head.newCounters = true;
      head.newTags = true;
      heads.put(id, head);
      writes.touch(head);
    }
    return head;
  }

  private void raise(PostgresHead head, Change change) {
    head.version++;
    head.lastChange = change.id();
    writes.touch(head);
  }

  /** Changes a record's place; whether it is ready in a lane that it enters, the table tells. */
  private void move(PostgresHead head, Place to) {
    String before = head.lane();
    boolean first = before == null || head.ready || head.place instanceof Place.Held;
    head.place = to;
    String lane = head.lane();
    if (!Objects.equals(before, lane)) {
      first = true;
      head.turn = 0;
      head.enters = 0;
      if (before != null) {
        writes.leave(head.name.partition(), before);
      }
      if (lane != null) {
        writes.enter(head, lane);
      }
    }
    head.ready = first && to instanceof Place.Queued;
  }

  private void remove(PostgresHead head) {
    heads.remove(head.name, head);
    String lane = head.lane();
    if (lane != null) {
      writes.leave(head.name.partition(), lane);
    }
    writes.drop(head);
  }
}
