package dev.troupe.state;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One record of a {@link MemoryPartition}, touched only under that partition's lock. */
final class MemoryRecord {
  private static final byte[] NO_VALUE = new byte[0];

  final RecordId id;
  final Instant created;
  byte[] value = NO_VALUE;
  long version;
  String lastChange = "";
  Map<String, String> tags = Map.of();
  @Nullable Instant expires;
  Place place = Place.NONE;
  final NavigableMap<String, byte[]> rows = new TreeMap<>();
  final Map<String, Long> counters = new HashMap<>(2);
  private final List<Stored.MailItem> mail = new ArrayList<>(2);
  private final Set<String> mailNames = new HashSet<>(2);

  MemoryRecord(RecordId id, Instant created) {
    this.id = id;
    this.created = created;
  }

  void raise(String changeId) {
    version++;
    lastChange = changeId;
  }

  long mailNumber() {
    return mail.size();
  }

  boolean hasMail(String name) {
    return mailNames.contains(name);
  }

  void accept(String name, byte[] content) {
    mailNames.add(name);
    mail.add(new Stored.MailItem(mail.size() + 1L, name, content));
  }

  @Nullable String lane() {
    if (place instanceof Place.Queued queued) {
      return queued.lane();
    }
    return place instanceof Place.Held held ? held.lane() : null;
  }

  boolean expired(Instant now) {
    Instant end = expires;
    return end != null && !end.isAfter(now);
  }

  Stored head(Instant now) {
    return builder(now).mail(mailNumber(), List.of()).build();
  }

  Stored whole(Instant now) {
    return builder(now)
        .rows(new TreeMap<>(rows))
        .mail(mailNumber(), List.copyOf(mail))
        .counters(counters)
        .build();
  }

  Stored part(Instant now, NavigableMap<String, byte[]> some, long mailAfter) {
    int from = (int) Math.min(Math.max(0, mailAfter), mail.size());
    return builder(now)
        .rows(some)
        .mail(mailNumber(), List.copyOf(mail.subList(from, mail.size())))
        .counters(counters)
        .build();
  }

  private Stored.Builder builder(Instant now) {
    return Stored.builder(id, now)
        .value(value)
        .version(version, lastChange)
        .tags(tags)
        .place(place)
        .created(created);
  }

  long size() {
    long size = value.length;
    for (byte[] row : rows.values()) {
      size += row.length;
    }
    for (Stored.MailItem item : mail) {
      size += item.value().length;
    }
    return size;
  }
}
