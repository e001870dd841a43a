package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How an event is stored: a line {@code name:value} for each attribute and extension, by their
 * names in CloudEvents, then an empty line, then the data as it is. UTF-8. Attributes hold no
 * control characters, so nothing is escaped.
 *
 * <p>An object of this class reads events, and remembers a few texts that come again and again.
 * Used by one thread at a time.
 */
final class EventText {
  private static final Set<String> ATTRIBUTES =
      Set.of(
          "id",
          "source",
          "type",
          "subject",
          "time",
          "data",
          "datacontenttype",
          "dataschema",
          "specversion");

  private static final int LONGEST_EXTENSION = 40;
  private static final int ID = 1;
  private static final int SOURCE = 2;
  private static final int TYPE = 4;
  private static final int REMEMBERED = 4_096; // a power of two
  private static final int LONGEST_REMEMBERED = 64;

  private final @Nullable String[] remembered = new String[REMEMBERED];
  private final @Nullable KnownEvents known;

  private Instant lastTime = Instant.EPOCH;

  /** Reads; events that are known need not be read. */
  EventText(@Nullable KnownEvents known) {
    this.known = known;
  }

  static boolean isExtension(String name) {
    if (name.isEmpty() || name.length() > LONGEST_EXTENSION || ATTRIBUTES.contains(name)) {
      return false;
    }
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if ((c < 'a' || c > 'z') && (c < '0' || c > '9')) {
        return false;
      }
    }
    return true;
  }

  /** The event behind a first line, which is empty when there is none. */
  static byte[] encode(String firstLine, Event event) {
    Instant at = event.time;
    String time = at == null ? null : InstantText.of(at);
    Map<String, String> others =
        event.extensions.size() > 1 ? new TreeMap<>(event.extensions) : event.extensions;
    Writer writer = Writer.counting();
    write(writer, firstLine, event, time, others);
    if (writer.ascii) {
      writer.fill(event.data().length);
      write(writer, firstLine, event, time, others);
      return writer.with(event.data());
    }
    StringBuilder text = new StringBuilder();
    write(Writer.collecting(text), firstLine, event, time, others);
    byte[] head = text.toString().getBytes(StandardCharsets.UTF_8);
    byte[] all = Arrays.copyOf(head, head.length + event.data().length);
    System.arraycopy(event.data(), 0, all, head.length, event.data().length);
    return all;
  }

  static byte[] encode(Event event) {
    return encode("", event);
  }

  private static void write(
      Writer to, String firstLine, Event event, @Nullable String time, Map<String, String> others) {
    if (!firstLine.isEmpty()) {
      to.put(firstLine);
      to.put('\n');
    }
    to.line("id", event.id());
    to.line("source", event.source());
    to.line("type", event.type());
    to.line("subject", event.subject);
    to.line("time", time);
    to.line("datacontenttype", event.contentType);
    to.line("dataschema", event.schema);
    to.line(Attributes.KEY, event.key);
    if (!others.isEmpty()) {
      for (Map.Entry<String, String> other : others.entrySet()) {
        to.line(other.getKey(), other.getValue());
      }
    }
    to.put('\n');
  }

  /** Counts, or writes ASCII, or collects text. */
  private static final class Writer {
    byte @Nullable [] bytes;
    final @Nullable StringBuilder text;
    int at;
    boolean ascii = true;

    private Writer(@Nullable StringBuilder text) {
      this.text = text;
    }

    static Writer counting() {
      return new Writer(null);
    }

    static Writer collecting(StringBuilder text) {
      return new Writer(text);
    }

    /** From counting to writing as much, and so many bytes more. */
    void fill(int more) {
      bytes = new byte[at + more];
      at = 0;
    }

    byte[] with(byte[] data) {
      byte[] all = Objects.requireNonNull(bytes);
      System.arraycopy(data, 0, all, at, data.length);
      return all;
    }

    void line(String name, @Nullable String value) {
      if (value != null) {
        put(name);
        put(':');
        put(value);
        put('\n');
      }
    }

    void put(String some) {
      if (text != null) {
        text.append(some);
        return;
      }
      int length = some.length();
      byte[] to = bytes;
      if (to == null) {
        for (int i = 0; ascii && i < length; i++) {
          ascii = some.charAt(i) < 0x80;
        }
      } else {
        for (int i = 0; i < length; i++) {
          to[at + i] = (byte) some.charAt(i);
        }
      }
      at += length;
    }

    void put(char one) {
      if (text != null) {
        text.append(one);
      } else if (bytes != null) {
        bytes[at] = (byte) one;
      }
      at++;
    }
  }

  /**
   * Reads what {@link #encode} wrote, from the line behind the first one.
   *
   * @throws AgentException with {@link ErrorCode#UNDECODABLE}
   */
  Event read(byte[] bytes, int from) {
    Event same = known == null ? null : known.get(bytes);
    if (same != null) {
      return same;
    }
    Event.Builder event = Event.foreign();
    int begin = from;
    int seen = 0;
    while (true) {
      int end = begin;
      while (end < bytes.length && bytes[end] != '\n') {
        end++;
      }
      if (end == bytes.length) {
        throw undecodable("ends within its attributes", null);
      }
      if (end == begin) {
        break;
      }
      seen |= read(event, bytes, begin, end);
      begin = end + 1;
    }
    if (seen != (ID | SOURCE | TYPE)) {
      throw undecodable("lacks id, source or type", null);
    }
    return event.dataOnly(Arrays.copyOfRange(bytes, begin + 1, bytes.length)).build();
  }

  /** A time; the same object again for what was appended in the same millisecond. */
  Instant time(long millis) {
    if (lastTime.toEpochMilli() != millis) {
      lastTime = Instant.ofEpochMilli(millis);
    }
    return lastTime;
  }

  static Event decode(byte[] bytes, int from) {
    return new EventText(null).read(bytes, from);
  }

  private int read(Event.Builder event, byte[] bytes, int begin, int end) {
    int colon = begin;
    while (colon < end && bytes[colon] != ':') {
      colon++;
    }
    if (colon == end) {
      throw undecodable("has a line without a colon", null);
    }
    String name = text(bytes, begin, colon);
    int from = colon + 1;
    if (name.equals("id")) {
      event.id(new String(bytes, from, end - from, StandardCharsets.UTF_8));
      return ID;
    } else if (name.equals("time")) {
      event.time(time(new String(bytes, from, end - from, StandardCharsets.UTF_8)));
      return 0;
    }
    String value = text(bytes, from, end);
    switch (name) {
      case "source" -> event.source(value.equals(Event.OWN_SOURCE) ? Event.OWN_SOURCE : value);
      case "type" -> event.type(value);
      case "subject" -> event.subject(value);
      case "datacontenttype" -> event.contentType(value);
      case "dataschema" -> event.schema(value);
      default -> event.extension(name, value);
    }
    return name.equals("source") ? SOURCE : name.equals("type") ? TYPE : 0;
  }

  /** A text that may have been read before. */
  private String text(byte[] bytes, int from, int to) {
    int length = to - from;
    if (length > LONGEST_REMEMBERED) {
      return new String(bytes, from, length, StandardCharsets.UTF_8);
    }
    int hash = length;
    for (int i = from; i < to; i++) {
      hash = hash * 31 + bytes[i];
    }
    int place = (hash ^ hash >>> 15) & (REMEMBERED - 1);
    String before = remembered[place];
    if (before != null && before.length() == length && same(before, bytes, from)) {
      return before;
    }
    String fresh = new String(bytes, from, length, StandardCharsets.UTF_8);
    remembered[place] = fresh;
    return fresh;
  }

  private static boolean same(String text, byte[] bytes, int from) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) != bytes[from + i]) {
        return false;
      }
    }
    return true;
  }

  private static Instant time(String value) {
    try {
      return InstantText.parse(value);
    } catch (DateTimeParseException e) {
      throw undecodable("has a time that is none", e);
    }
  }

  private static AgentException undecodable(String why, @Nullable Throwable cause) {
    return new AgentException(ErrorCode.UNDECODABLE, "a stored event " + why, cause);
  }
}
