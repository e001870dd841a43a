package dev.troupe.state;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.List;

/**
 * A store as a process sees it until it dies: from then on it reaches nothing, as after {@code kill
 * -9}. What others see of the store behind it goes on.
 */
public class MortalStore extends ForwardingStore {
  private volatile boolean dead;

  /** Passes on to this store, which it does not close. */
  public MortalStore(StateStore store) {
    super(store);
  }

  /** The process dies. */
  public final void die() {
    dead = true;
  }

  /** Whether it has died. */
  public final boolean isDead() {
    return dead;
  }

  private void alive() {
    if (dead) {
      throw new AgentException(ErrorCode.CLOSED, "this process is dead");
    }
  }

  @Override
  public List<Outcome> apply(List<Change> changes) {
    alive();
    return super.apply(changes);
  }

  @Override
  public List<Stored> claim(Claim claim) {
    alive();
    return super.claim(claim);
  }

  @Override
  public Page<Stored> scan(Scan scan) {
    alive();
    return super.scan(scan);
  }

  @Override
  public Page<Stored> find(Find find) {
    alive();
    return super.find(find);
  }
}
