package dev.troupe.jdbc;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Any list of changes, in one transaction of two requests: lock and read the records; judge them
 * here; write and commit. What the first request does not show is taken to be as it nearly always
 * is, checked by the second, and looked up when that fails.
 *
 * <p>Safe for use by many threads.
 */
final class PostgresApply {
  /** What {@code PostgresHead} reads begins at this column of {@code lock.sql}. */
  private static final int FIRST = 3;

  /** How many ids one step of the sequence gives. */
  private static final int BLOCK = 256;

  private final ConcurrentLinkedQueue<long[]> ids = new ConcurrentLinkedQueue<>();
  private volatile boolean otherIsolation;

  private record Locked(long now, List<PostgresHead> heads) {}

  /**
   * Does the changes.
   *
   * @param careful whether to look at everything first, after a commit that failed
   */
  List<Outcome> apply(PostgresSession session, List<Change> changes, boolean careful)
      throws SQLException {
    Set<RecordId> keys = new HashSet<>();
    Set<RecordId> absent = new HashSet<>();
    int again = 0;
    for (Change change : changes) {
      Set<String> there = new HashSet<>();
      for (Edit edit : change.edits()) {
        if (edit instanceof Edit.Held || edit instanceof Edit.AtVersion) {
          there.add(edit.key());
        }
      }
      for (Edit edit : change.edits()) {
        RecordId id = new RecordId(change.partition(), edit.key());
        keys.add(id);
        if (!there.contains(edit.key()) && mattersIfAbsent(edit)) {
          absent.add(id);
        }
        again += mayMakeWay(edit) ? 1 : 0;
      }
    }
    Ids fresh = new Ids(session, absent.size() + again);
    try {
      Locked locked = lock(session, keys, absent);
      PostgresList list = judge(session, locked, changes, careful, fresh);
      for (RecordId id : absent) {
        if (locked.heads().stream().noneMatch(head -> head.name.equals(id))) {
          list.writes.expectAbsent(id);
        }
      }
      Map<Long, byte[]> values = values(session, list.refusals);
      if (list.writes.isEmpty()) {
        session.rollback();
      } else {
        list.writes.send(session);
      }
      session.time().shown(locked.now());
      return list.outcomes(values);
    } finally {
      fresh.giveBack();
    }
  }

  /** Whether it makes a difference to this line that the record is absent. */
  private static boolean mattersIfAbsent(Edit edit) {
    return !(edit instanceof Edit.Mail
        || edit instanceof Edit.Release
        || edit instanceof Edit.Delete
        || (edit instanceof Edit.Row row && row.value() == null));
  }

  /** Whether the record may be created once more after this line. */
  private static boolean mayMakeWay(Edit edit) {
    return edit instanceof Edit.Delete || (edit instanceof Edit.Put put && put.expires() != null);
  }

  private Locked lock(PostgresSession session, Set<RecordId> keys, Set<RecordId> absent)
      throws SQLException {
    List<RecordId> ids = keys.stream().sorted(PostgresSession.LOCKING).toList();
    Set<Integer> slots = new TreeSet<>();
    absent.forEach(id -> slots.add(PostgresSession.slot(id)));
    if (otherIsolation) {
      session.beginReadCommitted();
    } else {
      session.begin();
    }
    List<PostgresHead> heads = new ArrayList<>();
    long now = 0;
    try (PostgresQuery query = session.timed(session.sql().lock)) {
      query.with(session.lockClass()).ints(List.copyOf(slots));
      query.ints(ids.stream().map(RecordId::partition).toList());
      query.names(ids.stream().map(RecordId::key).toList());
      try (ResultSet row = query.rows()) {
        while (row.next()) {
          now = row.getLong(1);
          if (!row.getString(2).equals("read committed")) {
            otherIsolation = true;
            throw new SQLException("the connection has another isolation by default", "40001");
          }
          row.getLong(FIRST);
          if (!row.wasNull()) {
            PostgresHead head = PostgresHead.read(row, FIRST);
            head.value = row.getBytes(FIRST + PostgresSql.WIDTH);
            heads.add(head);
          }
        }
      }
    }
    return new Locked(now, heads);
  }

  private static PostgresList judge(
      PostgresSession session, Locked locked, List<Change> changes, boolean careful, Ids ids)
      throws SQLException {
    boolean looked = careful;
    while (true) {
      PostgresList.Found found = looked ? look(session, locked, changes) : null;
      ids.restart();
      PostgresList list = new PostgresList(locked.heads(), locked.now(), found, ids::next);
      try {
        list.judge(changes);
        return list;
      } catch (PostgresList.Unsure e) {
        if (looked) {
          throw new IllegalStateException("looked, and still not sure", e);
        }
        looked = true;
      }
    }
  }

  /** Reads which of the rows and mail that the changes ask for are there. */
  private static PostgresList.Found look(
      PostgresSession session, Locked locked, List<Change> changes) throws SQLException {
    Map<RecordId, Long> there = new HashMap<>();
    locked.heads().forEach(head -> there.put(head.name, head.id));
    List<List<Long>> records = List.of(new ArrayList<>(), new ArrayList<>());
    List<List<String>> names = List.of(new ArrayList<>(), new ArrayList<>());
    for (Change change : changes) {
      for (Edit edit : change.edits()) {
        Long id = there.get(new RecordId(change.partition(), edit.key()));
        if (id != null && edit instanceof Edit.NoRow guard) {
          records.get(0).add(id);
          names.get(0).add(guard.row());
        } else if (id != null && edit instanceof Edit.Mail mail) {
          records.get(1).add(id);
          names.get(1).add(mail.row());
        }
      }
    }
    PostgresList.Found found = new PostgresList.Found(new HashSet<>(), new HashSet<>());
    try (PostgresQuery query = session.query(session.sql().look)) {
      for (int kind = 0; kind < 2; kind++) {
        query.longs(records.get(kind)).names(names.get(kind));
      }
      try (ResultSet row = query.rows()) {
        while (row.next()) {
          String name = SqliteNames.decode(row.getBytes(3));
          (row.getInt(1) == 0 ? found.rows() : found.mail())
              .add(new PostgresWrites.Part(row.getLong(2), name));
        }
      }
    }
    return found;
  }

  private static Map<Long, byte[]> values(
      PostgresSession session, List<PostgresList.Refusal> refusals) throws SQLException {
    List<Long> wanted = new ArrayList<>();
    for (PostgresList.Refusal refusal : refusals) {
      PostgresHead head = refusal.found();
      if (head != null && head.value == null) {
        wanted.add(head.id);
      }
    }
    Map<Long, byte[]> values = new HashMap<>();
    if (!wanted.isEmpty()) {
      try (PostgresQuery query = session.query(session.sql().values).longs(wanted);
          ResultSet row = query.rows()) {
        while (row.next()) {
          values.put(row.getLong(1), row.getBytes(2));
        }
      }
    }
    return values;
  }

  /** Ids for the records that one list may create; those that it does not use go back. */
  private final class Ids {
    private final long[] mine;
    private int used;

    Ids(PostgresSession session, int most) throws SQLException {
      mine = new long[most];
      int filled = 0;
      while (filled < most) {
        long[] block = ids.poll();
        if (block == null) {
          draw(session, (most - filled + BLOCK - 1) / BLOCK);
          continue;
        }
        int taken = (int) Math.min(most - filled, block[1] - block[0]);
        for (int i = 0; i < taken; i++) {
          mine[filled++] = block[0]++;
        }
        if (block[0] < block[1]) {
          ids.add(block);
        }
      }
    }

    private void draw(PostgresSession session, int blocks) throws SQLException {
      try (PostgresQuery query = session.query(session.sql().ids).with(blocks);
          ResultSet row = query.rows()) {
        while (row.next()) {
          ids.add(new long[] {row.getLong(1), row.getLong(1) + BLOCK});
        }
      }
    }

    void restart() {
      used = 0;
    }

    long next() {
      return mine[used++];
    }

    void giveBack() {
      for (int i = used; i < mine.length; i++) {
        ids.add(new long[] {mine[i], mine[i] + 1});
      }
    }
  }
}
