package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The cursors of a group in one topic, a record for each shard, and who is a member of the group: a
 * record for each that expires unless it is written again. All lie in one partition, so one look
 * shows them, and one round trip writes them. A cursor is written under its version, so whoever was
 * replaced writes nothing any more.
 */
final class GroupCursors {
  private static final int PAGE = 500;
  private static final int TOGETHER = 200;

  final String topic;
  final String group;
  private final StoreAccess access;
  private final String route;
  private final int partition;
  private final Map<Integer, String> cursorKeys = new ConcurrentHashMap<>();

  /** A cursor as it was at a version. */
  record Held(int number, long version, Cursor cursor) {}

  /**
   * Who is there, and how far all are.
   *
   * @param now the store's time when it answered
   */
  record View(long now, TreeSet<String> members, TreeMap<Integer, Held> cursors) {}

  GroupCursors(StoreAccess access, String topic, String group) {
    this.access = access;
    this.topic = topic;
    this.group = group;
    this.route = "$feed:" + group + ":" + topic;
    this.partition = access.id(route).partition();
  }

  /** Some record of the group, to ask for the store's time by. */
  RecordId about() {
    return new RecordId(partition, route);
  }

  private String cursorKey(int number) {
    return cursorKeys.computeIfAbsent(
        number, n -> route + "/s" + String.format(Locale.ROOT, "%05d", n));
  }

  private String memberKey(String member) {
    return route + "/m" + member;
  }

  /** Makes the cursors that are missing. */
  void create(int shards, IntToLongFunction begin) {
    View view = look();
    List<Change> changes = new ArrayList<>();
    for (int number = 0; number < shards; number++) {
      if (!view.cursors.containsKey(number)) {
        Cursor cursor = new Cursor();
        cursor.prefix = begin.applyAsLong(number);
        String key = cursorKey(number);
        changes.add(
            access.change(
                partition,
                List.of(new Edit.Absent(key), new Edit.Put(key, cursor.encode(), Map.of(), null))));
      }
    }
    for (int i = 0; i < changes.size(); i += TOGETHER) {
      access.apply(changes.subList(i, Math.min(changes.size(), i + TOGETHER)));
    }
  }

  void delete(int shards) {
    List<Change> changes = new ArrayList<>();
    for (int number = 0; number < shards; number++) {
      changes.add(access.change(partition, List.of(new Edit.Delete(cursorKey(number)))));
    }
    for (int i = 0; i < changes.size(); i += TOGETHER) {
      access.apply(changes.subList(i, Math.min(changes.size(), i + TOGETHER)));
    }
  }

  View look() {
    TreeSet<String> members = new TreeSet<>();
    TreeMap<Integer, Held> cursors = new TreeMap<>();
    String after = null;
    do {
      Page<Stored> page =
          access.store.scan(new Scan.Records(partition, route + "/", after, false, PAGE));
      for (Stored found : page.items()) {
        access.time.heard(found.now());
        String name = found.id().key().substring(route.length() + 1);
        if (name.charAt(0) == 'm') {
          members.add(name.substring(1));
        } else {
          int number = Integer.parseInt(name.substring(1));
          cursors.put(number, held(number, found));
        }
      }
      after = page.next();
    } while (after != null);
    return new View(access.now(about()), members, cursors);
  }

  /** One cursor. */
  Held look(int number) {
    Stored found = access.look(new RecordId(partition, cursorKey(number)), false);
    if (found == null) {
      throw new AgentException(
          ErrorCode.STORE_MISMATCH,
          "group %s has no cursor in shard %d of topic %s; was it deleted?"
              .formatted(group, number, topic));
    }
    return held(number, found);
  }

  /** How far the group is in a shard; as if it were nowhere when it has no cursor there. */
  long settledUpTo(int number) {
    Stored found = access.look(new RecordId(partition, cursorKey(number)), false);
    return found == null ? 0 : Cursor.decode(found.id().key(), found.value()).prefix;
  }

  private Held held(int number, Stored found) {
    return new Held(number, found.version(), Cursor.decode(found.id().key(), found.value()));
  }

  Change member(String member, long until) {
    return access.change(
        partition,
        List.of(
            new Edit.Put(memberKey(member), new byte[0], Map.of(), Instant.ofEpochMilli(until))));
  }

  Change leave(String member) {
    return access.change(partition, List.of(new Edit.Delete(memberKey(member))));
  }

  Change write(Held held) {
    String key = cursorKey(held.number());
    return access.change(
        partition,
        List.of(
            new Edit.AtVersion(key, held.version()),
            new Edit.Put(key, held.cursor().encode(), Map.of(), null)));
  }

  /** The cursor after its change, or null when somebody else wrote it. */
  static @Nullable Held written(Held held, Outcome outcome) {
    return outcome instanceof Outcome.Done done
        ? new Held(held.number(), done.seen().get(0).version(), held.cursor())
        : null;
  }

  /** What somebody else wrote. */
  @Nullable Held found(Held held, Outcome outcome) {
    return outcome instanceof Outcome.Refused refused && refused.found() != null
        ? held(held.number(), refused.found())
        : null;
  }
}
