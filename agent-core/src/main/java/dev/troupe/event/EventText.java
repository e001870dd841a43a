package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How an event is stored: a line {@code name:value} for each attribute and extension, by their
 * names in CloudEvents, then an empty line, then the data as it is. UTF-8. Attributes hold no
 * control characters, so nothing is escaped.
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

  private EventText() {}

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

  static byte[] encode(Event event) {
    StringBuilder text = new StringBuilder(160);
    line(text, "id", event.id());
    line(text, "source", event.source());
    line(text, "type", event.type());
    line(text, "subject", event.subjectOrNull());
    Instant time = event.timeOrNull();
    if (time != null) {
      text.append("time:");
      InstantText.append(text, time);
      text.append('\n');
    }
    line(text, "datacontenttype", event.contentTypeOrNull());
    line(text, "dataschema", event.schemaOrNull());
    if (!event.extensions().isEmpty()) {
      for (Map.Entry<String, String> extension : event.extensions().entrySet()) {
        line(text, extension.getKey(), extension.getValue());
      }
    }
    text.append('\n');
    byte[] head = text.toString().getBytes(StandardCharsets.UTF_8);
    byte[] data = event.data();
    byte[] all = new byte[head.length + data.length];
    System.arraycopy(head, 0, all, 0, head.length);
    System.arraycopy(data, 0, all, head.length, data.length);
    return all;
  }

  private static void line(StringBuilder text, String name, @Nullable String value) {
    if (value != null) {
      text.append(name).append(':').append(value).append('\n');
    }
  }

  /**
   * Reads what {@link #encode} wrote.
   *
   * @throws AgentException with {@link ErrorCode#UNDECODABLE}
   */
  static Event decode(byte[] bytes, int from) {
    Event.Builder event = Event.builder("");
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

  private static final int ID = 1;
  private static final int SOURCE = 2;
  private static final int TYPE = 4;

  private static int read(Event.Builder event, byte[] bytes, int begin, int end) {
    int colon = begin;
    while (colon < end && bytes[colon] != ':') {
      colon++;
    }
    if (colon == end) {
      throw undecodable("has a line without a colon", null);
    }
    String name = new String(bytes, begin, colon - begin, StandardCharsets.UTF_8);
    String value = new String(bytes, colon + 1, end - colon - 1, StandardCharsets.UTF_8);
    switch (name) {
      case "id" -> event.id(value);
      case "source" -> event.source(value);
      case "type" -> event.type(value);
      case "subject" -> event.subject(value);
      case "datacontenttype" -> event.contentType(value);
      case "dataschema" -> event.schema(value);
      case "time" -> event.time(time(value));
      default -> event.extension(name, value);
    }
    return switch (name) {
      case "id" -> ID;
      case "source" -> SOURCE;
      case "type" -> TYPE;
      default -> 0;
    };
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
