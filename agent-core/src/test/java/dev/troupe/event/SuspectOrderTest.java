package dev.troupe.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.state.Change;
import dev.troupe.state.ForwardingStore;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreInfo.Durability;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Events of a key keep their order, whichever of them were delivered before. */
@Timeout(30)
final class SuspectOrderTest {
  private static final Shard SHARD = new Shard("t", 0);

  private final ScriptedTransport transport = new ScriptedTransport();
  private final MemoryStateStore memory = new MemoryStateStore();
  private final AtomicBoolean storeAway = new AtomicBoolean();
  private final AtomicInteger answersLost = new AtomicInteger();
  private final EventBus bus = EventBus.builder(transport, failing(memory)).build();
  private final Queue<String> begun = new ConcurrentLinkedQueue<>();
  private final CountDownLatch slow = new CountDownLatch(1);

  @AfterEach
  void close() {
    slow.countDown();
    bus.close(Duration.ofSeconds(2));
  }

  private StateStore failing(StateStore store) {
    return new ForwardingStore(store) {
      @Override
      public List<Outcome> apply(List<Change> changes) {
        if (storeAway.get()) {
          throw new AgentException(ErrorCode.STORE_UNAVAILABLE, "the store is away");
        }
        List<Outcome> outcomes = super.apply(changes);
        if (answersLost.getAndDecrement() > 0) {
          throw new AgentException(ErrorCode.STORE_UNAVAILABLE, "the store did not answer");
        }
        return outcomes;
      }
    };
  }

  /** Handles; events of type slow wait. */
  private void subscribe() {
    subscribe(5);
  }

  private void subscribe(int maxDeliveries) {
    bus.subscribe("t", "g")
        .concurrency(4)
        .maxDeliveries(maxDeliveries)
        .start(
            (event, context) -> {
              begun.add(event.id());
              if (event.type().equals("slow") && !slow.await(20, TimeUnit.SECONDS)) {
                throw new IllegalStateException("nobody goes on");
              }
            });
  }

  private static Delivery delivery(int offset, String key, String type, int count) {
    Event event = Event.builder(type).id(key + offset).source("/t").key(key).build();
    Delivery.Content content = new Delivery.Decoded(event);
    return new Delivery(SHARD, String.valueOf(offset), Instant.EPOCH, count, content);
  }

  private void begunAre(String... ids) {
    Awaitility.await().until(() -> begun.size() >= ids.length);
    assertThat(begun).containsExactly(ids);
  }

  /**
   * That nothing more begins can't be waited for; another shard's event has been through by now.
   */
  private void nothingElseBegins() {
    Delivery other = delivery(1, "other", "quick", 1);
    transport.deliver(new Delivery(new Shard("t", 1), "1", other.appended(), 1, other.content()));
    Awaitility.await().until(() -> begun.remove("other1"));
    Awaitility.await().until(() -> transport.polls.get() > 0);
  }

  @Test
  void aNewEventWaitsForTheSuspectOfItsKeyThatCameWithIt() {
    subscribe();
    transport.deliver(delivery(1, "a", "slow", 2), delivery(2, "a", "quick", 1));
    begunAre("a1");
    nothingElseBegins();
    assertThat(begun).containsExactly("a1");
    slow.countDown();
    begunAre("a1", "a2");
  }

  @Test
  void aSuspectWaitsForWhatIsBeingHandledOfItsShard() {
    subscribe();
    transport.deliver(delivery(1, "a", "slow", 1));
    begunAre("a1");
    transport.deliver(delivery(2, "a", "quick", 2), delivery(3, "a", "quick", 1));
    nothingElseBegins();
    assertThat(begun).containsExactly("a1");
    slow.countDown();
    begunAre("a1", "a2", "a3");
  }

  /** Else one that kills its process would take the other's good name with it. */
  @Test
  void aSuspectWithItsLastChanceIsHandledBesideNoOther() {
    subscribe(2);
    Delivery other = delivery(2, "b", "slow", 2);
    transport.deliver(
        delivery(1, "a", "slow", 2),
        new Delivery(new Shard("t", 1), "2", other.appended(), 2, other.content()));
    Awaitility.await().until(() -> begun.size() == 1); // either may be the first
    Delivery fresh = delivery(3, "c", "quick", 1);
    transport.deliver(new Delivery(new Shard("t", 2), "3", fresh.appended(), 1, fresh.content()));
    Awaitility.await().until(() -> begun.contains("c3"));
    assertThat(begun).hasSize(2);
    slow.countDown();
    Awaitility.await().until(() -> begun.size() == 3);
    assertThat(begun).containsExactlyInAnyOrder("a1", "b2", "c3");
  }

  /** They may take long, and there may be many. */
  @Test
  void suspectsWithMoreThanOneChanceAreHandledBesideEachOther() {
    subscribe();
    Delivery other = delivery(2, "b", "quick", 2);
    transport.deliver(
        delivery(1, "a", "slow", 2),
        new Delivery(new Shard("t", 1), "2", other.appended(), 2, other.content()));
    Awaitility.await().until(() -> begun.size() == 2);
    assertThat(begun).containsExactlyInAnyOrder("a1", "b2");
  }

  /** A store that notes the trial and does not say so has killed nobody. */
  @Test
  void aSuspectWhoseNoteWasNotAnsweredIsNotBlamedForIt() {
    answersLost.set(4);
    subscribe(3);
    transport.deliver(delivery(1, "a", "quick", 2));
    Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> begun.contains("a1"));
    assertThat(answersLost).hasValueLessThanOrEqualTo(0);
    assertThat(bus.deadLetters().list("g", null, 10).items()).isEmpty();
  }

  @Test
  void whatWasPolledWhileTheStoreWasAwayComesInOrderAndIsNoSuspect() {
    subscribe();
    transport.deliver(delivery(1, "a", "slow", 1));
    begunAre("a1");
    storeAway.set(true);
    transport.deliver(delivery(2, "a", "quick", 1), delivery(3, "b", "quick", 1));
    Awaitility.await().until(() -> !bus.problems().isEmpty());
    storeAway.set(false);
    begunAre("a1", "b3");
    slow.countDown();
    begunAre("a1", "b3", "a2");
    assertThat(transport.again).isEmpty();
  }

  @Test
  void whatArrivesWhileASubscriberLeavesOvertakesNothingThatItGivesBack() throws Exception {
    Subscriber subscriber =
        bus.subscribe("t", "g")
            .concurrency(4)
            .retry(RetryPolicy.fixed(5, Duration.ofSeconds(9)))
            .start(
                (event, context) -> {
                  begun.add(event.id());
                  if (event.type().equals("failing")) {
                    throw new IllegalStateException("not now");
                  }
                  if (event.type().equals("slow") && !slow.await(20, TimeUnit.SECONDS)) {
                    throw new IllegalStateException("nobody goes on");
                  }
                });
    transport.deliver(delivery(1, "a", "failing", 1), delivery(2, "b", "slow", 1));
    Awaitility.await().until(() -> begun.size() == 2);
    CountDownLatch held = transport.hold();
    Awaitility.await().until(() -> transport.holding.get());
    Thread leaves = new Thread(() -> subscriber.close(Duration.ofSeconds(10)), "leaves");
    leaves.start();
    Awaitility.await().until(() -> subscriber.inFlight() == 1); // the failed one was given back
    transport.deliver(delivery(3, "a", "quick", 1));
    held.countDown();
    Awaitility.await().until(() -> transport.coming.isEmpty() && transport.idle.get() > 0);
    slow.countDown();
    leaves.join();
    assertThat(begun).containsExactlyInAnyOrder("a1", "b2");
  }

  /** Delivers what a test says, to one feed. */
  private static final class ScriptedTransport implements EventTransport {
    final Queue<List<Delivery>> coming = new ConcurrentLinkedQueue<>();
    final Queue<Delivery> again = new ConcurrentLinkedQueue<>();
    final AtomicInteger polls = new AtomicInteger();

    final AtomicInteger idle = new AtomicInteger();
    final AtomicBoolean holding = new AtomicBoolean();
    private volatile CountDownLatch held = new CountDownLatch(0);

    /** The next poll does not return until this is counted down. */
    CountDownLatch hold() {
      CountDownLatch next = new CountDownLatch(1);
      held = next;
      return next;
    }

    void deliver(Delivery... some) {
      polls.set(0);
      coming.add(List.of(some));
    }

    @Override
    public void append(List<Outgoing> events) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Feed open(Subscription subscription, Feed.Listener listener) {
      return new Feed() {
        @Override
        public List<Delivery> poll(int max, Duration wait) {
          List<Delivery> some = new ArrayList<>();
          Delivery back = max == 0 ? null : again.poll();
          if (back != null) {
            some.add(
                new Delivery(
                    back.shard(),
                    back.offset(),
                    back.appended(),
                    back.count() + 1,
                    back.content()));
          }
          if (max > 0 && held.getCount() > 0) {
            holding.set(true);
            hold(held);
          }
          idle.addAndGet(max == 0 ? 1 : 0);
          List<Delivery> next = max == 0 ? null : coming.poll();
          if (next != null) {
            some.addAll(next);
          }
          if (some.isEmpty()) {
            polls.incrementAndGet();
            LockSupport.parkNanos(1_000_000);
          }
          return some;
        }

        private void hold(CountDownLatch latch) {
          try {
            latch.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        }

        @Override
        public void settle(List<Settlement> settlements) {
          for (Settlement one : settlements) {
            if (one instanceof Settlement.Again back) {
              again.add(back.delivery());
            }
          }
        }

        @Override
        public Set<String> follow(Function<Set<String>, Map<String, Position>> choice) {
          return Set.of();
        }

        @Override
        public List<ShardState> shards() {
          return List.of();
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public Page<Delivery> read(String topic, Position from, int limit) {
      throw new UnsupportedOperationException();
    }

    @Override
    public List<Problem> prepare(List<Topic> topics, boolean create) {
      return List.of();
    }

    @Override
    public Info info() {
      return new Info("scripted", Durability.NOTHING, Set.of(Mode.ORDERED), 1_000_000, false);
    }
  }
}
