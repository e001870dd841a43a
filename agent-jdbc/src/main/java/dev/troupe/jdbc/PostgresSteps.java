package dev.troupe.jdbc;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Changes that one statement can make: rows of one record under its grant, and back into a queue.
 * That is what steps and parking are, which is nearly everything that a run does.
 */
final class PostgresSteps {
  /** A change of this kind, taken apart. */
  private static final class Step {
    final Edit.Held held;
    long mailAtMost = Long.MAX_VALUE;
    Edit.@Nullable Queue queue;
    final List<Edit.Row> rows = new ArrayList<>(2);

    Step(Edit.Held held) {
      this.held = held;
    }
  }

  private PostgresSteps() {}

  /**
   * Does the changes that can be done so and whose guards hold.
   *
   * @return an outcome for each change, null for one that was not done; null when the list is of
   *     another kind, and nothing was done
   */
  static @Nullable Outcome @Nullable [] apply(PostgresSession session, List<Change> changes)
      throws SQLException {
    List<Step> steps = new ArrayList<>(changes.size());
    for (Change change : changes) {
      Step step = step(change);
      if (step == null || (step.queue != null && changes.size() > 1)) {
        return null;
      }
      steps.add(step);
    }
    if (namesARowTwice(changes, steps)) {
      return null;
    }
    Step first = steps.get(0);
    if (first.queue != null) {
      return park(session, changes.get(0), first, first.queue);
    }
    if (changes.size() == 1 && first.rows.size() == 1) {
      byte[] value = first.rows.get(0).value();
      if (value != null) {
        return one(session, changes.get(0), first, first.rows.get(0), value);
      }
    }
    return many(session, changes, steps);
  }

  private static @Nullable Step step(Change change) {
    List<Edit> edits = change.edits();
    if (!(edits.get(0) instanceof Edit.Held held)) {
      return null;
    }
    Step step = new Step(held);
    for (int i = 1; i < edits.size(); i++) {
      Edit edit = edits.get(i);
      if (!edit.key().equals(held.key()) || step.queue != null) {
        return null;
      }
      if (edit instanceof Edit.Row row) {
        step.rows.add(row);
      } else if (edit instanceof Edit.NoMailAfter guard) {
        step.mailAtMost = Math.min(step.mailAtMost, guard.mail());
      } else if (edit instanceof Edit.Queue queue) {
        step.queue = queue;
      } else {
        return null;
      }
    }
    return step.rows.isEmpty() && step.queue == null ? null : step;
  }

  /** One statement writes a row once, and of two changes only one may be done. */
  private static boolean namesARowTwice(List<Change> changes, List<Step> steps) {
    if (steps.size() == 1 && steps.get(0).rows.size() < 2) {
      return false;
    }
    record Name(int partition, String key, String row) {}
    Set<Name> names = new HashSet<>();
    for (int i = 0; i < steps.size(); i++) {
      for (Edit.Row row : steps.get(i).rows) {
        if (!names.add(new Name(changes.get(i).partition(), row.key(), row.row()))) {
          return true;
        }
      }
    }
    return false;
  }

  private static @Nullable Outcome[] one(
      PostgresSession session, Change change, Step step, Edit.Row row, byte[] value)
      throws SQLException {
    try (PostgresQuery query = session.timed(session.sql().step)) {
      query.with(change.partition()).name(step.held.key());
      query.name(step.held.grant().holder()).with(step.held.grant().number());
      query.with(step.mailAtMost).name(row.row()).with(value);
      return outcomes(session, query, List.of(step));
    }
  }

  private static @Nullable Outcome[] park(
      PostgresSession session, Change change, Step step, Edit.Queue queue) throws SQLException {
    try (PostgresQuery query = session.timed(session.sql().park)) {
      query.name(change.id()).name(queue.queue()).with(queue.priority());
      query.with(queue.due().toEpochMilli()).with(queue.wakeAtMail());
      query.with(change.partition()).name(step.held.key());
      query.name(step.held.grant().holder()).with(step.held.grant().number());
      query.with(step.mailAtMost).name(queue.lane()).name(change.id());
      List<Edit.Row> rows = step.rows;
      query.names(rows.stream().map(Edit.Row::row).toList());
      query.array(rows.stream().map(Edit.Row::value).toArray(byte[][]::new));
      query.names(rows.stream().filter(r -> r.value() == null).map(Edit.Row::row).toList());
      return outcomes(session, query, List.of(step));
    }
  }

  private static @Nullable Outcome[] many(
      PostgresSession session, List<Change> changes, List<Step> steps) throws SQLException {
    int size = 0;
    for (Step step : steps) {
      size += step.rows.size();
    }
    int[] number = new int[size];
    int[] partition = new int[size];
    byte[][] key = new byte[size][];
    byte[][] holder = new byte[size][];
    long[] grant = new long[size];
    long[] mail = new long[size];
    byte[][] name = new byte[size][];
    byte @Nullable [] @Nullable [] value = new byte[size][];
    boolean cuts = false;
    int at = 0;
    for (int i : inOrderOfLocking(changes)) {
      Step step = steps.get(i);
      byte[] ofKey = SqliteNames.encode(step.held.key());
      byte[] ofHolder = SqliteNames.encode(step.held.grant().holder());
      for (Edit.Row row : step.rows) {
        number[at] = i + 1;
        partition[at] = changes.get(i).partition();
        key[at] = ofKey;
        holder[at] = ofHolder;
        grant[at] = step.held.grant().number();
        mail[at] = step.mailAtMost;
        name[at] = SqliteNames.encode(row.row());
        value[at++] = row.value();
        cuts |= row.value() == null;
      }
    }
    PostgresSql sql = session.sql();
    try (PostgresQuery query = session.timed(cuts ? sql.stepsAndCuts : sql.steps)) {
      query.array(number).array(partition).array(key).array(holder).array(grant).array(mail);
      query.array(name).array(value);
      return outcomes(session, query, steps);
    }
  }

  private static List<Integer> inOrderOfLocking(List<Change> changes) {
    List<Integer> order = new ArrayList<>(changes.size());
    for (int i = 0; i < changes.size(); i++) {
      order.add(i);
    }
    if (order.size() > 1) {
      order.sort(
          Comparator.comparing(
              i -> new RecordId(changes.get(i).partition(), changes.get(i).edits().get(0).key()),
              PostgresSession.LOCKING));
    }
    return order;
  }

  /** Reads now, the number of the change, version, mail. */
  private static @Nullable Outcome[] outcomes(
      PostgresSession session, PostgresQuery query, List<Step> steps) throws SQLException {
    @Nullable Outcome[] outcomes = new Outcome[steps.size()];
    try (ResultSet row = query.rows()) {
      while (row.next()) {
        Step step = steps.get(row.getInt(2) - 1);
        Outcome.Seen seen =
            new Outcome.Seen(
                step.held.key(),
                row.getLong(3),
                row.getLong(4),
                true,
                step.queue == null ? step.held.grant() : null);
        Instant now = Instant.ofEpochMilli(session.time().shown(row.getLong(1)));
        outcomes[row.getInt(2) - 1] = new Outcome.Done(now, List.of(seen));
      }
    }
    return outcomes;
  }
}
