package dev.troupe.kafka;

import dev.troupe.event.EventTransport;
import dev.troupe.jdbc.SqliteStateStore;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.EventBusContract;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The bus over Kafka, with what waits or is dead in SQLite. */
class KafkaBusTest extends EventBusContract {
  private static LocalKafka kafka;

  @TempDir Path folder;
  private @Nullable SqliteStateStore store;

  @BeforeAll
  static void start() {
    kafka = LocalKafka.start();
  }

  @AfterAll
  static void stop() {
    kafka.close();
  }

  @Override
  protected EventTransport transport() {
    return kafka.transport().build();
  }

  @Override
  protected StateStore store() {
    store = SqliteStateStore.open(folder.resolve("state.db"));
    return store;
  }

  @Override
  protected void closed() {
    if (store != null) {
      store.close();
    }
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
