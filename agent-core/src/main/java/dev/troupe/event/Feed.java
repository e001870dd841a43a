package dev.troupe.event;

import dev.troupe.event.Delivery.Shard;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Where one member of a group pulls deliveries from. {@link #poll}, {@link #follow} and {@link
 * #close} are called by one thread at a time; everything else by any thread.
 */
public interface Feed extends AutoCloseable {
  /**
   * The next deliveries. Call it at least every few hundred milliseconds, also when no delivery is
   * wanted: a feed that does not poll is taken for dead.
   *
   * @param max the most deliveries; 0 keeps what the feed has and delivers nothing
   * @param wait how long to wait for the first one
   * @return deliveries, each shard's in its order; empty when there was none in time, or when the
   *     thread was interrupted, which it then still is
   * @throws dev.troupe.AgentException when the transport fails; the feed may be polled again
   */
  List<Delivery> poll(int max, Duration wait);

  /**
   * Says what became of deliveries; takes effect at the latest with the next poll. What is unknown
   * or was taken away is ignored.
   *
   * @param settlements in any order
   */
  void settle(List<Settlement> settlements);

  /**
   * What the feed has, for metrics and health.
   *
   * @return a row for each shard that belongs to it; in modes other than {@code ORDERED} for each
   *     that it reads
   */
  List<ShardState> shards();

  /**
   * Reads more topics, of those that there are. Called by the thread that polls.
   *
   * @param choice is given the names of all topics that there are, and gives those to read, each
   *     with where the group begins in it if nobody has joined it before; in mode {@code EVERYONE}
   *     they are read from now on, whatever it says. Called once; what it throws is passed on
   * @return those of the chosen ones that the feed reads now, also if it did before; one that is
   *     gone again is left out
   * @throws dev.troupe.AgentException when the transport fails, or a group can't be joined as the
   *     subscription says; none or some are read then, and the feed goes on with what it reads
   */
  Set<String> follow(Function<Set<String>, Map<String, Position>> choice);

  /** Settles what was settled, and leaves. May be called more than once. */
  @Override
  void close();

  /**
   * A shard as a feed sees it.
   *
   * @param shard the shard
   * @param lag about how many events were appended that the group has not settled
   * @param oldest when the oldest delivery was appended that the feed has and has not settled, null
   *     when there is none
   */
  record ShardState(Shard shard, long lag, @Nullable Instant oldest) {}

  /** Told before shards are taken away, or as soon as it is known that others have them. */
  @FunctionalInterface
  interface Listener {
    /**
     * Called inside {@link Feed#poll}, by its thread. Settle what can be settled and return; what
     * is not settled then is delivered to the next owner.
     *
     * @param shards what goes
     * @param atMost how long there is; zero when others have them already
     */
    void revoking(Set<Shard> shards, Duration atMost);
  }
}
