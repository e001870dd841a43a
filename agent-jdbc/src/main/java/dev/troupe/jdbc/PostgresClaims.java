package dev.troupe.jdbc;

import dev.troupe.state.Claim;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Hands out records: one statement takes them, another reads what belongs to them, which must begin
 * after the first has locked them. A claim that finds nothing is the first statement alone.
 *
 * <p>Safe for use by many threads.
 */
final class PostgresClaims {
  /** One of so many records handed out is the one due longest, whatever its priority. */
  private static final int FAIRNESS = 8;

  /** How many more than wanted are looked at, because others may have locked some. */
  private static final int SPARE = 16;

  /** How many expired records are removed at a time. */
  private static final int PORTION = 64;

  private static final int GOLDEN = 0x9E3779B9;

  private final int partitions;
  private final AtomicInteger handedOut = new AtomicInteger();

  PostgresClaims(int partitions) {
    this.partitions = partitions;
  }

  /** What one statement took. */
  private static final class Taken {
    final Set<Long> ids = new LinkedHashSet<>();
    long seen;
    boolean expired;
  }

  List<Stored> take(PostgresSession session, Claim claim) throws SQLException {
    Taken taken = takeOnce(session, claim, 1);
    List<Stored> records = read(session, claim, taken.ids);
    if (taken.expired && freesLanes(session)) {
      Claim rest = rest(claim, records);
      if (rest != null) {
        List<Stored> more = new ArrayList<>(records);
        more.addAll(read(session, rest, takeOnce(session, rest, 1).ids));
        records = more;
      }
    }
    // others had locked whatever was looked at: look further
    for (int width = 4; records.isEmpty() && taken.seen > 0 && width <= 64; width *= 4) {
      taken = takeOnce(session, claim, width);
      records = read(session, claim, taken.ids);
    }
    return records;
  }

  /** What of the claim is left after these records, null when it is full. */
  private static @Nullable Claim rest(Claim claim, List<Stored> records) {
    long bytes = 0;
    for (Stored record : records) {
      bytes += record.value().length;
      bytes += record.rows().values().stream().mapToLong(row -> row.length).sum();
      bytes += record.mail().stream().mapToLong(item -> item.value().length).sum();
    }
    int limit = claim.limit() - records.size();
    if (limit < 1 || (bytes > claim.maxBytes() && !records.isEmpty())) {
      return null;
    }
    int most = (int) (claim.maxBytes() - bytes);
    return new Claim(claim.grant(), claim.from(), claim.partitions(), limit, most);
  }

  /** Whether lanes were freed by removing what has expired, as far as nobody else does that. */
  private static boolean freesLanes(PostgresSession session) throws SQLException {
    try {
      return removeExpired(session);
    } catch (SQLException e) {
      if (!PostgresErrors.isConflict(e)) {
        throw e;
      }
      session.rollback();
      return false;
    }
  }

  private Taken takeOnce(PostgresSession session, Claim claim, int width) throws SQLException {
    if (claim.from() instanceof Claim.From.Due due) {
      return takeDue(session, claim, List.copyOf(new LinkedHashSet<>(due.queues())), width);
    } else if (claim.from() instanceof Claim.From.Named named) {
      return takeNamed(session, claim, List.copyOf(new LinkedHashSet<>(named.ids())));
    }
    return takeHeld(session, claim, (Claim.From.HeldBy) claim.from());
  }

  private Taken takeDue(PostgresSession session, Claim claim, List<String> queues, int width)
      throws SQLException {
    int limit = claim.limit();
    int[] where = claim.partitions().stream().mapToInt(Integer::intValue).toArray();
    if (queues.isEmpty() || where.length == 0) {
      return new Taken();
    }
    boolean everywhere = where.length >= partitions && coversAll(claim.partitions());
    PostgresSql sql = session.sql();
    try (PostgresQuery query = session.timed(everywhere ? sql.dueAnywhere : sql.dueSomewhere)) {
      query.names(queues).array(everywhere ? new int[0] : where);
      query.with(Math.addExact(Math.multiplyExact(Math.min(limit, 10_000), width), SPARE));
      query.array(turns(limit)).names(queues).with(limit);
      Taken taken = run(session, query, claim);
      handedOut.addAndGet(taken.ids.size());
      return taken;
    }
  }

  private boolean coversAll(Set<Integer> asked) {
    for (int i = 0; i < partitions; i++) {
      if (!asked.contains(i)) {
        return false;
      }
    }
    return true;
  }

  /** At which places of the next hand-outs stands what is due longest; spread evenly. */
  private int[] turns(int limit) {
    int first = handedOut.get() + 1;
    List<Integer> places = new ArrayList<>();
    for (int i = 0; i < Math.min(limit, 1024); i++) {
      if (((first + i) * GOLDEN) >>> 29 == FAIRNESS - 1) {
        places.add(i + 1);
      }
    }
    return places.stream().mapToInt(Integer::intValue).toArray();
  }

  private static Taken takeNamed(PostgresSession session, Claim claim, List<RecordId> ids)
      throws SQLException {
    List<RecordId> sorted = ids.stream().sorted(PostgresSession.LOCKING).toList();
    try (PostgresQuery query = session.timed(session.sql().named)) {
      query.ints(sorted.stream().map(RecordId::partition).toList());
      query.names(sorted.stream().map(RecordId::key).toList());
      query.ints(sorted.stream().map(ids::indexOf).toList()).with(claim.limit());
      return run(session, query, claim);
    }
  }

  private static Taken takeHeld(PostgresSession session, Claim claim, Claim.From.HeldBy from)
      throws SQLException {
    Set<Long> except = new TreeSet<>(from.except());
    if (claim.grant().holder().equals(from.holder())) {
      except.add(claim.grant().number());
    }
    try (PostgresQuery query = session.timed(session.sql().heldBy)) {
      query.name(from.holder()).longs(List.copyOf(except));
      query.ints(List.copyOf(claim.partitions())).with(claim.limit());
      return run(session, query, claim);
    }
  }

  private static Taken run(PostgresSession session, PostgresQuery query, Claim claim)
      throws SQLException {
    query.name(claim.grant().holder()).with(claim.grant().number()).with(claim.maxBytes());
    Taken taken = new Taken();
    try (ResultSet row = query.rows()) {
      while (row.next()) {
        session.time().shown(row.getLong(1));
        taken.seen = row.getLong(2);
        taken.expired = row.getBoolean(3);
        long id = row.getLong(4);
        if (!row.wasNull()) {
          taken.ids.add(id);
        }
      }
    }
    return taken;
  }

  /** Reads what was taken, as far as it is still held under the claim's grant. */
  private static List<Stored> read(PostgresSession session, Claim claim, Set<Long> ids)
      throws SQLException {
    if (ids.isEmpty()) {
      return List.of();
    }
    PostgresContents contents = new PostgresContents(true);
    try (PostgresQuery query = session.timed(session.sql().claimed)) {
      query.longs(List.copyOf(ids));
      query.name(claim.grant().holder()).with(claim.grant().number());
      contents.read(session, query);
    }
    Map<Long, Stored> found = new LinkedHashMap<>();
    contents.records().forEach(found::put);
    return ids.stream().map(found::get).filter(Objects::nonNull).toList();
  }

  /** Removes a portion of what has expired; whether any of it stood in a lane. */
  private static boolean removeExpired(PostgresSession session) throws SQLException {
    PostgresWrites writes = new PostgresWrites();
    boolean lanes = false;
    session.begin();
    try (PostgresQuery query = session.timed(session.sql().expired)) {
      query.with(PORTION).with(PORTION).with(PORTION);
      try (ResultSet row = query.rows()) {
        while (row.next()) {
          writes.drop(row.getLong(1));
          byte[] lane = row.getBytes(3);
          if (lane != null) {
            lanes = true;
            writes.leave(row.getInt(2), SqliteNames.decode(lane));
          }
        }
      }
    }
    if (writes.isEmpty()) {
      session.rollback();
      return false;
    }
    writes.send(session);
    return lanes;
  }
}
