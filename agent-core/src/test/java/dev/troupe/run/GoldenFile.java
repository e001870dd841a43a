package dev.troupe.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A record as text that people can read and compare. A line names a field; a value, a row or a mail
 * follows in lines that begin with two blanks. Such a line ends behind a line feed of the content,
 * which is written {@code \n}; the ends of the text's own lines mean nothing. A blank at the end of
 * a line is {@code \s}, other control characters are {@code \}{@code uXXXX}.
 *
 * @param expires when the store drops the record, null for never
 * @param queued where it waits, null when it does not
 */
record GoldenFile(
    RecordId id,
    Instant expires,
    Map<String, String> tags,
    Place.Queued queued,
    byte[] value,
    TreeMap<String, byte[]> rows,
    List<Stored.MailItem> mail) {
  static final int PARTITIONS = 64;

  static GoldenFile of(Stored stored, Instant expires) {
    if (stored.place() instanceof Place.Held) {
      throw new IllegalArgumentException(stored + " is held, and who holds it is the store's own");
    }
    return new GoldenFile(
        stored.id(),
        expires,
        stored.tags(),
        stored.place() instanceof Place.Queued queued ? queued : null,
        stored.value(),
        new TreeMap<>(stored.rows()),
        stored.mail());
  }

  // as text

  String text() {
    StringBuilder text = new StringBuilder();
    text.append("key ").append(id.key()).append('\n');
    text.append("partition ").append(id.partition()).append('\n');
    if (expires != null) {
      text.append("expires ").append(expires.toEpochMilli()).append('\n');
    }
    new TreeMap<>(tags).forEach((name, tag) -> text.append("tag %s %s\n".formatted(name, tag)));
    if (queued != null) {
      text.append("queue ").append(queued.queue()).append('\n');
      text.append("priority ").append(queued.priority()).append('\n');
      text.append("due ").append(queued.due().toEpochMilli()).append('\n');
      if (queued.lane() != null) {
        text.append("lane ").append(queued.lane()).append('\n');
      }
      text.append("wakeAtMail ").append(queued.wakeAtMail()).append('\n');
    }
    block(text, "value", value);
    rows.forEach((name, row) -> block(text, "row " + name, row));
    for (Stored.MailItem item : mail) {
      block(text, "mail " + item.number() + " " + item.name(), item.value());
    }
    return text.toString();
  }

  private static void block(StringBuilder text, String title, byte[] content) {
    text.append(title).append('\n');
    String words = new String(content, StandardCharsets.UTF_8);
    assertThat(words.getBytes(StandardCharsets.UTF_8)).as("bytes of UTF-8").isEqualTo(content);
    StringBuilder line = new StringBuilder("  ");
    for (int i = 0; i < words.length(); i++) {
      char c = words.charAt(i);
      boolean last = i + 1 == words.length() || words.charAt(i + 1) == '\n';
      if (c == '\n') {
        text.append(line).append("\\n\n");
        line.setLength(2);
      } else if (c == '\\') {
        line.append("\\\\");
      } else if (c == ' ' && last) {
        line.append("\\s");
      } else if (Character.isISOControl(c)) {
        line.append("\\u%04x".formatted((int) c));
      } else {
        line.append(c);
      }
    }
    if (line.length() > 2) {
      text.append(line).append('\n');
    }
  }

  /** Reads {@link #text()}; lines that begin with {@code #} are for people. */
  static GoldenFile parse(String text) {
    Deque<String> lines = new ArrayDeque<>(text.lines().toList());
    lines.removeIf(line -> line.startsWith("#") || line.isEmpty());
    Map<String, String> fields = new TreeMap<>();
    Map<String, String> tags = new TreeMap<>();
    TreeMap<String, byte[]> rows = new TreeMap<>();
    List<Stored.MailItem> mail = new ArrayList<>();
    byte[] value = new byte[0];
    while (!lines.isEmpty()) {
      String[] words = lines.remove().split(" ", 2);
      switch (words[0]) {
        case "value" -> value = content(lines);
        case "row" -> rows.put(words[1], content(lines));
        case "mail" -> {
          String[] name = words[1].split(" ", 2);
          mail.add(new Stored.MailItem(Long.parseLong(name[0]), name[1], content(lines)));
        }
        case "tag" -> {
          String[] tag = words[1].split(" ", 2);
          tags.put(tag[0], tag[1]);
        }
        default -> fields.put(words[0], words[1]);
      }
    }
    Place.Queued queued =
        fields.containsKey("queue")
            ? new Place.Queued(
                fields.get("queue"),
                Integer.parseInt(fields.get("priority")),
                millis(fields.get("due")),
                fields.get("lane"),
                Long.parseLong(fields.get("wakeAtMail")))
            : null;
    RecordId id = new RecordId(Integer.parseInt(fields.get("partition")), fields.get("key"));
    return new GoldenFile(id, millis(fields.get("expires")), tags, queued, value, rows, mail);
  }

  private static Instant millis(String text) {
    return text == null ? null : Instant.ofEpochMilli(Long.parseLong(text));
  }

  private static byte[] content(Deque<String> lines) {
    StringBuilder escaped = new StringBuilder();
    while (!lines.isEmpty() && lines.peek().startsWith("  ")) {
      escaped.append(lines.remove().substring(2));
    }
    StringBuilder words = new StringBuilder();
    for (int i = 0; i < escaped.length(); i++) {
      char c = escaped.charAt(i);
      if (c != '\\') {
        words.append(c);
        continue;
      }
      switch (escaped.charAt(++i)) {
        case 'n' -> words.append('\n');
        case 's' -> words.append(' ');
        case '\\' -> words.append('\\');
        case 'u' -> {
          words.append((char) Integer.parseInt(escaped.substring(i + 1, i + 5), 16));
          i += 4;
        }
        default -> throw new IllegalArgumentException("unknown escape in " + escaped);
      }
    }
    return words.toString().getBytes(StandardCharsets.UTF_8);
  }

  /** What run this is. */
  RunHeader header() {
    return RunRecord.decode(value, id.key()).header();
  }

  // into a store

  /** Puts the record into a store that does not have it. */
  void load(StateStore store) {
    String key = id.key();
    List<Edit> edits = new ArrayList<>();
    edits.add(new Edit.Absent(key));
    edits.add(new Edit.Put(key, value, tags, expires));
    rows.forEach((name, row) -> edits.add(new Edit.Row(key, name, row)));
    if (!mail.isEmpty()) { // which only a record that waits accepts
      String lane = queued == null ? null : queued.lane();
      edits.add(new Edit.Queue(key, "load", 0, Runs.NEVER, lane, Long.MAX_VALUE));
      mail.forEach(m -> edits.add(new Edit.Mail(key, m.name(), m.value(), false)));
    }
    if (queued != null) {
      edits.add(
          new Edit.Queue(
              key,
              queued.queue(),
              queued.priority(),
              queued.due(),
              queued.lane(),
              queued.wakeAtMail()));
    } else {
      edits.add(new Edit.Release(key));
    }
    Outcome outcome = store.apply(List.of(new Change("load " + key, id.partition(), edits))).get(0);
    assertThat(outcome).isInstanceOf(Outcome.Done.class);
    Stored there = store.scan(Scan.whole(id)).items().get(0);
    assertThat(of(there, expires).text()).as("what was loaded").isEqualTo(text());
  }
}
