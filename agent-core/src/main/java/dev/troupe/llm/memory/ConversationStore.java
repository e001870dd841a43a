package dev.troupe.llm.memory;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreTime;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Reads and writes records of conversations, each write under the version that was read. */
final class ConversationStore {
  private static final int ATTEMPTS = 100;
  private static final int MOST_EDITS = 250;

  private final StateStore store;
  private final String tenant;
  private final @Nullable Duration keep;
  private final StoreTime time = new StoreTime();

  /** What to make of a conversation; null leaves it as it is. */
  @FunctionalInterface
  interface Edition {
    @Nullable Update of(ConversationRecord found);
  }

  /** What a conversation will be. */
  static final class Update {
    private final ConversationRecord found;
    private final SortedMap<Long, byte[]> rows;
    private final List<Long> removed = new ArrayList<>();
    private final List<String> keys;
    private final TreeMap<Long, byte[]> added = new TreeMap<>();
    private byte @Nullable [] summary;
    private long next;

    Update(ConversationRecord found) {
      this.found = found;
      this.rows = new TreeMap<>(found.rows());
      this.keys = new ArrayList<>(found.keys());
      this.summary = found.summary();
      this.next = found.next();
    }

    void put(long number, byte[] row) {
      rows.put(number, row);
      added.put(number, row);
      next = number + 1;
    }

    void remove(long number) {
      rows.remove(number);
      if (added.remove(number) == null) {
        removed.add(number);
      }
    }

    void summary(byte[] encoded) {
      this.summary = encoded;
    }

    Update key(String key) {
      keys.add(key);
      return this;
    }

    long bytes() {
      long all = summary == null ? 0 : summary.length;
      for (byte[] row : rows.values()) {
        all += row.length;
      }
      return all;
    }
  }

  ConversationStore(StateStore store, String tenant, @Nullable Duration keep) {
    this.store = store;
    this.tenant = tenant;
    this.keep = keep;
  }

  private RecordId place(String id) {
    if (id.isEmpty() || id.length() > 200) {
      throw new IllegalArgumentException(
          "a conversation's name has 1 to 200 characters, not " + id.length());
    }
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256")
              .digest((tenant + "\n" + id).getBytes(StandardCharsets.UTF_8));
      return RecordId.of(
          "$memory:" + HexFormat.of().formatHex(hash, 0, 16), store.info().partitions());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  ConversationRecord read(String id) {
    return read(id, place(id));
  }

  private ConversationRecord read(String id, RecordId place) {
    List<Stored> items = store.scan(Scan.whole(place)).items();
    Stored found = items.isEmpty() ? null : items.get(0);
    if (found != null) {
      time.heard(found.now());
    }
    return ConversationRecord.of(id, found);
  }

  /** Changes a conversation under its version; again, from what is there, when it was refused. */
  boolean update(String id, Edition edition) {
    RecordId place = place(id);
    String change = UUID.randomUUID().toString();
    for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
      ConversationRecord found = read(id, place);
      Update update = edition.of(found);
      if (update == null) {
        return false;
      }
      Outcome outcome =
          store
              .apply(List.of(new Change(change + attempt, place.partition(), edits(place, update))))
              .get(0);
      time.heard(outcome.now());
      if (outcome instanceof Outcome.Done) {
        return true;
      }
      LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(200_000L * attempt));
    }
    throw new AgentException(
        ErrorCode.STORE_UNAVAILABLE,
        "conversation %s is written by so many at once that none of %d attempts went through"
            .formatted(id, ATTEMPTS));
  }

  private List<Edit> edits(RecordId place, Update update) {
    String key = place.key();
    List<Edit> edits = new ArrayList<>();
    edits.add(
        update.found.version() == 0
            ? new Edit.Absent(key)
            : new Edit.AtVersion(key, update.found.version()));
    Instant expires = null;
    if (keep != null) {
      time.learn(store, place);
      expires = Instant.ofEpochMilli(time.millis()).plus(keep);
    }
    Map<String, String> tags =
        tenant.isEmpty()
            ? Map.of("troupe", "memory")
            : Map.of("troupe", "memory", "tenant", tenant);
    byte[] value = ConversationRecord.value(update.next, update.keys);
    edits.add(new Edit.Put(key, value, tags, expires));
    update.added.forEach(
        (number, row) -> edits.add(new Edit.Row(key, ConversationRecord.row(number), row)));
    if (update.summary != update.found.summary()) {
      edits.add(new Edit.Row(key, ConversationRecord.SUMMARY, update.summary));
    }
    for (long number : update.removed) {
      if (edits.size() < MOST_EDITS) {
        edits.add(new Edit.Row(key, ConversationRecord.row(number), null));
      }
    }
    return edits;
  }

  void delete(String id) {
    RecordId place = place(id);
    Edit delete = new Edit.Delete(place.key());
    store.apply(
        List.of(new Change(UUID.randomUUID().toString(), place.partition(), List.of(delete))));
  }
}
