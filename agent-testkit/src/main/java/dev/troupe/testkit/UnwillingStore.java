package dev.troupe.testkit;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
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
import java.util.concurrent.atomic.AtomicBoolean;

/** A store whose changes fail for as long as a test wants; it can be read meanwhile. */
final class UnwillingStore implements StateStore {
  private final StateStore inner;
  private final AtomicBoolean refuses = new AtomicBoolean();

  UnwillingStore(StateStore inner) {
    this.inner = inner;
  }

  void refuses(boolean on) {
    refuses.set(on);
  }

  @Override
  public List<Outcome> apply(List<Change> changes) {
    if (refuses.get()) {
      throw new AgentException(ErrorCode.STORE_UNAVAILABLE, "the test wants it so");
    }
    return inner.apply(changes);
  }

  @Override
  public List<Stored> claim(Claim claim) {
    return inner.claim(claim);
  }

  @Override
  public Page<Stored> scan(Scan scan) {
    return inner.scan(scan);
  }

  @Override
  public Page<Stored> find(Find find) {
    return inner.find(find);
  }

  @Override
  public StoreInfo info() {
    return inner.info();
  }
}
