package dev.troupe.testkit;

import dev.troupe.event.Delivery;
import dev.troupe.event.EventTransport;
import dev.troupe.event.Feed;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.Subscription;
import dev.troupe.state.Page;
import java.util.List;

/** A transport that passes everything on; what is overridden is broken. */
class ForwardingTransport implements EventTransport {
  private final EventTransport inner;

  ForwardingTransport(EventTransport inner) {
    this.inner = inner;
  }

  @Override
  public void append(List<Outgoing> events) {
    inner.append(events);
  }

  @Override
  public Feed open(Subscription subscription, Feed.Listener listener) {
    return inner.open(subscription, listener);
  }

  @Override
  public Page<Delivery> read(String topic, Position from, int limit) {
    return inner.read(topic, from, limit);
  }

  @Override
  public List<Problem> prepare(List<Topic> topics, boolean create) {
    return inner.prepare(topics, create);
  }

  @Override
  public Info info() {
    return inner.info();
  }

  @Override
  public void close() {
    inner.close();
  }
}
