package dev.troupe.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.RunEndingException;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Drives the engine by hand: every change goes to a real store, the clock stands still. */
@Timeout(60)
class JournalTest {
  private static final long BEGIN = 1_767_323_045_000L;

  private final AtomicLong clock = new AtomicLong(BEGIN);
  private final MemoryStateStore store =
      new MemoryStateStore(1, () -> Instant.ofEpochMilli(clock.get()));
  private final Set<String> changeIds = new HashSet<>();
  private int grants;
  private int outside;

  private Instant now() {
    return Instant.ofEpochMilli(clock.get());
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private RunHeader header(String id, String parent, String path) {
    return new RunHeader(
        id,
        "agent",
        "1",
        new RunHeader.Origin(parent, path, "agent", now()),
        new RunHeader.Terms(1, null, null, "", "", ""),
        new RunHeader.Encoding("json", ""),
        bytes("\"in\""));
  }

  private Outcome apply(Change change) {
    assertThat(changeIds.add(change.id())).as("change id %s is used twice", change.id()).isTrue();
    return store.apply(List.of(change)).get(0);
  }

  private Outcome.Done done(Change change) {
    Outcome outcome = apply(change);
    assertThat(outcome).isInstanceOf(Outcome.Done.class);
    return (Outcome.Done) outcome;
  }

  private String fresh() {
    return "outside-" + ++outside;
  }

  private Journal submit(String id) {
    done(Runs.submit(fresh(), 1, header(id, null, null)));
    return claim(id);
  }

  private Journal run() {
    return submit("r");
  }

  private Stored take(String id) {
    Claim claim =
        new Claim(
            new Grant("p", ++grants),
            new Claim.From.Named(List.of(RecordId.of(id, 1))),
            Set.of(0),
            1,
            1 << 30);
    List<Stored> taken = store.claim(claim);
    assertThat(taken).as("what can be claimed of %s", id).hasSize(1);
    return taken.get(0);
  }

  private Journal claim(String id) {
    return new Journal(take(id));
  }

  /** The next process, after a hand-over. */
  private Journal next(Journal journal) {
    done(journal.handBack(now()));
    return claim(journal.header().id());
  }

  /** The next process, after a crash: what was not written is lost. */
  private Journal crash(Journal journal) {
    Stored held =
        store
            .claim(
                new Claim(
                    new Grant("q", ++grants),
                    new Claim.From.HeldBy(journal.grant().holder(), Set.of()),
                    Set.of(0),
                    1,
                    1 << 30))
            .get(0);
    assertThat(held.id()).isEqualTo(journal.id());
    return new Journal(held);
  }

  private Stored whole(String id) {
    List<Stored> items = store.scan(Scan.whole(RecordId.of(id, 1))).items();
    assertThat(items).as("record %s", id).hasSize(1);
    return items.get(0);
  }

  private void mail(Change change) {
    assertThat(done(change).seen().get(0).mailAccepted()).isTrue();
  }

  private void signal(String name, String id, String payload) {
    mail(Runs.signal(fresh(), RecordId.of("r", 1), name, id, bytes(payload)));
  }

  private void look(Journal journal) {
    journal.receive(
        store.scan(Scan.mailAfter(journal.id(), journal.mailSeen())).items().get(0).mail());
  }

  private void makeStep(Journal journal, String path, String result) {
    assertThat(journal.step(path, now())).isInstanceOf(Look.Begin.class);
    done(journal.change(journal.done(path, bytes(result), now(), 1)));
  }

  private static String result(Look look) {
    assertThat(look).isInstanceOf(Look.Finished.class);
    return text(((Look.Finished) look).entry().payload());
  }

  private String received(Journal journal, String path, String name) {
    List<Edit> edits = new ArrayList<>();
    Journal.Received received = journal.signal(path, name, now(), edits);
    if (received == null) {
      return null;
    }
    if (!edits.isEmpty()) {
      done(journal.change(edits));
    }
    return received.payload() == null ? "nothing came" : text(received.payload());
  }

  private Journal callChild(Journal journal, String path, Instant due) {
    assertThat(journal.call(path)).isEqualTo(new Look.Begin(1));
    RunHeader child = header(journal.header().childId(path, 1), journal.header().id(), path);
    done(journal.change(journal.called(path, child, due, now())));
    return claim(child.id());
  }

  private static List<String> mailTo(Change change, String name) {
    return change.edits().stream()
        .filter(e -> e instanceof Edit.Mail mail && mail.row().equals(name))
        .map(Edit::key)
        .sorted()
        .toList();
  }

  private static <E extends Edit> E only(Class<E> kind, Change change) {
    List<E> found = change.edits().stream().filter(kind::isInstance).map(kind::cast).toList();
    assertThat(found).hasSize(1);
    return found.get(0);
  }

  @Nested
  class Steps {
    @Test
    void aNewStepBeginsAndAFinishedOneIsReplayed() {
      Journal journal = run();
      assertThat(journal.step("s#1", now())).isEqualTo(new Look.Begin(1));
      assertThat(journal.step("s#1", now())).isEqualTo(new Look.Begin(1));
      List<Edit> edits = journal.done("s#1", bytes("7"), now(), 2);
      assertThat(edits).hasSize(1);
      done(journal.change(edits));
      assertThat(result(journal.step("s#1", now()))).isEqualTo("7");
      clock.addAndGet(5_000);
      Journal replay = crash(journal);
      Entry entry = ((Look.Finished) replay.step("s#1", now())).entry();
      assertThat(text(entry.payload())).isEqualTo("7");
      assertThat(entry.kind()).isEqualTo(Entry.Kind.DONE);
      assertThat(entry.at()).isEqualTo(BEGIN);
      assertThat(entry.attempts()).isEqualTo(2);
      assertThat(entry.number()).isEqualTo(1);
      assertThat(replay.finished()).isEqualTo(1);
      assertThat(replay.step("s#2", now())).isEqualTo(new Look.Begin(1));
    }

    @Test
    void whatWasNotWrittenIsBegunAgain() {
      Journal journal = run();
      journal.step("s#1", now());
      assertThat(journal.done("s#1", bytes("7"), now(), 1)).isNotEmpty();
      assertThat(crash(journal).step("s#1", now())).isEqualTo(new Look.Begin(1));
    }

    @Test
    void aFailedStepFailsAgainOnReplay() {
      Journal journal = run();
      journal.step("s#1", now());
      done(journal.change(journal.failed("s#1", bytes("{why}"), now(), 3)));
      for (Journal one : List.of(journal, crash(journal))) {
        Entry entry = ((Look.Finished) one.step("s#1", now())).entry();
        assertThat(entry.kind()).isEqualTo(Entry.Kind.FAILED);
        assertThat(entry.attempts()).isEqualTo(3);
        assertThat(text(entry.payload())).isEqualTo("{why}");
      }
    }

    @Test
    void aRetryWaitsUntilItIsDueAndCountsOnAfterACrash() {
      Journal journal = run();
      journal.step("s#1", now());
      Instant due = now().plusMillis(500);
      done(journal.change(journal.retry("s#1", bytes("{why}"), due, now(), 1)));
      assertThat(journal.step("s#1", now())).isEqualTo(new Look.Later(due));
      Journal replay = crash(journal);
      assertThat(replay.step("s#1", now())).isEqualTo(new Look.Later(due));
      assertThat(replay.finished()).isZero();
      clock.addAndGet(499);
      assertThat(replay.step("s#1", now())).isInstanceOf(Look.Later.class);
      clock.addAndGet(1);
      assertThat(replay.step("s#1", now())).isEqualTo(new Look.Begin(2));
      assertThat(replay.mismatch()).isNull();
    }

    @Test
    void theEndOfAStepRemovesWhatWasOpen() {
      Journal journal = run();
      journal.step("s#1", now());
      done(journal.change(journal.retry("s#1", bytes("{why}"), now(), now(), 1)));
      assertThat(whole("r").rows()).containsOnlyKeys("$s#1");
      done(journal.change(journal.done("s#1", bytes("7"), now(), 2)));
      assertThat(whole("r").rows()).containsOnlyKeys("s#1");
      assertThat(result(crash(journal).step("s#1", now()))).isEqualTo("7");
    }

    @Test
    void entriesAreNumberedInTheOrderOfWritingAlsoAfterACrash() {
      Journal journal = run();
      makeStep(journal, "a#1", "1");
      makeStep(journal, "b#1", "2");
      Journal replay = crash(journal);
      replay.step("a#1", now());
      replay.step("b#1", now());
      makeStep(replay, "c#1", "3");
      List<Long> numbers =
          whole("r").rows().values().stream().map(v -> Entry.decode(v, "").number()).toList();
      assertThat(numbers).containsExactly(1L, 2L, 3L);
    }

    @Test
    void aProcessThatLostItsGrantWritesNothing() {
      Journal zombie = run();
      zombie.step("s#1", now());
      Journal owner = crash(zombie);
      assertThat(apply(zombie.change(zombie.done("s#1", bytes("old"), now(), 1))))
          .isInstanceOf(Outcome.Refused.class);
      assertThat(apply(zombie.park(null, zombie.mailSeen()))).isInstanceOf(Outcome.Refused.class);
      RunEnd end = new RunEnd(RunEnd.State.SUCCEEDED, now(), bytes("old"));
      assertThat(apply(zombie.end(end, null))).isInstanceOf(Outcome.Refused.class);
      assertThat(owner.step("s#1", now())).isEqualTo(new Look.Begin(1));
      assertThat(whole("r").rows()).isEmpty();
    }

    @Test
    void onlyARunThatIsHeldHasAJournal() {
      Journal journal = run();
      done(journal.park(null, journal.mailSeen()));
      Stored parked = whole("r");
      assertThatThrownBy(() -> new Journal(parked))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("r");
    }
  }

  @Nested
  class Waits {
    @Test
    void aSleepRidesWithTheNextChangeAndKeepsItsEnd() {
      Journal journal = run();
      Instant due = journal.sleep("sleep#1", Duration.ofSeconds(9), now());
      assertThat(due).isEqualTo(now().plusSeconds(9));
      assertThat(whole("r").rows()).isEmpty();
      clock.addAndGet(1_000);
      assertThat(journal.sleep("sleep#1", Duration.ofSeconds(9), now())).isEqualTo(due);
      done(journal.park(due, journal.mailSeen()));
      assertThat(whole("r").rows()).containsOnlyKeys("sleep#1");
      assertThat(claim("r").sleep("sleep#1", Duration.ofDays(9), now())).isEqualTo(due);
    }

    @Test
    void ridersGoWithTheNextChangeOnce() {
      Journal journal = run();
      journal.sleep("sleep#1", Duration.ofMillis(1), now());
      assertThat(journal.publish("#1", bytes("10 %"), now())).isTrue();
      journal.step("s#1", now());
      Change change = journal.change(journal.done("s#1", bytes("1"), now(), 1));
      assertThat(change.edits()).hasSize(4);
      assertThat(change.edits().get(0)).isEqualTo(new Edit.Held("r", journal.grant()));
      assertThat(change.edits().stream().filter(e -> e instanceof Edit.Row))
          .extracting(e -> ((Edit.Row) e).row())
          .containsExactly("sleep#1", "#1", "s#1");
      done(change);
      assertThat(journal.change(List.of()).edits()).hasSize(1);
    }

    @Test
    void progressIsToldOnce() {
      Journal journal = run();
      assertThat(journal.publish("#1", bytes("1"), now())).isTrue();
      assertThat(journal.publish("#1", bytes("1"), now())).isFalse();
      Journal replay = next(journal);
      assertThat(replay.publish("#1", bytes("1"), now())).isFalse();
      assertThat(replay.publish("#2", bytes("2"), now())).isTrue();
      assertThat(replay.mismatch()).isNull();
    }

    @Test
    void aSignalIsReceivedOnceAndStaysWithItsWait() {
      Journal journal = run();
      assertThat(received(journal, "signal go#1", "go")).isNull();
      signal("go", "1", "one");
      assertThat(received(journal, "signal go#1", "go")).isNull();
      look(journal);
      assertThat(received(journal, "signal go#1", "go")).isEqualTo("one");
      assertThat(received(journal, "signal go#1", "go")).isEqualTo("one");
      assertThat(received(journal, "signal go#2", "go")).isNull();
      Journal replay = crash(journal);
      assertThat(received(replay, "signal go#1", "go")).isEqualTo("one");
      assertThat(received(replay, "signal go#2", "go")).isNull();
    }

    @Test
    void theSameSignalSentTwiceIsReceivedOnce() {
      Journal journal = run();
      signal("go", "1", "one");
      signal("go", "1", "another payload, too late");
      signal("go", "2", "two");
      look(journal);
      assertThat(received(journal, "signal go#1", "go")).isEqualTo("one");
      assertThat(received(journal, "signal go#2", "go")).isEqualTo("two");
      assertThat(received(journal, "signal go#3", "go")).isNull();
    }

    @Test
    void signalsAreReceivedInTheOrderOfTheirArrivalEachNameForItself() {
      Journal journal = run();
      signal("b", "1", "b1");
      signal("a", "2", "a1");
      signal("a", "1", "a2");
      signal("b", "0", "b2");
      look(journal);
      assertThat(received(journal, "signal a#1", "a")).isEqualTo("a1");
      assertThat(received(journal, "signal b#1", "b")).isEqualTo("b1");
      assertThat(received(journal, "signal a#2", "a")).isEqualTo("a2");
      assertThat(received(journal, "signal b#2", "b")).isEqualTo("b2");
    }

    @Test
    void waitsOfOneNameKeepTheirSignalsWhenTheyAreReplayedInAnotherOrder() {
      Journal journal = run();
      signal("go", "x", "first");
      signal("go", "y", "second");
      signal("go", "z", "third");
      look(journal);
      assertThat(received(journal, "g#1/1/signal go#1", "go")).isEqualTo("first");
      assertThat(received(journal, "g#1/0/signal go#1", "go")).isEqualTo("second");
      Journal replay = crash(journal);
      assertThat(received(replay, "signal go#1", "go")).isEqualTo("third");
      assertThat(received(replay, "g#1/0/signal go#1", "go")).isEqualTo("second");
      assertThat(received(replay, "g#1/1/signal go#1", "go")).isEqualTo("first");
      assertThat(received(replay, "g#1/2/signal go#1", "go")).isNull();
    }

    @Test
    void aSignalWhoseReceiptWasNotWrittenIsReceivedAgain() {
      Journal journal = run();
      signal("go", "1", "one");
      look(journal);
      List<Edit> lost = new ArrayList<>();
      assertThat(journal.signal("signal go#1", "go", now(), lost)).isNotNull();
      assertThat(lost).hasSize(1);
      assertThat(received(crash(journal), "signal go#1", "go")).isEqualTo("one");
    }

    @Test
    void aLimitedWaitKeepsItsLimit() {
      Journal journal = run();
      Instant due = journal.signalLimit("signal go#1", Duration.ofSeconds(5), now());
      clock.addAndGet(2_000);
      assertThat(journal.signalLimit("signal go#1", Duration.ofSeconds(5), now())).isEqualTo(due);
      done(journal.park(due, journal.mailSeen()));
      assertThat(claim("r").signalLimit("signal go#1", Duration.ofSeconds(5), now()))
          .isEqualTo(due);
    }

    @Test
    void aWaitThatTimedOutStaysTimedOutAndLeavesALaterSignalToTheNext() {
      Journal journal = run();
      Instant due = journal.signalLimit("signal go#1", Duration.ofSeconds(5), now());
      clock.addAndGet(5_000);
      done(journal.change(journal.signalTimedOut("signal go#1", due)));
      assertThat(whole("r").rows()).containsOnlyKeys("signal go#1");
      signal("go", "1", "late");
      look(journal);
      assertThat(received(journal, "signal go#1", "go")).isEqualTo("nothing came");
      Journal replay = crash(journal);
      assertThat(received(replay, "signal go#1", "go")).isEqualTo("nothing came");
      assertThat(received(replay, "signal go#2", "go")).isEqualTo("late");
    }

    @Test
    void aSignalInTimeRemovesTheLimit() {
      Journal journal = run();
      Instant due = journal.signalLimit("signal go#1", Duration.ofSeconds(5), now());
      done(journal.park(due, journal.mailSeen()));
      signal("go", "1", "in time");
      Journal woken = claim("r");
      assertThat(received(woken, "signal go#1", "go")).isEqualTo("in time");
      assertThat(whole("r").rows()).containsOnlyKeys("signal go#1");
    }
  }

  @Nested
  class Parking {
    @Test
    void aParkIsRefusedByMailThatWasNotSeen() {
      Journal journal = run();
      signal("go", "1", "one");
      Change park = journal.park(null, journal.mailSeen());
      assertThat(apply(park))
          .isInstanceOfSatisfying(
              Outcome.Refused.class,
              refused -> assertThat(refused.because()).isEqualTo(new Edit.NoMailAfter("r", 0)));
      look(journal);
      assertThat(journal.mailSeen()).isEqualTo(1);
      done(journal.park(null, journal.mailSeen()));
    }

    @Test
    void aParkSaysWhenToWakeIt() {
      Journal journal = run();
      signal("go", "1", "one");
      signal("go", "2", "two");
      look(journal);
      Instant due = now().plusSeconds(7);
      Change park = journal.park(due, journal.mailSeen());
      assertThat(park.edits())
          .containsExactly(
              new Edit.Held("r", journal.grant()),
              new Edit.NoMailAfter("r", 2),
              new Edit.Queue("r", "agent@1", 1, due, null, 3));
      done(park);
      assertThat(whole("r").place()).isEqualTo(new Place.Queued("agent@1", 1, due, null, 3));
    }

    @Test
    void aParkWithoutATimeWaitsForMailOnly() {
      Journal journal = run();
      assertThat(only(Edit.Queue.class, journal.park(null, journal.mailSeen())).due())
          .isEqualTo(Runs.NEVER);
    }

    @Test
    void mailWakesWhatIsParked() {
      Journal journal = run();
      done(journal.park(now().plusSeconds(7), journal.mailSeen()));
      signal("go", "1", "one");
      assertThat(((Place.Queued) whole("r").place()).due()).isEqualTo(now());
    }

    @Test
    void whatIsHandedBackIsDueAtOnce() {
      Journal journal = run();
      signal("go", "1", "not seen");
      Change change = journal.handBack(now());
      assertThat(change.edits().stream().noneMatch(e -> e instanceof Edit.NoMailAfter)).isTrue();
      done(change);
      assertThat(((Place.Queued) whole("r").place()).due()).isEqualTo(now());
    }

    @Test
    void idsOfChangesAreNeverUsedTwiceAlsoAfterRereading() {
      Journal journal = run();
      Set<String> ids = new HashSet<>();
      for (int round = 0; round < 20; round++) {
        for (Change change :
            List.of(
                journal.change(List.of()),
                journal.park(null, journal.mailSeen()),
                journal.handBack(Instant.EPOCH))) {
          assertThat(ids.add(change.id())).isTrue();
        }
        journal = journal.reread(whole("r"));
      }
      Journal other = crash(journal);
      assertThat(ids.add(other.change(List.of()).id())).isTrue();
    }

    @Test
    void rereadingForgetsWhatWasNotWritten() {
      Journal journal = run();
      journal.sleep("sleep#1", Duration.ofSeconds(1), now());
      journal.step("s#1", now());
      journal.done("s#1", bytes("lost"), now(), 1);
      Journal again = journal.reread(whole("r"));
      assertThat(again.step("s#1", now())).isEqualTo(new Look.Begin(1));
      assertThat(again.change(List.of()).edits()).hasSize(1);
      assertThat(again.grant()).isEqualTo(journal.grant());
    }
  }

  @Nested
  class Calls {
    @Test
    void aChildIsCreatedWithTheCallAndItsResultComesBackForEver() {
      Journal parent = run();
      Journal child = callChild(parent, "c#1", null);
      assertThat(child.header().id()).isEqualTo("r/c#1");
      assertThat(child.header().origin().parent()).isEqualTo("r");
      assertThat(parent.call("c#1")).isEqualTo(new Look.Later(null));
      assertThat(parent.limited("c#1")).isFalse();
      done(child.end(new RunEnd(RunEnd.State.SUCCEEDED, now(), bytes("42")), null));
      assertThat(parent.call("c#1")).isEqualTo(new Look.Later(null));
      look(parent);
      assertThat(result(parent.call("c#1"))).isEqualTo("42");
      Journal replay = crash(parent);
      assertThat(result(replay.call("c#1"))).isEqualTo("42");
      assertThat(replay.mismatch()).isNull();
    }

    @Test
    void aFailedChildFailsItsCall() {
      Journal parent = run();
      Journal child = callChild(parent, "c#1", null);
      done(child.end(new RunEnd(RunEnd.State.FAILED, now(), bytes("{why}")), null));
      look(parent);
      Entry entry = ((Look.Finished) parent.call("c#1")).entry();
      assertThat(entry.kind()).isEqualTo(Entry.Kind.FAILED);
      assertThat(text(entry.payload())).isEqualTo("{why}");
    }

    @Test
    void theEndOfAChildWakesItsParkedParentInTheSameChange() {
      Journal parent = run();
      Journal child = callChild(parent, "c#1", null);
      done(parent.park(null, parent.mailSeen()));
      Change end = child.end(new RunEnd(RunEnd.State.CANCELLED, now(), bytes("{}")), null);
      assertThat(only(Edit.Mail.class, end).key()).isEqualTo("r");
      done(end);
      assertThat(((Place.Queued) whole("r").place()).due()).isEqualTo(now());
      assertThat(whole("r/c#1").place()).isInstanceOf(Place.None.class);
      assertThat(claim("r").call("c#1"))
          .isInstanceOfSatisfying(
              Look.Finished.class, f -> assertThat(f.entry().kind()).isEqualTo(Entry.Kind.FAILED));
    }

    @Test
    void aCallKeepsItsTimeLimit() {
      Journal parent = run();
      Instant due = now().plusSeconds(3);
      callChild(parent, "c#1", due);
      assertThat(parent.call("c#1")).isEqualTo(new Look.Later(due));
      assertThat(parent.limited("c#1")).isTrue();
      Journal replay = crashOf("r");
      assertThat(replay.call("c#1")).isEqualTo(new Look.Later(due));
      assertThat(replay.limited("c#1")).isTrue();
      assertThat(replay.limited("other#1")).isFalse();
    }

    /** Claims one of several held runs. */
    private Journal crashOf(String id) {
      List<Stored> held =
          store.claim(
              new Claim(
                  new Grant("q", ++grants),
                  new Claim.From.HeldBy("p", Set.of()),
                  Set.of(0),
                  10,
                  1 << 30));
      return new Journal(
          held.stream().filter(s -> s.id().key().equals(id)).findFirst().orElseThrow());
    }

    @Test
    void aCallThatTimedOutCancelsItsChildAndStaysFailed() {
      Journal parent = run();
      Journal child = callChild(parent, "c#1", now().plusSeconds(3));
      clock.addAndGet(3_000);
      Change late = parent.change(parent.failed("c#1", bytes("{late}"), now(), 1));
      assertThat(mailTo(late, "cancel")).containsExactly("r/c#1");
      done(late);
      look(child);
      assertThat(child.ending()).isEqualTo(Ending.CANCELLED);
      done(child.end(new RunEnd(RunEnd.State.SUCCEEDED, now(), bytes("too late")), null));
      look(parent);
      assertThat(result(parent.call("c#1"))).isEqualTo("{late}");
      assertThat(result(crash(parent).call("c#1"))).isEqualTo("{late}");
    }

    @Test
    void theWinnerIsKeptAndTheLosersChildrenAreCancelled() {
      Journal parent = run();
      callChild(parent, "g#1/0/c#1", null);
      Journal winning = callChild(parent, "g#1/1/c#1", null);
      callChild(parent, "g#1/10/c#1", null);
      Journal over = callChild(parent, "g#1/2/c#1", null);
      callChild(parent, "g#2/0/c#1", null);
      callChild(parent, "c#1", null);
      done(winning.end(new RunEnd(RunEnd.State.SUCCEEDED, now(), bytes("1")), null));
      done(over.end(new RunEnd(RunEnd.State.FAILED, now(), bytes("{}")), null));
      look(parent);
      assertThat(parent.winner("g#1")).isEmpty();
      Change won = parent.change(parent.won("g#1", 1, now()));
      assertThat(mailTo(won, "cancel")).containsExactly("r/g#1/0/c#1", "r/g#1/10/c#1");
      done(won);
      assertThat(parent.winner("g#1")).hasValue(1);
    }

    @Test
    void onReplayTheLosersNeedNotBeReachedAgainButTheWinnerMust() {
      Journal journal = run();
      makeStep(journal, "g#1/0/a#1", "0");
      makeStep(journal, "g#1/1/a#1", "1");
      makeStep(journal, "g#1/11/a#1", "11");
      done(journal.change(journal.won("g#1", 1, now())));
      Journal replay = crash(journal);
      assertThat(replay.winner("g#1")).hasValue(1);
      assertThat(replay.mismatch()).hasMessageContaining("g#1/1/a#1");
      assertThat(result(replay.step("g#1/1/a#1", now()))).isEqualTo("1");
      assertThat(replay.mismatch()).isNull();
    }

    @Test
    void aBranchMayWinBeforeTheOthersHaveReachedAgainWhatTheyDid() {
      Journal journal = run();
      makeStep(journal, "g#1/0/a#1", "0");
      callChild(journal, "g#1/2/c#1", null);
      Journal replay = journal.reread(whole("r"));
      makeStep(replay, "g#1/1/a#1", "1");
      Change won = replay.change(replay.won("g#1", 1, now()));
      assertThat(mailTo(won, "cancel")).containsExactly("r/g#1/2/c#1");
      done(won);
      assertThat(replay.mismatch()).isNull();
      done(replay.park(null, replay.mailSeen()));
      assertThat(whole("r").rows()).doesNotContainKey("$new");
    }

    @Test
    void allChildrenThatStillRunAreToldToStop() {
      Journal parent = run();
      callChild(parent, "a#1", null);
      Journal over = callChild(parent, "b#1", null);
      done(over.end(new RunEnd(RunEnd.State.SUCCEEDED, now(), bytes("1")), null));
      look(parent);
      makeStep(parent, "s#1", "1");
      assertThat(parent.cancelChildren("enough"))
          .singleElement()
          .satisfies(e -> assertThat(e.key()).isEqualTo("r/a#1"));
    }
  }

  @Nested
  class Endings {
    @Test
    void strongerReasonsReplaceWeakerOnes() {
      Journal journal = run();
      assertThat(journal.ending()).isEqualTo(Ending.NOT);
      journal.failing(bytes("{}"), now());
      assertThat(journal.ending()).isEqualTo(Ending.FAILED);
      journal.end(Ending.DEADLINE);
      assertThat(journal.ending()).isEqualTo(Ending.DEADLINE);
      journal.end(Ending.FAILED);
      assertThat(journal.ending()).isEqualTo(Ending.DEADLINE);
      mail(Runs.cancel(fresh(), journal.id(), "enough"));
      look(journal);
      assertThat(journal.ending()).isEqualTo(Ending.CANCELLED);
      journal.end(Ending.DEADLINE);
      journal.end(Ending.NOT);
      assertThat(journal.ending()).isEqualTo(Ending.CANCELLED);
    }

    @Test
    void aCancelIsStillThereAfterACrash() {
      Journal journal = run();
      mail(Runs.cancel(fresh(), journal.id(), "enough"));
      assertThat(crash(journal).ending()).isEqualTo(Ending.CANCELLED);
    }

    @Test
    void aFailureIsStillThereAfterACrash() {
      Journal journal = run();
      assertThat(journal.failure()).isNull();
      done(journal.change(journal.failing(bytes("{why}"), now())));
      Journal replay = crash(journal);
      assertThat(replay.ending()).isEqualTo(Ending.FAILED);
      assertThat(replay.failure()).isEqualTo(bytes("{why}"));
    }

    @ParameterizedTest
    @EnumSource(value = Ending.class, mode = EnumSource.Mode.EXCLUDE, names = "NOT")
    void nothingNewBeginsInARunThatIsEndingButWhatIsFinishedReturns(Ending why) {
      Journal before = run();
      makeStep(before, "s#1", "1");
      before.sleep("sleep#1", Duration.ofSeconds(1), now());
      signal("go", "1", "one");
      look(before);
      assertThat(received(before, "signal go#1", "go")).isEqualTo("one");
      Journal over = callChild(before, "c#1", null);
      done(over.end(new RunEnd(RunEnd.State.SUCCEEDED, now(), bytes("42")), null));
      callChild(before, "d#1", null);
      done(before.change(before.won("g#1", 0, now())));
      Journal journal = before.reread(whole("r"));
      journal.end(why);

      assertThat(result(journal.step("s#1", now()))).isEqualTo("1");
      assertThat(journal.sleep("sleep#1", Duration.ofSeconds(1), now()))
          .isEqualTo(Instant.ofEpochMilli(BEGIN + 1_000));
      assertThat(received(journal, "signal go#1", "go")).isEqualTo("one");
      assertThat(result(journal.call("c#1"))).isEqualTo("42");
      assertThat(journal.winner("g#1")).hasValue(0);

      assertEnding(why, () -> journal.step("s#2", now()));
      assertEnding(why, () -> journal.sleep("sleep#2", Duration.ofSeconds(1), now()));
      assertEnding(why, () -> journal.signal("signal go#2", "go", now(), new ArrayList<>()));
      assertEnding(why, () -> journal.call("c#2"));
      assertEnding(why, () -> journal.call("d#1"));
      assertEnding(why, () -> journal.publish("#1", bytes("x"), now()));
      assertEnding(why, () -> journal.step(Journal.undo("s#1"), now()));
    }

    private void assertEnding(Ending why, Runnable begin) {
      RunEndingException ending = catchThrowableOfType(RunEndingException.class, begin::run);
      assertThat(ending).isNotNull();
      assertThat(ending.code()).isEqualTo(why.code());
      assertThat(ending).hasMessage("run r " + why.words());
    }

    @Test
    void compensationMayBeginAndNothingElse() {
      Journal journal = run();
      makeStep(journal, "s#1", "1");
      journal.end(Ending.CANCELLED);
      journal.compensate();
      makeStep(journal, Journal.undo("s#1"), "null");
      assertEnding(Ending.CANCELLED, () -> journal.step("s#2", now()));
      Journal replay = crash(journal);
      replay.end(Ending.CANCELLED);
      assertThat(result(replay.step("s#1", now()))).isEqualTo("1");
      replay.compensate();
      assertThat(result(replay.step(Journal.undo("s#1"), now()))).isEqualTo("null");
      assertThat(replay.mismatch()).isNull();
    }

    @Test
    void aStepWithTheLongestPathCanBeUndone() {
      Journal journal = run();
      String path = "p".repeat(448) + "#1";
      makeStep(journal, path, "1");
      journal.failing(bytes("{}"), now());
      journal.compensate();
      makeStep(journal, Journal.undo(path), "null");
    }

    @Test
    void theEndOfARootIsKeptForItsRetention() {
      Journal journal = run();
      Instant until = now().plusSeconds(60);
      Change end = journal.end(new RunEnd(RunEnd.State.SUCCEEDED, now(), bytes("1")), until);
      assertThat(only(Edit.Release.class, end).key()).isEqualTo("r");
      assertThat(end.edits().stream().noneMatch(e -> e instanceof Edit.Mail)).isTrue();
      done(end);
      RunEnd stored = RunRecord.decode(whole("r")).end();
      assertThat(stored).isNotNull();
      assertThat(stored.state()).isEqualTo(RunEnd.State.SUCCEEDED);
      assertThat(stored.payload()).isEqualTo(bytes("1"));
      assertThat(whole("r").tags()).containsEntry("state", "succeeded");
      assertThat(whole("r").place()).isInstanceOf(Place.None.class);
      Stored reminder = whole("r/$keep");
      assertThat(Runs.reminded(reminder)).isEqualTo("r");
      assertThat(reminder.place())
          .isEqualTo(new Place.Queued(Runs.RETENTION, 0, until, null, Long.MAX_VALUE));
    }

    @Test
    void theEndOfARootWithoutRetentionLeavesNoReminder() {
      Journal journal = run();
      done(journal.end(new RunEnd(RunEnd.State.FAILED, now(), bytes("{}")), null));
      assertThat(store.scan(Scan.whole(RecordId.of("r/$keep", 1))).items()).isEmpty();
    }

    @Test
    void theEndOfAChildGoesToItsParentAndHasNoReminderOfItsOwn() {
      Journal parent = run();
      Journal child = callChild(parent, "c#1", null);
      Change end =
          child.end(new RunEnd(RunEnd.State.SUCCEEDED, now(), bytes("42")), now().plusSeconds(60));
      Edit.Mail mail = only(Edit.Mail.class, end);
      assertThat(mail.key()).isEqualTo("r");
      assertThat(mail.row()).isEqualTo("child/c#1");
      assertThat(mail.urgent()).isTrue();
      assertThat(text(mail.value())).isEqualTo("1 d 0 " + BEGIN + " 1 42");
      assertThat(end.edits().stream().noneMatch(e -> e instanceof Edit.Queue)).isTrue();
    }

    @Test
    void theEndOfARunWithManyChildrenFitsIntoAChange() {
      Journal parent = run();
      for (int i = 0; i < StoreInfo.MAX_EDITS + 50; i++) {
        callChild(parent, "g#1/" + i + "/c#1", null);
      }
      List<Edit> cancels = parent.cancelChildren("run r is ending");
      assertThat(cancels).hasSize(StoreInfo.MAX_EDITS + 50);
      for (int i = 0; i < cancels.size(); i += 100) {
        done(parent.change(cancels.subList(i, Math.min(cancels.size(), i + 100))));
      }
      done(
          parent.end(new RunEnd(RunEnd.State.CANCELLED, now(), bytes("{}")), now().plusSeconds(1)));
    }
  }

  @Nested
  class Limits {
    private Stored journalOf(int rows, int each) {
      java.util.TreeMap<String, byte[]> all = new java.util.TreeMap<>();
      for (int i = 0; i < rows; i++) {
        all.put(
            "s#" + (i + 1), new Entry(Entry.Kind.DONE, i + 1L, BEGIN, 1, new byte[each]).encode());
      }
      return Stored.builder(RecordId.of("r", 1), now())
          .value(new RunRecord(header("r", null, null), null).put().value())
          .place(new Place.Held(new Grant("p", 1), null))
          .rows(all)
          .build();
    }

    @Test
    void tenThousandEntriesAreReplayedAndTheNextIsRefused() {
      Journal journal = new Journal(journalOf(Journal.MAX_ENTRIES, 1));
      assertThat(journal.finished()).isEqualTo(Journal.MAX_ENTRIES);
      for (int i = 1; i <= Journal.MAX_ENTRIES; i++) {
        assertThat(journal.step("s#" + i, now())).isInstanceOf(Look.Finished.class);
      }
      assertThatThrownBy(() -> journal.step("new#1", now()))
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.LIMIT_EXCEEDED))
          .hasMessageContaining("run r")
          .hasMessageContaining("10000 entries");
    }

    @Test
    void oneEntryBelowTheLimitMayStillBegin() {
      Journal journal = new Journal(journalOf(Journal.MAX_ENTRIES - 1, 1));
      assertThat(journal.step("new#1", now())).isEqualTo(new Look.Begin(1));
      journal.done("new#1", bytes("1"), now(), 1);
      assertThatThrownBy(() -> journal.step("new#2", now())).isInstanceOf(AgentException.class);
    }

    @Test
    void sixteenMebibytesAreTheMost() {
      Journal journal = new Journal(journalOf(65, 256 * 1024 - 100));
      assertThatThrownBy(() -> journal.step("new#1", now()))
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.LIMIT_EXCEEDED))
          .hasMessageContaining("" + Journal.MAX_TOTAL_BYTES);
    }

    @Test
    void aRunThatFailedAtALimitCanBeCompensated() {
      for (Journal full :
          List.of(
              new Journal(journalOf(Journal.MAX_ENTRIES, 1)),
              new Journal(journalOf(65, 256 * 1024 - 100)))) {
        full.failing(bytes("{}"), now());
        full.compensate();
        assertThat(full.step(Journal.undo("s#1"), now())).isEqualTo(new Look.Begin(1));
      }
    }

    @Test
    void aPathTooLongIsRefused() {
      Journal journal = run();
      assertThat(journal.step("p".repeat(450), now())).isEqualTo(new Look.Begin(1));
      assertThatThrownBy(() -> journal.step("p".repeat(451), now()))
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.LIMIT_EXCEEDED))
          .hasMessageContaining("451")
          .hasMessageContaining("450");
    }
  }

  @Nested
  class Mismatches {
    /** A journal of steps a, b and c, read by the next process. */
    private Journal abc() {
      Journal journal = run();
      makeStep(journal, "a#1", "1");
      makeStep(journal, "b#1", "2");
      makeStep(journal, "c#1", "3");
      return crash(journal);
    }

    private AgentException mismatch(Journal journal) {
      AgentException misfit = journal.mismatch();
      assertThat(misfit).isNotNull();
      assertThat(misfit.code()).isEqualTo(ErrorCode.NON_DETERMINISM);
      assertThat(misfit).hasMessageContaining("run r").hasMessageContaining("agent@1");
      return misfit;
    }

    @Test
    void theSameCodeFits() {
      Journal journal = abc();
      assertThat(journal.mismatch()).isNotNull();
      for (String step : List.of("a#1", "b#1", "c#1")) {
        assertThat(journal.step(step, now())).isInstanceOf(Look.Finished.class);
      }
      assertThat(journal.mismatch()).isNull();
    }

    @Test
    void aRenamedStepIsNamedWithTheOneFoundInstead() {
      Journal journal = abc();
      journal.step("a#1", now());
      assertThat(journal.step("B#1", now())).isEqualTo(new Look.Begin(1));
      done(journal.change(journal.done("B#1", bytes("9"), now(), 1)));
      journal.step("c#1", now());
      assertThat(mismatch(journal))
          .hasMessageContaining("'b#1' (entry 2)")
          .hasMessageContaining("'B#1'");
    }

    @Test
    void aRemovedStepIsNamed() {
      Journal journal = abc();
      journal.step("a#1", now());
      journal.step("c#1", now());
      assertThat(mismatch(journal))
          .hasMessageContaining("'b#1' (entry 2)")
          .hasMessageContaining("nothing new");
    }

    @Test
    void theSameStepsInAnotherOrderFit() {
      Journal journal = abc();
      for (String step : List.of("c#1", "a#1", "b#1")) {
        assertThat(journal.step(step, now())).isInstanceOf(Look.Finished.class);
      }
      assertThat(journal.mismatch()).isNull();
    }

    @Test
    void anInsertedStepFitsAndLeavesNoTrace() {
      Journal journal = abc();
      journal.step("a#1", now());
      makeStep(journal, "new#1", "9");
      assertThat(whole("r").rows()).containsKey("$new");
      journal.step("b#1", now());
      journal.step("c#1", now());
      assertThat(journal.mismatch()).isNull();
      done(journal.park(null, journal.mailSeen()));
      assertThat(whole("r").rows()).containsOnlyKeys("a#1", "new#1", "b#1", "c#1");
      Journal replay = claim("r");
      for (String step : List.of("a#1", "new#1", "b#1", "c#1")) {
        assertThat(replay.step(step, now())).isInstanceOf(Look.Finished.class);
      }
      assertThat(replay.mismatch()).isNull();
    }

    @Test
    void anInsertedStepFitsAlsoWhenACrashCameBetween() {
      Journal journal = abc();
      journal.step("a#1", now());
      makeStep(journal, "new#1", "9");
      Journal replay = crash(journal);
      for (String step : List.of("a#1", "new#1", "b#1", "c#1")) {
        assertThat(replay.step(step, now())).isInstanceOf(Look.Finished.class);
      }
      assertThat(replay.mismatch()).isNull();
      done(replay.park(null, replay.mailSeen()));
      assertThat(whole("r").rows()).doesNotContainKey("$new");
    }

    @Test
    void anAppendedStepFits() {
      Journal journal = abc();
      for (String step : List.of("a#1", "b#1", "c#1")) {
        journal.step(step, now());
      }
      makeStep(journal, "d#1", "4");
      assertThat(journal.mismatch()).isNull();
      assertThat(whole("r").rows()).doesNotContainKey("$new");
    }

    @Test
    void anotherKindOfEffectAtTheSamePlaceIsNamed() {
      Journal journal = abc();
      assertKindNamed(() -> journal.call("a#1"), "a call", "DONE");
      assertKindNamed(() -> journal.sleep("a#1", Duration.ofSeconds(1), now()), "a sleep", "DONE");
      assertKindNamed(
          () -> journal.signal("a#1", "x", now(), new ArrayList<>()),
          "a wait for a signal",
          "DONE");
      assertKindNamed(() -> journal.winner("a#1"), "a choice between branches", "DONE");
      Journal sleeping = submit("s");
      sleeping.sleep("sleep#1", Duration.ofSeconds(1), now());
      assertKindNamed(() -> sleeping.step("sleep#1", now()), "a step", "SLEEP");
    }

    private void assertKindNamed(Runnable reach, String wanted, String found) {
      AgentException misfit = catchThrowableOfType(AgentException.class, reach::run);
      assertThat(misfit).isNotNull();
      assertThat(misfit.code()).isEqualTo(ErrorCode.NON_DETERMINISM);
      assertThat(misfit).hasMessageContaining(wanted).hasMessageContaining(found);
    }

    @Test
    void whatTheWrongCodeDidIsPutAsideAndTheRightCodeGoesOn() {
      Journal wrong = abc();
      wrong.step("a#1", now());
      makeStep(wrong, "B#1", "9");
      makeStep(wrong, "C#1", "10");
      wrong.sleep("sleep#1", Duration.ofSeconds(1), now());
      AgentException why = mismatch(wrong);
      done(wrong.change(wrong.setAside()));
      done(wrong.stop(bytes("{stopped}"), now()));
      assertThat(whole("r").rows().keySet())
          .contains("a#1", "b#1", "c#1", "$aside/B#1", "$aside/C#1", "$stop")
          .doesNotContain("B#1", "C#1", "sleep#1", "$new");
      assertThat(why).hasMessageContaining("resume");
      Place.Queued stopped = (Place.Queued) whole("r").place();
      assertThat(stopped.queue()).isEqualTo(Runs.STOPPED);
      assertThat(stopped.wakeAtMail()).isEqualTo(Long.MAX_VALUE);

      done(Runs.resume(fresh(), whole("r"), header("r", null, null), now()));
      assertThat(whole("r").rows()).doesNotContainKey("$stop");
      assertThat(((Place.Queued) whole("r").place()).queue()).isEqualTo("agent@1");
      Journal right = claim("r");
      for (String step : List.of("a#1", "b#1", "c#1")) {
        assertThat(right.step(step, now())).isInstanceOf(Look.Finished.class);
      }
      assertThat(right.mismatch()).isNull();
      assertThat(right.step("B#1", now())).isEqualTo(new Look.Begin(1));
    }

    @Test
    void whatTheWrongCodeDidBeforeACrashIsPutAsideToo() {
      Journal wrong = abc();
      wrong.step("a#1", now());
      makeStep(wrong, "B#1", "9");
      Journal again = crash(wrong);
      again.step("a#1", now());
      again.step("B#1", now());
      makeStep(again, "C#1", "10");
      assertThat(mismatch(again)).hasMessageContaining("'b#1'").hasMessageContaining("'B#1'");
      done(again.change(again.setAside()));
      assertThat(whole("r").rows().keySet())
          .containsExactlyInAnyOrder("a#1", "b#1", "c#1", "$aside/B#1", "$aside/C#1");
    }

    @Test
    void aRetryBegunByTheWrongCodeIsPutAsideToo() {
      Journal wrong = abc();
      wrong.step("a#1", now());
      wrong.step("B#1", now());
      done(wrong.change(wrong.retry("B#1", bytes("{}"), now(), now(), 1)));
      done(wrong.change(wrong.setAside()));
      assertThat(whole("r").rows()).doesNotContainKeys("B#1", "$B#1");
    }

    @Test
    void nothingIsPutAsideWhenNothingNewWasBegun() {
      Journal journal = abc();
      journal.step("a#1", now());
      assertThat(journal.setAside()).isEmpty();
    }

    @Test
    void mailDoesNotWakeAStoppedRun() {
      Journal journal = abc();
      done(journal.stop(bytes("{}"), now()));
      signal("go", "1", "one");
      assertThat(((Place.Queued) whole("r").place()).queue()).isEqualTo(Runs.STOPPED);
    }
  }

  @Nested
  class Damage {
    private Stored held(Map<String, String> rows) {
      java.util.TreeMap<String, byte[]> all = new java.util.TreeMap<>();
      rows.forEach((row, value) -> all.put(row, bytes(value)));
      return Stored.builder(RecordId.of("r", 1), now())
          .value(new RunRecord(header("r", null, null), null).put().value())
          .place(new Place.Held(new Grant("p", 1), null))
          .rows(all)
          .build();
    }

    private void undecodable(Runnable reading) {
      assertThatThrownBy(reading::run)
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNDECODABLE));
    }

    @Test
    void aRowThatIsNoLineNamesRowAndRun() {
      assertThatThrownBy(() -> new Journal(held(Map.of("s#1", "garbage"))))
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNDECODABLE))
          .hasMessageContaining("row s#1 of run r");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "go", "signal", "signal/go", "signal/go/none", "\n"})
    void aReceiptOfASignalThatIsNotThereIsUndecodable(String name) {
      undecodable(() -> new Journal(held(Map.of("signal go#1", "1 g 1 1 1 " + name))));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "soon", "1x", "99999999999999999999", "-"})
    void aTimeThatIsNoNumberIsUndecodable(String time) {
      Journal sleeping = new Journal(held(Map.of("sleep#1", "1 s 1 1 1 " + time)));
      undecodable(() -> sleeping.sleep("sleep#1", Duration.ofSeconds(1), now()));
      Journal calling = new Journal(held(Map.of("c#1", "1 c 1 1 1 r/c#1\n" + time)));
      undecodable(() -> calling.call("c#1"));
      Journal choosing = new Journal(held(Map.of("g#1", "1 w 1 1 1 " + time)));
      undecodable(() -> choosing.winner("g#1"));
      Journal retrying = new Journal(held(Map.of("$s#1", "1 t 1 1 1 " + time + "\n{}")));
      undecodable(() -> retrying.step("s#1", now()));
      Journal waiting = new Journal(held(Map.of("$signal go#1", "1 t 1 1 1 " + time)));
      undecodable(() -> waiting.signalLimit("signal go#1", Duration.ofSeconds(1), now()));
    }

    @Test
    void aCallWithoutItsLimitIsUndecodable() {
      Journal journal = new Journal(held(Map.of("c#1", "1 c 1 1 1 r/c#1")));
      undecodable(() -> journal.call("c#1"));
      undecodable(() -> journal.limited("c#1"));
    }

    @Test
    void mailOfAnUnknownKindIsPassedOver() {
      Journal journal = run();
      journal.receive(
          List.of(
              new Stored.MailItem(1, "later/kind", bytes("x")),
              new Stored.MailItem(2, "signal/go/1", bytes("one"))));
      assertThat(journal.mailSeen()).isEqualTo(2);
      assertThat(journal.ending()).isEqualTo(Ending.NOT);
      assertThat(received(journal, "signal go#1", "go")).isEqualTo("one");
    }
  }

  @Nested
  class Outside {
    @Test
    void aRootIsCreatedOnce() {
      Journal first = run();
      assertThat(apply(Runs.submit(fresh(), 1, header("r", null, null))))
          .isInstanceOfSatisfying(
              Outcome.Refused.class,
              refused -> assertThat(refused.because()).isEqualTo(new Edit.Absent("r")));
      assertThat(first.header().id()).isEqualTo("r");
    }

    @Test
    void aRootThatWasBuriedIsNotCreatedAgainUntilItsTombstoneExpires() {
      Journal journal = run();
      done(
          journal.end(new RunEnd(RunEnd.State.SUCCEEDED, now(), bytes("1")), now().plusSeconds(1)));
      done(Runs.bury(fresh(), journal.id(), now(), Duration.ofMinutes(1)));
      assertThat(store.scan(Scan.whole(journal.id())).items()).isEmpty();
      assertThat(store.scan(Scan.whole(RecordId.of("r/$keep", 1))).items()).isEmpty();
      assertThat(apply(Runs.submit(fresh(), 1, header("r", null, null))))
          .isInstanceOfSatisfying(
              Outcome.Refused.class,
              refused ->
                  assertThat(refused.because()).isEqualTo(new Edit.Absent(Runs.tombstone("r"))));
      clock.addAndGet(60_000);
      assertThat(run().header().id()).isEqualTo("r");
    }

    @Test
    void everyCancelIsAMailOfItsOwnSoThatItsOutcomeSaysWhetherItCameInTime() {
      Journal journal = run();
      mail(Runs.cancel(fresh(), journal.id(), "one"));
      mail(Runs.cancel(fresh(), journal.id(), "two"));
      assertThat(whole("r").mailNumber()).isEqualTo(2);
      done(journal.end(new RunEnd(RunEnd.State.CANCELLED, now(), bytes("{}")), null));
      assertThat(done(Runs.cancel(fresh(), journal.id(), "late")).seen().get(0).mailAccepted())
          .isFalse();
    }

    @Test
    void resumingIsRefusedWhenTheRunHasChangedSince() {
      Journal journal = run();
      done(journal.stop(bytes("{}"), now()));
      Stored stopped = whole("r");
      done(Runs.resume(fresh(), stopped, header("r", null, null), now()));
      assertThat(apply(Runs.resume(fresh(), stopped, header("r", null, null), now())))
          .isInstanceOf(Outcome.Refused.class);
    }
  }
}
