package dev.troupe.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RecordIdTest {
  /** Computed with Python's {@code zlib.crc32}; data lies where these say, so they never change. */
  @ParameterizedTest
  @CsvSource({
    "a, 3, 4, 3651",
    "run-1, 35, 2, 2275",
    "0, 33, 4, 3873",
    "Ada, 8, 0, 392",
    "key, 41, 5, 2985",
    "key/id, 41, 5, 2985",
    "ключ, 26, 1, 1562",
    "process-00000000-0000-0000-0000-000000000000, 48, 6, 1584",
    "p/child#1, 49, 1, 3761",
    "😀, 4, 6, 1348"
  })
  void thePartitionOfAKeyNeverChanges(String key, int of64, int of7, int of4096) {
    assertThat(RecordId.of(key, 64)).isEqualTo(new RecordId(of64, key));
    assertThat(RecordId.of(key, 7).partition()).isEqualTo(of7);
    assertThat(RecordId.of(key, 4096).partition()).isEqualTo(of4096);
    assertThat(RecordId.of(key, 1).partition()).isZero();
  }

  @Test
  void everythingOfOneRouteSharesAPartition() {
    long seed = new Random().nextLong();
    System.out.println("RecordIdTest.everythingOfOneRouteSharesAPartition seed " + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 1_000; i++) {
      String route = Long.toString(random.nextLong(), 36);
      int partitions = 1 + random.nextInt(4096);
      int partition = RecordId.of(route, partitions).partition();
      assertThat(partition).as("seed %d", seed).isBetween(0, partitions - 1);
      assertThat(RecordId.of(route + "/x#1", partitions).partition()).isEqualTo(partition);
      assertThat(RecordId.of(route + "/", partitions).partition()).isEqualTo(partition);
      assertThat(RecordId.of(route + "/a/b/$gone", partitions).partition()).isEqualTo(partition);
    }
  }

  @Test
  void keysSpreadOverAllPartitions() {
    int[] load = new int[64];
    for (int i = 0; i < 64_000; i++) {
      load[RecordId.of("run-" + i, 64).partition()]++;
    }
    for (int records : load) {
      assertThat(records).isBetween(700, 1_300);
    }
  }

  @Test
  void partsAreChecked() {
    assertThatThrownBy(() -> new RecordId(-1, "a")).hasMessageContaining("-1");
    assertThatThrownBy(() -> new RecordId(0, null)).hasMessageContaining("key");
  }
}
