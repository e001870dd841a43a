package dev.troupe.run;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Edit;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The lines of one journal by their paths, what of them the code has reached since they were
 * loaded, and how much room they take.
 */
final class Entries {
  private static final int MAX_PATH = 450;
  static final String OPEN = "$";

  /** How the path of a compensation begins. */
  static final String UNDO = "undo/";

  private static final String NEW_ROW = "$new";
  static final String ASIDE = "$aside/";

  private final RunHeader header;
  private final List<Edit> riders;
  private final Post post;
  private final Map<String, Entry> entries = new HashMap<>();
  private final Map<String, Entry> open = new HashMap<>();
  // what was loaded and not yet reached by the code, in the order of writing
  private final Map<String, Entry> unreached = new LinkedHashMap<>();
  // the first new effect that was begun while the code had not reached all of what was loaded
  private @Nullable Entry firstNew;
  private long lastNumber;
  private long bytes;

  /** Riders are edits that go with the next change. */
  Entries(RunHeader header, List<Edit> riders, Post post) {
    this.header = header;
    this.riders = riders;
    this.post = post;
  }

  /** Loads the rows that are lines of the journal; the others go to whoever knows them. */
  void load(Map<String, byte[]> rows, BiConsumer<String, Entry> others) {
    Map<Long, String> order = new TreeMap<>();
    rows.forEach(
        (row, value) -> {
          Entry entry = Entry.decode(value, "row " + row + " of run " + header.id());
          bytes += value.length;
          lastNumber = Math.max(lastNumber, entry.number());
          if (row.equals(NEW_ROW)) {
            firstNew = entry;
          } else if (row.indexOf('#') < 0 || row.startsWith(ASIDE)) {
            others.accept(row, entry);
          } else if (row.startsWith(OPEN)) {
            open.put(row.substring(OPEN.length()), entry);
          } else {
            entries.put(row, entry);
            if (entry.kind() != Entry.Kind.PROGRESS && !row.startsWith(UNDO)) {
              order.put(entry.number(), row);
            }
          }
        });
    order.values().forEach(row -> unreached.put(row, get(row)));
  }

  private Entry get(String path) {
    Entry entry = entries.get(path);
    if (entry == null) {
      throw new IllegalStateException("no entry at " + path);
    }
    return entry;
  }

  int size() {
    return entries.size();
  }

  long lastNumber() {
    return lastNumber;
  }

  @Nullable Entry peek(String path) {
    return entries.get(path);
  }

  @Nullable Entry open(String path) {
    return open.get(path);
  }

  void forEach(BiConsumer<String, Entry> action) {
    entries.forEach(action);
  }

  /** The code has reached a place where only these kinds may stand. */
  @Nullable Entry reach(String path, Entry.Kind one, Entry.Kind other, String wanted) {
    Entry known = entries.get(path);
    if (known != null) {
      if (known.kind() != one && known.kind() != other) {
        throw misfit(
            "the code reaches %s at '%s', where the journal holds one of kind %s (entry %d)"
                .formatted(wanted, path, known.kind(), known.number()));
      }
      unreached.remove(path);
      settleNew();
    }
    return known;
  }

  /** The branches of a group but one are over: what they did need not be reached again. */
  void passBy(String group, int winner) {
    unreached.keySet().removeIf(p -> p.startsWith(group + "/") && !inBranch(p, group, winner));
    settleNew();
  }

  static boolean inBranch(String path, String group, int index) {
    return path.startsWith(group + "/" + index + "/");
  }

  /** Everything loaded was reached after all: what was begun before is an addition that fits. */
  private void settleNew() {
    if (firstNew != null && unreached.isEmpty()) {
      firstNew = null;
      riders.add(new Edit.Row(header.id(), NEW_ROW, null));
    }
  }

  /** Something new begins here. */
  void begin(String path) {
    if (path.length() > MAX_PATH) {
      throw limit("a path of %d characters, %d are allowed".formatted(path.length(), MAX_PATH));
    }
    if (entries.size() >= Journal.MAX_ENTRIES || bytes >= Journal.MAX_TOTAL_BYTES) {
      throw limit(
          "%d entries with %d bytes, at most %d and %d are allowed; divide the work among child runs"
              .formatted(entries.size(), bytes, Journal.MAX_ENTRIES, Journal.MAX_TOTAL_BYTES));
    }
    if (firstNew == null && !unreached.isEmpty()) {
      Entry mark = new Entry(Entry.Kind.OPEN, lastNumber + 1, 0, 1, Entry.text(path));
      riders.add(new Edit.Row(header.id(), NEW_ROW, mark.encode()));
      firstNew = mark;
    }
  }

  private AgentException limit(String what) {
    return new AgentException(
        ErrorCode.LIMIT_EXCEEDED, "the journal of run " + header.id() + " has " + what);
  }

  Entry create(Entry.Kind kind, Instant now, int attempts, byte[] payload) {
    return new Entry(kind, ++lastNumber, now.toEpochMilli(), attempts, payload);
  }

  /** Takes a line in; the edits store it and remove what was open at its path. */
  List<Edit> finish(String path, Entry entry) {
    entries.put(path, entry);
    byte[] row = entry.encode();
    bytes += row.length;
    List<Edit> edits = new ArrayList<>(List.of(new Edit.Row(header.id(), path, row)));
    close(path, edits);
    for (int attempt = 1; attempt <= entry.attempts(); attempt++) {
      close(intent(path, attempt), edits);
    }
    return edits;
  }

  private void close(String path, List<Edit> edits) {
    if (open.remove(path) != null) {
      edits.add(new Edit.Row(header.id(), OPEN + path, null));
    }
  }

  /**
   * Where it is kept that an attempt was begun: in a place of its own, so that no late copy of an
   * earlier change can hide it.
   */
  static String intent(String path, int attempt) {
    return path + "~" + attempt;
  }

  /** Takes in what an effect under way has come to. */
  Edit keepOpen(String path, Entry entry) {
    open.put(path, entry);
    return new Edit.Row(header.id(), OPEN + path, entry.encode());
  }

  @Nullable AgentException mismatch() {
    if (unreached.isEmpty()) {
      return null;
    }
    Map.Entry<String, Entry> expected = unreached.entrySet().iterator().next();
    Entry found = firstNew;
    return misfit(
        "the journal holds '%s' (entry %d), which the code no longer reaches; the code did %s instead"
            .formatted(
                expected.getKey(),
                expected.getValue().number(),
                found == null ? "nothing new" : "'" + found.head() + "'"));
  }

  private AgentException misfit(String what) {
    return new AgentException(
        ErrorCode.NON_DETERMINISM,
        "run %s of agent %s: %s. The run was stopped and nothing was lost. Bring back the code with which it began and resume it, or give the changed agent a new version"
            .formatted(header.id(), header.queue(), what));
  }

  List<Edit> setAside() {
    Entry from = firstNew;
    if (from == null) {
      return List.of();
    }
    List<Edit> edits = new ArrayList<>();
    entries.forEach(
        (path, entry) -> {
          if (entry.number() >= from.number() && entry.kind() == Entry.Kind.CALL) {
            edits.addAll(
                post.mail(entry.head(), Mailbox.CANCEL, Entry.text("its call was put aside")));
          }
        });
    entries.forEach(
        (path, entry) -> {
          if (entry.number() >= from.number()) {
            edits.add(new Edit.Row(header.id(), ASIDE + path, entry.encode()));
            edits.add(new Edit.Row(header.id(), path, null));
          }
        });
    open.forEach(
        (path, entry) -> {
          if (entry.number() >= from.number()) {
            edits.add(new Edit.Row(header.id(), OPEN + path, null));
          }
        });
    edits.add(new Edit.Row(header.id(), NEW_ROW, null));
    return edits;
  }
}
