package dev.troupe.jdbc;

import dev.troupe.state.RecordId;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What a list of changes comes to, written with one request that also commits. */
final class PostgresWrites {
  /** A row or a mail of a record. */
  record Part(long record, String name) {}

  /** A lane of a partition. */
  record Lane(int partition, String name) {}

  private record Letter(Part part, long number, byte[] content) {}

  private final List<RecordId> absent = new ArrayList<>();
  private final Set<Part> noRows = new LinkedHashSet<>();
  private final Set<Lane> lanes = new LinkedHashSet<>();
  private final Set<Lane> left = new LinkedHashSet<>();
  private final List<Long> dropped = new ArrayList<>();
  private final List<PostgresHead> heads = new ArrayList<>();
  private final Map<Part, byte @Nullable []> rows = new LinkedHashMap<>();
  private final List<Letter> mail = new ArrayList<>();
  private final Map<Lane, Integer> entering = new HashMap<>();

  boolean isEmpty() {
    return dropped.isEmpty() && heads.isEmpty() && rows.isEmpty() && mail.isEmpty();
  }

  /** Counts on it that no such record is created before the end. */
  void expectAbsent(RecordId id) {
    absent.add(id);
  }

  /** Counts on it that there is no such row. */
  void expectNoRow(long record, String name) {
    noRows.add(new Part(record, name));
  }

  boolean expectsNoRows() {
    return !noRows.isEmpty();
  }

  /** The record's columns have changed. */
  void touch(PostgresHead head) {
    if (!head.dirty) {
      head.dirty = true;
      heads.add(head);
    }
  }

  /** Whether a row has been written here; null when nothing is known of it. */
  @Nullable Boolean hasRow(long record, String name) {
    Part part = new Part(record, name);
    return rows.containsKey(part) ? rows.get(part) != null : null;
  }

  void row(long record, String name, byte @Nullable [] value) {
    rows.put(new Part(record, name), value);
  }

  void mail(long record, String name, long number, byte[] content) {
    mail.add(new Letter(new Part(record, name), number, content));
  }

  boolean hasMail(long record, String name) {
    Part part = new Part(record, name);
    return mail.stream().anyMatch(letter -> letter.part().equals(part));
  }

  void enter(PostgresHead head, String lane) {
    Lane entered = new Lane(head.name.partition(), lane);
    head.enters = entering.merge(entered, 1, Integer::sum);
    lanes.add(entered);
  }

  void leave(int partition, String lane) {
    lanes.add(new Lane(partition, lane));
    left.add(new Lane(partition, lane));
  }

  /** Removes a record with all that belongs to it; one that is not in the table is forgotten. */
  void drop(PostgresHead head) {
    heads.remove(head);
    rows.keySet().removeIf(part -> part.record() == head.id);
    mail.removeIf(letter -> letter.part().record() == head.id);
    if (!head.fresh) {
      dropped.add(head.id);
    }
  }

  void drop(long id) {
    dropped.add(id);
  }

  /** Sends everything, and the commit behind it. */
  void send(PostgresSession session) throws SQLException {
    PostgresBatch batch = new PostgresBatch();
    batch.add("plan");
    if (!absent.isEmpty()) {
      batch.add("absent");
      batch.array(absent.stream().mapToInt(RecordId::partition).toArray());
      batch.array(PostgresQuery.encoded(absent.stream().map(RecordId::key).toList()));
    }
    if (!noRows.isEmpty()) {
      batch.add("no-rows");
      parts(batch, new ArrayList<>(noRows));
    }
    if (!lanes.isEmpty()) {
      batch.add("lanes");
      batch.number(session.lockClass());
      Set<Integer> slots = new TreeSet<>();
      lanes.forEach(lane -> slots.add(PostgresSession.SLOTS + PostgresSession.slot(lane)));
      batch.array(slots.stream().mapToInt(Integer::intValue).toArray());
    }
    if (!dropped.isEmpty()) {
      long[] ids = dropped.stream().mapToLong(Long::longValue).toArray();
      for (String section : List.of("drop", "drop-rows", "drop-mail", "drop-tags")) {
        batch.add(section);
        batch.array(ids);
      }
    }
    long[] enter = heads.stream().filter(h -> h.enters > 0).mapToLong(h -> h.id).toArray();
    heads(batch, "update", heads.stream().filter(head -> !head.fresh).toList(), enter);
    heads(batch, "insert", heads.stream().filter(head -> head.fresh).toList(), enter);
    if (!left.isEmpty()) {
      batch.add("ready");
      batch.array(left.stream().mapToInt(Lane::partition).toArray());
      batch.array(PostgresQuery.encoded(left.stream().map(Lane::name).toList()));
    }
    rowsAndMail(batch);
    tags(batch);
    batch.send(session);
  }

  private static void heads(
      PostgresBatch batch, String section, List<PostgresHead> some, long[] enter) {
    if (some.isEmpty()) {
      return;
    }
    batch.add(section);
    PostgresColumns.add(batch, some);
    batch.array(enter);
  }

  private void rowsAndMail(PostgresBatch batch) {
    List<Part> put = new ArrayList<>();
    List<byte[]> values = new ArrayList<>();
    List<Part> cut = new ArrayList<>();
    rows.forEach(
        (part, value) -> {
          if (value == null) {
            cut.add(part);
          } else {
            put.add(part);
            values.add(value);
          }
        });
    if (!put.isEmpty()) {
      batch.add("rows");
      parts(batch, put);
      batch.array(values.toArray(new byte[0][]));
    }
    if (!cut.isEmpty()) {
      batch.add("cut-rows");
      parts(batch, cut);
    }
    if (!mail.isEmpty()) {
      batch.add("mail");
      batch.array(mail.stream().mapToLong(letter -> letter.part().record()).toArray());
      batch.array(mail.stream().mapToLong(Letter::number).toArray());
      batch.array(PostgresQuery.encoded(mail.stream().map(l -> l.part().name()).toList()));
      batch.array(mail.stream().map(Letter::content).toArray(byte[][]::new));
    }
  }

  private static void parts(PostgresBatch batch, List<Part> parts) {
    batch.array(parts.stream().mapToLong(Part::record).toArray());
    batch.array(PostgresQuery.encoded(parts.stream().map(Part::name).toList()));
  }

  private void tags(PostgresBatch batch) {
    long[] changed =
        heads.stream().filter(h -> h.newTags && !h.fresh).mapToLong(h -> h.id).toArray();
    if (changed.length > 0) {
      batch.add("cut-tags");
      batch.array(changed);
    }
    List<byte[]> tags = new ArrayList<>();
    List<Long> created = new ArrayList<>();
    List<Long> records = new ArrayList<>();
    for (PostgresHead head : heads) {
      if (head.newTags) {
        head.tags.forEach(
            (name, value) -> {
              tags.add(PostgresPairs.tag(name, value));
              created.add(head.created);
              records.add(head.id);
            });
      }
    }
    if (!tags.isEmpty()) {
      batch.add("tags");
      batch.array(tags.toArray(new byte[0][]));
      batch.array(created.stream().mapToLong(Long::longValue).toArray());
      batch.array(records.stream().mapToLong(Long::longValue).toArray());
    }
  }
}
