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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A store that can be switched off: then it fails at once, or does not answer until it is on. */
final class SwitchedStore implements StateStore {
  private final StateStore store;
  private final AtomicLong calls = new AtomicLong();
  private volatile boolean failing;
  private volatile @Nullable CountDownLatch hanging;

  SwitchedStore(StateStore store) {
    this.store = store;
  }

  void fail() {
    failing = true;
  }

  void hang() {
    hanging = new CountDownLatch(1);
  }

  void heal() {
    failing = false;
    CountDownLatch hung = hanging;
    hanging = null;
    if (hung != null) {
      hung.countDown();
    }
  }

  /** How many calls have come so far. */
  long calls() {
    return calls.get();
  }

  private <T> T passed(Supplier<T> call) {
    calls.incrementAndGet();
    CountDownLatch hung = hanging;
    if (hung != null) {
      try {
        hung.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      throw new AgentException(ErrorCode.STORE_UNAVAILABLE, "it did not answer in time");
    }
    if (failing) {
      throw new AgentException(ErrorCode.STORE_UNAVAILABLE, "it is switched off");
    }
    return call.get();
  }

  @Override
  public List<Outcome> apply(List<Change> changes) {
    return passed(() -> store.apply(changes));
  }

  @Override
  public List<Stored> claim(Claim claim) {
    return passed(() -> store.claim(claim));
  }

  @Override
  public Page<Stored> scan(Scan scan) {
    return passed(() -> store.scan(scan));
  }

  @Override
  public Page<Stored> find(Find find) {
    return passed(() -> store.find(find));
  }

  @Override
  public StoreInfo info() {
    return store.info();
  }
}
