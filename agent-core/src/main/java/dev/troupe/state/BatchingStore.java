package dev.troupe.state;

import dev.troupe.AgentException;

/**
 * Lets changes of concurrent callers ride together, as a {@link Combiner} does: one call of the
 * store, and one sync, for many callers. Safe for use by many threads.
 */
public final class BatchingStore {
  /** A flush never carries more lines than this, so that nobody waits long for those before. */
  private static final int MAX_EDITS_A_FLUSH = 1024;

  private final StoreInfo info;
  private final Combiner<Change, Outcome> combiner;

  /**
   * Batches over a store.
   *
   * @param store where the changes go; not closed by this
   */
  public BatchingStore(StateStore store) {
    this.info = store.info();
    this.combiner =
        new Combiner<>(store::apply, change -> change.edits().size(), MAX_EDITS_A_FLUSH);
  }

  /**
   * Does one change.
   *
   * @param change what to do
   * @return what became of it
   * @throws AgentException as {@link StateStore#apply}; a change that breaks a rule is refused here
   *     and spoils no one else's flush
   */
  public Outcome apply(Change change) {
    info.check(change);
    return combiner.ask(change);
  }
}
