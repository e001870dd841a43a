package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.Delivery;
import dev.troupe.event.Feed;
import dev.troupe.event.Settlement;
import dev.troupe.event.Subscription.Mode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;

/** Sentences 3, 4, 6 to 9 and 13 of a transport: which feed has what, and how it lets go of it. */
abstract class FeedContract extends TransportFixture {
  private static final Duration SHORTLY = Duration.ofMillis(20);

  @Guarantee(3)
  void g03_aShardBelongsToOneFeedAndComesInOrder() {
    Feed one = join("g", Mode.ORDERED);
    Feed two = join(another(), "g", Mode.ORDERED);
    bothTakePart(one, two);
    List<String> ids = append(400, i -> "k" + i % 40);
    Map<Integer, Set<String>> owners = new HashMap<>();
    Map<Integer, List<String>> orders = new HashMap<>();
    List<String> seen = new ArrayList<>();
    Map<String, Feed> feeds = Map.of("one", one, "two", two);
    until(
        "everything came",
        () -> {
          feeds.forEach(
              (name, feed) -> {
                for (Delivery delivery : feed.poll(20, Duration.ofMillis(5))) {
                  int shard = delivery.shard().number();
                  owners.computeIfAbsent(shard, s -> new TreeSet<>()).add(name);
                  orders.computeIfAbsent(shard, s -> new ArrayList<>()).add(event(delivery).id());
                  seen.add(event(delivery).id());
                  feed.settle(List.of(new Settlement.Done(delivery)));
                }
              });
          return seen.size() >= 400;
        });
    assertThat(seen).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(owners.values()).allSatisfy(some -> assertThat(some).hasSize(1));
    assertThat(owners.values().stream().distinct()).hasSize(2);
    orders
        .values()
        .forEach(
            order ->
                assertThat(order)
                    .isSortedAccordingTo(
                        (a, b) -> Integer.compare(ids.indexOf(a), ids.indexOf(b))));
  }

  @Guarantee(3)
  void g03_whoTakesOverBeginsAtTheFirstThatWasNotSettled() {
    Feed dies = join("g", Mode.ORDERED);
    List<String> ids = append(20, i -> "same");
    List<Delivery> all = take(dies, 20);
    dies.settle(all.subList(0, 8).stream().<Settlement>map(Settlement.Done::new).toList());
    for (int i = 0; i < 10; i++) { // whoever lives polls, and by then it is written
      dies.poll(0, Duration.ZERO);
      LockSupport.parkNanos(SHORTLY.toNanos());
    }
    dead(dies);
    assertThat(settledIds(join("g", Mode.ORDERED), 12)).isEqualTo(ids.subList(8, 20));
  }

  /** Row C2, as transports see it. */
  @Guarantee(3)
  void g03_aShardThatIsGivenAwayGoesWhenItsListenerHasReturned() {
    Feed[] feeds = new Feed[2];
    List<Delivery> held = new ArrayList<>();
    List<Delivery> others = new ArrayList<>();
    List<Duration> told = new ArrayList<>();
    Set<String> settled = new HashSet<>();
    Set<String> left = new HashSet<>();
    feeds[0] =
        join(
            "g",
            Mode.ORDERED,
            (shards, atMost) -> {
              told.add(atMost);
              for (int i = 0; i < 5; i++) { // whoever waits for them polls and gets nothing
                List<Delivery> early = feeds[1].poll(10, SHORTLY.dividedBy(4));
                assertThat(early).noneMatch(one -> shards.contains(one.shard()));
                others.addAll(early);
              }
              List<Delivery> going =
                  held.stream().filter(one -> shards.contains(one.shard())).toList();
              settled.addAll(ids(settled(going.subList(0, going.size() / 2), feeds[0])));
              left.addAll(ids(going.subList(going.size() / 2, going.size())));
            });
    append(80, i -> "k" + i);
    held.addAll(take(feeds[0], 80));
    feeds[1] = join(another(), "g", Mode.ORDERED);
    bothTakePart(feeds[0], feeds[1]);
    List<String> later = append(80, i -> "k" + i);
    Set<String> came = new HashSet<>();
    until(
        "what was left and what came later came",
        () -> {
          came.addAll(ids(feeds[0].poll(10, Duration.ofMillis(5))));
          others.addAll(feeds[1].poll(10, Duration.ofMillis(5)));
          came.addAll(ids(others));
          return came.containsAll(left) && came.containsAll(later);
        });
    assertThat(settled).isNotEmpty();
    assertThat(ids(others)).doesNotHaveDuplicates().doesNotContainAnyElementsOf(settled);
    assertThat(told)
        .isNotEmpty()
        .allSatisfy(one -> assertThat(one).isBetween(SHORTLY, lease().dividedBy(4)));
  }

  @Guarantee(4)
  void g04_aDeliveryIsWithOneFeedAndAllFeedsWork() {
    // who does not poll for a lease loses what it has, as feeds on a very busy machine may
    int attempt = 1;
    while (!eachIsWithOneFeed("g" + "-again".repeat(attempt - 1), attempt == 5)) {
      attempt++;
    }
  }

  /** False when the feeds were polled too seldom for it to mean anything. */
  private boolean eachIsWithOneFeed(String group, boolean last) {
    Feed one = join(group, Mode.SHARED);
    Feed two = join(another(), group, Mode.SHARED);
    bothTakePart(one, two);
    List<String> ids = append(200, i -> "k" + i);
    Map<Feed, List<Delivery>> taken = new LinkedHashMap<>();
    List<String> seen = new ArrayList<>();
    long[] polled = {System.nanoTime()};
    long[] longest = {0};
    Runnable turn =
        () -> {
          long now = System.nanoTime();
          longest[0] = Math.max(longest[0], now - polled[0]);
          polled[0] = now;
        };
    until(
        "everything came",
        () -> {
          turn.run();
          for (Feed feed : List.of(one, two)) {
            for (Delivery delivery : feed.poll(10, Duration.ofMillis(20))) {
              seen.add(event(delivery).id());
              taken.computeIfAbsent(feed, f -> new ArrayList<>()).add(delivery);
            }
          }
          return seen.size() >= 200;
        });
    // the feeds go on working on it and poll meanwhile
    during(
        lease().multipliedBy(2),
        () -> {
          turn.run();
          for (Feed feed : List.of(one, two)) {
            List<Delivery> had = taken.getOrDefault(feed, List.of());
            feed.settle(had.stream().<Settlement>map(Settlement.Keep::new).toList());
            feed.poll(10, Duration.ofMillis(20)).forEach(d -> seen.add(event(d).id()));
          }
        });
    turn.run();
    if (longest[0] > lease().toNanos() / 2 && !last) {
      one.close();
      two.close();
      return false;
    }
    assertThat(seen).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(taken).hasSize(2);
    return true;
  }

  @Guarantee(6)
  void g06_whatIsDoneDoesNotComeAgain() {
    for (Mode mode : List.of(Mode.ORDERED, Mode.SHARED)) {
      String group = "done" + mode;
      Feed feed = join(group, mode);
      append(50, i -> "k" + i % 9);
      takeAndSettle(feed, 50);
      feed.poll(0, Duration.ZERO);
      nothingComes(feed);
      feed.close();
      Feed next = join(group, mode);
      nothingComes(next);
      List<String> more = append(3, i -> "k");
      assertThat(settledIds(next, 3)).containsExactlyInAnyOrderElementsOf(more);
    }
  }

  @Guarantee(7)
  void g07_whatIsGivenBackComesAgain() {
    for (Mode mode : List.of(Mode.ORDERED, Mode.SHARED)) {
      Feed feed = join("again" + mode, mode);
      append(3, i -> "k" + i);
      List<Delivery> first = take(feed, 3);
      feed.settle(List.of(new Settlement.Done(first.get(0)), new Settlement.Again(first.get(1))));
      List<Delivery> second = take(feed, 1);
      assertThat(event(second.get(0)).id()).isEqualTo(event(first.get(1)).id());
      if (transport().info().counts()) {
        assertThat(first).allSatisfy(delivery -> assertThat(delivery.count()).isEqualTo(1));
        assertThat(second.get(0).count()).isEqualTo(2);
      }
    }
  }

  @Guarantee(7)
  void g07_whatADeadFeedHadIsCounted() {
    for (Mode mode : List.of(Mode.ORDERED, Mode.SHARED)) {
      Feed feed = join("counted" + mode, mode);
      append(1, i -> "k");
      for (int count = 1; count <= 3; count++) {
        Delivery delivery = take(feed, 1).get(0);
        if (transport().info().counts()) {
          assertThat(delivery.count()).isEqualTo(count);
        }
        dead(feed);
        feed = join("counted" + mode, mode);
      }
    }
  }

  @Guarantee(8)
  void g08_anyThreadSettlesInAnyOrder() {
    for (Mode mode : List.of(Mode.ORDERED, Mode.SHARED)) {
      Feed feed = join("any" + mode, mode);
      append(60, i -> "k" + i % 5);
      List<Delivery> all = new ArrayList<>(take(feed, 60));
      Collections.reverse(all);
      Thread other =
          new Thread(
              () -> all.forEach(d -> feed.settle(List.of(new Settlement.Done(d)))), "settles");
      other.start();
      until(
          "all was settled",
          () -> {
            feed.poll(0, Duration.ZERO);
            return !other.isAlive();
          });
      feed.poll(0, Duration.ZERO);
      feed.close();
      nothingComes(join("any" + mode, mode));
    }
  }

  @Guarantee(8)
  void g08_whatWasTakenAwayCannotBeSettled() {
    for (Mode mode : List.of(Mode.ORDERED, Mode.SHARED)) {
      String group = "late" + mode;
      Feed slow = join(group, mode);
      List<String> ids = append(5, i -> "k");
      List<Delivery> old = take(slow, 5);
      silent(slow);
      Feed next = join(another(), group, mode);
      List<Delivery> taken = take(next, 5);
      slow.settle(old.stream().<Settlement>map(Settlement.Done::new).toList());
      slow.poll(0, Duration.ZERO);
      next.settle(taken.subList(0, 1).stream().<Settlement>map(Settlement.Done::new).toList());
      next.poll(0, Duration.ZERO);
      slow.close();
      next.close();
      Set<String> left = new TreeSet<>(ids);
      left.remove(event(taken.get(0)).id());
      assertThat(new TreeSet<>(settledIds(join(group, mode), 4))).isEqualTo(left);
    }
  }

  @Guarantee(9)
  void g09_pollingForNothingKeepsWhatOneHas() {
    for (Mode mode : List.of(Mode.ORDERED, Mode.SHARED)) {
      String group = "keeps" + mode;
      Feed busy = join(group, mode);
      Feed other = join(another(), group, mode);
      bothTakePart(busy, other);
      append(80, i -> "k" + i);
      List<Delivery> taken = take(busy, 4);
      Set<String> mine = new HashSet<>(ids(taken));
      during(
          lease().multipliedBy(2),
          () -> {
            busy.settle(taken.stream().<Settlement>map(Settlement.Keep::new).toList());
            assertThat(busy.poll(0, Duration.ofMillis(20))).isEmpty();
            assertThat(ids(other.poll(10, Duration.ofMillis(20))))
                .doesNotContainAnyElementsOf(mine);
          });
      busy.close();
      other.close();
    }
  }

  @Guarantee(13)
  void g13_whoClosesLeavesAtOnce() {
    for (Mode mode : List.of(Mode.ORDERED, Mode.SHARED)) {
      String group = "leaves" + mode;
      Feed leaves = join(group, mode);
      List<String> ids = append(20, i -> "k" + i);
      List<Delivery> all = take(leaves, 20);
      leaves.settle(all.subList(0, 5).stream().<Settlement>map(Settlement.Done::new).toList());
      leaves.close();
      long began = System.nanoTime();
      Set<String> expected = new TreeSet<>(ids);
      ids(all.subList(0, 5)).forEach(expected::remove);
      assertThat(new TreeSet<>(settledIds(join(another(), group, mode), 15))).isEqualTo(expected);
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(lease());
    }
  }
}
