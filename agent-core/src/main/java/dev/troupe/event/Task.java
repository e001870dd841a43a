package dev.troupe.event;

import dev.troupe.event.Delivery.Shard;
import org.jspecify.annotations.Nullable;

/** An event on its way through a subscriber. Worked on by one thread at a time. */
final class Task {
  /** What was delivered by the feed; null when it came from where it was parked. */
  final @Nullable Delivery delivery;

  /** What was parked; null when it was delivered by the feed. */
  final @Nullable Parked parked;

  final Shard shard;

  /** What to handle; null when it is only to be laid down somewhere. */
  final @Nullable Event event;

  /** How often it was delivered, this time included, as far as it is known. */
  final int count;

  /** Tasks of one lane go one after another; null for none. */
  @Nullable Object lane;

  /** Whether it begins only when nothing else of its shard is in a lane. */
  boolean afterOthers;

  /** What is known of what is parked in its shard; null where that does not matter. */
  Keys.@Nullable ParkedLanes parkedLanes;

  /** Whether another one of its id was handled here after this one had come. */
  boolean copy;

  /** How many attempts failed. */
  int attempts;

  /** How many that came directly before it were dropped. */
  long missed;

  /** How many processes died while it was noted as being handled; -1 when that was not asked. */
  int killed = -1;

  /** Whether it is noted that this suspect is being handled. */
  boolean onTrial;

  /** What has to be stored before it is over, when that could not be done. */
  @Nullable Runnable unstored;

  private Task(
      @Nullable Delivery delivery,
      @Nullable Parked parked,
      Shard shard,
      @Nullable Event event,
      int count) {
    this.delivery = delivery;
    this.parked = parked;
    this.shard = shard;
    this.event = event;
    this.count = count;
  }

  static Task of(Delivery delivery, int count) {
    Event event = delivery.content() instanceof Delivery.Decoded decoded ? decoded.event() : null;
    return new Task(delivery, null, delivery.shard(), event, count);
  }

  static Task of(Parked parked) {
    Task task = new Task(null, parked, parked.shard(), parked.event(), 1);
    task.attempts = parked.attempts();
    return task;
  }

  /**
   * Where it lies and what it is: a topic that was made anew has its offsets once more, and an
   * event must not be taken for one that lay there before.
   */
  String identity() {
    String what;
    if (event != null) {
      what = Hash.of(event.source() + " " + event.id());
    } else {
      Delivery.Raw raw = raw();
      if (raw == null) {
        return offset();
      }
      what = Hash.of("", raw.data());
    }
    return offset() + "." + what;
  }

  /** The bytes that are no event, null when it is one. */
  Delivery.@Nullable Raw raw() {
    return delivery != null && delivery.content() instanceof Delivery.Raw raw ? raw : null;
  }

  String offset() {
    if (delivery != null) {
      return delivery.offset();
    }
    return parked == null ? "" : parked.offset();
  }
}
