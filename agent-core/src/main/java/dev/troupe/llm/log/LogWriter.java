package dev.troupe.llm.log;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreTime;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Writes one run's log for one execution of it. The version of the log's record is the fence: it is
 * raised under the run's own fence when an execution begins to write, and each row is written under
 * it, so that an earlier execution's writer is refused from then on. Used by the flusher's thread
 * only.
 */
final class LogWriter {
  private static final int MAX_ROW = 24 * 1024;
  private static final int MOST_REMOVED = 200;

  // instead of a version
  private static final long REFUSED = -1;
  private static final long UNKNOWN = -2;

  private final StateStore store;
  private final StoreTime time;
  private final LogRows rows;
  private final LogBounds bounds;
  private final LogWriters.Owner owner;
  private final RecordId id;

  private final Deque<Kept> kept = new ArrayDeque<>();
  private final Deque<LogRows.Line> ready = new ArrayDeque<>();
  private Known known = new Known();
  private long entries;
  private long bytes;
  private long last;
  private long version = -1;
  private @Nullable Change pending;
  private @Nullable Kept written;

  /** What came of taking a log over. */
  enum Opening {
    /** It is this execution's. */
    OPEN,
    /** Another execution has the run, or ended it. */
    TAKEN,
    /** The run has ended, and whether this execution ended it will be told soon. */
    UNKNOWN
  }

  /** A row that the log has. */
  private record Kept(String name, int entries, int bytes) {}

  LogWriter(
      StateStore store, StoreTime time, LogRows rows, LogBounds bounds, LogWriters.Owner owner) {
    this.store = store;
    this.time = time;
    this.rows = rows;
    this.bounds = bounds;
    this.owner = owner;
    this.id = rows.id(owner.run());
  }

  /**
   * Finds out where the log stands, and takes it over.
   *
   * @return whether it can be written now
   */
  Opening open() {
    if (version >= 0) {
      return Opening.OPEN;
    }
    byte[] mine =
        ("1 " + owner.grant().holder() + " " + owner.grant().number())
            .getBytes(StandardCharsets.UTF_8);
    Stored found = look(id);
    boolean own = found != null && Arrays.equals(found.value(), mine);
    long opened = own && found != null ? found.version() : takeOver(mine);
    if (opened < 0) {
      return opened == UNKNOWN ? Opening.UNKNOWN : Opening.TAKEN;
    }
    List<LogRows.Row> before = new ArrayList<>();
    LogRows.Found page;
    do {
      page = rows.after(owner.run(), last);
      for (LogRows.Row row : page.rows()) {
        keep(new Kept(row.name(), row.entries().size(), row.size()));
        last = Long.parseLong(row.name());
      }
      before.addAll(page.rows());
    } while (page.more());
    boolean cut = !before.isEmpty() && before.get(0).entries().get(0).number() > 1;
    known = own ? new Known() : new Known(before, cut);
    version = opened;
    return Opening.OPEN;
  }

  private @Nullable Stored look(RecordId record) {
    List<Stored> items = store.scan(Scan.mailAfter(record, Long.MAX_VALUE)).items();
    return items.isEmpty() ? null : items.get(0);
  }

  private long takeOver(byte[] mine) {
    Edit.Put put = new Edit.Put(id.key(), mine, Map.of(), null);
    long opened = apply(new Edit.Held(owner.run(), owner.grant()), put);
    if (opened >= 0) {
      return opened;
    }
    // an execution may end the run before its last words are written, and is told so after that
    boolean told = owner.over();
    Stored run = look(RecordId.of(owner.run(), store.info().partitions()));
    if (run == null || !(run.place() instanceof Place.None)) {
      return REFUSED;
    }
    if (owner.ended()) {
      return apply(new Edit.AtVersion(owner.run(), run.version()), put);
    }
    return told ? REFUSED : UNKNOWN;
  }

  private long apply(Edit... edits) {
    Change change = new Change(UUID.randomUUID().toString(), id.partition(), List.of(edits));
    Outcome outcome = store.apply(List.of(change)).get(0);
    time.heard(outcome.now());
    if (outcome instanceof Outcome.Done done) {
      return done.seen().stream()
          .filter(seen -> seen.key().equals(id.key()))
          .mapToLong(Outcome.Seen::version)
          .findFirst()
          .orElse(REFUSED);
    }
    return REFUSED;
  }

  /** Takes over what was told; an entry for all that one source told in a row. */
  void take(List<Told> told) {
    for (Told one : told) {
      for (LogRows.Line line : known.toWrite(one)) {
        LogRows.Line before = ready.peekLast();
        if (before != null && joins(before, line)) {
          ready.removeLast();
          ready.add(
              new LogRows.Line(line.kind(), line.source(), before.text().concat(line.text())));
        } else {
          ready.add(line);
        }
      }
    }
  }

  private static boolean joins(LogRows.Line before, LogRows.Line line) {
    boolean words = line.kind().equals("TEXT") || line.kind().equals("THINKING");
    return words
        && before.kind().equals(line.kind())
        && before.source().equals(line.source())
        && before.text().length() + line.text().length() <= LogSink.MAX_PART;
  }

  /** The next change, the same until its outcome is known; null when there is nothing to write. */
  @Nullable Change next() {
    if (pending != null || ready.isEmpty()) {
      return pending;
    }
    List<LogRows.Line> lines = new ArrayList<>();
    int size = 0;
    while (!ready.isEmpty()
        && lines.size() < bounds.maxEntries()
        && (lines.isEmpty() || size + ready.element().text().length() <= MAX_ROW)) {
      LogRows.Line line = ready.remove();
      size += line.text().length();
      lines.add(line);
    }
    time.learn(store, id);
    byte[] row = rows.encode(time.millis(), lines);
    Kept next = new Kept(LogRows.name(last + lines.size()), lines.size(), row.length);
    List<Edit> edits = new ArrayList<>();
    edits.add(new Edit.AtVersion(id.key(), version));
    edits.add(new Edit.Row(id.key(), next.name(), row));
    makeRoom(next, edits);
    written = next;
    pending = new Change(UUID.randomUUID().toString(), id.partition(), edits);
    return pending;
  }

  private void makeRoom(Kept next, List<Edit> edits) {
    while (!kept.isEmpty()
        && edits.size() < MOST_REMOVED
        && (entries + next.entries() > bounds.maxEntries()
            || bytes + next.bytes() > bounds.maxBytes())) {
      Kept oldest = kept.remove();
      entries -= oldest.entries();
      bytes -= oldest.bytes();
      edits.add(new Edit.Row(id.key(), oldest.name(), null));
    }
  }

  /** Whether the pending change was made; what was refused never will be. */
  boolean made(Outcome outcome) {
    time.heard(outcome.now());
    pending = null;
    Kept row = written;
    if (!(outcome instanceof Outcome.Done) || row == null) {
      return false;
    }
    last = Long.parseLong(row.name());
    keep(row);
    return true;
  }

  private void keep(Kept row) {
    kept.add(row);
    entries += row.entries();
    bytes += row.bytes();
  }

  boolean hasMore() {
    return pending != null || !ready.isEmpty();
  }
}
