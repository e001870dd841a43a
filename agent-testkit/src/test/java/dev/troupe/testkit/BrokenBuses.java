package dev.troupe.testkit;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery;
import dev.troupe.event.Event;
import dev.troupe.event.EventTransport;
import dev.troupe.event.Feed;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.Subscription;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Buses that break a promise each, because what they see of their transport or their store is not
 * so; and the tests that find it.
 */
enum BrokenBuses {
  LOSES_ONE_IN_TWENTY("g01_everyGroupHandlesWhatWasPublished") {
    @Override
    EventTransport over(EventTransport transport) {
      AtomicInteger count = new AtomicInteger();
      return onFeeds(
          transport,
          "two",
          feed -> new BrokenFeeds.Thinned(feed, delivery -> count.incrementAndGet() % 20 == 0));
    }
  },
  SETTLES_WHAT_IS_LEFT_WHEN_IT_CLOSES(
      "g01_whatAHandlerDidNotFinishIsHandledByAnother",
      "g09_closingLetsHandlersEndAndSettlesThem") {
    @Override
    EventTransport over(EventTransport transport) {
      return onFeeds(transport, "g", BrokenFeeds.Hasty::new);
    }
  },
  WAITS_FOR_NO_HANDLER(
      "g01_handlersThatDoNotEndKeepShardsNoLongerThanAllowed",
      "g02_aShardGoesWhenItsHandlersHaveEndedAndWhatTheyDidIsNotRepeated") {
    @Override
    EventTransport over(EventTransport transport) {
      return new ForwardingTransport(transport) {
        @Override
        public Feed open(Subscription subscription, Feed.Listener listener) {
          return super.open(
              subscription, (shards, atMost) -> listener.revoking(shards, Duration.ZERO));
        }
      };
    }
  },
  PUBLISHES_BACKWARDS("g02_aKeyGoesInOrderAlsoWhenOneIsTriedAgain") {
    @Override
    EventTransport over(EventTransport transport) {
      return new ForwardingTransport(transport) {
        @Override
        public void append(List<Outgoing> events) {
          List<Outgoing> turned = new ArrayList<>(events);
          if (events.size() == 400) {
            Collections.reverse(turned);
          }
          super.append(turned);
        }
      };
    }
  },
  GIVES_NOTHING_BEHIND_A_SLOW_ONE("g02_otherKeysDoNotWait") {
    @Override
    EventTransport over(EventTransport transport) {
      return onFeeds(transport, "g", BrokenFeeds.Stopping::new);
    }
  },
  PARKS_IN_NO_ORDER("g02_aParkedKeyKeepsItsOrder") {
    @Override
    List<Edit> sent(Edit edit) {
      return edit instanceof Edit.Queue queue && queue.queue().startsWith("$park:")
          ? List.of(queued(queue, queue.due().plusMillis(scattered(queue.key()))))
          : List.of(edit);
    }

    /** Up to 2 s; neighbours lie far apart, also where they are parked slowly, one by one. */
    private long scattered(String key) {
      return (key.hashCode() * 0x9E3779B9) >>> 21;
    }
  },
  FORGETS_WHY("g03_whatFailsIsTriedAgainAndThenADeadLetter", "g05_bytesThatAreNoEventStopNothing") {
    @Override
    List<Edit> sent(Edit edit) {
      return edit instanceof Edit.Put put && put.key().startsWith("$dead:")
          ? List.of(rewritten(put, "\"error\":\"[^\"]*\"", "\"error\":\"\""))
          : List.of(edit);
    }
  },
  FORGETS_WHERE(
      "g03_whatFailsIsTriedAgainAndThenADeadLetter", "g05_bytesThatAreNoEventStopNothing") {
    @Override
    List<Edit> sent(Edit edit) {
      return edit instanceof Edit.Put put && put.key().startsWith("$dead:")
          ? List.of(rewritten(put, "\"offset\":\"[^\"]*\"", "\"offset\":\"elsewhere\""))
          : List.of(edit);
    }
  },
  COUNTS_ATTEMPTS_THAT_WERE_NOT_MADE(
      "g03_whatFailsIsTriedAgainAndThenADeadLetter", "g05_bytesThatAreNoEventStopNothing") {
    @Override
    List<Edit> sent(Edit edit) {
      return edit instanceof Edit.Put put && put.key().startsWith("$dead:")
          ? List.of(rewritten(put, "\"attempts\":[0-9]+", "\"attempts\":7"))
          : List.of(edit);
    }
  },
  TELLS_EVERYONE_TWICE("g03_whoHearsEverythingIsCalledOnceForEachEventAndLeavesNoDeadLetter") {
    @Override
    EventTransport over(EventTransport transport) {
      return onFeeds(transport, "all", BrokenFeeds.Doubled::new);
    }
  },
  NEVER_SEES_THE_SAME_CONTENT("g03_theSameContentIsNotTriedSoOftenAgain") {
    @Override
    EventTransport over(EventTransport transport) {
      return onEvents(
          transport,
          event ->
              event.type().equals("same") ? event.toBuilder().json(event.id()).build() : event);
    }
  },
  FORGETS_SUSPICIONS("g04_whatKillsItsProcessIsADeadLetterAndWhatWasBesideItIsNot") {
    @Override
    List<Edit> sent(Edit edit) {
      return unless(edit instanceof Edit.Put && edit.key().startsWith("$try:"), edit);
    }
  },
  SKIPS_WHAT_IT_CANNOT_READ("g05_bytesThatAreNoEventStopNothing") {
    @Override
    EventTransport over(EventTransport transport) {
      return onFeeds(
          transport,
          "g",
          feed ->
              new BrokenFeeds.Thinned(
                  feed, delivery -> delivery.content() instanceof Delivery.Raw));
    }
  },
  REPLAYS_FOR_ANOTHER_GROUP_TOO("g06_deadLettersAreReplayedForTheirGroupAloneOrDiscarded") {
    @Override
    List<Edit> sent(Edit edit) {
      if (edit instanceof Edit.Put put && put.key().startsWith("$park:")) {
        Edit.Put copy = rewritten(put, "\"group\":\"g\"", "\"group\":\"other\"");
        return List.of(
            put, new Edit.Put(put.key() + "-copy", copy.value(), copy.tags(), copy.expires()));
      }
      if (edit instanceof Edit.Queue queue && queue.queue().startsWith("$park:g:")) {
        String others = queue.queue().replace("$park:g:", "$park:other:");
        return List.of(
            queue,
            new Edit.Queue(queue.key() + "-copy", others, 0, queue.due(), null, Long.MAX_VALUE));
      }
      return List.of(edit);
    }
  },
  DISCARDS_NOTHING(
      "g06_deadLettersAreReplayedForTheirGroupAloneOrDiscarded",
      "g05_bytesThatAreNoEventStopNothing") {
    @Override
    List<Edit> sent(Edit edit) {
      return unless(edit instanceof Edit.Delete && edit.key().startsWith("$dead:"), edit);
    }
  },
  PUBLISHES_TOO_EARLY("g07_aDelayedEventComesWhenItsTimeHasCome") {
    @Override
    List<Edit> sent(Edit edit) {
      return edit instanceof Edit.Queue queue && queue.queue().equals("$later")
          ? List.of(queued(queue, queue.due().minusMillis(400)))
          : List.of(edit);
    }
  },
  TAKES_MORE_THAN_IT_MAY("g08_noMoreIsTakenThanMayBeInFlight") {
    @Override
    EventTransport over(EventTransport transport) {
      return onFeeds(
          transport,
          "g",
          feed ->
              new ForwardingFeed(feed) {
                @Override
                public List<Delivery> poll(int max, Duration wait) {
                  return super.poll(max == 0 ? 0 : max + 10, wait);
                }
              });
    }
  },
  LEAVES_BEFORE_IT_HAS_SETTLED("g09_closingLetsHandlersEndAndSettlesThem") {
    @Override
    EventTransport over(EventTransport transport) {
      return onFeeds(transport, "g", BrokenFeeds.Late::new);
    }
  },
  CLAIMS_TO_HAVE_LAID_DOWN("g10_whatCannotBeLaidDownIsNotSkipped") {
    @Override
    StateStore over(StateStore store) {
      return new ForwardingStore(store) {
        @Override
        public List<Outcome> apply(List<Change> changes) {
          try {
            return super.apply(changes);
          } catch (AgentException e) {
            if (e.code() != ErrorCode.STORE_UNAVAILABLE) {
              throw e;
            }
            Outcome done = new Outcome.Done(Instant.now(), List.of());
            return changes.stream().map(change -> done).toList();
          }
        }
      };
    }
  },
  SWAPS_ANSWERS("g11_whoAsksGetsHisAnswerOrAnErrorWhenTheTimeIsOver") {
    @Override
    EventTransport over(EventTransport transport) {
      AtomicReference<@Nullable Event> first = new AtomicReference<>();
      return new ForwardingTransport(transport) {
        @Override
        public void append(List<Outgoing> events) {
          Outgoing one = events.get(0);
          if (!one.topic().equals("troupe.replies") || first.compareAndSet(null, one.event())) {
            super.append(one.topic().equals("troupe.replies") ? List.of() : events);
            return;
          }
          Event other = first.get();
          super.append(
              List.of(
                  new Outgoing(one.topic(), addressed(other, one.event())),
                  new Outgoing(one.topic(), addressed(one.event(), other))));
        }
      };
    }
  },
  FORGETS_WHAT_IT_HAS_HANDLED("g12_whatWasHandledIsRecognised") {
    @Override
    List<Edit> sent(Edit edit) {
      return unless(edit instanceof Edit.Put && edit.key().startsWith("$seen:"), edit);
    }
  },
  TAKES_ONE_TYPE_FOR_ANOTHER("onlyTypesThatAreWantedAreHandled") {
    @Override
    EventTransport over(EventTransport transport) {
      return onEvents(
          transport,
          event ->
              event.type().equals("invoice.paid")
                  ? Event.builder("order.paid").id(event.id()).key(event.key().orElse(null)).build()
                  : event);
    }
  },
  LOSES_CAUSES(
      "g13_whatFollowsFromAnEventGoesOnInItsTrace", "g13_anAnswerGoesOnInTheTraceOfItsQuestion") {
    @Override
    EventTransport over(EventTransport transport) {
      return onEvents(transport, event -> event.toBuilder().causationId(null).build());
    }
  },
  LOSES_TRACES("g13_anEventKeepsItsTraceWhereverItWaits") {
    @Override
    EventTransport over(EventTransport transport) {
      return onEvents(
          transport, event -> event.toBuilder().traceparent(null).tracestate(null).build());
    }
  },
  DROPS_WHAT_IT_DOES_NOT_COUNT(
      "g14_whatIsTooMuchWaits", "g14_theOldestGiveWay", "g14_theNewestGiveWay") {
    @Override
    EventTransport over(EventTransport transport) {
      AtomicInteger count = new AtomicInteger();
      return onFeeds(
          transport,
          "slow",
          feed -> new BrokenFeeds.Thinned(feed, delivery -> count.incrementAndGet() % 20 == 0));
    }
  },
  FINDS_NO_TOPICS(
      "g15_aTopicThatComesLaterIsHandledFromItsFirstEventOn",
      "g15_aTopicThatCameWhileNobodyWasThereIsHandledFromItsFirstEventOn",
      "g15_whoHearsEverythingHearsATopicFromWhenItWasFound") {
    @Override
    EventTransport over(EventTransport transport) {
      return new ForwardingTransport(transport) {
        @Override
        public Feed open(Subscription subscription, Feed.Listener listener) {
          return new ForwardingFeed(super.open(subscription, listener)) {
            @Override
            public Set<String> follow(Function<Set<String>, Map<String, Position>> choice) {
              return Set.of();
            }
          };
        }
      };
    }
  },
  TELLS_ONE_INSTEAD_OF_EVERYONE("everyoneIsToldAndHistoryIsShown") {
    @Override
    EventTransport over(EventTransport transport) {
      return new ForwardingTransport(transport) {
        @Override
        public Feed open(Subscription s, Feed.Listener listener) {
          boolean one = s.mode() == Mode.EVERYONE && s.group().equals("a");
          return super.open(
              one ? new Subscription(s.topics(), s.group(), Mode.SHARED, s.from()) : s, listener);
        }
      };
    }
  },
  MISSES_NOTHING("preparingNamesWhatIsMissing") {
    @Override
    EventTransport over(EventTransport transport) {
      return new ForwardingTransport(transport) {
        @Override
        public List<Problem> prepare(List<Topic> topics, boolean create) {
          return create ? super.prepare(topics, create) : List.of();
        }
      };
    }
  };

  /** The tests that find it. */
  final Set<String> tests;

  BrokenBuses(String... tests) {
    this.tests = Set.of(tests);
  }

  EventTransport over(EventTransport transport) {
    return transport;
  }

  StateStore over(StateStore store) {
    return new ForwardingStore(store) {
      @Override
      public List<Outcome> apply(List<Change> changes) {
        return super.apply(
            changes.stream()
                .map(
                    change ->
                        new Change(
                            change.id(),
                            change.partition(),
                            change.edits().stream().flatMap(edit -> sent(edit).stream()).toList()))
                .toList());
      }
    };
  }

  /** What is sent to the store instead of an edit. */
  List<Edit> sent(Edit edit) {
    return List.of(edit);
  }

  /** Something else that harms nobody, because a change has to do something. */
  private static List<Edit> unless(boolean lost, Edit edit) {
    return List.of(lost ? new Edit.Put(edit.key() + "/lost", new byte[0], Map.of(), null) : edit);
  }

  private static Edit.Queue queued(Edit.Queue queue, Instant due) {
    return new Edit.Queue(queue.key(), queue.queue(), 0, due, null, queue.wakeAtMail());
  }

  private static Edit.Put rewritten(Edit.Put put, String pattern, String instead) {
    String text = new String(put.value(), ISO_8859_1).replaceFirst(pattern, instead);
    return new Edit.Put(put.key(), text.getBytes(ISO_8859_1), put.tags(), put.expires());
  }

  private static Event addressed(Event answer, Event to) {
    return answer.toBuilder().extension("replyid", to.extension("replyid").orElseThrow()).build();
  }

  private static EventTransport onFeeds(
      EventTransport transport, String group, UnaryOperator<Feed> broken) {
    return new ForwardingTransport(transport) {
      @Override
      public Feed open(Subscription subscription, Feed.Listener listener) {
        Feed feed = super.open(subscription, listener);
        return subscription.group().equals(group) ? broken.apply(feed) : feed;
      }
    };
  }

  /** Publishes other events than it is told. */
  private static EventTransport onEvents(EventTransport transport, UnaryOperator<Event> broken) {
    return new ForwardingTransport(transport) {
      @Override
      public void append(List<Outgoing> events) {
        super.append(
            events.stream().map(e -> new Outgoing(e.topic(), broken.apply(e.event()))).toList());
      }
    };
  }
}
