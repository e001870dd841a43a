package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.testkit.HistoryReport.Count;
import dev.troupe.testkit.HistoryReport.Rule;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A script of three processes, and what is said of its check. */
abstract class HistoryCase {
  @TempDir Path folder;
  HistoryScript script;
  HistoryScript.Process client;
  HistoryScript.Process one;
  HistoryScript.Process two;

  @BeforeEach
  void threeProcesses() {
    script = new HistoryScript(folder);
    client = script.on("client");
    one = script.on("one");
    two = script.on("two");
  }

  final void holds() {
    HistoryReport report = script.check();
    assertThat(report.violations()).as(report.toString()).isEmpty();
    report.assertHolds();
  }

  final void breaks(Rule rule, String... words) {
    HistoryReport report = script.check();
    assertThat(report.violations()).as(report.toString()).hasSize(1);
    assertThat(report.violations(rule)).as(report.toString()).hasSize(1);
    assertThat(report.violations().get(0).sentence()).contains(words);
    assertThatThrownBy(report::assertHolds)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining(words[0]);
  }

  final long counted(Count count) {
    return script.check().count(count);
  }
}
