package dev.troupe.run;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/**
 * The semantics of the port {@code StateStore} as far as the protocol uses it, as an immutable
 * value: every change and every claim gives another store.
 *
 * <p>Where the port leaves the order open, nothing is chosen here: {@link #due} lists whatever may
 * be handed out, and the explorer tries each. Versions are counted for records of processes only,
 * because no guard of the engine asks for the version of a run; the variants that do so count all.
 */
final class ModelStore {
  private final TreeMap<String, ModelRecord> records;
  // by partition and lane, in the order in which the store first queued them
  private final TreeMap<String, List<String>> lanes;
  private final Variant variant;
  final Instant now;
  private final int hash;

  /** What became of a change. */
  record Applied(Outcome outcome, ModelStore after) {
    boolean done() {
      return outcome instanceof Outcome.Done;
    }
  }

  private ModelStore(
      TreeMap<String, ModelRecord> records,
      TreeMap<String, List<String>> lanes,
      Variant variant,
      Instant now) {
    this.records = records;
    this.lanes = lanes;
    this.variant = variant;
    this.now = now;
    this.hash = 31 * (31 * records.hashCode() + lanes.hashCode()) + now.hashCode();
  }

  static ModelStore empty(Variant variant, Instant now) {
    return new ModelStore(new TreeMap<>(), new TreeMap<>(), variant, now);
  }

  Collection<ModelRecord> all() {
    return records.values();
  }

  ModelRecord get(String key) {
    return records.get(key);
  }

  // changes

  Applied apply(Change change) {
    for (Edit edit : change.edits()) {
      if (!holds(edit, change.id())) {
        ModelRecord found = records.get(edit.key());
        Stored head = found == null ? null : found.head(now);
        return new Applied(new Outcome.Refused(now, edit, head), this);
      }
    }
    Draft draft = new Draft();
    Map<String, Boolean> accepted = new LinkedHashMap<>();
    for (Edit edit : change.edits()) {
      boolean taken = draft.perform(edit, change);
      accepted.merge(edit.key(), taken, Boolean::logicalAnd);
    }
    List<Outcome.Seen> seen = new ArrayList<>();
    accepted.forEach((key, taken) -> seen.add(draft.seen(key, taken)));
    return new Applied(new Outcome.Done(now, seen), draft.store());
  }

  private boolean holds(Edit edit, String change) {
    ModelRecord record = records.get(edit.key());
    if (edit instanceof Edit.Held guard) {
      return passes(record, guard.grant());
    } else if (edit instanceof Edit.Absent) {
      return record == null;
    } else if (edit instanceof Edit.AtVersion guard) {
      return record != null && record.version == guard.version();
    } else if (edit instanceof Edit.NoMailAfter guard) {
      return record == null || record.mail.size() <= guard.mail();
    } else if (edit instanceof Edit.NoRow guard) {
      return record == null || !record.rows.containsKey(guard.row());
    }
    boolean raises =
        edit instanceof Edit.Put || edit instanceof Edit.Queue || edit instanceof Edit.Release;
    return !raises || record == null || !record.lastChange.equals(change);
  }

  /** The fence. */
  boolean passes(ModelRecord record, Grant grant) {
    if (record == null || !(record.place instanceof Place.Held held)) {
      return false;
    }
    return variant == Variant.COUNTING_FENCE
        ? held.grant().number() == grant.number()
        : held.grant().equals(grant);
  }

  private long raised(ModelRecord record) {
    return record.isProcess() || variant.countsVersions() ? record.version + 1 : record.version;
  }

  /** The records while a change is made. */
  private final class Draft {
    private final TreeMap<String, ModelRecord> next = new TreeMap<>(records);
    private TreeMap<String, List<String>> nextLanes = lanes;

    boolean perform(Edit edit, Change change) {
      ModelRecord record = next.get(edit.key());
      if (edit instanceof Edit.Mail mail) {
        return deliver(mail, record);
      }
      if (edit instanceof Edit.Delete && record != null) {
        move(record, Place.NONE, record.version, record.lastChange);
        next.remove(edit.key());
      }
      boolean creates =
          edit instanceof Edit.Put
              || edit instanceof Edit.Queue
              || (edit instanceof Edit.Row row && row.value() != null);
      if (record == null && creates) {
        record = ModelRecord.fresh(new RecordId(change.partition(), edit.key()));
      }
      if (record == null) {
        return true;
      }
      if (edit instanceof Edit.Row row) {
        next.put(row.key(), record.row(row));
      } else if (edit instanceof Edit.Put put) {
        ModelRecord written = record.put(put, record.version, change.id());
        next.put(put.key(), written.at(written.place, raised(written), change.id()));
      } else if (edit instanceof Edit.Queue queue) {
        Instant due = queue.due().isBefore(now) ? now : queue.due();
        Place to =
            new Place.Queued(
                queue.queue(), queue.priority(), due, queue.lane(), queue.wakeAtMail());
        move(record, to, raised(record), change.id());
      } else if (edit instanceof Edit.Release) {
        move(record, Place.NONE, raised(record), change.id());
      }
      return true;
    }

    private boolean deliver(Edit.Mail mail, ModelRecord record) {
      if (record == null) {
        return false;
      }
      if (record.hasMail(mail.row())) {
        return true;
      }
      if (record.place instanceof Place.None) {
        return false;
      }
      ModelRecord more = record.accept(mail.row(), mail.value());
      Place place = more.place;
      if (place instanceof Place.Queued q
          && (mail.urgent() || more.mail.size() >= q.wakeAtMail())) {
        Instant due = q.due().isAfter(now) ? now : q.due();
        place = new Place.Queued(q.queue(), q.priority(), due, q.lane(), q.wakeAtMail());
      }
      boolean raises = variant == Variant.VERSION_IS_FENCE_AND_MAILBOX;
      long version = raises ? record.version + 1 : record.version;
      next.put(mail.key(), more.at(place, version, more.lastChange));
      return true;
    }

    void move(ModelRecord record, Place to, long version, String change) {
      ModelRecord moved = record.at(to, version, change);
      String before = record.lane();
      String after = moved.lane();
      if (before != null && !before.equals(after)) {
        lane(record, before, keys -> without(keys, record.key()));
      }
      if (after != null && !after.equals(before)) {
        lane(record, after, keys -> with(keys, record.key()));
      }
      next.put(record.key(), moved);
    }

    private void lane(ModelRecord record, String name, UnaryOperator<List<String>> edit) {
      String lane = record.id.partition() + " " + name;
      List<String> keys = edit.apply(nextLanes.getOrDefault(lane, List.of()));
      nextLanes = new TreeMap<>(nextLanes);
      if (keys.isEmpty()) {
        nextLanes.remove(lane);
      } else {
        nextLanes.put(lane, keys);
      }
    }

    Outcome.Seen seen(String key, boolean accepted) {
      ModelRecord record = next.get(key);
      if (record == null) {
        return new Outcome.Seen(key, 0, 0, accepted, null);
      }
      Grant holder = record.place instanceof Place.Held held ? held.grant() : null;
      return new Outcome.Seen(key, record.version, record.mail.size(), accepted, holder);
    }

    ModelStore store() {
      return new ModelStore(next, nextLanes, variant, now);
    }
  }

  private static List<String> without(List<String> keys, String key) {
    List<String> rest = new ArrayList<>(keys);
    rest.remove(key);
    return List.copyOf(rest);
  }

  private static List<String> with(List<String> keys, String key) {
    List<String> more = new ArrayList<>(keys);
    more.add(key);
    return List.copyOf(more);
  }

  // claims

  /** What a claim of due records could be handed; a queue's name or {@code @} for those of runs. */
  List<String> due(String queue) {
    List<String> keys = new ArrayList<>();
    for (ModelRecord record : records.values()) {
      if (record.place instanceof Place.Queued q
          && (queue.equals("@") ? q.queue().contains("@") : q.queue().equals(queue))
          && !q.due().isAfter(now)
          && heads(record)) {
        keys.add(record.key());
      }
    }
    return keys;
  }

  /** What a claim by name could be handed: queued runs, due or not. */
  List<String> queuedRuns() {
    List<String> keys = new ArrayList<>();
    for (ModelRecord record : records.values()) {
      if (record.isRun() && record.place instanceof Place.Queued && heads(record)) {
        keys.add(record.key());
      }
    }
    return keys;
  }

  /** What a claim of a holder's records would be handed. */
  List<String> heldBy(String holder, Set<Long> except) {
    List<String> keys = new ArrayList<>();
    for (ModelRecord record : records.values()) {
      if (record.place instanceof Place.Held held
          && held.grant().holder().equals(holder)
          && !except.contains(held.grant().number())) {
        keys.add(record.key());
      }
    }
    return keys;
  }

  /** Whether nobody stands before it in its lane. */
  boolean heads(ModelRecord record) {
    String lane = record.lane();
    return lane == null
        || lanes.get(record.id.partition() + " " + lane).get(0).equals(record.key());
  }

  /** Hands records to a holder. */
  ModelStore take(List<String> keys, Grant grant) {
    TreeMap<String, ModelRecord> next = new TreeMap<>(records);
    for (String key : keys) {
      ModelRecord record = next.get(key);
      long version = raised(record);
      Grant given = variant == Variant.COUNTING_FENCE ? new Grant(grant.holder(), version) : grant;
      Place held = new Place.Held(given, record.lane());
      next.put(key, record.at(held, version, record.lastChange));
    }
    return new ModelStore(next, lanes, variant, now);
  }

  // time, and what the explorer need not remember

  /** The record of a process becomes due; nothing else has changed. */
  ModelStore expired(String key) {
    ModelRecord record = records.get(key);
    if (record == null || !(record.place instanceof Place.Queued q) || !q.due().isAfter(now)) {
      return this;
    }
    TreeMap<String, ModelRecord> next = new TreeMap<>(records);
    Place due = new Place.Queued(q.queue(), q.priority(), now, q.lane(), q.wakeAtMail());
    next.put(key, record.at(due, record.version, record.lastChange));
    return new ModelStore(next, lanes, variant, now);
  }

  /**
   * The clock goes on. Records of processes keep their distance from it: who lives has said so
   * meanwhile, and who does not expires by {@link #expired}.
   */
  ModelStore at(Instant later) {
    TreeMap<String, ModelRecord> next = new TreeMap<>(records);
    for (ModelRecord record : records.values()) {
      if (record.place instanceof Place.Queued q) {
        Instant due = q.due();
        if (!due.isAfter(now)) {
          due = later; // due is due: for how long makes no difference
        } else if (q.queue().equals(Membership.FLEET)) {
          due = later.plusMillis(due.toEpochMilli() - now.toEpochMilli());
        }
        Place place = new Place.Queued(q.queue(), q.priority(), due, q.lane(), q.wakeAtMail());
        next.put(record.key(), record.at(place, record.version, record.lastChange));
      }
    }
    return new ModelStore(next, lanes, variant, later);
  }

  /** The same store, with the versions of a record counted anew. */
  ModelStore versioned(String key, long version) {
    ModelRecord record = records.get(key);
    if (record.version == version) {
      return this;
    }
    TreeMap<String, ModelRecord> next = new TreeMap<>(records);
    next.put(key, record.at(record.place, version, record.lastChange));
    return new ModelStore(next, lanes, variant, now);
  }

  /** The same store, with the ids of only those last changes that somebody may still ask for. */
  ModelStore remembering(Set<String> changes) {
    TreeMap<String, ModelRecord> next = null;
    for (ModelRecord record : records.values()) {
      if (!record.lastChange.isEmpty() && !changes.contains(record.lastChange)) {
        next = next == null ? new TreeMap<>(records) : next;
        next.put(record.key(), record.changedBy(""));
      }
    }
    return next == null ? this : new ModelStore(next, lanes, variant, now);
  }

  @Override
  public boolean equals(Object other) {
    return other == this
        || other instanceof ModelStore that
            && hash == that.hash
            && now.equals(that.now)
            && records.equals(that.records)
            && lanes.equals(that.lanes);
  }

  @Override
  public int hashCode() {
    return hash;
  }
}
