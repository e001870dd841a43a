package dev.troupe.state;

import java.util.List;

/** A store that passes everything on; tests override what they spoil. */
public class ForwardingStore implements StateStore {
  private final StateStore store;

  /** Passes on to this store, which it does not close. */
  public ForwardingStore(StateStore store) {
    this.store = store;
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
}
