package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import java.util.List;
import java.util.Map;

/** Sentences 3 and 9: what raises a version, and changes that are sent again. */
abstract class VersionContract extends ChangeContract {
  @Guarantee(3)
  void g03_putQueueClaimAndReleaseEachRaiseTheVersionByOne() {
    assertThat(only(done(put("r/a", "v"))).version()).isEqualTo(1);
    assertThat(only(done(put("r/a", "v"))).version()).isEqualTo(2);
    assertThat(only(done(queue("r/a"))).version()).isEqualTo(3);
    assertThat(claimDue(1, QUEUE).get(0).version()).isEqualTo(4);
    assertThat(only(done(queue("r/a"))).version()).isEqualTo(5);
    assertThat(claim(new Claim.From.Named(List.of(id("r/a"))), 1).get(0).version()).isEqualTo(6);
    assertThat(store.claim(takeOver(freshGrant("you"), "me")).get(0).version()).isEqualTo(7);
    assertThat(only(done(new Edit.Release("r/a"))).version()).isEqualTo(8);
    assertThat(only(done(new Edit.Release("r/a"))).version()).isEqualTo(9);
    assertThat(read("r/a").version()).isEqualTo(9);
  }

  @Guarantee(3)
  void g03_eachLineOfAChangeRaisesTheVersionByItself() {
    Outcome.Seen seen = only(done(put("r/a", "v"), put("r/a", "w"), queue("r/a")));
    assertThat(seen.version()).isEqualTo(3);
    assertThat(only(done(put("r/a", "v"), new Edit.Release("r/a"))).version()).isEqualTo(5);
  }

  @Guarantee(3)
  void g03_rowMailAndAddNeverRaiseTheVersion() {
    assertThat(only(done(row("r/a", "x", "y"))).version()).isZero();
    done(new Edit.AtVersion("r/a", 0), queue("r/a", now().plus(LATER)));
    assertThat(only(done(row("r/a", "x", "z"), new Edit.Row("r/a", "x", null))).version())
        .isEqualTo(1);
    assertThat(only(done(mail("r/a", "m"), urgent("r/a", "n"))).version()).isEqualTo(1);
    Edit fresh = new Edit.NoRow("r/a", "1");
    assertThat(only(done(fresh, row("r/a", "1", ""), new Edit.Add("r/a", "c", 1, 0))).version())
        .isEqualTo(1);
    assertThat(claimNamed(freshGrant("me"), "r/a").get(0).version()).isEqualTo(2);
    assertThat(only(done(mail("r/a", "o"), row("r/a", "x", "y"))).version()).isEqualTo(2);
    assertThat(read("r/a").version()).isEqualTo(2);
  }

  @Guarantee(3)
  void g03_whoeverSawTheRecordBeforeAClaimIsRefused() {
    long before = only(done(put("r/a", "v"), queue("r/a"))).version();
    take("me", "r/a");
    refused(new Edit.AtVersion("r/a", before), put("r/a", "w"));
    done(new Edit.AtVersion("r/a", before + 1), put("r/a", "w"));
  }

  @Guarantee(3)
  void g03_aRefusedChangeAndADroppedOneRaiseNothing() {
    done(put("r/a", "v"));
    refused(new Edit.Absent("r/a"), put("r/a", "w"));
    done(mail("r/a", "dropped"), new Edit.NoRow("r/a", "x"));
    assertThat(read("r/a").version()).isEqualTo(1);
    assertThat(only(done(new Edit.Release("r/none"))).version()).isZero();
  }

  @Guarantee(9)
  void g09_rowsSentAgainHaveNoEffect() {
    done(row("r/a", "gone", "v"));
    Change change = change(row("r/a", "x", "y"), new Edit.Row("r/a", "gone", null));
    done(send(change));
    done(send(change));
    assertThat(rows("r/a")).isEqualTo(Map.of("x", "y"));
    assertThat(read("r/a").lastChange()).isEmpty();
  }

  @Guarantee(9)
  void g09_mailSentAgainIsNeitherNumberedNorShownTwiceAndWakesNobody() {
    done(put("r/a", "v"), queue("r/a", now().plus(LATER)));
    Change change = change(urgent("r/a", "m"), urgent("r/a", "n"));
    assertThat(only(done(send(change))).mail()).isEqualTo(2);
    Grant grant = take("me", "r/a");
    done(new Edit.Held("r/a", grant), queue("r/a", now().plus(LATER)));
    Shown before = shown(read("r/a"));
    Outcome.Seen again = only(done(send(change)));
    assertThat(again.mailAccepted()).isTrue();
    assertThat(again.mail()).isEqualTo(2);
    assertThat(shown(read("r/a"))).isEqualTo(before);
    assertThat(dueKeys()).isEmpty();
  }

  @Guarantee(9)
  void g09_aCreationSentAgainIsRefusedAndShowsItself() {
    Change change = change(new Edit.Absent("r/a"), put("r/a", "v"), queue("r/a"));
    done(send(change));
    assertRefusedWith(change, change.id(), "r/a");
    take("me", "r/a");
    assertRefusedWith(change, change.id(), "r/a");
  }

  @Guarantee(9)
  void g09_aPutUnderAGrantSentAgainIsRefusedAndShowsItself() {
    Grant grant = createHeld("me", "r/a");
    Change change = change(new Edit.Held("r/a", grant), put("r/a", "w"), row("r/a", "x", "y"));
    done(send(change));
    assertRefusedWith(change, change.id(), "r/a");
    assertThat(read("r/a").place()).isEqualTo(new Place.Held(grant, null));
  }

  @Guarantee(9)
  void g09_queueingUnderAGrantSentAgainIsRefusedAndShowsItself() {
    Grant grant = createHeld("me", "r/a");
    Change change = change(new Edit.Held("r/a", grant), queue("r/a", now().plus(LATER)));
    done(send(change));
    assertRefusedWith(change, change.id(), "r/a");
    take("me", "r/a");
    assertRefusedWith(change, change.id(), "r/a");
  }

  @Guarantee(9)
  void g09_anEndThatMailsAnotherRecordSentAgainIsRefusedAndMailsOnce() {
    Grant grant = createHeld("me", "r/child");
    done(put("r/parent", "v"), queue("r/parent", now().plus(LATER)));
    Change change =
        change(
            new Edit.Held("r/child", grant),
            put("r/child", "result"),
            new Edit.Release("r/child"),
            mail("r/parent", "child"));
    done(send(change));
    assertRefusedWith(change, change.id(), "r/child", "r/parent");
    assertThat(read("r/parent").mailNumber()).isEqualTo(1);
  }

  @Guarantee(9)
  void g09_whatRaisedAVersionWithoutAnyGuardIsRefusedWhenSentAgain() {
    for (Edit edit : List.of(put("r/a", "v"), queue("r/a"), new Edit.Release("r/a"))) {
      Change change = change(row("r/b", "x", "y"), edit);
      done(send(change));
      assertRefusedWith(change, change.id(), "r/a", "r/b");
    }
    Change queued = change(queue("r/a"));
    done(send(queued));
    Grant grant = take("me", "r/a");
    assertRefusedWith(queued, queued.id(), "r/a");
    assertThat(read("r/a").place()).isEqualTo(new Place.Held(grant, null));
  }

  @Guarantee(9)
  void g09_afterALaterChangeTheRefusalShowsTheLaterOne() {
    Change first = change(new Edit.Absent("r/a"), put("r/a", "v"));
    done(send(first));
    Change second = change(put("r/a", "w"));
    done(send(second));
    assertRefusedWith(first, second.id(), "r/a");
  }

  @Guarantee(9)
  void g09_theSameChangeTwiceInOneListIsDoneOnce() {
    Change change = change(put("r/a", "v"), queue("r/a"));
    List<Outcome> outcomes = store.apply(List.of(change, change));
    long version = only(done(outcomes.get(0))).version();
    refused(outcomes.get(1));
    assertThat(read("r/a").version()).isEqualTo(version);
  }

  @Guarantee(9)
  void g09_aDeletionSentAgainDoesNothing() {
    Grant grant = createHeld("me", "r/a");
    Change change = change(new Edit.Held("r/a", grant), new Edit.Delete("r/a"));
    done(send(change));
    assertThat(refused(send(change)).found()).isNull();
  }

  @Guarantee(9)
  void g09_anAdditionSentAgainIsRefusedByItsRow() {
    Edit.NoRow guard = new Edit.NoRow("r/log", "payment");
    Change change = change(guard, row("r/log", "payment", ""), new Edit.Add("r/a", "c", 5, 0));
    done(send(change));
    assertThat(refused(send(change)).because()).isEqualTo(guard);
    assertThat(read("r/a").counters()).isEqualTo(Map.of("c", 5L));
  }

  @Guarantee(9)
  void g09_anAdditionWithoutAGuardedRowIsAnError() {
    Edit.Add add = new Edit.Add("r/a", "c", 5, 0);
    assertAddRefused(add);
    assertAddRefused(new Edit.NoRow("r/a", "x"), add);
    assertAddRefused(row("r/a", "x", ""), add);
    assertAddRefused(new Edit.NoRow("r/a", "x"), row("r/a", "y", ""), add);
    assertAddRefused(new Edit.NoRow("r/a", "x"), row("r/b", "x", ""), add);
    assertAddRefused(new Edit.NoRow("r/a", "x"), new Edit.Row("r/a", "x", null), add);
  }

  private void assertAddRefused(Edit... edits) {
    Change bad = change(edits);
    assertThatThrownBy(() -> store.apply(List.of(bad)))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT))
        .hasMessageContaining(bad.id());
    assertThat(absent("r/a")).isTrue();
  }

  @Guarantee(9)
  void g09_lastChangeIsTheLastOneThatRaisedTheVersion() {
    Change change = change(put("r/a", "v"), queue("r/a"));
    done(send(change));
    done(row("r/a", "x", "y"), mail("r/a", "m"));
    done(new Edit.NoRow("r/a", "z"), row("r/a", "z", ""), new Edit.Add("r/a", "c", 1, 0));
    assertThat(read("r/a").lastChange()).isEqualTo(change.id());
    assertThat(claimDue(1, QUEUE).get(0).lastChange()).isEqualTo(change.id());
    assertThat(read("r/a").lastChange()).isEqualTo(change.id());
  }

  /** Sends a change again; none of the records that it names may change. */
  private void assertRefusedWith(Change again, String lastChange, String... keys) {
    List<Shown> before = List.of(keys).stream().map(key -> shown(read(key))).toList();
    Outcome.Refused refused = refused(send(again));
    assertThat(refused.found()).isNotNull();
    assertThat(refused.found().lastChange()).isEqualTo(lastChange);
    assertThat(List.of(keys).stream().map(key -> shown(read(key))).toList()).isEqualTo(before);
  }
}
