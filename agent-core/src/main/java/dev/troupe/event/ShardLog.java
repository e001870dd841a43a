package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The events of one shard in a store: mail, which the store numbers in the order of acceptance, of
 * one record after another. A record takes mail while it is queued; a full one is released, and the
 * next one queued, in one change with the shard's head, which says which records there are. Mail to
 * a record that was released is dropped, so whoever comes late looks for the next one.
 *
 * <p>A position is a record's number times 2<sup>20</sup> plus the mail's; 0 lies before all.
 */
final class ShardLog {
  /** A record with so much mail is full. */
  static final int FULL = 1_000;

  /** A record is full, too, when one process has put so many bytes into it. */
  private static final long FULL_BYTES = 1L << 20;

  private static final int NUMBER_BITS = 20;
  private static final String QUEUE = "$log";
  private static final int ATTEMPTS = 100;
  private static final String ZEROS = "0000000000";

  /** At least so many full records stay, for feeds that remember nothing and are slow. */
  private static final int STAY = 2;

  private static final int MOST_TRIMMED = 50;

  final Shard shard;
  private final StoreAccess access;
  private final String route;
  private final int partition;
  private final AtomicLong appends = new AtomicLong();
  private final AtomicLong bytes = new AtomicLong();
  private final AtomicLong lookedAt = new AtomicLong();
  private volatile @Nullable Head head;

  /** Which records there are. */
  private record Head(long version, long first, long open, String key) {
    byte[] value() {
      return ("1 " + first + " " + open).getBytes(StandardCharsets.US_ASCII);
    }
  }

  /** An event in its place, still as bytes. */
  record Entry(long position, byte[] value) {}

  /** What was read, and from where to read on. */
  record Chunk(List<Entry> entries, long next) {}

  ShardLog(StoreAccess access, Shard shard) {
    this.access = access;
    this.shard = shard;
    this.route = "$log:" + shard.topic() + ":" + shard.number();
    this.partition = access.id(route).partition();
  }

  /** Grows with each append of this process. */
  long appends() {
    return appends.get();
  }

  static long segment(long position) {
    return position >>> NUMBER_BITS;
  }

  private static long position(long segment, long number) {
    return segment << NUMBER_BITS | number;
  }

  private static long number(long position) {
    return position & ((1L << NUMBER_BITS) - 1);
  }

  private Head head(long version, long first, long open) {
    return new Head(version, first, open, key(open));
  }

  private String key(long segment) {
    return route + "/" + padded(segment);
  }

  private RecordId id(long segment) {
    Head at = head;
    return new RecordId(partition, at != null && at.open == segment ? at.key : key(segment));
  }

  /** The record that takes mail, as far as is known. */
  String open() {
    return known().key;
  }

  int partition() {
    return partition;
  }

  /** Whether the record was still open when mail came. If it was full, another one is opened. */
  boolean appended(String record, Outcome outcome, long size) {
    Head at = known();
    Outcome.Seen seen = ((Outcome.Done) outcome).seen().get(0);
    boolean open = at.key.equals(record);
    if (!seen.mailAccepted()) {
      head = open ? null : at;
      return false;
    }
    appends.incrementAndGet();
    boolean full = bytes.addAndGet(size) >= FULL_BYTES || seen.mail() >= FULL;
    if (full && open) {
      roll(at, outcome.now());
    }
    return true;
  }

  private void roll(Head at, Instant now) {
    bytes.set(0);
    Head next = head(at.version + 1, at.first, at.open + 1);
    Outcome outcome =
        access.apply(
            partition,
            List.of(
                new Edit.AtVersion(route, at.version),
                new Edit.Put(route, next.value(), Map.of(), null),
                new Edit.Row(route, full(at.open), text(now.toEpochMilli())),
                open(next.open),
                new Edit.Release(at.key)));
    head = outcome instanceof Outcome.Done ? next : null;
  }

  private Edit open(long segment) {
    return new Edit.Queue(key(segment), QUEUE, 0, Edit.LATEST, null, Long.MAX_VALUE);
  }

  private static String full(long segment) {
    return "full " + padded(segment);
  }

  /** With ten digits at least, so that texts are in the order of their numbers. */
  private static String padded(long number) {
    String digits = Long.toString(number);
    return digits.length() < ZEROS.length() ? ZEROS.substring(digits.length()) + digits : digits;
  }

  private static byte[] text(long number) {
    return Long.toString(number).getBytes(StandardCharsets.US_ASCII);
  }

  private Head known() {
    Head at = head;
    return at == null ? refreshed() : at;
  }

  private Head refreshed() {
    for (int attempt = 1; ; attempt++) {
      Stored found = access.look(about(), false);
      if (found != null) {
        Head at = decode(found);
        head = at;
        return at;
      }
      if (attempt == ATTEMPTS) {
        throw new AgentException(
            ErrorCode.STORE_UNAVAILABLE, "the log of " + shard + " can't be made");
      }
      access.apply(
          partition,
          List.of(
              new Edit.Absent(route),
              new Edit.Put(route, head(1, 1, 1).value(), Map.of(), null),
              open(1)));
    }
  }

  private Head decode(Stored found) {
    String[] parts = new String(found.value(), StandardCharsets.US_ASCII).split(" ");
    try {
      if (parts.length == 3 && parts[0].equals("1")) {
        return head(found.version(), Long.parseLong(parts[1]), Long.parseLong(parts[2]));
      }
    } catch (NumberFormatException e) {
      throw new AgentException(
          ErrorCode.UNDECODABLE, "the head of the log of " + shard + " can't be read", e);
    }
    throw new AgentException(
        ErrorCode.STORE_MISMATCH,
        "the log of " + shard + " was written by another version of the library");
  }

  /** Before the first event that is kept. */
  long start() {
    return position(refreshed().first, 0);
  }

  /** The last event that there is. */
  long end() {
    for (Head at = refreshed(); ; at = refreshed()) {
      Stored open = access.first(access.store.scan(Scan.mailAfter(id(at.open), Long.MAX_VALUE)));
      if (open != null && open.place() instanceof Place.Queued) {
        return position(at.open, open.mailNumber());
      }
    }
  }

  /** A place that lies at most a record before the first event of a time. */
  long before(long millis) {
    Head at = refreshed();
    Stored rows = access.look(about(), true);
    long segment = at.first;
    while (rows != null && segment < at.open) {
      byte[] closed = rows.rows().get(full(segment));
      if (closed == null || parse(closed) >= millis) {
        break;
      }
      segment++;
    }
    return position(segment, 0);
  }

  private static long parse(byte[] number) {
    return Long.parseLong(new String(number, StandardCharsets.US_ASCII));
  }

  /** About how many events lie behind a position. */
  long behind(long position) {
    Head at = head;
    if (at == null) {
      return 0;
    }
    long gap = Math.max(0, at.open - segment(position)) * FULL;
    return Math.max(0, gap - number(position));
  }

  /** Events behind a position, at most the rest of one record; nothing when there is none. */
  Chunk read(long position) {
    long from = position;
    while (true) {
      long segment = Math.max(1, segment(from));
      Stored found =
          access.first(
              access.store.scan(
                  Scan.mailAfter(id(segment), segment(from) == segment ? number(from) : 0)));
      if (found != null && !found.mail().isEmpty()) {
        List<Entry> entries = new ArrayList<>(found.mail().size());
        for (Stored.MailItem mail : found.mail()) {
          entries.add(new Entry(position(segment, mail.number()), mail.value()));
        }
        return new Chunk(entries, entries.get(entries.size() - 1).position());
      }
      if (found != null && found.place() instanceof Place.Queued) {
        return new Chunk(List.of(), from);
      }
      Head at = refreshed();
      if (segment >= at.open) {
        return new Chunk(List.of(), from);
      }
      from = position(Math.max(segment + 1, at.first), 0);
    }
  }

  /**
   * Whether a record was opened since this was last asked, and so many are full that some may go.
   */
  boolean mayTrim() {
    Head at = head;
    return at != null && at.open - at.first > STAY && lookedAt.getAndSet(at.open) != at.open;
  }

  /** The record that says which others there are. */
  RecordId about() {
    return new RecordId(partition, route);
  }

  /**
   * Deletes full records that everybody is through with and that are old enough.
   *
   * @param needed the lowest position up to which a group has settled everything
   * @param closedBefore only records that were full before this time
   */
  void trim(long needed, long closedBefore) {
    Head at = refreshed();
    Stored rows = access.look(about(), true);
    if (rows == null || rows.version() != at.version) {
      return;
    }
    List<Edit> edits = new ArrayList<>();
    long first = at.first;
    long stop = Math.min(at.open - STAY, first + MOST_TRIMMED);
    while (first < stop && first < segment(needed)) {
      byte[] closed = rows.rows().get(full(first));
      if (closed != null && parse(closed) > closedBefore) {
        break;
      }
      edits.add(new Edit.Row(route, full(first), null));
      edits.add(new Edit.Delete(key(first)));
      first++;
    }
    if (edits.isEmpty()) {
      return;
    }
    Head next = head(at.version + 1, first, at.open);
    edits.add(0, new Edit.AtVersion(route, at.version));
    edits.add(1, new Edit.Put(route, next.value(), Map.of(), null));
    Outcome outcome = access.apply(partition, edits);
    head = outcome instanceof Outcome.Done ? next : null;
  }

  /** The most bytes of an event with its time before it. */
  static final int MAX_BYTES = StoreInfo.MAX_BYTES - 1_024;
}
