package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.ErrorCode;
import dev.troupe.event.AppendFailedException;
import dev.troupe.event.Delivery;
import dev.troupe.event.Event;
import dev.troupe.event.EventTransport;
import dev.troupe.event.Feed;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.Settlement;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.state.Page;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * What every {@link EventTransport} keeps: a test for each numbered guarantee. Extend it and {@link
 * TransportFixture}'s hooks; real time passes in it, so give the transport short leases.
 */
public abstract class EventTransportContract extends TransportFixture {
  /** For subclasses. */
  protected EventTransportContract() {}

  @Guarantee(1)
  void g01_whatWasAppendedComesToEveryGroup() {
    Feed ordered = join("ordered", Mode.ORDERED);
    Feed shared = join("shared", Mode.SHARED);
    List<String> ids = append(40, i -> "k" + i % 7);
    assertThat(settledIds(ordered, 40)).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(settledIds(shared, 40)).containsExactlyInAnyOrderElementsOf(ids);
  }

  @Guarantee(1)
  void g01_whatWasAppendedWhileNobodyWasThereComesLater() {
    join("g", Mode.ORDERED).close();
    List<String> ids = append(10, i -> "k" + i);
    assertThat(settledIds(join("g", Mode.ORDERED), 10)).containsExactlyInAnyOrderElementsOf(ids);
  }

  @Guarantee(1)
  void g01_whatADeadFeedHadComesToAnother() {
    for (Mode mode : List.of(Mode.ORDERED, Mode.SHARED)) {
      Feed dies = join("dies" + mode, mode);
      List<String> ids = append(10, i -> "k" + i);
      take(dies, 10);
      dead(dies);
      assertThat(new HashSet<>(settledIds(join("dies" + mode, mode), 10)))
          .containsExactlyInAnyOrderElementsOf(ids);
    }
  }

  @Guarantee(2)
  void g02_eventsOfAKeyAreInOneShardInTheirOrder() {
    Feed feed = join("g", Mode.ORDERED);
    List<String> ids = new ArrayList<>();
    for (int call = 0; call < 30; call++) {
      ids.addAll(append(call % 2 == 0 ? transport() : another(), 100, i -> "k" + i % 5));
    }
    Map<String, List<String>> byKey = new HashMap<>();
    Map<String, Set<Integer>> shards = new HashMap<>();
    for (Delivery delivery : takeAndSettle(feed, 3_000)) {
      Event event = event(delivery);
      byKey.computeIfAbsent(event.key().orElseThrow(), k -> new ArrayList<>()).add(event.id());
      shards
          .computeIfAbsent(event.key().orElseThrow(), k -> new TreeSet<>())
          .add(delivery.shard().number());
    }
    assertThat(shards.values()).allSatisfy(some -> assertThat(some).hasSize(1));
    for (int key = 0; key < 5; key++) {
      int remainder = key;
      List<String> expected =
          IntStream.range(0, ids.size())
              .filter(i -> i % 5 == remainder)
              .mapToObj(ids::get)
              .toList();
      assertThat(byKey.get("k" + key)).isEqualTo(expected);
    }
  }

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
    dies.poll(0, Duration.ZERO);
    dead(dies);
    assertThat(settledIds(join("g", Mode.ORDERED), 12)).isEqualTo(ids.subList(8, 20));
  }

  @Guarantee(4)
  void g04_aDeliveryIsWithOneFeedAndAllFeedsWork() {
    Feed one = join("g", Mode.SHARED);
    Feed two = join(another(), "g", Mode.SHARED);
    bothTakePart(one, two);
    List<String> ids = append(200, i -> "k" + i);
    Map<Feed, List<Delivery>> taken = new LinkedHashMap<>();
    List<String> seen = new ArrayList<>();
    until(
        "everything came",
        () -> {
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
          for (Feed feed : List.of(one, two)) {
            feed.settle(taken.get(feed).stream().<Settlement>map(Settlement.Keep::new).toList());
            feed.poll(10, Duration.ofMillis(20)).forEach(d -> seen.add(event(d).id()));
          }
        });
    assertThat(seen).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(taken).hasSize(2);
  }

  @Guarantee(5)
  void g05_everyFeedGetsWhatIsAppendedFromNowOn() {
    append(5, i -> "before");
    Feed one = join("g", Mode.EVERYONE);
    Feed two = join(another(), "g", Mode.EVERYONE);
    List<String> ids = append(30, i -> "k" + i);
    assertThat(ids(take(one, 30))).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(ids(take(two, 30))).containsExactlyInAnyOrderElementsOf(ids);
    one.close();
    append(5, i -> "while away");
    Feed again = join("g", Mode.EVERYONE);
    List<String> later = append(3, i -> "k");
    assertThat(ids(take(again, 3))).containsExactlyInAnyOrderElementsOf(later);
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

  @Guarantee(10)
  void g10_groupsDoNotDisturbEachOther() {
    for (Mode mode : List.of(Mode.ORDERED, Mode.SHARED)) {
      Feed stuck = join("stuck" + mode, mode);
      Feed quick = join("quick" + mode, mode);
      List<String> ids = append(3_000, i -> "k" + i % 20);
      take(stuck, 1);
      assertThat(settledIds(quick, 3_000)).containsExactlyInAnyOrderElementsOf(ids);
      dead(stuck);
      assertThat(new HashSet<>(settledIds(join("stuck" + mode, mode), 3_000)))
          .containsExactlyInAnyOrderElementsOf(ids);
    }
  }

  @Guarantee(11)
  void g11_historyIsReadInPages() {
    join("keeper", Mode.ORDERED);
    List<String> ids = append(300, i -> "k" + i % 10);
    List<Delivery> read = new ArrayList<>();
    Page<Delivery> page = transport().read(topic(), Position.START, 70);
    read.addAll(page.items());
    for (String next = page.next(); next != null; next = page.next()) {
      assertThat(page.items()).hasSize(70);
      page = transport().read(topic(), Position.at(next), 70);
      read.addAll(page.items());
      assertThat(read.size()).isLessThan(1_000);
    }
    assertThat(ids(read)).containsExactlyInAnyOrderElementsOf(ids);
    Map<Integer, List<String>> byShard = new HashMap<>();
    for (Delivery delivery : read) {
      assertThat(delivery.count()).isZero();
      byShard
          .computeIfAbsent(delivery.shard().number(), s -> new ArrayList<>())
          .add(event(delivery).id());
    }
    byShard
        .values()
        .forEach(
            order ->
                assertThat(order)
                    .isSortedAccordingTo(
                        (a, b) -> Integer.compare(ids.indexOf(a), ids.indexOf(b))));
    assertThat(transport().read(topic(), Position.END, 10).items()).isEmpty();
  }

  @Guarantee(11)
  void g11_historyBeginsAtATime() {
    join("keeper", Mode.ORDERED);
    append(5, i -> "k" + i);
    Instant last = appended();
    until(
        "time passes",
        () -> {
          append(1, i -> "between");
          return appended().isAfter(last.plusMillis(5));
        });
    Instant begin = appended().plusMillis(1);
    until(
        "time passes",
        () -> {
          append(1, i -> "behind");
          return appended().isAfter(begin);
        });
    List<String> later = append(5, i -> "k" + i);
    List<Delivery> read = transport().read(topic(), Position.since(begin), 1_000).items();
    assertThat(ids(read)).containsAll(later);
    assertThat(read).allSatisfy(d -> assertThat(d.appended()).isAfterOrEqualTo(begin));
  }

  @Guarantee(12)
  void g12_bytesThatAreNoEventAreDeliveredInTheirPlace() {
    for (Mode mode : List.of(Mode.ORDERED, Mode.SHARED)) {
      Feed feed = join("raw" + mode, mode);
      append(2, i -> "same");
      byte[] bytes = {(byte) 0xc3, 0x28, 0, 1, 2};
      appendBytes(topic(), "same", bytes);
      append(2, i -> "same");
      List<Delivery> all = takeAndSettle(feed, 5);
      List<Delivery> raw = all.stream().filter(d -> d.content() instanceof Delivery.Raw).toList();
      assertThat(raw).hasSize(1);
      assertThat(((Delivery.Raw) raw.get(0).content()).data()).isEqualTo(bytes);
      if (mode == Mode.ORDERED) {
        assertThat(all.indexOf(raw.get(0))).isEqualTo(2);
      }
      feed.poll(0, Duration.ZERO);
      feed.close();
      nothingComes(join("raw" + mode, mode));
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

  @Guarantee(14)
  void g14_whatIsTooLargeIsNamedAndNotAppended() {
    join("g", Mode.ORDERED);
    Outgoing small = new Outgoing(topic(), Event.of("small", 1));
    Outgoing large =
        new Outgoing(
            topic(),
            Event.builder("large").data(new byte[transport().info().maxBytes() + 1], null).build());
    assertThatThrownBy(() -> transport().append(List.of(small, large)))
        .isInstanceOfSatisfying(
            AppendFailedException.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.LIMIT_EXCEEDED);
              assertThat(e.failed()).contains(large);
              List<String> there = ids(transport().read(topic(), Position.START, 10).items());
              assertThat(there).doesNotContain(large.event().id());
              assertThat(there.contains(small.event().id()))
                  .isNotEqualTo(e.failed().contains(small));
            });
  }

  @Test
  void preparingCreatesWhatIsMissingAndNamesWhatDoesNotFit() {
    String fresh = topic() + "-fresh";
    assertThat(transport().prepare(List.of(EventTransport.Topic.of(fresh)), false))
        .singleElement()
        .satisfies(problem -> assertThat(problem.toString()).contains(fresh));
    EventTransport.Topic wanted = new EventTransport.Topic(fresh, 3, Duration.ZERO);
    assertThat(transport().prepare(List.of(wanted), true)).isEmpty();
    assertThat(transport().prepare(List.of(wanted), false)).isEmpty();
    assertThat(
            transport().prepare(List.of(new EventTransport.Topic(fresh, 5, Duration.ZERO)), true))
        .singleElement()
        .satisfies(problem -> assertThat(problem.toString()).contains(fresh).contains("3"));
  }

  @Test
  void anEventComesBackWhole() {
    Feed feed = join("whole", Mode.ORDERED);
    Event event =
        Event.builder("order.paid")
            .source("https://shop.example/ü")
            .subject("order 7: \"Käse\"")
            .time(Instant.parse("2026-02-28T23:59:59.120Z"))
            .key("7")
            .correlationId("run-1")
            .causationId("event-0")
            .traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            .extension("tenant", "a b")
            .schema("https://shop.example/schema")
            .json(Map.of("total", 12.5))
            .build();
    transport().append(List.of(new Outgoing(topic(), event)));
    assertThat(event(takeAndSettle(feed, 1).get(0))).isEqualTo(event);
  }
}
