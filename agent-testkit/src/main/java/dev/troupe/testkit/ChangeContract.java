package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.Stored;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Sentences 1 and 2: whole or not at all, in one partition. */
abstract class ChangeContract extends StoreFixture {
  @Guarantee(1)
  void g01_aFailingGuardAnywhereLeavesNothingDone() {
    Edit.Absent fails = new Edit.Absent("r/there");
    List<Edit> edits =
        List.of(
            put("r/new", "new"),
            put("r/old", "newer"),
            row("r/old", "added", "x"),
            new Edit.Row("r/old", "row", null),
            queue("r/old"),
            mail("r/queued", "letter"),
            new Edit.Release("r/held"),
            new Edit.Delete("r/deleted"));
    done(put("r/there", "v"), put("r/old", "old"), row("r/old", "row", "kept"));
    done(put("r/deleted", "v"), put("r/queued", "v"), queue("r/queued", now().plus(LATER)));
    createHeld("me", "r/held");
    List<String> all = List.of("r/there", "r/old", "r/deleted", "r/queued", "r/held");
    List<Shown> before = all.stream().map(key -> shown(read(key))).toList();
    for (int at = 0; at <= edits.size(); at++) {
      List<Edit> lines = new ArrayList<>(edits);
      lines.add(at, fails);
      assertThat(refused(lines.toArray(new Edit[0])).because()).isEqualTo(fails);
      assertThat(absent("r/new")).as("guard in line " + at).isTrue();
      assertThat(all.stream().map(key -> shown(read(key))).toList())
          .as("guard in line " + at)
          .isEqualTo(before);
    }
  }

  @Guarantee(1)
  void g01_absentHoldsOnlyWithoutARecord() {
    done(new Edit.Absent("r/a"), put("r/a", "v"));
    assertRefused(new Edit.Absent("r/a"), "r/a");
    done(row("r/only-rows", "x", "y"));
    assertRefused(new Edit.Absent("r/only-rows"), "r/only-rows");
    done(new Edit.Delete("r/a"));
    done(new Edit.Absent("r/a"));
  }

  @Guarantee(1)
  void g01_atVersionHoldsOnlyForARecordOfThatVersion() {
    assertRefused(new Edit.AtVersion("r/a", 0), null);
    long version = only(done(put("r/a", "v"))).version();
    assertRefused(new Edit.AtVersion("r/a", version - 1), "r/a");
    assertRefused(new Edit.AtVersion("r/a", version + 1), "r/a");
    done(new Edit.AtVersion("r/a", version), put("r/a", "w"));
    assertRefused(new Edit.AtVersion("r/a", version), "r/a");
  }

  @Guarantee(1)
  void g01_heldFailsForWhatIsNotHeld() {
    Edit.Held guard = new Edit.Held("r/a", freshGrant("me"));
    assertRefused(guard, null);
    done(put("r/a", "v"));
    assertRefused(guard, "r/a");
    done(queue("r/a"));
    assertRefused(guard, "r/a");
    done(new Edit.Held("r/a", take("me", "r/a")), row("r/a", "x", "y"));
  }

  @Guarantee(1)
  void g01_noMailAfterHoldsUntilMailIsAccepted() {
    done(new Edit.NoMailAfter("r/a", 0));
    done(put("r/a", "v"), queue("r/a"));
    done(new Edit.NoMailAfter("r/a", 0));
    done(mail("r/a", "one"));
    assertRefused(new Edit.NoMailAfter("r/a", 0), "r/a");
    done(new Edit.NoMailAfter("r/a", 1));
    done(new Edit.NoMailAfter("r/a", 2));
  }

  @Guarantee(1)
  void g01_noRowHoldsWithoutThatRow() {
    done(new Edit.NoRow("r/a", "x"));
    done(row("r/a", "y", "1"));
    done(new Edit.NoRow("r/a", "x"));
    done(row("r/a", "x", ""));
    assertRefused(new Edit.NoRow("r/a", "x"), "r/a");
    done(new Edit.Row("r/a", "x", null));
    done(new Edit.NoRow("r/a", "x"));
  }

  private void assertRefused(Edit guard, @Nullable String found) {
    Outcome.Refused refused = refused(guard, row("r/untouched", "x", "y"));
    assertThat(refused.because()).isEqualTo(guard);
    if (found == null) {
      assertThat(refused.found()).isNull();
    } else {
      assertThat(refused.found()).isNotNull();
      assertThat(refused.found().id()).isEqualTo(id(found));
    }
    assertThat(absent("r/untouched")).isTrue();
  }

  @Guarantee(1)
  void g01_refusalNamesTheFirstLineThatFailedAndShowsItsRecordWithoutRowsAndMail() {
    Edit.Put value = new Edit.Put("r/b", bytes("value"), Map.of("tag", "t"), null);
    done(value, row("r/b", "x", "y"), queue("r/b"), mail("r/b", "letter"));
    Edit.NoRow first = new Edit.NoRow("r/b", "x");
    Outcome.Refused refused =
        refused(
            new Edit.Absent("r/a"),
            put("r/a", "v"),
            first,
            new Edit.Absent("r/b"),
            new Edit.AtVersion("r/c", 1));
    assertThat(refused.because()).isEqualTo(first);
    Stored found = refused.found();
    assertThat(found).isNotNull();
    assertThat(text(found.value())).isEqualTo("value");
    assertThat(found.tags()).isEqualTo(Map.of("tag", "t"));
    assertThat(found.place()).isInstanceOf(Place.Queued.class);
    assertThat(found.version()).isEqualTo(read("r/b").version());
    assertThat(found.rows()).isEmpty();
    assertThat(found.mail()).isEmpty();
  }

  @Guarantee(1)
  void g01_guardsAreJudgedAgainstTheRecordsBeforeTheChange() {
    done(put("r/a", "v"), row("r/a", "x", "y"), new Edit.NoRow("r/a", "x"), new Edit.Absent("r/a"));
    long version = read("r/a").version();
    done(put("r/a", "w"), queue("r/a"), mail("r/a", "m"), new Edit.AtVersion("r/a", version));
    assertThat(refused(new Edit.Delete("r/a"), new Edit.Absent("r/a")).found()).isNotNull();
    done(new Edit.NoMailAfter("r/a", 1), mail("r/a", "n"), new Edit.NoMailAfter("r/a", 1));
  }

  @Guarantee(1)
  void g01_editsAreMadeInTheirOrder() {
    done(put("r/a", "first"), put("r/a", "second"), row("r/a", "x", "1"), row("r/a", "x", "2"));
    assertThat(text(read("r/a").value())).isEqualTo("second");
    assertThat(rows("r/a")).isEqualTo(Map.of("x", "2"));
    done(row("r/a", "y", "1"), new Edit.Row("r/a", "y", null), new Edit.Row("r/a", "z", null));
    assertThat(rows("r/a")).isEqualTo(Map.of("x", "2"));
    done(new Edit.Delete("r/a"), row("r/a", "z", "3"));
    assertThat(rows("r/a")).isEqualTo(Map.of("z", "3"));
    assertThat(read("r/a").value()).isEmpty();
    done(put("r/a", "v"), new Edit.Delete("r/a"));
    assertThat(absent("r/a")).isTrue();
    done(queue("r/a"), new Edit.Release("r/a"));
    assertThat(read("r/a").place()).isEqualTo(Place.NONE);
  }

  @Guarantee(1)
  void g01_anEditOfAnAbsentRecordCreatesItWithAnEmptyValue() {
    done(row("r/row", "x", "y"));
    done(put("r/put", "v"));
    done(queue("r/queue", now().plus(LATER)));
    done(
        new Edit.NoRow("r/add", "once"),
        row("r/add", "once", ""),
        new Edit.Add("r/add", "c", 3, 0));
    assertThat(read("r/row").value()).isEmpty();
    assertThat(read("r/row").lastChange()).isEmpty();
    assertThat(read("r/row").place()).isEqualTo(Place.NONE);
    assertThat(text(read("r/put").value())).isEqualTo("v");
    assertThat(read("r/queue").value()).isEmpty();
    assertThat(read("r/queue").place()).isInstanceOf(Place.Queued.class);
    assertThat(read("r/add").counters()).isEqualTo(Map.of("c", 3L));
  }

  @Guarantee(1)
  void g01_mailReleaseDeleteAndTheRemovalOfARowLeaveAnAbsentRecordAbsent() {
    Outcome.Done done =
        done(
            mail("r/a", "m"),
            new Edit.Release("r/b"),
            new Edit.Delete("r/c"),
            new Edit.Row("r/d", "x", null));
    assertThat(done.seen()).hasSize(4).allMatch(seen -> seen.version() == 0 && seen.mail() == 0);
    for (String key : List.of("r/a", "r/b", "r/c", "r/d")) {
      assertThat(absent(key)).as(key).isTrue();
    }
  }

  @Guarantee(1)
  void g01_putReplacesValueAndTagsAndNothingElse() {
    done(new Edit.Put("r/a", bytes("one"), Map.of("a", "1", "b", "2"), null), queue("r/a"));
    done(mail("r/a", "m"), row("r/a", "x", "y"));
    done(new Edit.NoRow("r/a", "n"), row("r/a", "n", ""), new Edit.Add("r/a", "c", 7, 0));
    Shown before = shown(read("r/a"));
    done(new Edit.Put("r/a", bytes("two"), Map.of("b", "3"), null));
    Stored after = read("r/a");
    assertThat(text(after.value())).isEqualTo("two");
    assertThat(after.tags()).isEqualTo(Map.of("b", "3"));
    assertThat(shown(after).rows()).isEqualTo(before.rows());
    assertThat(shown(after).mail()).isEqualTo(before.mail());
    assertThat(after.counters()).isEqualTo(before.counters());
    assertThat(after.place()).isEqualTo(before.place());
    assertThat(after.created()).isEqualTo(before.created());
  }

  @Guarantee(1)
  void g01_deleteRemovesEverythingThatBelongsToTheRecord() {
    done(new Edit.Put("r/a", bytes("one"), Map.of("a", "1"), null), queue("r/a"));
    done(mail("r/a", "m"), new Edit.NoRow("r/a", "n"), row("r/a", "n", ""), counter("r/a", 7));
    done(new Edit.Delete("r/a"));
    assertThat(absent("r/a")).isTrue();
    assertThat(dueKeys()).isEmpty();
    done(new Edit.NoRow("r/a", "n"), row("r/a", "n", ""), counter("r/a", 1));
    Stored again = read("r/a");
    assertThat(again.counters()).isEqualTo(Map.of("c", 1L));
    assertThat(again.rows()).containsOnlyKeys("n");
    assertThat(again.mail()).isEmpty();
    assertThat(again.mailNumber()).isZero();
    assertThat(again.tags()).isEmpty();
    assertThat(again.value()).isEmpty();
    assertThat(again.place()).isEqualTo(Place.NONE);
  }

  private static Edit.Add counter(String key, long delta) {
    return new Edit.Add(key, "c", delta, 0);
  }

  @Guarantee(1)
  void g01_anAdditionBelowItsLeastSumLeavesNothingDone() {
    done(new Edit.NoRow("r/a", "1"), row("r/a", "1", ""), counter("r/a", 10));
    Shown before = shown(read("r/a"));
    Edit.Add tooMuch = counter("r/a", -11);
    Outcome.Refused refused =
        refused(new Edit.NoRow("r/b", "2"), row("r/b", "2", ""), put("r/a", "w"), tooMuch);
    assertThat(refused.because()).isEqualTo(tooMuch);
    assertThat(refused.found()).isNotNull();
    assertThat(shown(read("r/a"))).isEqualTo(before);
    assertThat(absent("r/b")).isTrue();
    done(new Edit.NoRow("r/b", "2"), row("r/b", "2", ""), counter("r/a", -10));
    assertThat(read("r/a").counters()).isEqualTo(Map.of("c", 0L));
  }

  @Guarantee(1)
  void g01_additionsOfOneChangeToOneCounterAreJudgedTogether() {
    Edit guard = new Edit.NoRow("r/a", "1");
    Edit.Add second = new Edit.Add("r/a", "c", -6, 0);
    assertThat(refused(guard, row("r/a", "1", ""), counter("r/a", 5), second).because())
        .isEqualTo(second);
    assertThat(absent("r/a")).isTrue();
    Edit other = new Edit.Add("r/a", "d", -6, Long.MIN_VALUE);
    done(guard, row("r/a", "1", ""), counter("r/a", 5), other, counter("r/a", -5));
    assertThat(read("r/a").counters()).isEqualTo(Map.of("c", 0L, "d", -6L));
  }

  @Guarantee(1)
  void g01_countersAreExactInAll64Bits() {
    long big = (1L << 62) + 1;
    done(new Edit.NoRow("r/a", "1"), row("r/a", "1", ""), counter("r/a", big));
    assertThat(read("r/a").counters()).isEqualTo(Map.of("c", big));
    refused(new Edit.NoRow("r/a", "2"), row("r/a", "2", ""), new Edit.Add("r/a", "c", -1, big));
    done(new Edit.NoRow("r/a", "2"), row("r/a", "2", ""), new Edit.Add("r/a", "c", -1, big - 1));
    assertThat(read("r/a").counters()).isEqualTo(Map.of("c", big - 1));
  }

  @Guarantee(1)
  void g01_seenListsEveryRecordNamedInTheOrderOfFirstMentionAsItIsAfterwards() {
    var grant = createHeld("me", "r/held");
    done(put("r/gone", "v"), put("r/queued", "v"), queue("r/queued"));
    Outcome.Done done =
        done(
            new Edit.Held("r/held", grant),
            put("r/z", "v"),
            new Edit.Absent("r/none"),
            mail("r/queued", "m"),
            put("r/a", "v"),
            put("r/z", "w"),
            new Edit.Delete("r/gone"));
    assertThat(done.seen())
        .containsExactly(
            new Outcome.Seen("r/held", read("r/held").version(), 0, true, grant),
            new Outcome.Seen("r/z", read("r/z").version(), 0, true, null),
            new Outcome.Seen("r/none", 0, 0, true, null),
            new Outcome.Seen("r/queued", read("r/queued").version(), 1, true, null),
            new Outcome.Seen("r/a", read("r/a").version(), 0, true, null),
            new Outcome.Seen("r/gone", 0, 0, true, null));
  }

  @Guarantee(1)
  void g01_changesOfAListAreDoneIndependentlyAndInItsOrder() {
    String elsewhere = routeIn((id("r").partition() + 1) % store.info().partitions());
    List<Outcome> outcomes =
        store.apply(
            List.of(
                change(new Edit.AtVersion("r/a", 99), put("r/a", "refused")),
                change(new Edit.Absent("r/a"), put("r/a", "first")),
                change(new Edit.Absent(elsewhere), put(elsewhere, "v")),
                change(new Edit.Absent("r/a"), put("r/a", "refused")),
                change(put("r/a", "second"), row("r/a", "x", "1")),
                change(new Edit.NoRow("r/a", "x"), row("r/b", "x", "refused")),
                change(row("r/c", "x", "2"))));
    assertThat(outcomes.stream().map(o -> o instanceof Outcome.Done).toList())
        .containsExactly(false, true, true, false, true, false, true);
    assertThat(refused(outcomes.get(0)).found()).isNull();
    assertThat(refused(outcomes.get(3)).found()).isNotNull();
    assertThat(text(read("r/a").value())).isEqualTo("second");
    assertThat(text(read(elsewhere).value())).isEqualTo("v");
    assertThat(absent("r/b")).isTrue();
    assertThat(rows("r/c")).isEqualTo(Map.of("x", "2"));
    assertThat(store.apply(List.of())).isEmpty();
  }

  @Guarantee(2)
  void g02_aChangeThatNamesTwoPartitionsIsRefusedBeforeAnythingHappens() {
    int partition = id("r").partition();
    String other = routeIn((partition + 1) % store.info().partitions());
    for (Edit foreign :
        List.of(
            put(other, "v"), new Edit.Absent(other), mail(other, "m"), new Edit.Delete(other))) {
      Change bad =
          new Change(freshId(), partition, List.of(put("r/a", "v"), foreign, put("r/b", "v")));
      assertThatThrownBy(
              () -> store.apply(List.of(change(put("r/good", "v")), bad, change(put(other, "v")))))
          .as(foreign.toString())
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT))
          .hasMessageContaining(bad.id());
      for (String key : List.of("r/good", "r/a", "r/b", other)) {
        assertThat(absent(key)).as(key).isTrue();
      }
    }
  }

  @Guarantee(2)
  void g02_aChangeForAnotherPartitionThanItsRecordsIsRefused() {
    int wrong = (id("r").partition() + 1) % store.info().partitions();
    for (int partition : List.of(wrong, -1, store.info().partitions())) {
      Change bad = new Change(freshId(), partition, List.of(put("r/a", "v")));
      assertThatThrownBy(() -> store.apply(List.of(bad))).isInstanceOf(AgentException.class);
      assertThat(absent("r/a")).isTrue();
    }
  }

  @Guarantee(2)
  void g02_differentRoutesOfOnePartitionChangeTogether() {
    String first = routeIn(3);
    String second = "q";
    for (int i = 0; id(second).partition() != 3; i++) {
      second = "q" + i;
    }
    done(put(first + "/a", "v"), put(second + "/b", "v"), row(first, "x", "y"));
    assertThat(absent(first + "/a")).isFalse();
    assertThat(absent(second + "/b")).isFalse();
    assertThat(absent(first)).isFalse();
  }
}
