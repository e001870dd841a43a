package dev.troupe.testkit;

import dev.troupe.event.AppendFailedException;
import dev.troupe.event.Delivery;
import dev.troupe.event.Event;
import dev.troupe.event.EventTransport;
import dev.troupe.event.Feed;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.Settlement;
import dev.troupe.event.Subscription;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.state.Page;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Transports that break one sentence each. */
enum BrokenTransports {
  LOSES_ONE_IN_TWENTY(
      1,
      inner ->
          new Tampered(inner) {
            int count;

            @Override
            List<Delivery> polled(Feed feed, List<Delivery> some) {
              if (mode != Mode.SHARED || !group.equals("shared")) {
                return some;
              }
              List<Delivery> rest = new ArrayList<>();
              for (Delivery one : some) {
                if (++count % 20 == 0) {
                  feed.settle(List.of(new Settlement.Done(one)));
                } else {
                  rest.add(one);
                }
              }
              return rest;
            }
          }),
  SPREADS_A_KEY(
      2,
      inner ->
          new Tampered(inner) {
            int count;

            @Override
            public void append(List<Outgoing> events) {
              boolean many = events.size() == 100;
              super.append(
                  many && ++count % 3 == 0
                      ? events.stream().map(Tampered::otherKey).toList()
                      : events);
            }
          }),
  HANDS_OUT_BACKWARDS(
      3,
      inner ->
          new Tampered(inner) {
            @Override
            List<Delivery> polled(Feed feed, List<Delivery> some) {
              boolean twenty = mode == Mode.ORDERED && some.size() == 20 && sameShard(some);
              return twenty ? swapped(some) : some;
            }
          }),
  GIVES_AWAY_WITHOUT_A_WORD(
      3,
      inner ->
          new Tampered(inner) {
            @Override
            public Feed open(Subscription s, Feed.Listener listener) {
              return super.open(s, (shards, atMost) -> {});
            }
          }),
  GIVES_A_SHARED_ONE_TO_ALL(
      4,
      inner ->
          new Tampered(inner) {
            @Override
            public Feed open(Subscription s, Feed.Listener listener) {
              boolean each = s.mode() == Mode.SHARED && s.group().startsWith("g");
              String group = each ? "g" + UUID.randomUUID() : s.group();
              return super.open(new Subscription(s.topics(), group, s.mode(), s.from()), listener);
            }
          }),
  REMEMBERS_EVERYONE(
      5,
      inner ->
          new Tampered(inner) {
            @Override
            public Feed open(Subscription s, Feed.Listener listener) {
              return s.mode() != Mode.EVERYONE || !s.group().equals("g")
                  ? super.open(s, listener)
                  : super.open(
                      new Subscription(s.topics(), "all", Mode.ORDERED, s.from()), listener);
            }
          }),
  FORGETS_WHAT_IS_DONE(
      6,
      inner ->
          new Tampered(inner) {
            @Override
            public Feed open(Subscription s, Feed.Listener listener) {
              if (!s.group().startsWith("done")) {
                return super.open(s, listener);
              }
              Feed feed =
                  super.open(
                      new Subscription(
                          s.topics(), s.group() + UUID.randomUUID(), s.mode(), Position.START),
                      listener);
              return feed;
            }
          }),
  COUNTS_NOTHING(
      7,
      inner ->
          new Tampered(inner) {
            @Override
            List<Delivery> polled(Feed feed, List<Delivery> some) {
              return some.stream()
                  .map(d -> new Delivery(d.shard(), d.offset(), d.appended(), 1, d.content()))
                  .toList();
            }
          }),
  LETS_ANYBODY_SETTLE(
      8,
      inner ->
          new Tampered(inner) {
            @Override
            public Feed open(Subscription s, Feed.Listener listener) {
              Feed feed = super.open(s, listener);
              return !s.group().startsWith("late")
                  ? feed
                  : new ForwardingFeed(feed) {
                    @Override
                    public void settle(List<Settlement> settlements) {
                      LATE.forEach(other -> other.settle(settlements));
                    }

                    {
                      LATE.add(feed);
                    }
                  };
            }
          }),
  DELIVERS_WHEN_NONE_IS_WANTED(
      9,
      inner ->
          new Tampered(inner) {
            @Override
            public Feed open(Subscription s, Feed.Listener listener) {
              Feed feed = super.open(s, listener);
              return !s.group().startsWith("keeps")
                  ? feed
                  : new ForwardingFeed(feed) {
                    @Override
                    public List<Delivery> poll(int max, Duration wait) {
                      return super.poll(Math.max(1, max), wait);
                    }
                  };
            }
          }),
  STOPS_FOR_THE_SLOWEST(
      10,
      inner ->
          new Tampered(inner) {
            @Override
            public Feed open(Subscription s, Feed.Listener listener) {
              boolean two = s.group().startsWith("stuck") || s.group().startsWith("quick");
              return !two
                  ? super.open(s, listener)
                  : super.open(
                      new Subscription(s.topics(), "one" + s.mode(), s.mode(), s.from()), listener);
            }
          }),
  SHOWS_A_PAGE_TWICE(
      11,
      inner ->
          new Tampered(inner) {
            @Override
            public Page<Delivery> read(String topic, Position from, int limit) {
              boolean again = from instanceof Position.At;
              return super.read(topic, again && limit == 70 ? Position.START : from, limit);
            }
          }),
  SKIPS_WHAT_IT_CANNOT_READ(
      12,
      inner ->
          new Tampered(inner) {
            @Override
            List<Delivery> polled(Feed feed, List<Delivery> some) {
              List<Delivery> rest = new ArrayList<>();
              for (Delivery one : some) {
                if (one.content() instanceof Delivery.Raw) {
                  feed.settle(List.of(new Settlement.Done(one)));
                } else {
                  rest.add(one);
                }
              }
              return rest;
            }
          }),
  LEAVES_WITHOUT_A_WORD(
      13,
      inner ->
          new Tampered(inner) {
            @Override
            public Feed open(Subscription s, Feed.Listener listener) {
              Feed feed = super.open(s, listener);
              return !s.group().startsWith("leaves")
                  ? feed
                  : new ForwardingFeed(feed) {
                    @Override
                    public void close() {
                      super.poll(0, Duration.ZERO); // settles, and says no more
                    }
                  };
            }
          }),
  TAKES_A_BLAME_FOR_NOTHING(
      14,
      inner ->
          new Tampered(inner) {
            @Override
            public void append(List<Outgoing> events) {
              try {
                super.append(events);
              } catch (AppendFailedException e) {
                throw new AppendFailedException(e.code(), events.subList(0, 1), "other", e);
              }
            }
          }),
  BEGINS_WHERE_IT_FINDS_A_TOPIC(
      15,
      inner ->
          new Tampered(inner) {
            @Override
            public Feed open(Subscription s, Feed.Listener listener) {
              Feed feed = super.open(s, listener);
              return new ForwardingFeed(feed) {
                @Override
                public Set<String> follow(Function<Set<String>, Map<String, Position>> choice) {
                  return super.follow(
                      there -> {
                        Map<String, Position> chosen = new HashMap<>(choice.apply(there));
                        chosen.replaceAll((topic, from) -> Position.END);
                        return chosen;
                      });
                }
              };
            }
          });

  final int guarantee;
  final UnaryOperator<EventTransport> broken;

  BrokenTransports(int guarantee, UnaryOperator<EventTransport> broken) {
    this.guarantee = guarantee;
    this.broken = broken;
  }

  /** Feeds of the one test that is about them. */
  private static final List<Feed> LATE = new CopyOnWriteArrayList<>();

  /** Passes everything on; what is overridden is broken. */
  abstract static class Tampered extends ForwardingTransport {
    @Nullable Mode mode;
    String group = "";

    Tampered(EventTransport inner) {
      super(inner);
    }

    static Outgoing otherKey(Outgoing one) {
      Event event = one.event();
      // the same key for those who read it, another for the one who divides
      return new Outgoing(one.topic(), event.toBuilder().key(event.id()).build());
    }

    static boolean sameShard(List<Delivery> some) {
      return some.stream().map(Delivery::shard).distinct().count() == 1;
    }

    static List<Delivery> swapped(List<Delivery> some) {
      List<Delivery> others = new ArrayList<>(some);
      Collections.reverse(others);
      return others;
    }

    List<Delivery> polled(Feed feed, List<Delivery> some) {
      return some;
    }

    @Override
    public Feed open(Subscription subscription, Feed.Listener listener) {
      Feed feed = super.open(subscription, listener);
      return new ForwardingFeed(feed) {
        @Override
        public List<Delivery> poll(int max, Duration wait) {
          mode = subscription.mode();
          group = subscription.group();
          return polled(feed, super.poll(max, wait));
        }
      };
    }
  }
}
