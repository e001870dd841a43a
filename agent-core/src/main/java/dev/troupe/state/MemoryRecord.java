package dev.troupe.state;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
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

  /** Where mail stands, plus one, by the hash of its name; 0 is free. At most half is in use. */
  private int[] mailPlaces = new int[4];

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
    return mailPlaces[place(mailPlaces, name)] != 0;
  }

  void accept(String name, byte[] content) {
    mail.add(new Stored.MailItem(mail.size() + 1L, name, content));
    if (mail.size() * 2 > mailPlaces.length) {
      int[] more = new int[mailPlaces.length * 2];
      for (int i = 0; i < mail.size() - 1; i++) {
        more[place(more, mail.get(i).name())] = i + 1;
      }
      mailPlaces = more;
    }
    mailPlaces[place(mailPlaces, name)] = mail.size();
  }

  /** Where a name stands, or the free place where it would. */
  private int place(int[] places, String name) {
    int hash = name.hashCode();
    int at = hash ^ hash >>> 16;
    while (true) {
      at &= places.length - 1;
      if (places[at] == 0 || mail.get(places[at] - 1).name().equals(name)) {
        return at;
      }
      at++;
    }
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
