package dev.troupe.jdbc;

import dev.troupe.state.StateStore;
import dev.troupe.testkit.CrashContract;

/** Orders over PostgreSQL: the second process waits until the first counts as dead. */
class PostgresCrashEverywhereTest extends CrashContract {
  @Override
  protected StateStore newStore() {
    return new PostgresFixture().builder().open();
  }
}
