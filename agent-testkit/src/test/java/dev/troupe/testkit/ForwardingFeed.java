package dev.troupe.testkit;

import dev.troupe.event.Delivery;
import dev.troupe.event.Feed;
import dev.troupe.event.Position;
import dev.troupe.event.Settlement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/** A feed that passes everything on; what is overridden is broken. */
class ForwardingFeed implements Feed {
  private final Feed feed;

  ForwardingFeed(Feed feed) {
    this.feed = feed;
  }

  @Override
  public List<Delivery> poll(int max, Duration wait) {
    return feed.poll(max, wait);
  }

  @Override
  public void settle(List<Settlement> settlements) {
    feed.settle(settlements);
  }

  @Override
  public List<ShardState> shards() {
    return feed.shards();
  }

  @Override
  public Set<String> follow(Function<Set<String>, Map<String, Position>> choice) {
    return feed.follow(choice);
  }

  @Override
  public void close() {
    feed.close();
  }
}
