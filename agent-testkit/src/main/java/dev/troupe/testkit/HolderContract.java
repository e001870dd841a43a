package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** Sentence 7: one holder, and lanes. */
abstract class HolderContract extends FenceContract {
  @Guarantee(7)
  void g07_whatIsHeldIsNotHandedOutAgain() {
    Grant mine = createHeld("me", "r/a");
    assertThat(claimDue(10, QUEUE)).isEmpty();
    assertThat(claimNamed(freshGrant("you"), "r/a")).isEmpty();
    assertThat(only(done(new Edit.Held("r/a", mine))).holder()).isEqualTo(mine);
    done(new Edit.Release("r/a"));
    assertThat(claimNamed(freshGrant("you"), "r/a", "r/none")).isEmpty();
    assertThat(only(done(queue("r/a"))).holder()).isNull();
    assertThat(claimNamed(freshGrant("you"), "r/a", "r/a")).hasSize(1);
  }

  @Guarantee(7)
  void g07_amongManyClaimersEachRecordIsHandedOutOnce() {
    int records = 240;
    List<String> all = new ArrayList<>();
    for (int i = 0; i < records; i++) {
      String key = routeIn(i % 6) + "/" + i;
      all.add(key);
      done(put(key, "v"), queue(key));
    }
    AtomicInteger left = new AtomicInteger(records);
    List<Callable<List<String>>> claimers = new ArrayList<>();
    for (int c = 0; c < 8; c++) {
      int claimer = c;
      claimers.add(
          () -> {
            List<String> mine = new ArrayList<>();
            for (int i = 0; left.get() > 0 && i < 10_000; i++) {
              List<Stored> some =
                  i % 3 == 2
                      ? claimNamed(freshGrant("c" + claimer), all.get((i * 7) % records))
                      : claimDue(1 + claimer % 3, QUEUE);
              mine.addAll(keys(some));
              left.addAndGet(-some.size());
            }
            return mine;
          });
    }
    List<String> handedOut = together(claimers).stream().flatMap(List::stream).toList();
    assertThat(handedOut).containsExactlyInAnyOrderElementsOf(all);
  }

  @Guarantee(7)
  void g07_aLaneHandsOutInTheOrderOfFirstQueueingWhateverElseIsMoreUrgent() {
    Instant now = now();
    done(new Edit.Queue("r/c", QUEUE, 0, now.minusSeconds(1), "lane", Long.MAX_VALUE));
    done(new Edit.Queue("r/b", QUEUE, 2, now.minusSeconds(9), "lane", Long.MAX_VALUE));
    done(new Edit.Queue("r/a", "elsewhere", 2, now.minusSeconds(9), "lane", Long.MAX_VALUE));
    List<String> order = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      List<Stored> next = claimDue(10, QUEUE, "elsewhere");
      assertThat(next).hasSize(1);
      order.add(next.get(0).id().key());
      done(new Edit.Release(next.get(0).id().key()));
    }
    assertThat(order).containsExactly("r/c", "r/b", "r/a");
  }

  @Guarantee(7)
  void g07_theSecondOfALaneWaitsWhileTheFirstIsQueuedEvenIfThatIsNotDue() {
    done(new Edit.Queue("r/a", QUEUE, 1, now().plus(LATER), "lane", Long.MAX_VALUE));
    done(lane("r/b", "lane"), urgent("r/b", "m"));
    assertThat(claimDue(10, QUEUE)).isEmpty();
    assertThat(claimNamed(freshGrant("me"), "r/b")).isEmpty();
    assertThat(keys(claimNamed(freshGrant("me"), "r/b", "r/a"))).containsExactly("r/a");
  }

  @Guarantee(7)
  void g07_theSecondOfALaneWaitsWhileTheFirstIsHeld() {
    done(lane("r/a", "lane"));
    done(lane("r/b", "lane"));
    Grant mine = take("me", "r/a");
    assertThat(claimDue(10, QUEUE)).isEmpty();
    assertThat(claimNamed(freshGrant("me"), "r/b")).isEmpty();
    assertThat(store.claim(takeOver(freshGrant("heir"), "me"))).hasSize(1);
    assertThat(claimDue(10, QUEUE)).isEmpty();
    refused(new Edit.Held("r/a", mine));
    assertThat(read("r/a").place()).isInstanceOf(Place.Held.class);
  }

  @Guarantee(7)
  void g07_aLaneIsFreedByReleaseByDeleteAndByQueueingElsewhere() {
    List<Edit> leaving =
        List.of(
            new Edit.Release("r/0"),
            new Edit.Delete("r/1"),
            lane("r/2", "another lane"),
            queue("r/3", now().plus(LATER)),
            new Edit.Release("r/4"));
    for (int i = 0; i <= leaving.size(); i++) {
      done(lane("r/" + i, "lane"));
    }
    for (int i = 0; i < leaving.size(); i++) {
      if (i != 4) {
        take("me", "r/" + i);
      }
      assertThat(claimNamed(freshGrant("me"), "r/" + (i + 1))).isEmpty();
      done(leaving.get(i));
    }
    assertThat(keys(claimNamed(freshGrant("me"), "r/5", "r/2"))).containsExactly("r/5", "r/2");
  }

  @Guarantee(7)
  void g07_queuedAgainInItsLaneARecordKeepsItsTurn() {
    done(lane("r/a", "lane"));
    done(lane("r/b", "lane"));
    Grant grant = take("me", "r/a");
    done(new Edit.Held("r/a", grant), lane("r/a", "lane"));
    assertThat(claimNamed(freshGrant("me"), "r/b")).isEmpty();
    Instant late = now().plus(LATER);
    done(new Edit.Queue("r/a", QUEUE, 0, late, "lane", Long.MAX_VALUE));
    assertThat(claimDue(10, QUEUE)).isEmpty();
    take("me", "r/a");
  }

  @Guarantee(7)
  void g07_whoLeavesALaneAndComesBackStandsAtItsEnd() {
    done(lane("r/a", "lane"));
    done(lane("r/b", "lane"));
    done(queue("r/a", now().plus(LATER)));
    done(lane("r/a", "lane"));
    assertThat(claimNamed(freshGrant("me"), "r/a")).isEmpty();
    assertThat(dueKeys()).containsExactly("r/b");
    done(new Edit.Release("r/b"), lane("r/c", "lane"), lane("r/b", "lane"));
    assertThat(dueKeys()).containsExactly("r/a");
    done(new Edit.Release("r/a"));
    assertThat(dueKeys()).containsExactly("r/c");
  }

  @Guarantee(7)
  void g07_oneLaneDoesNotHoldUpAnotherAndItsNextFollowsInTheSameChange() {
    done(lane("r/a", "one"), lane("r/b", "one"), lane("r/c", "two"), queue("r/d"));
    assertThat(dueKeys()).containsExactlyInAnyOrder("r/a", "r/c", "r/d");
    done(new Edit.Release("r/a"));
    assertThat(dueKeys()).containsExactly("r/b");
    assertThat(dueKeys()).isEmpty();
  }

  @Guarantee(7)
  void g07_aHeldRecordShowsItsLane() {
    done(lane("r/a", "lane"));
    Grant grant = take("me", "r/a");
    assertThat(read("r/a").place()).isEqualTo(new Place.Held(grant, "lane"));
  }

  @Guarantee(7)
  void g07_manyWorkersNeverRunTwoOfALaneAndKeepItsOrder() {
    int lanes = 5;
    int each = 16;
    for (int i = 0; i < lanes * each; i++) {
      // names that sort against the order of queueing
      String key = "r/" + (999 - i) + "/" + i % lanes;
      done(put(key, "v"), lane(key, "lane-" + i % lanes));
    }
    AtomicInteger left = new AtomicInteger(lanes * each);
    Map<String, List<String>> order = new ConcurrentHashMap<>();
    Map<String, String> running = new ConcurrentHashMap<>();
    Callable<Integer> worker =
        () -> {
          int done = 0;
          for (int i = 0; left.get() > 0 && i < 20_000; i++) {
            for (Stored mine : claimDue(1 + i % 2, QUEUE)) {
              Place.Held place = (Place.Held) mine.place();
              String lane = String.valueOf(place.lane());
              String key = mine.id().key();
              assertThat(running.putIfAbsent(lane, key)).as("at the same time as " + key).isNull();
              order.computeIfAbsent(lane, l -> new ArrayList<>()).add(key);
              running.remove(lane);
              Outcome end = send(change(new Edit.Held(key, place.grant()), new Edit.Release(key)));
              assertThat(end).isInstanceOf(Outcome.Done.class);
              left.decrementAndGet();
              done++;
            }
          }
          return done;
        };
    together(List.of(worker, worker, worker, worker));
    assertThat(left).hasValue(0);
    for (int lane = 0; lane < lanes; lane++) {
      assertThat(order.get("lane-" + lane))
          .hasSize(each)
          .isSortedAccordingTo((one, other) -> other.compareTo(one));
    }
  }

  @Guarantee(7)
  void g07_takenOverARecordKeepsItsLane() {
    done(lane("r/a", "lane"), lane("r/b", "lane"));
    take("dead", "r/a");
    Grant heir = freshGrant("heir");
    store.claim(takeOver(heir, "dead"));
    assertThat(read("r/a").place()).isEqualTo(new Place.Held(heir, "lane"));
    Claim.From due = new Claim.From.Due(List.of(QUEUE));
    assertThat(claim(due, 10)).isEmpty();
    done(new Edit.Held("r/a", heir), lane("r/a", "lane"));
    assertThat(keys(claim(due, 10))).containsExactly("r/a");
  }
}
