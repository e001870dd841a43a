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
import dev.troupe.event.Subscription.Mode;
import dev.troupe.state.Page;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * What every {@link EventTransport} keeps: a test for each numbered guarantee. Extend it and {@link
 * TransportFixture}'s hooks; real time passes in it, so give the transport short leases. Which feed
 * has what is tested in the classes that this one stands on.
 */
public abstract class EventTransportContract extends FollowTransportContract {
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
