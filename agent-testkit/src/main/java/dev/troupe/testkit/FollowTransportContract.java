package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.Event;
import dev.troupe.event.EventTransport.Topic;
import dev.troupe.event.Feed;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.Subscription;
import dev.troupe.event.Subscription.Mode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What transports keep for feeds that find topics which come later. */
abstract class FollowTransportContract extends FeedContract {
  /** For subclasses. */
  protected FollowTransportContract() {}

  private Feed empty(String group, Mode mode) {
    return opened(new Subscription(List.of(), group, mode, Position.END));
  }

  private List<String> appendTo(String topic, int count) {
    List<Outgoing> events = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      events.add(new Outgoing(topic, Event.builder("tick").key("k" + i % 7).json(i).build()));
    }
    transport().append(events);
    return events.stream().map(one -> one.event().id()).toList();
  }

  private String made(String name) {
    String topic = topic() + "." + name;
    assertThat(transport().prepare(List.of(Topic.of(topic)), true)).isEmpty();
    return topic;
  }

  /** Follows what is wanted as soon as the transport shows it. */
  private void follow(Feed feed, Map<String, Position> wanted) {
    Set<String> missing = new HashSet<>(wanted.keySet());
    until(
        "the feed reads " + wanted,
        () -> {
          Map<String, Position> some = new HashMap<>(wanted);
          Set<String> now =
              feed.follow(
                  there -> {
                    some.keySet().retainAll(there);
                    return some;
                  });
          assertThat(wanted.keySet()).containsAll(now);
          missing.removeAll(now);
          return missing.isEmpty();
        });
  }

  @Guarantee(15)
  void g15_aTopicIsFollowedFromItsBeginningOrItsEnd() {
    for (Mode mode : List.of(Mode.ORDERED, Mode.SHARED)) {
      Feed feed = empty("follows" + mode, mode);
      assertThat(feed.poll(10, Duration.ofMillis(20))).isEmpty();
      String whole = made("whole" + mode);
      String rest = made("rest" + mode);
      List<String> ids = new ArrayList<>(appendTo(whole, 20));
      appendTo(rest, 20);
      follow(feed, Map.of(whole, Position.START, rest, Position.END));
      ids.addAll(appendTo(whole, 5));
      ids.addAll(appendTo(rest, 5));
      assertThat(settledIds(feed, 30)).containsExactlyInAnyOrderElementsOf(ids);
      // where the group has joined it goes on
      feed.poll(0, Duration.ZERO);
      feed.close();
      Feed next = empty("follows" + mode, mode);
      List<String> more = appendTo(whole, 5);
      follow(next, Map.of(whole, Position.START, rest, Position.END));
      assertThat(settledIds(next, 5)).containsExactlyInAnyOrderElementsOf(more);
    }
  }

  @Guarantee(15)
  void g15_whatIsFollowedComesBesideWhatIsReadAlready() {
    for (Mode mode : List.of(Mode.ORDERED, Mode.SHARED)) {
      Feed one = join("beside" + mode, mode);
      Feed two = join(another(), "beside" + mode, mode);
      bothTakePart(one, two);
      List<String> ids = new ArrayList<>(append(20, i -> "k" + i));
      String topic = made("beside" + mode);
      ids.addAll(appendTo(topic, 20));
      follow(one, Map.of(topic, Position.START));
      ids.addAll(append(20, i -> "k" + i));
      ids.addAll(appendTo(topic, 20));
      Set<String> seen = new HashSet<>();
      until(
          "everything came",
          () -> {
            for (Feed feed : List.of(one, two)) {
              seen.addAll(ids(settled(feed.poll(50, Duration.ofMillis(20)), feed)));
            }
            return seen.size() >= 80;
          });
      assertThat(seen).containsExactlyInAnyOrderElementsOf(ids);
      one.close();
      two.close();
    }
  }

  @Guarantee(15)
  void g15_whoHearsEverythingHearsAFollowedTopicFromThenOn() {
    Feed feed = empty("all", Mode.EVERYONE);
    assertThat(feed.poll(10, Duration.ofMillis(20))).isEmpty();
    String topic = made("everyone");
    appendTo(topic, 5);
    follow(feed, Map.of(topic, Position.START));
    List<String> ids = appendTo(topic, 5);
    assertThat(ids(take(feed, 5))).containsExactlyInAnyOrderElementsOf(ids);
    nothingComes(feed);
  }
}
