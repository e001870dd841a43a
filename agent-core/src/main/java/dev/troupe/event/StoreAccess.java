package dev.troupe.event;

import dev.troupe.state.Change;
import dev.troupe.state.Combiner;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.StoreTime;
import dev.troupe.state.Stored;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** A store, with the time that its answers tell and ids for changes. */
final class StoreAccess {
  private static final int MOST_TOGETHER = 256;

  final StateStore store;
  final StoreTime time = new StoreTime();
  private final String changes = UUID.randomUUID().toString() + "-";
  private final AtomicLong change = new AtomicLong();

  private final @Nullable Combiner<List<Change>, List<Outcome>> together;

  StoreAccess(StateStore store) {
    this.store = store;
    this.together =
        store.info().sharing() == StoreInfo.Sharing.FLEET
            ? new Combiner<>(this::flush, List::size, MOST_TOGETHER)
            : null;
  }

  /** Changes of concurrent callers in one call of the store. */
  private List<List<Outcome>> flush(List<List<Change>> asked) {
    List<Change> all = new ArrayList<>();
    asked.forEach(all::addAll);
    List<Outcome> outcomes = store.apply(all);
    List<List<Outcome>> answers = new ArrayList<>(asked.size());
    int from = 0;
    for (List<Change> one : asked) {
      answers.add(outcomes.subList(from, from + one.size()));
      from += one.size();
    }
    return answers;
  }

  RecordId id(String key) {
    return RecordId.of(key, store.info().partitions());
  }

  Change change(int partition, List<Edit> edits) {
    return new Change(changes + change.incrementAndGet(), partition, edits);
  }

  Outcome apply(int partition, List<Edit> edits) {
    return apply(List.of(change(partition, edits))).get(0);
  }

  List<Outcome> apply(List<Change> some) {
    List<Outcome> outcomes = together == null ? store.apply(some) : together.ask(some);
    if (!outcomes.isEmpty()) {
      time.heard(outcomes.get(outcomes.size() - 1).now());
    }
    return outcomes;
  }

  /** A record without mail; with its rows when asked for. */
  @Nullable Stored look(RecordId id, boolean rows) {
    return first(store.scan(new Scan.Rows(id, null, Long.MAX_VALUE, rows ? 10_000 : 0)));
  }

  @Nullable Stored first(Page<Stored> page) {
    if (page.items().isEmpty()) {
      return null;
    }
    Stored found = page.items().get(0);
    time.heard(found.now());
    return found;
  }

  /** The store's time; asks the store when nothing was heard yet. */
  long now(RecordId about) {
    time.learn(store, about);
    return time.millis();
  }
}
