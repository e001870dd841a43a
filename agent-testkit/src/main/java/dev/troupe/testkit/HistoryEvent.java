package dev.troupe.testkit;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * One line of a history: fields parted by tabs, the last a checksum of those before it, so that two
 * torn lines never pass for a whole one.
 *
 * @param process the incarnation that wrote it
 * @param ticket its place among the events of all processes
 * @param millis when, on the monotonic clock of its process, since that opened its file
 * @param kind what happened
 * @param fields what the kind says
 */
record HistoryEvent(String process, long ticket, long millis, Kind kind, List<String> fields) {
  /** What happened, with the number of its fields. */
  enum Kind {
    /** The file was opened: process, wall-clock time. */
    OPENED(2),
    /** A run is about to be submitted: run, key or nothing. */
    SUBMITTING(2),
    /** A run was accepted: run. */
    SUBMITTED(1),
    /** A process begins to execute a run: run, parent or nothing. */
    TAKEN(2),
    /** An effect begins: run, path, attempt. */
    BEGIN(3),
    /** An effect was made: run, path, attempt. */
    END(3),
    /** The store has acknowledged an effect's result: run, path. */
    KNOWN(2),
    /** A timer fired: run, due, fired. */
    TIMER(3),
    /** A process ended a run: run, state. */
    ENDED(2),
    /** What the store holds: run, state, parent or nothing. */
    OUTCOME(3),
    /** The process stood still: the last ticket seen before, for how many milliseconds. */
    STALLED(2);

    private final int fields;

    Kind(int fields) {
      this.fields = fields;
    }
  }

  /** What a file held, and whether its last line was torn. */
  record Read(List<HistoryEvent> events, boolean torn) {}

  String run() {
    return fields.get(0);
  }

  String field(int index) {
    return fields.get(index);
  }

  long number(int index) {
    return Long.parseLong(fields.get(index));
  }

  static byte[] line(long ticket, long millis, Kind kind, String... fields) {
    if (fields.length != kind.fields) {
      throw new IllegalArgumentException(kind + " has " + kind.fields + " fields");
    }
    StringBuilder line = new StringBuilder(96);
    line.append(ticket).append('\t').append(millis).append('\t').append(kind).append('\t');
    for (String field : fields) {
      escape(field, line);
      line.append('\t');
    }
    byte[] body = line.toString().getBytes(StandardCharsets.UTF_8);
    byte[] sum = (checksum(body, 0, body.length) + "\n").getBytes(StandardCharsets.US_ASCII);
    byte[] whole = new byte[body.length + sum.length];
    System.arraycopy(body, 0, whole, 0, body.length);
    System.arraycopy(sum, 0, whole, body.length, sum.length);
    return whole;
  }

  /**
   * Reads a file.
   *
   * @throws AgentException with {@link ErrorCode#UNDECODABLE} when a line other than a torn last
   *     one can't be read
   */
  static Read read(Path file) {
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException("can't read " + file, e);
    }
    List<HistoryEvent> events = new ArrayList<>();
    String process = "";
    long ticket = -1;
    int start = 0;
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == '\n') {
        String where = file.getFileName() + " line " + (events.size() + 1);
        HistoryEvent event = parse(bytes, start, i, process, where);
        if (events.isEmpty() != (event.kind == Kind.OPENED)) {
          throw broken(where, "the first line, and only that, says who writes", null);
        }
        if (event.kind == Kind.OPENED) {
          process = event.process;
        }
        if (event.ticket <= ticket) {
          throw broken(where, "its place comes before that of the line above it", null);
        }
        ticket = event.ticket;
        events.add(event);
        start = i + 1;
      }
    }
    return new Read(events, start < bytes.length);
  }

  private static HistoryEvent parse(
      byte[] bytes, int start, int end, String process, String where) {
    int last = end - 1;
    while (last >= start && bytes[last] != '\t') {
      last--;
    }
    if (last < start) {
      throw broken(where, "it has no checksum", null);
    }
    String sum = new String(bytes, last + 1, end - last - 1, StandardCharsets.US_ASCII);
    if (!sum.equals(checksum(bytes, start, last + 1 - start))) {
      throw broken(where, "its checksum does not fit: a line was torn or changed", null);
    }
    String[] parts = new String(bytes, start, last - start, StandardCharsets.UTF_8).split("\t", -1);
    try {
      Kind kind = Kind.valueOf(parts[2]);
      if (parts.length != 3 + kind.fields) {
        throw new IllegalArgumentException(kind + " has " + kind.fields + " fields");
      }
      List<String> fields = new ArrayList<>(kind.fields);
      for (int i = 3; i < parts.length; i++) {
        fields.add(unescape(parts[i]));
      }
      String who = kind == Kind.OPENED ? fields.get(0) : process;
      return new HistoryEvent(
          who, Long.parseLong(parts[0]), Long.parseLong(parts[1]), kind, fields);
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      throw broken(where, String.valueOf(e.getMessage()), e);
    }
  }

  private static AgentException broken(String where, String why, @Nullable Throwable cause) {
    return new AgentException(
        ErrorCode.UNDECODABLE, "%s of the history can't be read: %s".formatted(where, why), cause);
  }

  private static String checksum(byte[] bytes, int start, int length) {
    CRC32 crc = new CRC32();
    crc.update(bytes, start, length);
    return Long.toHexString(crc.getValue());
  }

  private static void escape(String field, StringBuilder out) {
    for (int i = 0; i < field.length(); i++) {
      char c = field.charAt(i);
      switch (c) {
        case '\\' -> out.append("\\\\");
        case '\t' -> out.append("\\t");
        case '\n' -> out.append("\\n");
        default -> out.append(c);
      }
    }
  }

  private static String unescape(String field) {
    if (field.indexOf('\\') < 0) {
      return field;
    }
    StringBuilder out = new StringBuilder(field.length());
    for (int i = 0; i < field.length(); i++) {
      char c = field.charAt(i);
      if (c == '\\') {
        char next = field.charAt(++i);
        out.append(next == 't' ? '\t' : next == 'n' ? '\n' : next);
      } else {
        out.append(c);
      }
    }
    return out.toString();
  }
}
