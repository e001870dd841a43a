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

/** A memory store that can be closed and opened again with everything in it. */
class SurvivingStore extends TamperedStore {
  private final AtomicBoolean closed = new AtomicBoolean();

  SurvivingStore(MovableClock clock) {
    super(clock);
  }

  SurvivingStore(StateStore inner) {
    super(inner);
  }

  StateStore reopened() {
    return new SurvivingStore(inner);
  }

  @Override
  Outcome applyOne(Change change) {
    opened();
    return super.applyOne(change);
  }

  @Override
  List<Stored> answer(Claim claim) {
    opened();
    return inner.claim(claim);
  }

  @Override
  Page<Stored> answer(Scan scan) {
    opened();
    return inner.scan(scan);
  }

  @Override
  Page<Stored> answer(Find find) {
    opened();
    return inner.find(find);
  }

  final void opened() {
    if (closed.get()) {
      throw new AgentException(ErrorCode.CLOSED, "the store was closed");
    }
  }

  @Override
  public StoreInfo info() {
    StoreInfo info = inner.info();
    return new StoreInfo(
        "surviving",
        info.partitions(),
        info.sharing(),
        StoreInfo.Durability.PROCESS,
        info.findLag());
  }

  @Override
  public void close() {
    closed.set(true);
  }
}
