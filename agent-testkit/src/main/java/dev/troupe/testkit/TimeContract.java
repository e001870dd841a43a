package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.Grant;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;

/** Sentences 10 and 12: the store's clock, and what expires on it. */
abstract class TimeContract extends DueContract {
  @Guarantee(10)
  void g10_nowNeverGoesBackInAnyAnswer() {
    List<Instant> shown = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      String key = "r/" + i;
      store
          .apply(List.of(change(put(key, "v"), queue(key)), change(new Edit.Absent(key))))
          .forEach(outcome -> shown.add(outcome.now()));
      Stored found = refused(new Edit.Absent(key)).found();
      assertThat(found).isNotNull();
      shown.add(found.now());
      claimNamed(freshGrant("me"), key).forEach(s -> shown.add(s.now()));
      store.claim(takeOver(freshGrant("me"), "me")).forEach(s -> shown.add(s.now()));
      shown.add(read(key).now());
      store
          .scan(new Scan.Records(id(key).partition(), key, null, true, 1))
          .items()
          .forEach(s -> shown.add(s.now()));
      advance(Duration.ofMillis(1));
    }
    assertThat(shown).isSorted();
    assertThat(shown).allMatch(now -> now.truncatedTo(ChronoUnit.MILLIS).equals(now));
  }

  @Guarantee(10)
  void g10_nowNeverGoesBackFromOneThreadToAnother() {
    AtomicLong highest = new AtomicLong(Long.MIN_VALUE);
    List<Callable<Integer>> callers = new ArrayList<>();
    for (int c = 0; c < 4; c++) {
      String key = routeIn(c) + "/a";
      callers.add(
          () -> {
            for (int i = 0; i < 50; i++) {
              long before = highest.get();
              Outcome outcome = send(change(row(key, "x", "" + i)));
              assertNotBefore(before, outcome.now(), highest);
              before = highest.get();
              assertNotBefore(before, read(key).now(), highest);
              advance(Duration.ofMillis(1));
            }
            return 50;
          });
    }
    assertThat(together(callers)).hasSize(4);
  }

  private static void assertNotBefore(long before, Instant now, AtomicLong highest) {
    assertThat(now.toEpochMilli()).isGreaterThanOrEqualTo(before);
    highest.accumulateAndGet(now.toEpochMilli(), Math::max);
  }

  @Guarantee(10)
  void g10_nowFollowsTheClock() {
    Instant before = now();
    advance(SPAN);
    assertThat(now()).isBetween(before.plus(SPAN), before.plus(SPAN).plus(LATER));
  }

  @Guarantee(10)
  void g10_instantsAreKeptInWholeMilliseconds() {
    Instant due = now().plus(LATER).truncatedTo(ChronoUnit.MILLIS);
    done(put("r/a", "v"), queue("r/a", due.plusNanos(999_999)));
    assertThat(((Place.Queued) read("r/a").place()).due()).isEqualTo(due);
    assertThat(read("r/a").created().truncatedTo(ChronoUnit.MILLIS))
        .isEqualTo(read("r/a").created());
  }

  @Guarantee(12)
  void g12_anExpiredRecordIsAbsentForScanAndFind() {
    expiring("r/a");
    done(row("r/a", "x", "y"));
    assertThat(read("r/a").tags()).containsKey("kind");
    assertThat(mortals()).hasSizeLessThanOrEqualTo(1);
    advance(SPAN);
    assertThat(mortals()).isEmpty();
    assertThat(absent("r/a")).isTrue();
    Scan all = new Scan.Records(id("r").partition(), "", null, false, 10);
    assertThat(store.scan(all).items()).isEmpty();
  }

  private List<Stored> mortals() {
    return store.find(Find.tagged("kind", "mortal", 10)).items();
  }

  @Guarantee(12)
  void g12_anExpiredRecordIsAbsentForGuards() {
    expiring("r/a", "r/b", "r/c", "r/d", "r/e");
    done(queue("r/b"));
    done(queue("r/c"), mail("r/c", "m"));
    done(row("r/d", "x", "y"));
    Grant grant = take("me", "r/b");
    long version = read("r/a").version();
    done(new Edit.AtVersion("r/a", version), new Edit.Held("r/b", grant));
    advance(SPAN);
    assertThat(refused(new Edit.AtVersion("r/a", version)).found()).isNull();
    assertThat(refused(new Edit.Held("r/b", grant), row("r/b", "x", "y")).found()).isNull();
    done(new Edit.NoMailAfter("r/c", 0), new Edit.NoRow("r/d", "x"));
    done(new Edit.Absent("r/e"), row("r/e", "x", "y"));
  }

  @Guarantee(12)
  void g12_anExpiredRecordIsNotHandedOut() {
    expiring("r/a", "r/b", "r/c");
    done(queue("r/a"), queue("r/b"), queue("r/c"));
    take("me", "r/c");
    advance(SPAN);
    assertThat(claimDue(10, QUEUE)).isEmpty();
    assertThat(claimNamed(freshGrant("me"), "r/a", "r/b")).isEmpty();
    assertThat(store.claim(takeOver(freshGrant("heir"), "me"))).isEmpty();
  }

  @Guarantee(12)
  void g12_editsAfterTheExpiryStartAnew() {
    expiring("r/a", "r/b");
    Edit guard = new Edit.NoRow("r/a", "x");
    done(guard, row("r/a", "x", "y"), new Edit.Add("r/a", "c", 5, 0), queue("r/a"));
    done(mail("r/a", "m"), queue("r/b"));
    Instant created = read("r/a").created();
    advance(SPAN);
    assertThat(only(done(mail("r/b", "m"))).mail()).isZero();
    done(queue("r/b"));
    assertThat(read("r/b").mail()).isEmpty();
    done(guard, row("r/a", "x", "z"), new Edit.Add("r/a", "c", 1, 0));
    Stored again = read("r/a");
    assertThat(again.value()).isEmpty();
    assertThat(again.tags()).isEmpty();
    assertThat(again.lastChange()).isEmpty();
    assertThat(again.place()).isEqualTo(Place.NONE);
    assertThat(again.counters()).isEqualTo(Map.of("c", 1L));
    assertThat(again.created()).isAfter(created);
    assertThat(only(done(queue("r/a"), mail("r/a", "m"))).mail()).isEqualTo(1);
    advance(SPAN);
    assertThat(absent("r/a")).as("the new record has no expiry").isFalse();
  }

  @Guarantee(12)
  void g12_aLaterPutMovesOrRemovesTheExpiry() {
    expiring("r/a", "r/b", "r/c");
    done(put("r/a", "immortal"));
    done(putUntil("r/b", now().plus(LATER)));
    done(row("r/c", "x", "y"), queue("r/c"));
    advance(SPAN);
    assertThat(text(read("r/a").value())).isEqualTo("immortal");
    assertThat(absent("r/b")).isFalse();
    assertThat(absent("r/c")).as("only Put moves the expiry").isTrue();
  }

  @Guarantee(12)
  void g12_aRecordIsThereUntilItExpires() {
    done(putUntil("r/a", now().plus(LATER)), queue("r/a"));
    advance(SPAN);
    refused(new Edit.Absent("r/a"));
    assertThat(absent("r/a")).isFalse();
    assertThat(dueKeys()).containsExactly("r/a");
  }

  @Guarantee(12)
  void g12_anExpiredRecordFreesItsLane() {
    expiring("r/a");
    done(lane("r/a", "lane"));
    done(lane("r/b", "lane"));
    take("me", "r/a");
    advance(SPAN);
    Claim.From due = new Claim.From.Due(List.of(QUEUE));
    assertThat(keys(claim(due, 10))).containsExactly("r/b");
  }

  private void expiring(String... keys) {
    Instant expires = now().plus(SPAN);
    for (String key : keys) {
      done(putUntil(key, expires));
    }
  }
}
