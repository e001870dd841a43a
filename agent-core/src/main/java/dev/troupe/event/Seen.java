package dev.troupe.event;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Which events a group has handled: a record for each, which expires. What was handled here last is
 * known without the store, too: a copy may have been taken before the first one was handled. Used
 * by many threads.
 */
final class Seen {
  private static final int TOGETHER = 200;

  /** More than a subscriber usually has inside. */
  private static final int KNOWN_HERE = 20_000;

  private final StoreAccess access;
  private final String group;
  private final Duration window;
  private final ReentrantLock lock = new ReentrantLock();

  /** When events were handled here, by source and id, the oldest first. */
  private final LinkedHashMap<String, Long> here = new LinkedHashMap<>();

  Seen(StoreAccess access, String group, Duration window) {
    this.access = access;
    this.group = group;
    this.window = window;
  }

  private RecordId id(Event event) {
    return access.id("$seen:" + Hash.of(group + " " + name(event)));
  }

  private static String name(Event event) {
    return event.source() + " " + event.id();
  }

  /** Whether it was handled here within the window. */
  boolean isHere(Event event) {
    lock.lock();
    try {
      Long handled = here.get(name(event));
      return handled != null && System.nanoTime() - handled < window.toNanos();
    } finally {
      lock.unlock();
    }
  }

  /** It was handled here just now. */
  void note(Event event) {
    lock.lock();
    try {
      String name = name(event);
      here.remove(name);
      here.put(name, System.nanoTime());
      if (here.size() > KNOWN_HERE) {
        here.remove(here.keySet().iterator().next());
      }
    } finally {
      lock.unlock();
    }
  }

  /** Those of some deliveries that were handled before. */
  Set<Delivery> of(List<Delivery> some) {
    List<Delivery> asked = new ArrayList<>();
    List<Change> questions = new ArrayList<>();
    for (Delivery delivery : some) {
      if (delivery.content() instanceof Delivery.Decoded decoded) {
        RecordId id = id(decoded.event());
        asked.add(delivery);
        // is done when the record is absent, and changes nothing
        questions.add(
            access.change(
                id.partition(), List.of(new Edit.Absent(id.key()), new Edit.Delete(id.key()))));
      }
    }
    Set<Delivery> found = new HashSet<>();
    for (int from = 0; from < questions.size(); from += TOGETHER) {
      int to = Math.min(questions.size(), from + TOGETHER);
      List<Outcome> answers = access.apply(questions.subList(from, to));
      for (int i = from; i < to; i++) {
        if (answers.get(i - from) instanceof Outcome.Refused) {
          found.add(asked.get(i));
        }
      }
    }
    return found;
  }

  void add(List<Event> events) {
    List<Change> changes = new ArrayList<>();
    for (Event event : events) {
      RecordId id = id(event);
      Instant expires = Instant.ofEpochMilli(access.now(id)).plus(window);
      changes.add(
          access.change(
              id.partition(), List.of(new Edit.Put(id.key(), new byte[0], Map.of(), expires))));
    }
    for (int from = 0; from < changes.size(); from += TOGETHER) {
      access.apply(changes.subList(from, Math.min(changes.size(), from + TOGETHER)));
    }
  }
}
