package dev.troupe.event;

import dev.troupe.state.Edit;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * Says which events kill their processes. That an event was delivered before says only that a
 * process died that had it, among others. So before such a suspect is handled, by itself, it is
 * noted in the store, and after that the note is deleted: what is noted again and again has killed.
 */
final class Trials {
  private static final Duration KEPT = Duration.ofDays(7);

  private final StoreAccess access;
  private final String group;
  private final int maxDeliveries;

  Trials(StoreAccess access, String group, int maxDeliveries) {
    this.access = access;
    this.group = group;
    this.maxDeliveries = maxDeliveries;
  }

  private RecordId id(Task task) {
    return access.id("$try:" + Hash.of(group + ":" + task.shard + ":" + task.offset()));
  }

  static boolean suspect(Task task) {
    return task.delivery != null && task.count > 1;
  }

  /** Notes that a suspect is about to be handled; false when it has killed often enough. */
  boolean begin(Task task) {
    if (!suspect(task) || task.onTrial) {
      return true;
    }
    RecordId id = id(task);
    Stored found = access.look(id, false);
    int died =
        found == null ? 0 : Integer.parseInt(new String(found.value(), StandardCharsets.US_ASCII));
    // the first time it was no suspect, and was not noted
    if (died + 1 >= maxDeliveries) {
      return false;
    }
    byte[] value = Integer.toString(died + 1).getBytes(StandardCharsets.US_ASCII);
    Instant expires = Instant.ofEpochMilli(access.now(id)).plus(KEPT);
    access.apply(id.partition(), List.of(new Edit.Put(id.key(), value, Map.of(), expires)));
    task.onTrial = true;
    return true;
  }

  /** It did not kill. */
  void end(Task task) {
    if (task.onTrial) {
      RecordId id = id(task);
      access.apply(id.partition(), List.of(new Edit.Delete(id.key())));
      task.onTrial = false;
    }
  }
}
