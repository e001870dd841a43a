package dev.troupe.jdbc;

import dev.troupe.state.Claim;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Hands out records, over the writer's session. */
final class SqliteClaims {
  /** How many candidates of a queue and priority one look reads. */
  private static final int LOOK = 256;

  /** SQLite allows 500 parts of a query; three belong to a queue. */
  private static final int MAX_QUEUES = 160;

  private static final Comparator<Candidate> LONGEST_DUE =
      Comparator.comparingLong(Candidate::due).thenComparingLong(Candidate::id);
  private static final Comparator<Candidate> MOST_URGENT =
      Comparator.comparingInt(Candidate::priority).reversed().thenComparing(LONGEST_DUE);

  private record Candidate(long id, int priority, long due) {}

  private final SqliteSession session;
  private final SqliteRecords records;
  private final SqliteContents contents;
  private final int partitions;
  private final Map<Integer, PreparedStatement> due = new HashMap<>();
  private final PreparedStatement held;

  SqliteClaims(
      SqliteSession session, SqliteRecords records, SqliteContents contents, int partitions)
      throws SQLException {
    this.session = session;
    this.records = records;
    this.contents = contents;
    this.partitions = partitions;
    held =
        session.prepare(
            "SELECT id, partition, grant_number FROM record WHERE place = 2 AND holder = ?"
                + " ORDER BY grant_number");
  }

  /** Begins a transaction as soon as there is something to write, and leaves it open. */
  List<Stored> take(Claim claim, long now, Turns turns) throws SQLException {
    if (records.expiryIsDue(now)) {
      session.begin();
      records.removeExpired(now);
    }
    Taken taken = new Taken(claim);
    if (claim.from() instanceof Claim.From.Due due) {
      takeDue(claim, List.copyOf(new LinkedHashSet<>(due.queues())), now, turns, taken);
    } else if (claim.from() instanceof Claim.From.Named named) {
      takeNamed(named, now, taken);
    } else if (claim.from() instanceof Claim.From.HeldBy from) {
      takeHeld(claim, from, now, taken);
    }
    return taken.records;
  }

  /**
   * One record of eight that {@code Due} hands out is the one due longest, whatever its priority.
   * The turns are spread by the golden ratio: with a plain counter, of two callers who alternate
   * one might never have such a turn. Outlives sessions.
   */
  static final class Turns {
    private static final int GOLDEN = 0x9E3779B9;
    private int handedOut;

    boolean nextIsLongestDue() {
      return (++handedOut * GOLDEN) >>> 29 == 7;
    }
  }

  private void takeDue(Claim claim, List<String> queues, long now, Turns turns, Taken taken)
      throws SQLException {
    while (!taken.full()) {
      int most = Math.min(LOOK, claim.limit() - taken.records.size());
      List<Candidate> candidates = look(claim, queues, now, most);
      if (candidates.isEmpty()) {
        return;
      }
      session.begin();
      candidates.sort(MOST_URGENT);
      // of each queue and priority only so many were read; beyond that the order is not known
      int count = Math.min(most, candidates.size());
      for (int i = 0; i < count && !taken.full(); i++) {
        Candidate next = candidates.get(0);
        if (turns.nextIsLongestDue()) {
          next = candidates.stream().min(LONGEST_DUE).orElse(next);
        }
        candidates.remove(next);
        SqliteHead head = records.byId(next.id());
        if (head != null && head.expires <= now) {
          records.remove(head);
        } else if (head != null) {
          hand(head, now, taken);
        }
      }
    }
  }

  private List<Candidate> look(Claim claim, List<String> queues, long now, int most)
      throws SQLException {
    List<Candidate> candidates = new ArrayList<>();
    byte[] where = filter(claim.partitions());
    for (int from = 0; from < queues.size(); from += MAX_QUEUES) {
      List<String> some = queues.subList(from, Math.min(queues.size(), from + MAX_QUEUES));
      PreparedStatement query = due.get(some.size());
      if (query == null) {
        query = session.prepare(dueIn(some.size()));
        due.put(some.size(), query);
      }
      query.setLong(1, now);
      query.setInt(2, most);
      query.setBytes(3, where);
      for (int i = 0; i < some.size(); i++) {
        query.setBytes(4 + i, SqliteNames.encode(some.get(i)));
      }
      try (ResultSet found = query.executeQuery()) {
        while (found.next()) {
          candidates.add(new Candidate(found.getLong(1), found.getInt(2), found.getLong(3)));
        }
      }
    }
    return candidates;
  }

  /** A byte for each partition, 1 for those wanted; null when all are. */
  private byte @Nullable [] filter(Set<Integer> wanted) {
    byte[] bytes = new byte[partitions];
    int count = 0;
    for (int partition : wanted) {
      if (partition >= 0 && partition < partitions) {
        bytes[partition] = 1;
        count++;
      }
    }
    return count == partitions ? null : bytes;
  }

  /** One query whatever the number of partitions; each part reads one stretch of one index. */
  static String dueIn(int queues) {
    StringBuilder sql = new StringBuilder();
    for (int queue = 0; queue < queues; queue++) {
      for (int priority = 2; priority >= 0; priority--) {
        sql.append(sql.isEmpty() ? "" : " UNION ALL ")
            .append("SELECT * FROM (SELECT id, priority, due FROM record WHERE ready = 1")
            .append(" AND queue = ?")
            .append(4 + queue)
            .append(" AND priority = ")
            .append(priority)
            .append(" AND due <= ?1 AND (?3 IS NULL OR substr(?3, partition + 1, 1) = x'01')")
            .append(" ORDER BY due, id LIMIT ?2)");
      }
    }
    return sql.toString();
  }

  private void takeNamed(Claim.From.Named named, long now, Taken taken) throws SQLException {
    for (RecordId id : named.ids()) {
      if (!taken.full()) {
        SqliteHead head = records.find(id.partition(), id.key(), now);
        if (head != null && head.isReady()) {
          session.begin();
          hand(head, now, taken);
        }
      }
    }
  }

  private void takeHeld(Claim claim, Claim.From.HeldBy from, long now, Taken taken)
      throws SQLException {
    List<Long> ids = new ArrayList<>();
    held.setBytes(1, SqliteNames.encode(from.holder()));
    boolean own = claim.grant().holder().equals(from.holder());
    try (ResultSet found = held.executeQuery()) {
      while (found.next()) {
        long number = found.getLong(3);
        boolean handedNow = own && number == claim.grant().number();
        if (!handedNow
            && !from.except().contains(number)
            && claim.partitions().contains(found.getInt(2))) {
          ids.add(found.getLong(1));
        }
      }
    }
    for (long id : ids) {
      SqliteHead head = taken.full() ? null : records.byId(id);
      if (head != null && head.expires > now) {
        session.begin();
        hand(head, now, taken);
      }
    }
  }

  private void hand(SqliteHead head, long now, Taken taken) throws SQLException {
    head.version++;
    records.move(head, new Place.Held(taken.claim.grant(), head.lane()));
    records.flush();
    taken.add(contents.head(head, contents.value(head), now, true));
  }

  /** The answer to a claim while it grows. */
  private static final class Taken {
    final Claim claim;
    final List<Stored> records = new ArrayList<>();
    private long bytes;

    Taken(Claim claim) {
      this.claim = claim;
    }

    boolean full() {
      return records.size() >= claim.limit() || (bytes > claim.maxBytes() && !records.isEmpty());
    }

    void add(Stored record) {
      records.add(record);
      bytes += record.value().length;
      for (byte[] row : record.rows().values()) {
        bytes += row.length;
      }
      for (Stored.MailItem item : record.mail()) {
        bytes += item.value().length;
      }
    }
  }
}
