package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class MovableClockTest {
  @Test
  void standsStillUntilItIsMoved() {
    MovableClock clock = new MovableClock();
    assertThat(clock.instant()).isEqualTo(MovableClock.START).isEqualTo(clock.instant());
    clock.advance(Duration.ofSeconds(3));
    assertThat(clock.instant()).isEqualTo(MovableClock.START.plusSeconds(3));
    clock.set(MovableClock.START.minusSeconds(1));
    assertThat(clock.millis()).isEqualTo(MovableClock.START.toEpochMilli() - 1_000);
  }
}
