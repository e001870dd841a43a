package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.Grant;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * What every {@link StateStore} is held to. An adapter's test extends this class with three short
 * methods and nothing else; each guarantee of the port has tests of the same number, and none can
 * be switched off.
 *
 * <pre>{@code
 * class MyStoreTest extends StateStoreContract {
 *   @Override protected StateStore open() { return MyStore.create(newDirectory()); }
 *   @Override protected void advance(Duration duration) { clock.advance(duration); }
 *   @Override protected StateStore reopen(StateStore store) { ... }
 * }
 * }</pre>
 *
 * <p>The tests are spread over the classes that this one stands on, by idea: changes, versions and
 * repetition, mail, fences, holders and lanes, due order, time, reading, limits; here, what
 * survives.
 */
public abstract class StateStoreContract extends LimitContract {
  /** For subclasses. */
  protected StateStoreContract() {}

  /**
   * Opens a new, empty store of 8 partitions or more. The contract closes it.
   *
   * @return the store
   */
  @Override
  protected abstract StateStore open();

  /**
   * Moves the clock of the store on. An adapter whose clock can't be moved waits, really.
   *
   * @param duration by how much; often a millisecond, seldom a few seconds, never more
   */
  @Override
  protected abstract void advance(Duration duration);

  /**
   * Closes a store and opens the same data again. What must be there then follows from {@link
   * StoreInfo#survives()}: after {@link StoreInfo.Durability#NOTHING} nothing, otherwise everything
   * that was answered. As it stands it fits the former only.
   *
   * @param store what {@link #open()} or this method returned
   * @return the store opened again
   */
  @Override
  protected StateStore reopen(StateStore store) {
    store.close();
    return open();
  }

  @Guarantee(14)
  void g14_recordsRowsMailCountersTagsAndVersionsSurvive() {
    Instant later = now().plus(LATER);
    done(new Edit.Put("r/a", bytes("value"), Map.of("t", "1", "u", "\u00e9"), later));
    done(row("r/a", "x", "y"), row("r/a", "\ud83d\ude00", ""), queue("r/a", later));
    done(mail("r/a", "m"), mail("r/a", "n"));
    done(new Edit.NoRow("r/a", "z"), row("r/a", "z", "1"), new Edit.Add("r/a", "c", -7, -7));
    done(put("r/plain", ""));
    done(put("r/gone", "v"), row("r/gone", "x", "y"));
    done(new Edit.Delete("r/gone"), new Edit.Row("r/a", "z", null));
    assertSurvive("r/a", "r/plain");
    assertThat(absent("r/gone")).isTrue();
  }

  @Guarantee(14)
  void g14_placesAndHoldersSurviveAndTheFenceStillHolds() {
    Instant due = now().plus(LATER);
    done(put("r/queued", "v"), new Edit.Queue("r/queued", "other", 2, due, "lane", 5));
    createHeld("dead", "r/held");
    Grant old = createHeld("dead", "r/taken");
    done(new Edit.Held("r/taken", old), queue("r/taken"));
    Grant present = take("dead", "r/taken");
    done(put("r/ended", "v"), queue("r/ended"));
    done(new Edit.Release("r/ended"));
    if (assertSurvive("r/queued", "r/held", "r/taken", "r/ended")) {
      refused(new Edit.Held("r/taken", old), row("r/taken", "x", "y"));
      done(new Edit.Held("r/taken", present), row("r/taken", "x", "y"));
      assertThat(keys(store.claim(takeOver(freshGrant("heir"), "dead"))))
          .containsExactlyInAnyOrder("r/held", "r/taken");
      refused(new Edit.Held("r/taken", present));
      done(urgent("r/queued", "m"));
      assertThat(keys(claimDue(10, "other"))).containsExactly("r/queued");
    }
  }

  @Guarantee(14)
  void g14_mailNamesAndNumbersSurvive() {
    done(put("r/a", "v"), new Edit.Queue("r/a", QUEUE, 1, now().plus(LATER), null, 3));
    done(mail("r/a", "m"), mail("r/a", "n"));
    if (assertSurvive("r/a")) {
      assertThat(only(done(mail("r/a", "m"))).mail()).isEqualTo(2);
      assertThat(dueKeys()).isEmpty();
      refused(new Edit.NoMailAfter("r/a", 1));
      assertThat(only(done(mail("r/a", "o"))).mail()).isEqualTo(3);
      assertThat(dueKeys()).containsExactly("r/a");
    }
  }

  @Guarantee(14)
  void g14_lanesAndTheirOrderSurvive() {
    for (String key : List.of("r/c", "r/a", "r/b")) {
      done(put(key, "v"), lane(key, "lane"));
    }
    take("me", "r/c");
    if (assertSurvive("r/c", "r/a", "r/b")) {
      assertThat(dueKeys()).isEmpty();
      done(lane("r/c", "lane"));
      for (String key : List.of("r/c", "r/a", "r/b")) {
        assertThat(dueKeys()).containsExactly(key);
        done(new Edit.Release(key));
      }
    }
  }

  @Guarantee(14)
  void g14_aChangeSentAgainAfterTheRestartIsRecognised() {
    var change = change(put("r/a", "v"), queue("r/a", now().plus(LATER)));
    done(send(change));
    if (assertSurvive("r/a")) {
      Stored found = refused(send(change)).found();
      assertThat(found).isNotNull();
      assertThat(found.lastChange()).isEqualTo(change.id());
    }
  }

  @Guarantee(14)
  void g14_expirySurvivesAndComesAtItsTime() {
    done(putUntil("r/a", now().plus(SPAN)), queue("r/a"));
    done(putUntil("r/b", now().plus(LATER)), queue("r/b"));
    if (assertSurvive("r/a", "r/b")) {
      advance(SPAN);
      assertThat(absent("r/a")).isTrue();
      assertThat(dueKeys()).containsExactly("r/b");
    }
  }

  @Guarantee(14)
  void g14_theLastAnswerBeforeEachOfManyRestartsSurvives() {
    done(put("r/a", "v"));
    for (int i = 0; i < 5; i++) {
      done(row("r/a", "row-" + i, "" + i), put("r/last-" + i, "v"));
      assertSurvive("r/a", "r/last-" + i);
    }
  }

  @Guarantee(14)
  void g14_theClockDoesNotStartAnewAndFindStillWorks() {
    done(putUntil("r/a", now().plus(LATER)));
    advance(SPAN);
    Instant before = now();
    if (assertSurvive("r/a")) {
      advance(store.info().findLag());
      assertThat(keys(store.find(Find.tagged("kind", "mortal", 9)).items())).containsExactly("r/a");
    }
    assertThat(now()).isAfter(before.minus(SPAN));
  }

  /** Reopens; true when the records were kept, which is asserted, as is that none was otherwise. */
  private boolean assertSurvive(String... keys) {
    List<Shown> before = List.of(keys).stream().map(key -> shown(read(key))).toList();
    boolean kept = store.info().survives() != StoreInfo.Durability.NOTHING;
    store = reopen(store);
    if (kept) {
      assertThat(List.of(keys).stream().map(key -> shown(read(key))).toList()).isEqualTo(before);
    } else {
      assertThat(keys).allMatch(this::absent);
      assertThat(claimDue(10, QUEUE, "other")).isEmpty();
    }
    return kept;
  }

  @Guarantee(14)
  void g14_infoIsConstantAndTheSameAfterARestart() {
    StoreInfo info = store.info();
    assertThat(info.name()).isNotEmpty();
    assertThat(info.findLag().isNegative()).isFalse();
    done(put("r/a", "v"));
    advance(Duration.ofMillis(1));
    assertThat(store.info()).isEqualTo(info);
    store = reopen(store);
    assertThat(store.info()).isEqualTo(info);
  }

  @Guarantee(14)
  void g14_closingTwiceIsHarmlessAndUseAfterwardsIsAnError() {
    done(put("r/a", "v"), queue("r/a"));
    store.close();
    store.close();
    assertThatThrownBy(() -> done(put("r/a", "w"))).isInstanceOf(AgentException.class);
    assertThatThrownBy(() -> claimDue(1, QUEUE)).isInstanceOf(AgentException.class);
    assertThatThrownBy(() -> read("r/a")).isInstanceOf(AgentException.class);
    assertThatThrownBy(() -> store.find(Find.tagged("a", "b", 1)))
        .isInstanceOf(AgentException.class);
  }
}
