package dev.troupe.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class StoreTimeTest {
  private final AtomicLong nanos = new AtomicLong(-5_000_000_000L);
  private final StoreTime time = new StoreTime(nanos::get);

  private void passes(long millis) {
    nanos.addAndGet(TimeUnit.MILLISECONDS.toNanos(millis));
  }

  private void heard(long millis) {
    time.heard(Instant.ofEpochMilli(millis));
  }

  @Test
  void itIsTheAnswersAndWhatHasPassedSince() {
    heard(1_000);
    assertThat(time.millis()).isEqualTo(1_000);
    passes(250);
    assertThat(time.millis()).isEqualTo(1_250);
    assertThat(time.millisAt(nanos.get() - 1_000_000)).isEqualTo(1_249);
  }

  @Test
  void aLaterAnswerCountsAlsoWhenThisMachineWasFaster() {
    heard(1_000);
    passes(500);
    heard(1_100);
    assertThat(time.millis()).isEqualTo(1_100);
    passes(500);
    heard(1_100); // the store's clock stands still
    assertThat(time.millis()).isEqualTo(1_100);
  }

  @Test
  void anAnswerThatWasOvertakenChangesNothing() {
    heard(1_000);
    passes(10);
    heard(900);
    assertThat(time.millis()).isEqualTo(1_010);
  }

  @Test
  void aStoreThatComesBackWithAnEarlierTimeIsFollowedInTheEnd() {
    heard(60_000);
    passes(9_999);
    heard(20_000);
    assertThat(time.millis()).isEqualTo(69_999);
    passes(1);
    heard(20_001);
    assertThat(time.millis()).isEqualTo(20_001);
  }

  @Test
  void beforeAnythingWasHeardTheStoreIsAsked() {
    assertThat(time.isKnown()).isFalse();
    assertThatThrownBy(time::millis)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("not asked");
    try (MemoryStateStore store = new MemoryStateStore(8, () -> Instant.ofEpochMilli(7_000))) {
      time.learn(store, RecordId.of("r/a", 8));
      assertThat(time.millis()).isEqualTo(7_000);
      assertThat(store.scan(Scan.whole(RecordId.of("r/a", 8))).items()).isEmpty();
    }
    time.learn(new MemoryStateStore(8, () -> Instant.ofEpochMilli(9_000)), RecordId.of("r/a", 8));
    assertThat(time.millis()).isEqualTo(7_000);
  }
}
