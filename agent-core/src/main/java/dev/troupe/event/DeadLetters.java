package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.event.DeadLetter.Reason;
import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Events that groups could not handle: to be looked at, mended, handled again or thrown away. They
 * lie in the bus's store until somebody does. Safe for use by many threads and processes.
 */
public final class DeadLetters {
  private static final int LONGEST_TAG = 200;
  private static final int PAGE = 100;

  private final StoreAccess access;
  private final ParkingLot parking;

  /** What is kept of a dead letter beside its content; bytes that are no event have envelopes. */
  private record Note(
      int format,
      String group,
      String topic,
      int shard,
      String offset,
      Reason reason,
      int attempts,
      String error,
      boolean raw,
      @Nullable Envelope envelope) {}

  /** What came with bytes that are no event; absent in what older versions wrote. */
  private record Envelope(byte @Nullable [] key, Map<String, byte[]> headers) {
    /** Whatever came, it must not keep its dead letter from being stored. */
    private static final int MOST_BYTES = 64 * 1024;

    static Envelope of(Delivery.Raw raw) {
      int left = MOST_BYTES;
      byte[] key = raw.key();
      if (key != null) {
        key = key.length <= left ? key : null;
        left -= key == null ? 0 : key.length;
      }
      Map<String, byte[]> headers = new TreeMap<>();
      for (Map.Entry<String, byte[]> one : new TreeMap<>(raw.headers()).entrySet()) {
        int bytes = 6 * one.getKey().length() + one.getValue().length; // a name may be escaped
        if (bytes <= left) {
          headers.put(one.getKey(), one.getValue());
          left -= bytes;
        }
      }
      return new Envelope(key, headers);
    }

    /** How many headers and keys of these bytes are not kept. */
    int missing(Delivery.Raw raw) {
      return raw.headers().size() - headers.size() + (raw.key() != null && key == null ? 1 : 0);
    }
  }

  DeadLetters(StoreAccess access, ParkingLot parking) {
    this.access = access;
    this.parking = parking;
  }

  private RecordId id(String name) {
    return access.id("$dead:" + name);
  }

  /** Tells events apart by what they say and not by who they are. */
  static String fingerprint(Event event) {
    return Hash.of(event.type(), event.data());
  }

  /** Keeps an event that could not be handled. The same one again changes nothing. */
  void put(String group, Task task, Reason reason, @Nullable Throwable failure) {
    String offset = task.offset();
    String topic = task.shard.topic();
    int shard = task.shard.number();
    RecordId id = id(Hash.of(group + " " + topic + " " + shard + " " + task.identity()));
    Event event = task.event;
    Delivery.Raw raw = task.raw();
    byte[] rest =
        raw != null
            ? raw.data()
            : EventText.encode(event == null ? Event.builder("none").build() : event);
    Envelope envelope = raw == null ? null : Envelope.of(raw);
    Note note =
        new Note(
            1,
            group,
            topic,
            shard,
            offset,
            reason,
            task.attempts,
            error(raw, envelope, failure),
            event == null,
            envelope);
    Map<String, String> tags = new HashMap<>();
    tags.put("troupe", "dead");
    tags.put("group", group);
    tags.put("topic", topic);
    tags.put("reason", reason.name());
    if (event != null) {
      tags.put("type", event.type().substring(0, Math.min(LONGEST_TAG, event.type().length())));
      tags.put("print", fingerprint(event));
    }
    List<Edit> edits = new ArrayList<>();
    edits.add(new Edit.Absent(id.key()));
    edits.addAll(Parked.Content.edits(id.key(), Codec.json().encode(note, Note.class), rest, tags));
    access.apply(id.partition(), edits);
  }

  private static String error(
      Delivery.@Nullable Raw raw, @Nullable Envelope envelope, @Nullable Throwable failure) {
    if (failure == null) {
      int missing = raw == null || envelope == null ? 0 : envelope.missing(raw);
      String why = raw == null ? "" : raw.why();
      return missing == 0
          ? why
          : why
              + "; key and headers have more than %d bytes, %d of them are not kept here"
                  .formatted(Envelope.MOST_BYTES, missing);
    }
    String text = failure.getClass().getName() + ": " + failure.getMessage();
    return text.substring(0, Math.min(1_000, text.length()));
  }

  /**
   * Dead letters, newest first.
   *
   * @param group of which group, null for all
   * @param cursor where the page before ended, null for the first
   * @param limit the most in the answer
   * @return a page
   */
  public Page<DeadLetter> list(@Nullable String group, @Nullable String cursor, int limit) {
    Map<String, String> tags = new HashMap<>(Map.of("troupe", "dead"));
    if (group != null) {
      tags.put("group", group);
    }
    Page<Stored> found = access.store.find(new Find(tags, null, null, cursor, limit));
    List<DeadLetter> letters = new ArrayList<>();
    for (Stored one : found.items()) {
      get(name(one.id())).ifPresent(letters::add); // with rows, and not if it is gone by now
    }
    return new Page<>(letters, found.next());
  }

  private static String name(RecordId id) {
    return id.key().substring(id.key().indexOf(':') + 1);
  }

  /**
   * One dead letter.
   *
   * @param id its name
   * @return empty when there is none of this name
   */
  public Optional<DeadLetter> get(String id) {
    Stored found = access.look(id(id), true);
    if (found == null) {
      return Optional.empty();
    }
    Parked.Content content = Parked.Content.of(found);
    Object note = Codec.json().decode(content.line(), Note.class);
    if (!(note instanceof Note known) || known.format() != 1) {
      throw new AgentException(
          ErrorCode.STORE_MISMATCH,
          "dead letter " + id + " was written by another version of the library");
    }
    Envelope envelope = known.envelope();
    Delivery.Content what =
        known.raw()
            ? envelope == null
                ? new Delivery.Raw(content.rest(), Map.of(), known.error())
                : new Delivery.Raw(
                    content.rest(), envelope.headers(), known.error(), envelope.key())
            : new Delivery.Decoded(EventText.decode(content.rest(), 0));
    return Optional.of(
        new DeadLetter(
            id,
            known.group(),
            known.topic(),
            known.shard(),
            known.offset(),
            known.reason(),
            known.attempts(),
            known.error(),
            found.created(),
            what));
  }

  /**
   * Has its group handle a dead letter again, soon, with all its attempts. With a key it goes
   * behind what else of its key is parked. If a process dies in between it may be handled twice.
   *
   * @param id its name
   * @return false when there is none of this name
   * @throws AgentException with {@link ErrorCode#INVALID_INPUT} when it is no event; give one then
   */
  public boolean replay(String id) {
    return replay(id, null);
  }

  /**
   * As {@link #replay(String)}, with another event in its stead, which gets the correlation, the
   * causation and the trace of the first unless it has its own.
   *
   * @param id its name
   * @param instead what to handle; null for the event as it is
   * @return false when there is none of this name
   */
  public boolean replay(String id, @Nullable Event instead) {
    Optional<DeadLetter> found = get(id);
    if (found.isEmpty()) {
      return false;
    }
    DeadLetter letter = found.get();
    Event dead = letter.event();
    Event event =
        instead == null || dead == null
            ? instead == null ? dead : instead
            : Lineage.instead(dead, instead);
    if (event == null) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "dead letter " + id + " holds bytes that are no event; replay it with one instead");
    }
    parking.replay(letter, event);
    return discard(id);
  }

  /**
   * Has a group handle all its dead letters again that are there now, oldest page last.
   *
   * @param group whose
   * @param perSecond at most so many in a second
   * @return how many there were
   */
  public int replayAll(String group, int perSecond) {
    if (perSecond < 1) {
      throw new IllegalArgumentException("perSecond must be at least 1: " + perSecond);
    }
    List<String> names = new ArrayList<>();
    String cursor = null;
    do {
      Page<Stored> page =
          access.store.find(
              new Find(Map.of("troupe", "dead", "group", group), null, null, cursor, PAGE));
      page.items().forEach(one -> names.add(name(one.id())));
      cursor = page.next();
    } while (cursor != null);
    long began = System.nanoTime();
    int replayed = 0;
    for (int i = 0; i < names.size() && !Thread.currentThread().isInterrupted(); i++) {
      long due = began + TimeUnit.SECONDS.toNanos(1) * i / perSecond;
      for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
        LockSupport.parkNanos(left);
        if (Thread.currentThread().isInterrupted()) {
          return replayed;
        }
      }
      Optional<DeadLetter> letter = get(names.get(i));
      if (letter.isPresent() && letter.get().event() != null) {
        replayed += replay(names.get(i)) ? 1 : 0;
      }
    }
    return replayed;
  }

  /**
   * Throws a dead letter away, for good.
   *
   * @param id its name
   * @return false when there was none of this name
   */
  public boolean discard(String id) {
    RecordId record = id(id);
    if (access.look(record, false) == null) {
      return false;
    }
    access.apply(record.partition(), List.of(new Edit.Delete(record.key())));
    return true;
  }
}
