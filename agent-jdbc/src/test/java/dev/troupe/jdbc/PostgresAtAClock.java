package dev.troupe.jdbc;

import dev.troupe.state.StateStore;
import java.time.InstantSource;

/** For tests of other packages: PostgreSQL stores whose time the test moves. */
public final class PostgresAtAClock {
  private final PostgresFixture fixture = new PostgresFixture();
  private final InstantSource clock;

  public PostgresAtAClock(InstantSource clock) {
    this.clock = clock;
  }

  /** Another store over the same data, as another process has it. */
  public StateStore open() {
    return fixture.builder().clock(clock).open();
  }
}
