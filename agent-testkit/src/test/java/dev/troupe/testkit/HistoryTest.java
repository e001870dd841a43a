package dev.troupe.testkit;

import static dev.troupe.runtime.RunView.State.CANCELLED;
import static dev.troupe.runtime.RunView.State.FAILED;
import static dev.troupe.runtime.RunView.State.RUNNING;
import static dev.troupe.runtime.RunView.State.SUCCEEDED;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.testkit.HistoryReport.Count;
import dev.troupe.testkit.HistoryReport.Rule;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Histories that break one rule each, and those that break none. */
@Timeout(60)
class HistoryTest extends HistoryCase {
  // what is right

  @Test
  void aCleanHistoryHoldsAndIsCounted() {
    client.submit("r").submit("s").submit("t");
    one.take("r").make("r", "a").make("r", "b").end("r");
    two.take("s").make("s", "a").undo("s", "a").end("s", FAILED);
    two.take("t").timer("t", "2026-01-01T00:00:10Z", "2026-01-01T00:00:10Z").end("t", CANCELLED);
    client.outcome("r", SUCCEEDED).outcome("s", FAILED).outcome("t", CANCELLED);
    holds();
    assertThat(counted(Count.PROCESSES)).isEqualTo(3);
    assertThat(counted(Count.RUNS)).isEqualTo(3);
    assertThat(counted(Count.SUCCEEDED)).isEqualTo(1);
    assertThat(counted(Count.FAILED)).isEqualTo(1);
    assertThat(counted(Count.CANCELLED)).isEqualTo(1);
    assertThat(counted(Count.ALIVE)).isZero();
    assertThat(counted(Count.TAKEN)).isEqualTo(3);
    assertThat(counted(Count.EFFECTS)).isEqualTo(4);
    assertThat(counted(Count.BEGUN)).isEqualTo(4);
    assertThat(counted(Count.MADE)).isEqualTo(3);
    assertThat(counted(Count.UNDONE)).isEqualTo(1);
    assertThat(counted(Count.TIMERS)).isEqualTo(1);
    assertThat(counted(Count.REPEATED)).isZero();
    assertThat(script.check().toMarkdown())
        .contains("| runs | 3 |", "| an effect whose result was journaled is never made again | 0");
  }

  @Test
  void whatWasInFlightAtACrashMayBeRepeated() {
    client.submit("r");
    one.take("r").make("r", "a").begin("r", "b"); // and dies
    two.take("r").make("r", "b").end("r");
    holds();
    assertThat(counted(Count.REPEATED)).isEqualTo(1);
    assertThat(counted(Count.EFFECTS)).isEqualTo(2);
  }

  @Test
  void aRetryIsNoRepetition() {
    client.submit("r");
    one.take("r").begin("r", "a", 1).begin("r", "a", 2).known("r", "a#1").end("r");
    holds();
    assertThat(counted(Count.REPEATED)).isZero();
  }

  @Test
  void branchesProveNothingAboutEachOther() {
    client.submit("r");
    one.take("r").begin("r", "race#1/0/a").begin("r", "race#1/1/a").begin("r", "race#1/1/b");
    two.take("r").begin("r", "race#1/0/a").begin("r", "race#1/1/b").begin("r", "z").end("r");
    holds();
    assertThat(counted(Count.REPEATED)).isEqualTo(2);
  }

  @Test
  void aNumberedAndABareNameAreTheSameEffect() {
    client.submit("r");
    one.take("r").begin("r", "a#1").begin("r", "a#2").known("r", "a#2").end("r");
    holds();
    assertThat(counted(Count.EFFECTS)).isEqualTo(2);
  }

  @Test
  void anEndThatNobodyCouldNoteIsKnownFromTheStore() {
    client.submit("r");
    one.take("r").make("r", "a"); // ends it and dies before it notes that
    client.outcome("r", SUCCEEDED);
    holds();
  }

  @Test
  void aSubmissionInDoubtNeedNotExistAndMay() {
    client.submitting("r", "").submitting("s", "");
    one.take("s").end("s");
    client.outcome("s", SUCCEEDED);
    holds();
    assertThat(counted(Count.IN_DOUBT)).isEqualTo(1);
    assertThat(counted(Count.RUNS)).isEqualTo(1);
  }

  @Test
  void aChildIsSubmittedByItsParent() {
    client.submit("r");
    one.take("r");
    two.takeFor("r/c", "r").end("r/c");
    one.end("r"); // and nobody noted that it has called r/d
    client.outcome("r", SUCCEEDED).outcomeOfChild("r/c", SUCCEEDED, "r");
    client.outcomeOfChild("r/d", CANCELLED, "r");
    holds();
    assertThat(counted(Count.RUNS)).isEqualTo(3);
  }

  // each rule broken

  @Test
  void anAcceptedRunWithoutAnEndIsFound() {
    client.submit("r");
    one.take("r").make("r", "a");
    assertThat(History.checkSoFar(script.files()).violations()).isEmpty();
    assertThat(History.checkSoFar(script.files()).count(Count.ALIVE)).isEqualTo(1);
    breaks(Rule.ONE_END, "run r was accepted and has no end");
  }

  @Test
  void aRunThatTheStoreStillExecutesHasNoEnd() {
    client.submit("r").outcome("r", RUNNING);
    breaks(Rule.ONE_END, "run r was accepted and has no end, it is RUNNING");
  }

  @Test
  void aRunThatEndedTwiceIsFound() {
    client.submit("r");
    one.take("r").end("r");
    one.end("r", FAILED);
    breaks(Rule.ONE_END, "run r was ended twice: SUCCEEDED by one", "FAILED by one");
  }

  @Test
  void anEndThatTheStoreDoesNotHoldIsFound() {
    client.submit("r");
    one.take("r").end("r");
    client.outcome("r", FAILED);
    breaks(Rule.ONE_END, "one ended run r as SUCCEEDED", "the store says FAILED");
  }

  @Test
  void anEndThatTheStoreForgotIsFound() {
    client.submit("r");
    one.take("r").end("r");
    client.outcome("r", RUNNING);
    breaks(Rule.ONE_END, "one ended run r as SUCCEEDED", "the store says RUNNING");
  }

  @Test
  void aRunExecutedAfterItsEndIsFound() {
    client.submit("r");
    one.take("r").end("r");
    two.take("r");
    breaks(Rule.ONE_END, "two began to execute run r", "which one had ended");
  }

  @Test
  void anEffectAfterTheEndIsFound() {
    client.submit("r");
    two.take("r");
    one.take("r").end("r");
    two.begin("r", "a");
    breaks(Rule.ONE_END, "two began 'a#1' of run r", "after one had ended the run");
  }

  @Test
  void aLosingBranchMayBeginAsItsOwnExecutionEnds() {
    client.submit("r");
    one.take("r").make("r", "race#1/0/a").end("r").begin("r", "race#1/1/a");
    holds();
    assertThat(counted(Count.LATE)).isEqualTo(1);
  }

  @Test
  void twoOutcomesAreFound() {
    client.submit("r");
    one.take("r").end("r");
    client.outcome("r", SUCCEEDED).outcome("r", SUCCEEDED);
    breaks(Rule.ONE_OUTCOME, "the store holds 2 outcomes of run r");
  }

  @Test
  void aRunThatTheStoreLostIsFound() {
    client.submit("r").submit("s");
    one.take("r").end("r").take("s").end("s");
    client.outcome("s", SUCCEEDED);
    breaks(Rule.NOTHING_LOST, "run r was accepted and is not in the store");
  }

  @Test
  void aRunThatNobodySubmittedIsFound() {
    one.take("r").end("r");
    breaks(Rule.NOTHING_LOST, "run r is there and nobody submitted it");
  }

  @Test
  void aJournaledEffectThatIsMadeAgainIsFoundByTheStoresAnswer() {
    client.submit("r");
    one.take("r").make("r", "a"); // and dies
    two.take("r").begin("r", "a").end("r");
    breaks(
        Rule.EFFECT_ONCE,
        "two began 'a#1' of run r",
        "process one was told so by the store",
        "event 8");
  }

  @Test
  void aJournaledEffectThatIsMadeAgainIsFoundByWhatCameAfterIt() {
    client.submit("r");
    one.take("r").begin("r", "a").begin("r", "b");
    two.take("r").begin("r", "a").begin("r", "b").end("r");
    breaks(Rule.EFFECT_ONCE, "two began 'a#1' of run r", "'b#1', which comes after it, had begun");
    assertThat(counted(Count.REPEATED)).as("b, which was in flight").isEqualTo(1);
  }

  @Test
  void aJournaledEffectInABranchThatIsMadeAgainIsFound() {
    client.submit("r");
    one.take("r").begin("r", "g#1/0/a").begin("r", "g#1/1/a").begin("r", "g#1/1/b");
    two.take("r").begin("r", "g#1/0/a").begin("r", "g#1/1/a").end("r");
    breaks(Rule.EFFECT_ONCE, "'g#1/1/a#1'");
  }

  @Test
  void theSameProcessRepeatingAJournaledEffectIsFound() {
    client.submit("r");
    one.take("r").make("r", "a").take("r").begin("r", "a").end("r");
    breaks(Rule.EFFECT_ONCE, "one began 'a#1'");
  }

  @Test
  void anEffectBegunTwiceInOneExecutionIsFound() {
    client.submit("r");
    one.take("r").begin("r", "a", 1).begin("r", "a", 1).end("r");
    breaks(Rule.EFFECT_ONCE, "as attempt 1", "in an execution that had begun attempt 1");
  }

  @Test
  void twoProcessesOnOneRunAreFound() {
    client.submit("r");
    one.take("r").make("r", "a");
    two.take("r").make("r", "b");
    one.begin("r", "c");
    two.end("r");
    breaks(Rule.ONE_HOLDER, "one began 'c#1' of run r", "after two had taken the run over");
  }

  @Test
  void aWriteWithAnOldGrantIsFound() {
    client.submit("r");
    one.take("r").begin("r", "a");
    two.take("r");
    one.known("r", "a#1");
    two.end("r");
    breaks(Rule.ONE_HOLDER, "the store accepted the result of 'a#1' in run r from one");
  }

  @Test
  void anEndWithAnOldGrantIsFound() {
    client.submit("r");
    one.take("r");
    two.take("r");
    one.end("r");
    breaks(Rule.ONE_HOLDER, "the store accepted the end of run r from one");
  }

  @Test
  void aRunThatComesBackIsHeldAgain() {
    client.submit("r");
    one.take("r").make("r", "a");
    two.take("r").make("r", "b");
    one.take("r").make("r", "c").end("r");
    holds();
  }

  @Test
  void anEarlyTimerIsFound() {
    client.submit("r");
    one.take("r").timer("r", "2026-01-01T00:00:10Z", "2026-01-01T00:00:09.999Z").end("r");
    breaks(Rule.TIMER, "a timer of run r, due at 2026-01-01T00:00:10Z", "PT0.001S too early");
  }

  @Test
  void anEffectWithoutItsExecutionIsAHoleInTheRecord() {
    client.submit("r");
    one.begin("r", "a");
    two.take("r").end("r");
    breaks(Rule.RECORD, "one began 'a#1'", "never noted that it executes the run");
  }

  // size

  @Test
  void aHundredThousandEventsTakeSecondsAndTheFirstTwentyViolationsAreShown() {
    for (int run = 0; run < 5_000; run++) {
      String id = "run-" + run;
      client.submit(id, "key-" + run % 10);
    }
    for (int run = 0; run < 5_000; run++) {
      String id = "run-" + run;
      HistoryScript.Process process = run % 2 == 0 ? one : two;
      process.take(id);
      for (int step = 0; step < 5; step++) {
        process.make(id, "step-" + step);
      }
      process.end(id);
      if (run < 25) {
        process.begin(id, "step-1");
      }
    }
    assertThat(script.now()).isGreaterThan(90_000);
    long began = System.nanoTime();
    HistoryReport report = script.check();
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(10));
    assertThat(report.violations()).hasSize(25);
    assertThat(report.toString()).contains("25 violations", "run run-19", "and 5 more");
    assertThat(report.toString()).doesNotContain("run-20 ");
    assertThat(report.toMarkdown()).contains("and 5 more").contains("| 25 |");
    assertThat(report.count(Count.RUNS)).isEqualTo(5_000);
  }
}
