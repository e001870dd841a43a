package dev.troupe.testkit;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Outcome;
import dev.troupe.state.StateStore;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/** A store whose changes fail for as long as a test wants; it can be read meanwhile. */
final class UnwillingStore extends ForwardingStore {
  private final AtomicBoolean refuses = new AtomicBoolean();

  UnwillingStore(StateStore inner) {
    super(inner);
  }

  void refuses(boolean on) {
    refuses.set(on);
  }

  @Override
  public List<Outcome> apply(List<Change> changes) {
    if (refuses.get()) {
      throw new AgentException(ErrorCode.STORE_UNAVAILABLE, "the test wants it so");
    }
    return super.apply(changes);
  }
}
