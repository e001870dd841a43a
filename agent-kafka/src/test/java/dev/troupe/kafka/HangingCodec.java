package dev.troupe.kafka;

import dev.troupe.event.Event;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

/**
 * Records are events as elsewhere, but one type makes the poll hang that meets it, as a process
 * does that is suspended; its handlers go on.
 */
final class HangingCodec implements RecordCodec {
  private final String hangsAt;
  private final CountDownLatch goesOn = new CountDownLatch(1);

  /** The ids of events that the brokers delivered. */
  final Set<String> delivered = ConcurrentHashMap.newKeySet();

  HangingCodec(String hangsAt) {
    this.hangsAt = hangsAt;
  }

  void goOn() {
    goesOn.countDown();
  }

  @Override
  public byte[] encode(String topic, Event event) {
    return event.data();
  }

  @Override
  public Event decode(KafkaRecord record) {
    Event event = record.event().orElseThrow();
    delivered.add(event.id());
    if (event.type().equals(hangsAt)) {
      try {
        goesOn.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    return event;
  }
}
