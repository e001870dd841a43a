package dev.troupe.examples.party.agents;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class ScheduleTest {
  @Test
  void agentsThatWaitForNothingCommonWorkSideBySide() {
    assertThat(
            Schedule.waves(
                List.of(
                    new Need("budget", List.of("theme", "venue", "cake")),
                    new Need("theme", List.of()),
                    new Need("venue", List.of("theme")),
                    new Need("cake", List.of("theme")))))
        .containsExactly(List.of("theme"), List.of("venue", "cake"), List.of("budget"));
  }

  @Test
  void nothingToDoIsNoWave() {
    assertThat(Schedule.waves(List.of())).isEmpty();
  }

  @Test
  void agentsThatWaitForEachOtherAreNamed() {
    List<Need> circle =
        List.of(
            new Need("theme", List.of()),
            new Need("venue", List.of("cake")),
            new Need("cake", List.of("venue")));
    assertThatThrownBy(() -> Schedule.waves(circle))
        .hasMessage("these agents wait for each other: venue, cake");
  }

  @Test
  void anUnknownDependencyIsNamed() {
    assertThatThrownBy(() -> Schedule.waves(List.of(new Need("cake", List.of("clown")))))
        .hasMessageContaining("'cake' depends on 'clown'");
  }

  @Test
  void anAgentStandsThereOnce() {
    List<Need> twice = List.of(new Need("cake", List.of()), new Need("cake", List.of()));
    assertThatThrownBy(() -> Schedule.waves(twice)).hasMessageContaining("named twice");
  }
}
