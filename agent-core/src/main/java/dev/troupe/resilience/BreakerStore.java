package dev.troupe.resilience;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreTime;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The records of all breakers in a store. They have one route, hence one partition, so one scan
 * shows them all with everybody's announcements. Safe for use by many threads.
 */
final class BreakerStore {
  /** Names of breakers never begin so. */
  private static final String IN_USE = "$in/";

  private static final String ROUTE = "$breaker/";
  private static final int PAGE = 1_000;
  private static final int ATTEMPTS = 50;

  private final StateStore store;
  private final StoreTime time = new StoreTime();

  /**
   * A breaker's record.
   *
   * @param record what it says
   * @param now when it said so, on the store's clock
   * @param heard the same moment or later, on the monotonic clock
   */
  record Seen(BreakerRecord record, long now, long heard) {}

  /**
   * Everything at once.
   *
   * @param records by breaker
   * @param users who uses what
   * @param now the store's time
   * @param heard the same moment or later, on the monotonic clock
   */
  record Look(Map<String, BreakerRecord> records, BreakerUsers users, long now, long heard) {
    Seen of(String name) {
      return new Seen(records.getOrDefault(name, BreakerRecord.CLOSED), now, heard);
    }
  }

  /** What to make of a record; null leaves it as it is. */
  interface Edition {
    @Nullable BreakerRecord of(BreakerRecord record, long now);
  }

  BreakerStore(StateStore store) {
    this.store = store;
  }

  static String key(String breaker) {
    return ROUTE + breaker;
  }

  Look look() {
    Map<String, BreakerRecord> records = new HashMap<>();
    BreakerUsers users = new BreakerUsers();
    int partition = id(ROUTE).partition();
    String after = null;
    do {
      Page<Stored> page = store.scan(new Scan.Records(partition, ROUTE, after, false, PAGE));
      for (Stored one : page.items()) {
        time.heard(one.now());
        String name = one.id().key().substring(ROUTE.length());
        if (name.startsWith(IN_USE)) {
          users.add(one.value());
        } else {
          records.put(name, BreakerRecord.decode(name, one.value()));
        }
      }
      after = page.next();
    } while (after != null);
    long heard = System.nanoTime();
    return new Look(records, users, time.millisAt(heard), heard);
  }

  /** Changes one breaker's record under its version. */
  Seen update(String name, Edition edition) {
    RecordId id = id(key(name));
    Page<Stored> page = store.scan(Scan.mailAfter(id, Long.MAX_VALUE));
    Stored found = page.items().isEmpty() ? null : page.items().get(0);
    for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
      if (found == null) {
        learnTime();
      } else {
        time.heard(found.now());
      }
      long heard = System.nanoTime();
      long now = time.millisAt(heard);
      BreakerRecord record =
          found == null ? BreakerRecord.CLOSED : BreakerRecord.decode(name, found.value());
      BreakerRecord next = edition.of(record, now);
      if (next == null) {
        return new Seen(record, now, heard);
      }
      Edit guard =
          found == null ? new Edit.Absent(id.key()) : new Edit.AtVersion(id.key(), found.version());
      Edit put = new Edit.Put(id.key(), next.encode(), Map.of(), next.expires(now));
      Outcome outcome = apply(List.of(guard, put));
      if (outcome instanceof Outcome.Refused refused) {
        found = refused.found();
        LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(200_000L * attempt));
      } else {
        long after = System.nanoTime();
        return new Seen(next, time.millisAt(after), after);
      }
    }
    throw new AgentException(
        ErrorCode.STORE_UNAVAILABLE,
        "breaker '%s' is written by so many at once that none of %d attempts went through"
            .formatted(name, ATTEMPTS));
  }

  /** Says for some time that a process uses breakers, and how it finds them. */
  void announce(String incarnation, byte[] value, Duration kept) {
    learnTime();
    Instant expires = Instant.ofEpochMilli(time.millis()).plus(kept);
    apply(List.of(new Edit.Put(key(IN_USE + incarnation), value, Map.of(), expires)));
  }

  void leave(String incarnation) {
    apply(List.of(new Edit.Delete(key(IN_USE + incarnation))));
  }

  private void learnTime() {
    time.learn(store, id(key(IN_USE)));
  }

  private Outcome apply(List<Edit> edits) {
    int partition = id(edits.get(0).key()).partition();
    Outcome outcome =
        store.apply(List.of(new Change(UUID.randomUUID().toString(), partition, edits))).get(0);
    time.heard(outcome.now());
    return outcome;
  }

  private RecordId id(String key) {
    return RecordId.of(key, store.info().partitions());
  }
}
