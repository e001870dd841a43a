package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Place;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Sentence 8: what a claim hands out, and in which order. */
abstract class DueContract extends HolderContract {
  private static final Duration TICK = Duration.ofMillis(1);

  @Guarantee(8)
  void g08_onlyWhatIsDueOnTheStoresClockIsHandedOut() {
    Instant now = now();
    done(put("r/past", "v"), queue("r/past", now));
    done(put("r/soon", "v"), queue("r/soon", now.plus(SPAN)));
    done(put("r/late", "v"), queue("r/late", now.plus(LATER)));
    done(put("r/plain", "v"), row("r/plain", "x", "y"));
    assertThat(dueKeys()).containsExactly("r/past");
    assertThat(dueKeys()).isEmpty();
    advance(SPAN);
    assertThat(dueKeys()).containsExactly("r/soon");
    assertThat(keys(claimNamed(freshGrant("me"), "r/late"))).containsExactly("r/late");
  }

  @Guarantee(8)
  void g08_onlyTheQueuesAskedForAreLookedAt() {
    for (String queue : List.of("one", "two", "three")) {
      done(new Edit.Queue("r/" + queue, queue, 1, LONG_AGO, null, Long.MAX_VALUE));
    }
    assertThat(claimDue(10, "none")).isEmpty();
    assertThat(claimDue(10)).isEmpty();
    assertThat(keys(claimDue(10, "three", "one"))).containsExactlyInAnyOrder("r/three", "r/one");
    done(new Edit.Queue("r/two", "four", 1, LONG_AGO, null, Long.MAX_VALUE));
    assertThat(claimDue(10, "two")).isEmpty();
    assertThat(keys(claimDue(10, "four"))).containsExactly("r/two");
  }

  /** An adapter may hand out an old record out of turn, but not among the first six of a store. */
  @Guarantee(8)
  void g08_higherPriorityGoesFirstThenTheEarlierDue() {
    Instant base = now().plusMillis(100);
    enqueue("r/e", 1, base.plusMillis(9));
    enqueue("r/f", 0, base.plusMillis(1));
    enqueue("r/d", 1, base.plusMillis(2));
    enqueue("r/a", 2, base.plusMillis(5));
    enqueue("r/c", 2, base.plusMillis(8));
    enqueue("r/b", 2, base.plusMillis(7));
    advance(SPAN);
    assertThat(keys(claimDue(2, QUEUE))).containsExactly("r/a", "r/b");
    assertThat(keys(claimDue(10, QUEUE))).containsExactly("r/c", "r/d", "r/e", "r/f");
  }

  @Guarantee(8)
  void g08_ofTwoQueuesTheHigherPriorityGoesFirst() {
    Instant base = now().plusMillis(100);
    done(new Edit.Queue("r/a", "one", 1, base.plusMillis(1), null, Long.MAX_VALUE));
    done(new Edit.Queue("r/b", "two", 2, base.plusMillis(2), null, Long.MAX_VALUE));
    done(new Edit.Queue("r/c", "one", 1, base.plusMillis(3), null, Long.MAX_VALUE));
    done(new Edit.Queue("r/d", "two", 1, base.plusMillis(2), null, Long.MAX_VALUE));
    advance(SPAN);
    assertThat(keys(claimDue(10, "one", "two"))).containsExactly("r/b", "r/a", "r/d", "r/c");
  }

  @Guarantee(8)
  void g08_queuedAgainARecordObeysItsNewQueuePriorityAndDue() {
    Instant now = now();
    enqueue("r/a", 2, now);
    enqueue("r/a", 0, now.plus(LATER));
    assertThat(dueKeys()).isEmpty();
    enqueue("r/a", 0, now);
    enqueue("r/b", 1, now);
    assertThat(dueKeys()).containsExactly("r/b", "r/a");
  }

  @Guarantee(8)
  void g08_aClaimTakesNoMoreThanItsLimitAndLeavesTheRest() {
    for (int i = 0; i < 10; i++) {
      String key = routeIn(i % 3) + "/" + i;
      done(put(key, "v"), queue(key));
    }
    Set<String> taken = new HashSet<>();
    for (int size : List.of(4, 4, 2, 0)) {
      List<Stored> some = claimDue(4, QUEUE);
      assertThat(some).hasSize(size);
      taken.addAll(keys(some));
    }
    assertThat(taken).hasSize(10);
    done(queue("r/a"));
    done(queue("r/b"));
    Claim.From both = new Claim.From.Named(List.of(id("r/a"), id("r/b")));
    assertThat(claim(both, 1)).hasSize(1);
    assertThat(dueKeys()).hasSize(1);
  }

  @Guarantee(8)
  void g08_aClaimStopsWhenItsBytesHavePassedButAlwaysHandsOutOne() {
    String big = "x".repeat(10_000);
    for (int i = 0; i < 5; i++) {
      done(put("r/" + i, big.substring(0, 4_000)), queue("r/" + i));
      done(row("r/" + i, "x", big.substring(0, 3_000)));
      done(new Edit.Mail("r/" + i, "m", bytes(big.substring(0, 3_000)), false));
    }
    Claim.From from = new Claim.From.Due(List.of(QUEUE));
    Set<Integer> where = allPartitions();
    assertThat(store.claim(new Claim(freshGrant("me"), from, where, 10, 15_000))).hasSize(2);
    assertThat(store.claim(new Claim(freshGrant("me"), from, where, 10, 0))).hasSize(1);
    assertThat(claimDue(10, QUEUE)).hasSize(2);
  }

  @Guarantee(8)
  void g08_onlyThePartitionsAskedForAreLookedAt() {
    for (int partition = 0; partition < 3; partition++) {
      done(queue(routeIn(partition)));
    }
    Claim.From due = new Claim.From.Due(List.of(QUEUE));
    assertThat(keys(store.claim(new Claim(freshGrant("me"), due, Set.of(1), 10, 1_000))))
        .containsExactly(routeIn(1));
    assertThat(store.claim(new Claim(freshGrant("me"), due, Set.of(), 10, 1_000))).isEmpty();
    assertThat(keys(store.claim(new Claim(freshGrant("me"), due, Set.of(0, 1, 2), 10, 1_000))))
        .containsExactlyInAnyOrder(routeIn(0), routeIn(2));
  }

  @Guarantee(8)
  void g08_aClaimShowsTheRecordWithEverythingThatBelongsToIt() {
    Instant before = now();
    done(new Edit.Put("r/a", bytes("value"), Map.of("t", "1"), null), queue("r/a"));
    done(row("r/a", "x", "1"), row("r/a", "y", "2"), mail("r/a", "m"), mail("r/a", "n"));
    done(new Edit.NoRow("r/a", "z"), row("r/a", "z", ""), new Edit.Add("r/a", "c", -4, -5));
    Grant grant = freshGrant("me");
    Stored claimed = claimNamed(grant, "r/a").get(0);
    assertThat(shown(claimed)).isEqualTo(shown(read("r/a")));
    assertThat(claimed.id()).isEqualTo(id("r/a"));
    assertThat(text(claimed.value())).isEqualTo("value");
    assertThat(claimed.tags()).isEqualTo(Map.of("t", "1"));
    assertThat(claimed.rows().keySet()).containsExactly("x", "y", "z");
    assertThat(claimed.mail()).extracting(Stored.MailItem::name).containsExactly("m", "n");
    assertThat(claimed.mailNumber()).isEqualTo(2);
    assertThat(claimed.counters()).isEqualTo(Map.of("c", -4L));
    assertThat(claimed.place()).isEqualTo(new Place.Held(grant, null));
    assertThat(claimed.created()).isBetween(before.minusSeconds(1), now().plusSeconds(1));
  }

  @Guarantee(8)
  void g08_lowPriorityIsNotPassedOverForEver() {
    enqueue("r/low", 0, now());
    assertHandedOut("r/low", 64, i -> enqueue("r/high-" + i, 2, now()), () -> claimDue(1, QUEUE));
  }

  @Guarantee(8)
  void g08_whatIsDueNowIsNotPassedOverForEverByWhatIsQueuedAsDueLongAgo() {
    enqueue("r/now", 1, now());
    assertHandedOut("r/now", 64, i -> enqueue("r/old-" + i, 1, LONG_AGO), () -> claimDue(1, QUEUE));
  }

  @Guarantee(8)
  void g08_amongManyQueuesNoneIsPassedOverForEver() {
    String[] queues = {"q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7"};
    done(new Edit.Queue("r/low", "q7", 0, now(), null, Long.MAX_VALUE));
    assertHandedOut(
        "r/low",
        512,
        i -> {
          String queue = queues[i % queues.length];
          done(new Edit.Queue("r/" + i, queue, 2, now(), null, Long.MAX_VALUE));
        },
        () -> claimDue(1, queues));
  }

  @Guarantee(8)
  void g08_amongManyPartitionsNoneIsPassedOverForEver() {
    enqueue(routeIn(5) + "/low", 0, now());
    String[] routes = routes(8);
    assertHandedOut(
        routeIn(5) + "/low",
        1_024,
        i -> enqueue(routes[i % 8] + "/" + i, 2, now()),
        () -> claimDue(1, QUEUE));
  }

  @Guarantee(8)
  void g08_twoQueuesClaimedInTurnsLetNothingWaitForEver() {
    done(new Edit.Queue("r/low-one", "one", 0, now(), null, Long.MAX_VALUE));
    done(new Edit.Queue("r/low-two", "two", 0, now(), null, Long.MAX_VALUE));
    Set<String> waiting = new HashSet<>(Set.of("r/low-one", "r/low-two"));
    for (int i = 0; i < 128 && !waiting.isEmpty(); i++) {
      String queue = i % 2 == 0 ? "one" : "two";
      advance(TICK);
      done(new Edit.Queue("r/1-" + i, queue, 2, now(), null, Long.MAX_VALUE));
      done(new Edit.Queue("r/2-" + i, queue, 2, now(), null, Long.MAX_VALUE));
      keys(claimDue(1, queue)).forEach(waiting::remove);
    }
    assertThat(waiting).as("passed over in 64 claims of each queue").isEmpty();
  }

  @Guarantee(8)
  void g08_twoQueuesClaimedInTurnsLetNoPartitionWaitForEver() {
    String[] routes = routes(4);
    Set<String> waiting = new HashSet<>();
    for (String route : routes) {
      waiting.add(route + "/first");
      done(new Edit.Queue(route + "/first", "one", 1, now(), null, Long.MAX_VALUE));
    }
    for (int i = 0; i < 2_048 && !waiting.isEmpty(); i++) {
      String queue = i % 2 == 0 ? "one" : "two";
      advance(TICK);
      Instant now = now();
      List<Change> changes = new ArrayList<>();
      for (String route : routes) {
        String key = route + "/" + i;
        changes.add(change(new Edit.Queue(key, queue, 1, now, null, Long.MAX_VALUE)));
      }
      store.apply(changes);
      keys(claimDue(1, queue)).forEach(waiting::remove);
    }
    assertThat(waiting).as("passed over in 1024 claims").isEmpty();
  }

  private interface Stream {
    void next(int number);
  }

  private interface Taking {
    List<Stored> next();
  }

  /** Ten others wait at any time while records are claimed one by one. */
  private void assertHandedOut(String key, int claims, Stream stream, Taking taking) {
    List<String> passed = new ArrayList<>();
    for (int i = 0; i < claims + 10; i++) {
      advance(TICK);
      stream.next(i);
      if (i >= 10) {
        passed.addAll(keys(taking.next()));
        if (passed.contains(key)) {
          return;
        }
      }
    }
    assertThat(passed).as("passed over in " + claims + " claims").contains(key);
  }

  private String[] routes(int number) {
    String[] routes = new String[number];
    for (int i = 0; i < number; i++) {
      routes[i] = routeIn(i);
    }
    return routes;
  }

  private void enqueue(String key, int priority, Instant due) {
    done(new Edit.Queue(key, QUEUE, priority, due, null, Long.MAX_VALUE));
  }
}
