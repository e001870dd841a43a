package dev.troupe.event;

import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;

/** What a subscriber does: what its builder said when it was started. */
final class SubscriberOptions {
  private final Subscription subscription;
  private final List<TopicPattern> patterns;
  private final int concurrency;
  private final int maxInFlight;
  private final Overflow overflow;
  private final RetryPolicy retry;
  private final boolean parksKeys;
  private final int maxDeliveries;
  private final Duration hotDelay;
  private final Duration dedupe;
  private final Predicate<Event> filter;
  private final EventHandler handler;

  SubscriberOptions(Subscriber.Builder b, EventHandler handler) {
    this.subscription =
        new Subscription(
            b.topics.stream().filter(topic -> !TopicPattern.isPattern(topic)).toList(),
            b.group,
            b.mode,
            b.from);
    this.patterns =
        b.topics.stream().filter(TopicPattern::isPattern).map(TopicPattern::new).toList();
    this.concurrency = b.concurrency;
    this.maxInFlight = b.maxInFlight == 0 ? Math.max(1_000, 4 * b.concurrency) : b.maxInFlight;
    this.overflow = b.overflow;
    this.retry = b.retry;
    this.parksKeys = b.parksKeys;
    this.maxDeliveries = b.maxDeliveries;
    this.hotDelay = b.hotDelay;
    this.dedupe = b.dedupe;
    this.filter = b.filter;
    this.handler = handler;
  }

  Subscription subscription() {
    return subscription;
  }

  List<TopicPattern> patterns() {
    return patterns;
  }

  int concurrency() {
    return concurrency;
  }

  int maxInFlight() {
    return maxInFlight;
  }

  Overflow overflow() {
    return overflow;
  }

  RetryPolicy retry() {
    return retry;
  }

  boolean parksKeys() {
    return parksKeys;
  }

  int maxDeliveries() {
    return maxDeliveries;
  }

  Duration hotDelay() {
    return hotDelay;
  }

  Duration dedupe() {
    return dedupe;
  }

  Predicate<Event> filter() {
    return filter;
  }

  EventHandler handler() {
    return handler;
  }
}
