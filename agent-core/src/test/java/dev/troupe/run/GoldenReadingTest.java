package dev.troupe.run;

import static dev.troupe.run.GoldenFormatTest.golden;
import static dev.troupe.run.GoldenFormatTest.text;
import static dev.troupe.run.GoldenFormatTest.withoutComments;
import static dev.troupe.run.GoldenWorld.BEGIN;
import static dev.troupe.run.GoldenWorld.bytes;
import static dev.troupe.run.GoldenWorld.failure;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.run.Entry.Kind;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Today's code goes on from records that come from golden files alone: a run resumes by its journal
 * and ends, outbox records are relayed, a process is judged. See {@link GoldenFormatTest}.
 */
@Timeout(60)
class GoldenReadingTest {
  private static void reading(String file, Consumer<GoldenWorld> story) {
    try {
      GoldenWorld world = new GoldenWorld();
      golden(file).load(world.store);
      story.accept(world);
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError(
          "golden file %s is not understood as it was: %s%n%s%nthe file holds%n%s"
              .formatted(file, GoldenFormatTest.CHANGED, e, text(file)),
          e);
    }
  }

  private static Journal due(GoldenWorld world, String queue) {
    return new Journal(world.due("p9", queue));
  }

  private static Entry finished(Look look) {
    assertThat(look).isInstanceOf(Look.Finished.class);
    return ((Look.Finished) look).entry();
  }

  private static void isFinished(Look look, Kind kind, int attempts, byte[] payload) {
    Entry entry = finished(look);
    assertThat(entry.kind()).isEqualTo(kind);
    assertThat(entry.attempts()).isEqualTo(attempts);
    assertThat(entry.payload()).asString().isEqualTo(new String(payload, StandardCharsets.UTF_8));
  }

  private static void write(GoldenWorld world, Journal run, List<Edit> edits) {
    world.done(run.change(edits));
  }

  private static void ends(GoldenWorld world, Journal run, RunEnd.State how) {
    assertThat(run.mismatch()).as("what the code did not reach").isNull();
    RunEnd end = new RunEnd(how, world.now(), bytes("\"over\""));
    world.done(run.end(end, world.now()));
    Stored over = world.whole(run.id().key());
    assertThat(over.place()).isEqualTo(Place.NONE);
    assertThat(RunRecord.decode(over).end()).usingRecursiveComparison().isEqualTo(end);
  }

  @Test
  void aRunThatNobodyHasTakenIsExecuted() {
    reading(
        "run-queued.txt",
        world -> {
          Journal run = due(world, "shop@1");
          RunHeader header = run.header();
          assertThat(header.id()).isEqualTo("order-17/7");
          assertThat(header.origin())
              .isEqualTo(new RunHeader.Origin(null, null, "sell", Instant.ofEpochMilli(BEGIN)));
          Instant deadline = Instant.ofEpochMilli(BEGIN).plusSeconds(3600);
          assertThat(header.terms())
              .isEqualTo(new RunHeader.Terms(2, "order-17", deadline, "acme", "", ""));
          assertThat(header.encoding()).isEqualTo(new RunHeader.Encoding("json", ""));
          assertThat(header.input()).asString().isEqualTo("{\"order\":17}");
          assertThat(run.step("reserve#1", world.now())).isEqualTo(new Look.Begin(1));
          write(world, run, run.done("reserve#1", bytes("true"), world.now(), 1));
          ends(world, run, RunEnd.State.SUCCEEDED);
        });
  }

  @Test
  void aRunThatWaitsGoesOnByItsJournal() {
    reading(
        "run-waiting.txt",
        world -> {
          assertThat(world.claim("p9", new Claim.From.Due(List.of("shop@1")))).isEmpty();
          GoldenFile relayed = golden("outbox-mail.txt");
          relayed.load(world.store);
          world.tickTo(relayed.queued().due());
          relay(world);
          Journal run = due(world, "shop@1"); // the mail has made it due
          run.executedBy("shop-9 1", world.now());
          assertThat(run.publish("#1", bytes("\"begun\""), world.now())).isFalse();
          replaySteps(world, run);
          replayWaits(world, run);
          replayChildren(run);
          goOn(world, run);
          ends(world, run, RunEnd.State.SUCCEEDED);
          assertThat(world.whole("r").rows().keySet()).noneMatch(row -> row.startsWith("$both"));
          Entry on = Entry.decode(world.whole("r").rows().get("$on/1"), "$on/1");
          assertThat(on.head()).isEqualTo("p9");
        });
  }

  private static void replaySteps(GoldenWorld world, Journal run) {
    isFinished(run.step("reserve#1", world.now()), Kind.DONE, 2, bytes("{\"reserved\":\"ä\\n\"}"));
    isFinished(
        run.step("discount#1", world.now()),
        Kind.FAILED,
        1,
        failure("java.lang.IllegalStateException", "no \"discount\" here", false));
  }

  private static void replayWaits(GoldenWorld world, Journal run) {
    assertThat(run.sleep("sleep#1", Duration.ofSeconds(2), world.now()))
        .isEqualTo(Instant.ofEpochMilli(BEGIN + 2_110));
    List<Edit> edits = new ArrayList<>();
    Journal.Received yes = run.signal("signal approval#1", "approval", world.now(), edits);
    assertThat(yes.payload()).asString().isEqualTo("\"yes\"");
    Journal.Received none = run.signal("signal hurry#1", "hurry", world.now(), edits);
    assertThat(none.payload()).isNull();
    assertThat(none.entry().at()).isEqualTo(BEGIN + 3_110);
    assertThat(edits).isEmpty();
  }

  private static void replayChildren(Journal run) {
    assertThat(run.winner("offers#1")).hasValue(0);
    isFinished(run.step("offers#1/0/price#1", Instant.EPOCH), Kind.DONE, 1, bytes("12.5"));
    isFinished(run.call("ship#1"), Kind.FAILED, 1, failure("RUN_FAILED", "no ship", false));
    assertThat(run.limited("ship#1")).isTrue();
    isFinished(run.call("both#1/0/pay#1"), Kind.DONE, 1, bytes("\"paid\""));
    assertThat(run.limited("both#1/0/pay#1")).isFalse();
  }

  private static void goOn(GoldenWorld world, Journal run) {
    Instant due = Instant.ofEpochMilli(BEGIN + 63_130);
    assertThat(run.step("both#1/1/charge#1", world.now())).isEqualTo(new Look.Later(due));
    assertThat(run.step("both#1/1/charge#1", due)).isEqualTo(new Look.Begin(3));
    write(world, run, run.done("both#1/1/charge#1", bytes("1"), due, 3));
    String wait = "both#1/2/signal answer#1";
    assertThat(run.signal(wait, "answer", due, new ArrayList<>())).isNull();
    Instant over = run.signalLimit(wait, Duration.ofMinutes(9), due);
    assertThat(over).isEqualTo(Instant.ofEpochMilli(BEGIN + 303_130));
    write(world, run, run.signalTimedOut(wait, over));
    List<Edit> edits = new ArrayList<>();
    Journal.Received other = run.signal("signal other#1", "other", over, edits);
    assertThat(other.payload()).asString().isEqualTo("null");
    write(world, run, edits);
  }

  private static void relay(GoldenWorld world) {
    Stored record = world.due("p9", Outbox.QUEUE);
    world.done(Outbox.deliver(world.change(), record, GoldenFile.PARTITIONS));
    world.done(Outbox.delivered(world.change(), record));
    assertThat(world.has(record.id().key())).isFalse();
  }

  @Test
  void aRunInAnotherPartitionIsCreatedByRelay() {
    reading(
        "outbox-create.txt",
        world -> {
          world.tickTo(golden("run-far-child.txt").queued().due());
          relay(world);
          assertThat(world.golden(GoldenStories.FAR))
              .isEqualTo(withoutComments(text("run-far-child.txt")));
        });
  }

  @Test
  void aChildInAnotherPartitionTellsItsParentByRelay() {
    reading(
        "run-far-child.txt",
        world -> {
          golden("run-waiting.txt").load(world.store);
          world.tickTo(golden("run-far-child.txt").queued().due());
          Journal child = due(world, "shop@1");
          assertThat(child.header().terms().lane()).isEqualTo("customer-5");
          assertThat(child.header().origin().parent()).isEqualTo("r");
          assertThat(child.header().origin().path()).isEqualTo("both#1/0/pay#1");
          ends(world, child, RunEnd.State.SUCCEEDED);
          relay(world);
          assertThat(finished(due(world, "shop@1").call("both#1/0/pay#1")).payload())
              .asString()
              .isEqualTo("\"over\"");
        });
  }

  @Test
  void aChildThatWasCancelledEndsAndTellsItsParent() {
    reading(
        "run-cancelled.txt",
        world -> {
          golden("run-waiting.txt").load(world.store);
          world.tickTo(golden("run-cancelled.txt").queued().due());
          Journal child = due(world, "shop@1");
          assertThat(child.mailSeen()).isEqualTo(2);
          assertThat(child.ending()).isEqualTo(Ending.CANCELLED);
          ends(world, child, RunEnd.State.CANCELLED);
          assertThat(world.whole("r").mail()).hasSize(4);
        });
  }

  @Test
  void runsThatHaveEndedShowHow() {
    reading(
        "run-succeeded.txt",
        world -> {
          RunEnd end = RunRecord.decode(world.whole("order-17/7")).end();
          assertThat(end.state()).isEqualTo(RunEnd.State.SUCCEEDED);
          assertThat(end.at()).isEqualTo(Instant.ofEpochMilli(BEGIN + 5));
          assertThat(end.payload()).asString().isEqualTo("\"sold\"");
        });
    reading(
        "run-child-failed.txt",
        world -> {
          RunEnd end = RunRecord.decode(world.whole("r/ship#1")).end();
          assertThat(end.state()).isEqualTo(RunEnd.State.FAILED);
          assertThat(end.payload()).isEqualTo(failure("RUN_FAILED", "no ship", false));
        });
  }

  @Test
  void anAttemptWhoseOutcomeIsUnknownIsRememberedAndItsAnswerRead() {
    reading(
        "run-taken-over.txt",
        world -> {
          world.tickTo(golden("run-taken-over.txt").queued().due());
          Journal run = due(world, "shop@1");
          isFinished(run.step("greet#1", world.now()), Kind.DONE, 1, bytes("\"hello\""));
          assertThat(run.mismatch()).as("without the rest of the code").isNotNull();
          isFinished(run.step("reserve#1", world.now()), Kind.DONE, 1, bytes("true"));
          assertThat(run.riding()).as("the removal of $new").isEqualTo(1);
          assertThat(run.step("pay#1", world.now()))
              .isEqualTo(new Look.Unknown(1, Instant.ofEpochMilli(BEGIN + 5)));
          Journal.Decision decision = run.decision("pay#1", 1);
          assertThat(decision.verdict()).isEqualTo("done");
          write(world, run, run.done("pay#1", decision.payload(), world.now(), 1));
          ends(world, run, RunEnd.State.SUCCEEDED);
          assertThat(world.whole("t").rows()).doesNotContainKeys("$new", "$pay#1~1");
        });
  }

  @Test
  void deathsGoOnBeingCountedAndWhatDoesNotFitIsPutAside() {
    reading(
        "run-taken-over.txt",
        world -> {
          Journal run = world.named("p9", "t");
          write(world, run, run.setAside());
          assertThat(world.whole("t").rows())
              .containsKey("$aside/greet#1")
              .doesNotContainKeys("$new", "greet#1");
        });
    reading(
        "run-taken-over.txt",
        world -> {
          world.named("p9", "t");
          Stored held = world.claim("p8", new Claim.From.HeldBy("p9", Set.of())).get(0);
          world.done(new Journal(held).takeUp(world.now(), 5, deaths -> new byte[0]));
          Entry deaths = Entry.decode(world.whole("t").rows().get("$deaths"), "$deaths");
          assertThat(deaths.attempts()).as("it came further since the first").isEqualTo(1);
          assertThat(deaths.number()).isEqualTo(3);
          world.named("p9", "t");
          Stored again = world.claim("p8", new Claim.From.HeldBy("p9", Set.of())).get(0);
          world.done(new Journal(again).takeUp(world.now(), 5, none -> new byte[0]));
          deaths = Entry.decode(world.whole("t").rows().get("$deaths"), "$deaths");
          assertThat(deaths.attempts()).isEqualTo(2);
        });
  }

  @Test
  void aRunThatBeganToFailIsUndoneToItsEnd() {
    reading(
        "run-failing.txt",
        world -> {
          world.tickTo(golden("run-failing.txt").queued().due());
          Journal run = due(world, "shop@1");
          assertThat(run.ending()).isEqualTo(Ending.FAILED);
          assertThat(run.failure())
              .isEqualTo(failure("java.lang.IllegalStateException", "sold out", false));
          isFinished(run.step("reserve#1", world.now()), Kind.DONE, 1, bytes("1"));
          isFinished(run.step("reserve#2", world.now()), Kind.DONE, 1, bytes("2"));
          assertThat(run.publish("event sold#1", "", key -> List.of(), world.now())).isFalse();
          run.compensate();
          isFinished(run.step("undo/reserve#2", world.now()), Kind.DONE, 1, bytes("null"));
          assertThat(run.step("undo/reserve#1", world.now())).isEqualTo(new Look.Begin(1));
          write(world, run, run.done("undo/reserve#1", bytes("null"), world.now(), 1));
          ends(world, run, RunEnd.State.FAILED);
        });
  }

  @Test
  void aStoppedRunIsResumed() {
    reading(
        "run-stopped.txt",
        world -> {
          Stored stopped = world.whole("s");
          assertThat(Runs.isStopped(stopped)).isTrue();
          RunHeader header = RunRecord.decode(stopped).header();
          world.done(Runs.resume(world.change(), stopped, header, world.now()));
          Journal run = due(world, "shop@1");
          isFinished(run.step("reserve#1", world.now()), Kind.DONE, 1, bytes("true"));
          assertThat(run.step("book#1", world.now())).isEqualTo(new Look.Begin(1));
          write(world, run, run.done("book#1", bytes("true"), world.now(), 1));
          ends(world, run, RunEnd.State.SUCCEEDED);
          assertThat(Runs.isStopped(world.whole("s"))).isFalse();
        });
  }

  // records beside runs

  @Test
  void aProcessIsJudgedAndWhatItHeldGoesOn() {
    reading(
        "process.txt",
        world -> {
          golden("run-queued.txt").load(world.store);
          world.named("p1", "order-17/7");
          assertThat(world.claim("p9", new Claim.From.Due(List.of(Membership.FLEET)))).isEmpty();
          world.tickTo(golden("process.txt").queued().due());
          Stored dead = world.due("p9", Membership.FLEET);
          assertThat(Membership.isGone(dead)).isFalse();
          assertThat(Membership.told(dead.value()))
              .containsEntry("pid", "4711")
              .containsEntry("capacity", "64")
              .containsEntry("agents", "shop@1 pay@2");
          String incarnation = Membership.incarnation(dead.id());
          List<Stored> held = world.claim("p9", new Claim.From.HeldBy(incarnation, Set.of()));
          assertThat(held).hasSize(1);
          world.done(new Journal(held.get(0)).takeUp(world.now(), 5, deaths -> new byte[0]));
          takenOver(world, dead);
          assertThat(world.golden(dead.id().key()))
              .isEqualTo(withoutComments(text("process-gone.txt")));
          ends(world, due(world, "shop@1"), RunEnd.State.SUCCEEDED);
        });
  }

  private static void takenOver(GoldenWorld world, Stored dead) {
    Grant grant = ((Place.Held) dead.place()).grant();
    Membership judge = new Membership("p9", GoldenFile.PARTITIONS, GoldenStories.EXPIRY);
    world.done(judge.takenOver(world.change(), dead, grant, world.now()));
  }

  @Test
  void aProcessThatWasTakenOverIsForgottenTheSecondTime() {
    reading(
        "process-gone.txt",
        world -> {
          world.tickTo(golden("process-gone.txt").queued().due());
          Stored dead = world.due("p9", Membership.FLEET);
          assertThat(Membership.isGone(dead)).isTrue();
          takenOver(world, dead);
          assertThat(world.has(dead.id().key())).isFalse();
        });
  }

  @Test
  void remindersNameTheRunToRemove() {
    for (String file : List.of("reminder.txt", "reminder-far-child.txt")) {
      reading(
          file,
          world -> {
            world.tickTo(golden(file).queued().due());
            Stored reminder = world.due("p9", Runs.RETENTION);
            String run = Runs.reminded(reminder);
            assertThat(reminder.id().key()).isEqualTo(run + "/$keep");
            world.done(
                Runs.bury(world.change(), GoldenWorld.id(run), world.now(), Duration.ofDays(30)));
            assertThat(world.has(reminder.id().key())).isFalse();
          });
    }
  }

  @Test
  void aTombstoneKeepsAnIdTakenUntilItExpires() {
    reading(
        "tombstone.txt",
        world -> {
          RunHeader header = golden("run-queued.txt").header();
          Outcome refused = world.apply(Runs.submit(world.change(), GoldenFile.PARTITIONS, header));
          assertThat(refused).isInstanceOf(Outcome.Refused.class);
          world.tickTo(golden("tombstone.txt").expires());
          world.done(Runs.submit(world.change(), GoldenFile.PARTITIONS, header));
        });
  }
}
