package dev.troupe.jdbc;

import dev.troupe.state.StateStore;
import dev.troupe.testkit.TalkContract;

/** Logs and conversations over PostgreSQL; each process has a store of its own. */
class PostgresTalkTest extends TalkContract {
  private final PostgresFixture fixture = new PostgresFixture();

  @Override
  protected StateStore open() {
    return fixture.builder().open();
  }
}
