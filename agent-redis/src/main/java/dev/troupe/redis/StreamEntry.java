package dev.troupe.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.troupe.AgentException;
import dev.troupe.event.Delivery;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.Event;
import dev.troupe.event.InstantText;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An event as an entry of a stream: a field for each attribute and extension, by its name in
 * CloudEvents, in UTF-8, and {@code data} with the bytes.
 */
final class StreamEntry {
  private static final byte[] ID = RedisNames.ascii("id");
  private static final byte[] SOURCE = RedisNames.ascii("source");
  private static final byte[] TYPE = RedisNames.ascii("type");
  private static final byte[] VERSION = RedisNames.ascii("specversion");
  private static final byte[] ONE = RedisNames.ascii("1.0");
  private static final byte[] TIME = RedisNames.ascii("time");
  private static final byte[] SUBJECT = RedisNames.ascii("subject");
  private static final byte[] CONTENT = RedisNames.ascii("datacontenttype");
  private static final byte[] SCHEMA = RedisNames.ascii("dataschema");
  private static final byte[] DATA = RedisNames.ascii("data");
  private static final long LATEST_MILLIS = 253_402_300_799_999L;

  private StreamEntry() {}

  /** Names and values in turn. */
  static List<byte[]> encode(Event event) {
    List<byte[]> words = new ArrayList<>(18);
    words.add(VERSION);
    words.add(ONE);
    add(words, ID, event.id());
    add(words, SOURCE, event.source());
    add(words, TYPE, event.type());
    add(words, SUBJECT, event.subject().orElse(null));
    Instant time = event.time().orElse(null);
    add(words, TIME, time == null ? null : InstantText.of(time));
    add(words, CONTENT, event.contentType().orElse(null));
    add(words, SCHEMA, event.schema().orElse(null));
    event.extensions().forEach((name, value) -> add(words, RedisNames.ascii(name), value));
    words.add(DATA);
    words.add(event.data());
    return words;
  }

  private static void add(List<byte[]> words, byte[] name, @Nullable String value) {
    if (value != null) {
      words.add(name);
      words.add(value.getBytes(UTF_8));
    }
  }

  static int size(List<byte[]> words) {
    int size = 0;
    for (byte[] word : words) {
      size += word.length;
    }
    return size;
  }

  /** An entry as Redis gives it: its id, then names and values in turn. */
  static Delivery decode(Shard shard, List<?> entry, int count) {
    String id = id(entry);
    List<?> words = (List<?>) entry.get(1);
    Instant appended = Instant.ofEpochMilli(Math.min(millis(id), LATEST_MILLIS));
    return new Delivery(shard, id, appended, count, content(words));
  }

  static String id(List<?> entry) {
    return RedisNames.decode((byte[]) entry.get(0));
  }

  static long millis(String id) {
    return Long.parseLong(id.substring(0, id.indexOf('-')));
  }

  private static long count(String id) {
    return Long.parseUnsignedLong(id.substring(id.indexOf('-') + 1));
  }

  /** Whether one lies behind another, by their ids. */
  static boolean isBehind(String one, String other) {
    long millis = millis(one);
    long others = millis(other);
    return millis == others ? Long.compareUnsigned(count(one), count(other)) > 0 : millis > others;
  }

  private static Delivery.Content content(List<?> words) {
    try {
      Event.Builder event = Event.builder("").time(null); // which others may not know
      boolean hasId = false;
      boolean hasSource = false;
      boolean hasType = false;
      byte[] data = new byte[0];
      String contentType = null;
      for (int i = 0; i + 1 < words.size(); i += 2) {
        byte[] name = (byte[]) words.get(i);
        byte[] value = (byte[]) words.get(i + 1);
        if (Arrays.equals(name, DATA)) {
          data = value;
          continue;
        }
        String text = new String(value, UTF_8);
        String field = new String(name, UTF_8);
        switch (field) {
          case "specversion" -> {
            if (!text.startsWith("1.")) {
              return raw(words, "is of another version of CloudEvents");
            }
          }
          case "id" -> {
            event.id(text);
            hasId = true;
          }
          case "source" -> {
            event.source(text);
            hasSource = true;
          }
          case "type" -> {
            event.type(text);
            hasType = true;
          }
          case "subject" -> event.subject(text);
          case "time" -> event.time(InstantText.parse(text));
          case "datacontenttype" -> contentType = text;
          case "dataschema" -> event.schema(text);
          default -> event.extension(field, text);
        }
      }
      if (!hasId || !hasSource || !hasType) {
        return raw(words, "lacks id, source or type");
      }
      return new Delivery.Decoded(event.data(data, contentType).build());
    } catch (DateTimeException e) {
      return raw(words, "has a time that is none");
    } catch (AgentException e) {
      return raw(words, "is no event: " + e.code());
    }
  }

  private static Delivery.Content raw(List<?> words, String why) {
    byte[] data = new byte[0];
    Map<String, byte[]> others = new HashMap<>();
    for (int i = 0; i + 1 < words.size(); i += 2) {
      byte[] name = (byte[]) words.get(i);
      if (Arrays.equals(name, DATA)) {
        data = (byte[]) words.get(i + 1);
      } else {
        others.put(new String(name, UTF_8), (byte[]) words.get(i + 1));
      }
    }
    return new Delivery.Raw(data, others, "a stream's entry " + why);
  }
}
