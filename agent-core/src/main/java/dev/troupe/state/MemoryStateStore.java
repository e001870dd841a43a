package dev.troupe.state;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A store in this process's memory. It keeps encoded bytes, never live objects, and keeps every
 * guarantee of {@link StateStore}; what it holds dies with the process.
 *
 * <p>A lock for each partition; safe for use by many threads.
 */
public final class MemoryStateStore implements StateStore {
  private final StoreInfo info;
  private final StoreClock clock;
  private final List<MemoryPartition> partitions = new ArrayList<>();
  private final AtomicInteger turn = new AtomicInteger();
  private final AtomicBoolean closed = new AtomicBoolean();

  /** An empty store with 64 partitions on the machine's clock. */
  public MemoryStateStore() {
    this(64, StoreClock.monotonic());
  }

  /**
   * An empty store.
   *
   * @param partitions how many partitions, 1 to 4096
   * @param clock where its time comes from
   */
  public MemoryStateStore(int partitions, InstantSource clock) {
    this.info =
        new StoreInfo(
            "memory",
            partitions,
            StoreInfo.Sharing.ONE_PROCESS,
            StoreInfo.Durability.NOTHING,
            Duration.ZERO);
    this.clock = new StoreClock(clock, Instant.EPOCH);
    for (int i = 0; i < partitions; i++) {
      this.partitions.add(new MemoryPartition(i, this.clock));
    }
  }

  @Override
  public List<Outcome> apply(List<Change> changes) {
    open();
    info.check(changes);
    if (changes.size() == 1) {
      Change only = changes.get(0);
      return List.of(partitions.get(only.partition()).apply(only));
    }
    List<Outcome> outcomes = new ArrayList<>(changes.size());
    for (Change change : changes) {
      outcomes.add(partitions.get(change.partition()).apply(change));
    }
    return outcomes;
  }

  @Override
  public List<Stored> claim(Claim claim) {
    open();
    Taken taken = new Taken(claim);
    if (claim.from() instanceof Claim.From.Named named) {
      for (RecordId id : named.ids()) {
        if (!taken.full()) {
          partition(id.partition()).takeNamed(id.key(), taken);
        }
      }
      return taken.records;
    }
    // a different partition comes first each time, so that none is served only from what others
    // leave
    int[] asked =
        claim.partitions().stream()
            .mapToInt(Integer::intValue)
            .filter(p -> p >= 0 && p < partitions.size())
            .sorted()
            .toArray();
    int first = Turns.of(turn.getAndIncrement(), asked.length);
    for (int i = 0; i < asked.length && !taken.full(); i++) {
      MemoryPartition partition = partitions.get(asked[(first + i) % asked.length]);
      if (claim.from() instanceof Claim.From.Due due) {
        partition.takeDue(due.queues(), taken);
      } else if (claim.from() instanceof Claim.From.HeldBy held) {
        partition.takeHeld(held, taken);
      }
    }
    return taken.records;
  }

  @Override
  public Page<Stored> scan(Scan scan) {
    open();
    if (scan instanceof Scan.Rows rows) {
      return partition(rows.id().partition()).scanRows(rows);
    }
    Scan.Records records = (Scan.Records) scan;
    return partition(records.partition()).scanRecords(records);
  }

  @Override
  public Page<Stored> find(Find find) {
    open();
    String cursor = find.cursor();
    if (cursor != null && !cursor.matches("\\d{1,18} .+")) {
      throw new AgentException(ErrorCode.INVALID_INPUT, "not a cursor of this store: " + cursor);
    }
    List<Stored> found = new ArrayList<>();
    for (MemoryPartition partition : partitions) {
      partition.find(find, found);
    }
    found.sort(NEWEST_FIRST);
    int begin = 0;
    while (cursor != null && begin < found.size() && !isAfter(found.get(begin), cursor)) {
      begin++;
    }
    int end = Math.min(found.size(), begin + find.limit());
    return new Page<>(
        found.subList(begin, end), end < found.size() ? cursor(found.get(end - 1)) : null);
  }

  private MemoryPartition partition(int number) {
    if (number >= partitions.size()) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "the store has partitions 0 to %d, not %d".formatted(partitions.size() - 1, number));
    }
    return partitions.get(number);
  }

  private static final Comparator<Stored> NEWEST_FIRST =
      Comparator.comparing(Stored::created).reversed().thenComparing(s -> s.id().key());

  private static String cursor(Stored last) {
    return last.created().toEpochMilli() + " " + last.id().key();
  }

  private static boolean isAfter(Stored record, String cursor) {
    int space = cursor.indexOf(' ');
    long created = record.created().toEpochMilli();
    long last = Long.parseLong(cursor.substring(0, space));
    return created < last
        || (created == last && record.id().key().compareTo(cursor.substring(space + 1)) > 0);
  }

  @Override
  public StoreInfo info() {
    return info;
  }

  @Override
  public void close() {
    closed.set(true);
  }

  private void open() {
    if (closed.get()) {
      throw new AgentException(ErrorCode.CLOSED, "the memory store was closed");
    }
  }

  /** The answer to a claim while it grows. */
  static final class Taken {
    final Claim claim;
    final List<Stored> records = new ArrayList<>();
    private long bytes;

    Taken(Claim claim) {
      this.claim = claim;
    }

    boolean full() {
      return records.size() >= claim.limit() || (bytes > claim.maxBytes() && !records.isEmpty());
    }

    void add(Stored record, long size) {
      records.add(record);
      bytes += size;
    }
  }

  /** Nothing found and nothing left. */
  static Page<Stored> nothing() {
    return new Page<>(List.of(), (@Nullable String) null);
  }
}
