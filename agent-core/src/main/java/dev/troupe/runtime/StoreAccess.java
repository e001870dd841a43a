package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.BatchingStore;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.StoreTime;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The runtime's way to the store: batches writes, sends again what was not answered, and keeps an
 * estimate of the store's time from its last answer and the monotonic clock.
 */
final class StoreAccess {
  /** How long a write whose answer is missing is sent again before its run is let go. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /**
   * How many flushes are under way at once to a store that lies in another process: while it works
   * on one, the next is made. A run's changes always go the same way, so they keep their order.
   */
  private static final int FLUSHES = 2;

  private final StateStore store;
  private final BatchingStore[] lanes;
  private final StoreTime time = new StoreTime();
  private volatile boolean hurried;

  StoreAccess(StateStore store) {
    this.store = store;
    int count = store.info().sharing() == StoreInfo.Sharing.FLEET ? FLUSHES : 1;
    this.lanes = new BatchingStore[count];
    for (int i = 0; i < count; i++) {
      lanes[i] = new BatchingStore(store);
    }
  }

  StoreInfo info() {
    return store.info();
  }

  RecordId place(String key) {
    return RecordId.of(key, store.info().partitions());
  }

  /** From now on a missing answer is an error at once: the process is on its way out. */
  void hurry() {
    hurried = true;
  }

  /** The store's time, in whole milliseconds. Known from the first answer on. */
  Instant now() {
    return Instant.ofEpochMilli(time.millis());
  }

  /**
   * Sends a change, again when the answer is missing. A refusal that shows the change's own id was
   * an answer that got lost, hence done.
   */
  Outcome write(Change change) {
    return patiently(
        () -> {
          Outcome outcome = lanes[change.partition() % lanes.length].apply(change);
          time.heard(outcome.now());
          if (outcome instanceof Outcome.Refused refused) {
            Stored found = refused.found();
            if (found != null && found.lastChange().equals(change.id())) {
              return new Outcome.Done(outcome.now(), List.of());
            }
          }
          return outcome;
        });
  }

  /** Sends a change once, past the queue of the others; a missing answer is an error. */
  Outcome once(Change change) {
    Outcome outcome = store.apply(List.of(change)).get(0);
    time.heard(outcome.now());
    return outcome;
  }

  /** Sends independent changes in one list, again when the answer is missing. */
  List<Outcome> writeAll(List<Change> changes) {
    List<Outcome> outcomes = patiently(() -> store.apply(changes));
    time.heard(outcomes.get(outcomes.size() - 1).now());
    return outcomes;
  }

  /** Asks the store for its time with a change that can't be done. */
  void learnTime() {
    RecordId nothing = place("process-");
    Change never =
        new Change(
            RunIds.random(),
            nothing.partition(),
            List.of(
                new Edit.AtVersion(nothing.key(), Long.MAX_VALUE), new Edit.Delete(nothing.key())));
    time.heard(patiently(() -> store.apply(List.of(never))).get(0).now());
  }

  /** Tries again while the store does not answer, for a while. */
  <T> T patiently(Supplier<T> call) {
    long giveUp = System.nanoTime() + PATIENCE.toNanos();
    long pause = 10;
    while (true) {
      try {
        return call.get();
      } catch (AgentException failed) {
        boolean again =
            failed.code() == ErrorCode.STORE_UNAVAILABLE || failed.code() == ErrorCode.STORE_FULL;
        if (!again || hurried || System.nanoTime() - giveUp >= 0) {
          throw failed;
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(pause));
        pause = Math.min(pause * 2, 500);
      }
    }
  }

  List<Stored> claim(Claim claim) {
    List<Stored> records = store.claim(claim);
    if (!records.isEmpty()) {
      time.heard(records.get(records.size() - 1).now());
    }
    return records;
  }

  Page<Stored> find(Find find) {
    return noted(patiently(() -> store.find(find)));
  }

  Page<Stored> scan(Scan scan) {
    return noted(patiently(() -> store.scan(scan)));
  }

  private Page<Stored> noted(Page<Stored> page) {
    if (!page.items().isEmpty()) {
      time.heard(page.items().get(page.items().size() - 1).now());
    }
    return page;
  }

  /** Whether a record has a row of this name. */
  boolean hasRow(RecordId id, String row) {
    Stored whole = first(Scan.whole(id));
    return whole != null && whole.rows().containsKey(row);
  }

  /** One record without rows, null when it is absent. */
  @Nullable Stored read(String key) {
    return first(Scan.mailAfter(place(key), Long.MAX_VALUE));
  }

  @Nullable Stored first(Scan scan) {
    List<Stored> items = scan(scan).items();
    return items.isEmpty() ? null : items.get(0);
  }
}
