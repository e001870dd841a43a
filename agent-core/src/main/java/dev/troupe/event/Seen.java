package dev.troupe.event;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Which events a group has handled: a record for each, which expires. */
final class Seen {
  private static final int TOGETHER = 200;

  private final StoreAccess access;
  private final String group;
  private final Duration window;

  Seen(StoreAccess access, String group, Duration window) {
    this.access = access;
    this.group = group;
    this.window = window;
  }

  private RecordId id(Event event) {
    return access.id("$seen:" + Hash.of(group + " " + event.source() + " " + event.id()));
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
