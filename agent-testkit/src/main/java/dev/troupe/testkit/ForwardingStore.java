package dev.troupe.testkit;

import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Find;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.util.List;
import java.util.Objects;

/**
 * A store that passes every call on to another, {@link #close} too; a test overrides what is to go
 * another way. As safe for use by many threads as the other store.
 */
public class ForwardingStore implements StateStore {
  private final StateStore store;

  /**
   * Passes on to a store.
   *
   * @param store where all calls go
   */
  public ForwardingStore(StateStore store) {
    this.store = Objects.requireNonNull(store, "store");
  }

  @Override
  public List<Outcome> apply(List<Change> changes) {
    return store.apply(changes);
  }

  @Override
  public List<Stored> claim(Claim claim) {
    return store.claim(claim);
  }

  @Override
  public Page<Stored> scan(Scan scan) {
    return store.scan(scan);
  }

  @Override
  public Page<Stored> find(Find find) {
    return store.find(find);
  }

  @Override
  public StoreInfo info() {
    return store.info();
  }

  @Override
  public void close() {
    store.close();
  }
}
