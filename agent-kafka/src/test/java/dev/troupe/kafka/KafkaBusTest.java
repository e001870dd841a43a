package dev.troupe.kafka;

import dev.troupe.event.EventTransport;
import dev.troupe.jdbc.SqliteStateStore;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.EventBusContract;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The bus over Kafka, with what waits or is dead in SQLite. */
class KafkaBusTest extends EventBusContract {
  private static LocalKafka kafka;

  /** Closed at the very end: a test's buses are closed after it, and write until then. */
  private static final Deque<SqliteStateStore> STORES = new ArrayDeque<>();

  @TempDir private static Path folder;

  @BeforeAll
  static void start() {
    kafka = LocalKafka.start();
  }

  @AfterAll
  static void stop() {
    STORES.forEach(SqliteStateStore::close);
    STORES.clear();
    kafka.close();
  }

  @Override
  protected EventTransport transport() {
    return kafka.transport().build();
  }

  @Override
  protected StateStore store() {
    SqliteStateStore store =
        SqliteStateStore.open(folder.resolve("state-" + STORES.size() + ".db"));
    STORES.add(store);
    return store;
  }

  @Override
  protected void appendBytes(String to, String key, byte[] bytes) {
    kafka.write(to, key, bytes);
  }

  @Override
  protected Duration patience() {
    return Duration.ofSeconds(60);
  }
}
