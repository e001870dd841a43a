package dev.troupe.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Half a minute of what the programs {@code chaos-events-…} do for as long as one likes. */
@Tag("chaos")
@Timeout(400)
class ChaosEventsTest {
  @ParameterizedTest
  @ValueSource(strings = {"redis", "kafka"})
  void nothingIsLostOutOfOrderDoubledOrStuckInAChaos(String kind) throws Exception {
    ChaosEvents.Result result = ChaosEvents.run(kind, 25);
    assertThat(result.violations()).as("see the histories in %s", result.folder()).isEmpty();
    assertThat(result.checker().faults().kinds()).isNotEmpty();
    assertThat(result.checker().figures().get(ChaosRules.ORDERED + ": events handled"))
        .isGreaterThan(500);
  }
}
