package dev.troupe.testkit;

import static dev.troupe.runtime.RunView.State.CANCELLED;
import static dev.troupe.runtime.RunView.State.FAILED;
import static dev.troupe.runtime.RunView.State.STOPPED;
import static dev.troupe.runtime.RunView.State.SUCCEEDED;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.testkit.HistoryReport.Count;
import dev.troupe.testkit.HistoryReport.Rule;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Histories of lanes, compensation, stops, and of processes that stood still. */
@Timeout(60)
class HistoryLateTest extends HistoryCase {
  // standing still

  /** One decides to begin b, stands still, and two takes the run over and makes b. */
  private void overtaken() {
    client.submit("r");
    one.take("r").make("r", "a");
    long before = script.now();
    script.pass(5_000);
    two.take("r").make("r", "b");
    one.wakes(before, 5_000);
  }

  @Test
  void whatWasDecidedBeforeStandingStillIsLateAndNotWrong() {
    overtaken();
    script.pass(1);
    one.begin("r", "b");
    two.end("r");
    holds();
    assertThat(counted(Count.LATE)).isEqualTo(1);
    assertThat(counted(Count.REPEATED)).isZero();
    assertThat(counted(Count.STALLS)).isEqualTo(1);
  }

  @Test
  void aProcessIsExcusedOnceForEachTimeItStoodStill() {
    overtaken();
    one.begin("r", "b").begin("r", "b", 2);
    two.end("r");
    breaks(Rule.EFFECT_ONCE, "one began 'b#1'");
  }

  @Test
  void aProcessIsNotExcusedLongAfterItStoodStill() {
    overtaken();
    script.pass(1_500);
    one.begin("r", "b");
    two.end("r");
    breaks(Rule.EFFECT_ONCE, "one began 'b#1'");
  }

  @Test
  void aProcessIsNotExcusedWhenItTookTheRunAgain() {
    overtaken();
    one.take("r").begin("r", "b").end("r");
    breaks(Rule.EFFECT_ONCE, "one began 'b#1'");
  }

  @Test
  void standingStillBeforeItAllIsNoExcuse() {
    client.submit("r");
    one.take("r");
    long before = script.now();
    one.make("r", "a").wakes(before + 3, 500).begin("r", "b");
    two.take("r").begin("r", "a").end("r");
    breaks(Rule.EFFECT_ONCE, "two began 'a#1'");
  }

  @Test
  void aWriteAcceptedBeforeStandingStillMayBeNotedAfterIt() {
    client.submit("r");
    one.take("r").begin("r", "a");
    long before = script.now();
    script.pass(5_000);
    two.take("r");
    one.wakes(before, 5_000).known("r", "a#1");
    two.end("r");
    holds();
  }

  @Test
  void oneThatNotesAnOldClaimLateDoesNotMakeTheOtherWrong() {
    client.submit("r");
    long before = script.now();
    two.take("r").make("r", "a");
    one.wakes(before, 5_000).take("r");
    two.make("r", "b").end("r");
    holds();
  }

  @Test
  void ofTwoThatMayHoldARunOnlyOneDoes() {
    client.submit("r");
    long before = script.now();
    two.take("r").make("r", "a");
    one.wakes(before, 5_000).take("r");
    two.make("r", "b");
    one.begin("r", "c");
    two.end("r");
    breaks(Rule.ONE_HOLDER, "one began 'c#1' of run r", "after two had taken the run over");
  }

  @Test
  void twoShortWakesInARowAreOneStandstill() {
    overtaken();
    long between = script.now();
    script.pass(600);
    one.wakes(between, 590);
    script.pass(600);
    one.begin("r", "b");
    two.end("r");
    holds();
    assertThat(counted(Count.LATE)).isEqualTo(1);
  }

  // stops

  @Test
  void afterAStopWhatWasPutAsideMayBeMadeAgain() {
    client.submit("r");
    one.take("r").make("r", "a").make("r", "b").end("r", STOPPED);
    two.take("r").make("r", "a").end("r");
    holds();
    assertThat(counted(Count.STOPPED)).isEqualTo(1);
    assertThat(counted(Count.REPEATED)).isEqualTo(1);
  }

  @Test
  void aRunThatStaysStoppedHasNoEnd() {
    client.submit("r");
    one.take("r").end("r", STOPPED);
    client.outcome("r", STOPPED);
    breaks(Rule.ONE_END, "run r was accepted and has no end, it is STOPPED");
  }

  // lanes

  @Test
  void aKeyWhoseRunsStartInOtherOrderIsFound() {
    client.submit("r", "k").submit("s", "k");
    one.take("s").end("s").take("r").end("r");
    breaks(Rule.LANE_ORDER, "key 'k': run s started", "before run r");
  }

  @Test
  void aKeyThatPassesOverARunIsFound() {
    client.submit("r", "k").submit("s", "k").submit("t", "k");
    one.take("r").end("r").take("t").end("t");
    two.take("s").end("s");
    breaks(Rule.LANE_ORDER, "key 'k': run t started", "before run s");
  }

  @Test
  void runsSubmittedAtOnceOrOfOtherKeysStartInAnyOrder() {
    client.submitting("r", "k").submitting("s", "k").submitted("r").submitted("s").submit("t", "l");
    one.take("t").end("t").take("s").end("s").take("r").end("r");
    holds();
  }

  @Test
  void aRunThatEndedBeforeItStartedStandsInNobodysWay() {
    client.submit("r", "k").submit("s", "k").outcome("r", CANCELLED);
    one.take("s").end("s");
    client.outcome("s", SUCCEEDED);
    holds();
  }

  @Test
  void takingARunOverDoesNotChangeWhenItStarted() {
    client.submit("r", "k").submit("s", "k");
    one.take("r");
    two.take("r").end("r").take("s").end("s");
    holds();
  }

  // compensation

  @Test
  void undoingInARunThatSucceedsIsFound() {
    client.submit("r");
    one.take("r").make("r", "a").undo("r", "a").end("r");
    breaks(Rule.COMPENSATION, "run r succeeded though something of it was undone");
  }

  @Test
  void undoingWhatWasNeverDoneIsFound() {
    client.submit("r");
    one.take("r").make("r", "a").undo("r", "b").end("r", FAILED);
    breaks(Rule.COMPENSATION, "one undoes 'b#1' of run r", "never begun");
  }

  @Test
  void undoingInTheWrongOrderIsFound() {
    client.submit("r");
    one.take("r").make("r", "a").make("r", "b").undo("r", "a").undo("r", "b").end("r", FAILED);
    breaks(Rule.COMPENSATION, "one undoes 'b#1' of run r", "after 'a#1'");
  }

  @Test
  void undoingTwiceIsFound() {
    client.submit("r");
    one.take("r").make("r", "a").make("r", "b").undo("r", "b").undo("r", "a");
    two.take("r").undo("r", "b").undo("r", "a").end("r", FAILED);
    breaks(Rule.EFFECT_ONCE, "two began 'undo/b#1'");
    assertThat(counted(Count.REPEATED)).isEqualTo(1);
  }

  @Test
  void goingOnAfterUndoingBeganIsFound() {
    client.submit("r");
    one.take("r").make("r", "a").undo("r", "a");
    two.take("r").begin("r", "b").end("r", FAILED);
    breaks(Rule.COMPENSATION, "two began 'b#1' of run r", "after the run had begun to undo");
  }
}
