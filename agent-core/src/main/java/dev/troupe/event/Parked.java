package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An event that waits in the store for its time: to be published, or to be handled by a group.
 *
 * <p>Stored as a line of JSON, then the event as {@link EventText} writes it.
 *
 * @param id its record
 * @param grant under which it was claimed; null before
 * @param note what is known of it
 * @param event the event
 */
record Parked(RecordId id, @Nullable Grant grant, Note note, Event event) {
  /**
   * What is known of it.
   *
   * @param format 1
   * @param group who is to handle it; empty when it is to be published
   * @param topic where it came from, or where it goes
   * @param shard where in the topic it came from
   * @param offset where in the shard it came from
   * @param attempts how many attempts at it failed
   * @param deaths how many processes died that had it
   * @param lane what it goes in order with; empty for none
   */
  record Note(
      int format,
      String group,
      String topic,
      int shard,
      String offset,
      int attempts,
      int deaths,
      String lane) {
    Note with(int newAttempts, int newDeaths) {
      return new Note(format, group, topic, shard, offset, newAttempts, newDeaths, lane);
    }
  }

  Shard shard() {
    return new Shard(note.topic(), note.shard());
  }

  String offset() {
    return note.offset();
  }

  int attempts() {
    return note.attempts();
  }

  /** What to store of it. */
  List<Edit> edits(String key) {
    return Content.edits(
        key, Codec.json().encode(note, Note.class), EventText.encode(event), Map.of());
  }

  static Parked decode(Stored found) {
    Content content = Content.of(found);
    Object note = Codec.json().decode(content.line(), Note.class);
    if (!(note instanceof Note known) || known.format() != 1) {
      throw new AgentException(
          ErrorCode.STORE_MISMATCH,
          found.id().key() + " was written by another version of the library");
    }
    Grant grant = found.place() instanceof Place.Held held ? held.grant() : null;
    return new Parked(found.id(), grant, known, EventText.decode(content.rest(), 0));
  }

  /**
   * A line about something, and the bytes of it, as a record keeps them: together in its value, or,
   * what is too large for that, in rows.
   *
   * @param line JSON without a line break
   * @param rest any bytes
   */
  record Content(byte[] line, byte[] rest) {
    private static final int MOST_INLINE = 128 * 1024;
    private static final int PART = 192 * 1024;
    private static final String ROW = "part ";

    static List<Edit> edits(String key, byte[] line, byte[] rest, Map<String, String> tags) {
      List<Edit> edits = new ArrayList<>();
      boolean inline = line.length + rest.length <= MOST_INLINE;
      byte[] value = Arrays.copyOf(line, line.length + 1 + (inline ? rest.length : 0));
      value[line.length] = '\n';
      if (inline) {
        System.arraycopy(rest, 0, value, line.length + 1, rest.length);
      }
      edits.add(new Edit.Put(key, value, tags, null));
      for (int from = 0; !inline && from < rest.length; from += PART) {
        byte[] part = Arrays.copyOfRange(rest, from, Math.min(rest.length, from + PART));
        edits.add(new Edit.Row(key, ROW + String.format(Locale.ROOT, "%05d", from / PART), part));
      }
      return edits;
    }

    /** From a record with its rows. */
    static Content of(Stored found) {
      byte[] value = found.value();
      int end = 0;
      while (end < value.length && value[end] != '\n') {
        end++;
      }
      if (end == value.length) {
        throw new AgentException(ErrorCode.UNDECODABLE, found.id().key() + " has no first line");
      }
      ByteArrayOutputStream rest = new ByteArrayOutputStream();
      rest.write(value, end + 1, value.length - end - 1);
      found.rows().values().forEach(part -> rest.write(part, 0, part.length));
      return new Content(Arrays.copyOf(value, end), rest.toByteArray());
    }
  }
}
