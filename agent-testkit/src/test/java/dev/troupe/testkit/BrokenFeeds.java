package dev.troupe.testkit;

import dev.troupe.event.Delivery;
import dev.troupe.event.Feed;
import dev.troupe.event.Settlement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** Feeds that spoil the work of the bus above them. */
final class BrokenFeeds {
  private BrokenFeeds() {}

  /** Settles some deliveries that nobody has seen. */
  static final class Thinned extends ForwardingFeed {
    private final Predicate<Delivery> lost;

    Thinned(Feed feed, Predicate<Delivery> lost) {
      super(feed);
      this.lost = lost;
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      List<Delivery> rest = new ArrayList<>();
      for (Delivery one : super.poll(max, wait)) {
        if (lost.test(one)) {
          settle(List.of(new Settlement.Done(one)));
        } else {
          rest.add(one);
        }
      }
      return rest;
    }
  }

  /** Gives everything twice. */
  static final class Doubled extends ForwardingFeed {
    Doubled(Feed feed) {
      super(feed);
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      List<Delivery> twice = new ArrayList<>(super.poll(max, wait));
      twice.addAll(List.copyOf(twice));
      return twice;
    }
  }

  /** Settles all that it has when it closes. */
  static final class Hasty extends ForwardingFeed {
    private final Set<Delivery> open = ConcurrentHashMap.newKeySet();

    Hasty(Feed feed) {
      super(feed);
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      List<Delivery> some = super.poll(max, wait);
      open.addAll(some);
      return some;
    }

    @Override
    public void settle(List<Settlement> settlements) {
      settlements.forEach(one -> open.remove(one.delivery()));
      super.settle(settlements);
    }

    @Override
    public void close() {
      super.settle(open.stream().<Settlement>map(Settlement.Done::new).toList());
      super.close();
    }
  }

  /** Gives nothing more once it has given something slow. */
  static final class Stopping extends ForwardingFeed {
    private boolean stopped;

    Stopping(Feed feed) {
      super(feed);
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      List<Delivery> given = new ArrayList<>();
      for (Delivery one : super.poll(stopped ? 0 : max, wait)) {
        if (!stopped) {
          given.add(one);
          stopped =
              one.content() instanceof Delivery.Decoded decoded
                  && decoded.event().key().orElse("").equals("slow");
        }
      }
      return given;
    }
  }

  /** Settles after a second, and what is younger when it closes never. */
  static final class Late extends ForwardingFeed {
    private final ConcurrentLinkedQueue<Waiting> waiting = new ConcurrentLinkedQueue<>();

    private record Waiting(List<Settlement> settlements, long since) {}

    Late(Feed feed) {
      super(feed);
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      Waiting oldest = waiting.peek();
      while (oldest != null && System.nanoTime() - oldest.since > TimeUnit.SECONDS.toNanos(1)) {
        super.settle(waiting.remove().settlements);
        oldest = waiting.peek();
      }
      return super.poll(max, wait);
    }

    @Override
    public void settle(List<Settlement> settlements) {
      if (settlements.get(0) instanceof Settlement.Done) {
        waiting.add(new Waiting(settlements, System.nanoTime()));
      } else {
        super.settle(settlements);
      }
    }
  }
}
