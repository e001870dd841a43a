package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.TraceContext;
import dev.troupe.state.StoreClock;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Something that happened: a CloudEvent 1.0 with its attributes and data. Immutable; the bytes of
 * the data are not copied and must not be changed.
 *
 * <p>Beside the standard's own attributes there are five extensions that the library reads: {@code
 * partitionkey} (events of one key are handled in order), {@code correlationid}, {@code
 * causationid}, {@code traceparent} and {@code tracestate}. Two events with the same id and source
 * are the same event, delivered twice.
 *
 * @see <a href="https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md">CloudEvents
 *     1.0.2</a>
 */
public final class Event {
  /** The source of events that name none. */
  static final String OWN_SOURCE = "/troupe";

  private static final InstantSource CLOCK = StoreClock.monotonic();
  private static final byte[] NO_DATA = new byte[0];
  private static final int MOST_EXTENSIONS = 50;

  private final String id;
  private final String source;
  private final String type;
  final @Nullable String subject;
  final @Nullable Instant time;
  final @Nullable String contentType;
  final @Nullable String schema;
  final @Nullable String key;
  final Map<String, String> extensions; // but for the key
  private final byte[] data;

  private Event(Builder b) {
    this.id = Attributes.check("id", b.id == null ? Attributes.nextId() : b.id);
    this.source = b.source.equals(OWN_SOURCE) ? OWN_SOURCE : Attributes.check("source", b.source);
    this.type = Attributes.check("type", b.type);
    this.subject = b.subject == null ? null : Attributes.check("subject", b.subject);
    this.time = b.time;
    this.contentType =
        b.contentType == null ? null : Attributes.check("datacontenttype", b.contentType);
    this.schema = b.schema == null ? null : Attributes.check("dataschema", b.schema);
    this.key = b.key;
    this.extensions = b.extensions.isEmpty() ? Map.of() : Map.copyOf(b.extensions);
    this.data = b.data;
    if (extensions.size() > MOST_EXTENSIONS) {
      throw new AgentException(
          ErrorCode.LIMIT_EXCEEDED,
          "event %s has %d extensions, the limit is %d"
              .formatted(id, extensions.size(), MOST_EXTENSIONS));
    }
  }

  /**
   * Starts an event.
   *
   * @param type what kind of thing happened, such as {@code order.paid}
   * @return a builder, with a new id
   */
  public static Builder builder(String type) {
    return new Builder(type).time(InstantText.ofMillis(CLOCK.millis()));
  }

  /** An event that somebody else made: nothing is set. */
  static Builder foreign() {
    return new Builder("");
  }

  /**
   * An event of a type with a value as JSON.
   *
   * @param type what kind of thing happened
   * @param value what is known about it; encoded by {@link Codec#json()}
   * @return the event, with a new id
   */
  public static Event of(String type, @Nullable Object value) {
    return builder(type).json(value).build();
  }

  /**
   * The same event to change some of it.
   *
   * @return a builder that has all of this event, its id too
   */
  public Builder toBuilder() {
    Builder b = new Builder(type);
    b.id = id;
    b.source = source;
    b.subject = subject;
    b.time = time;
    b.contentType = contentType;
    b.schema = schema;
    b.key = key;
    b.extensions = extensions;
    b.data = data;
    return b;
  }

  /**
   * Tells it from all others of its source.
   *
   * @return the id
   */
  public String id() {
    return id;
  }

  /**
   * Where it happened, a URI reference.
   *
   * @return the source; {@code /troupe} when its maker named none
   */
  public String source() {
    return source;
  }

  /**
   * What kind of thing happened.
   *
   * @return the type
   */
  public String type() {
    return type;
  }

  /**
   * What it happened to, within the source.
   *
   * @return the subject, empty when none was named
   */
  public Optional<String> subject() {
    return Optional.ofNullable(subject);
  }

  /**
   * When it happened.
   *
   * @return the time; that at which the event was made when its maker set none; empty for events of
   *     others that do not say
   */
  public Optional<Instant> time() {
    return Optional.ofNullable(time);
  }

  /**
   * The media type of the data.
   *
   * @return such as {@code application/json}; empty when none was named
   */
  public Optional<String> contentType() {
    return Optional.ofNullable(contentType);
  }

  /**
   * The schema that the data keeps to.
   *
   * @return a URI; empty when none was named
   */
  public Optional<String> schema() {
    return Optional.ofNullable(schema);
  }

  /**
   * The extension {@code partitionkey}: events of one key go in order.
   *
   * @return the key; empty for an event that stands in no order to others
   */
  public Optional<String> key() {
    return Optional.ofNullable(key);
  }

  /**
   * The extension {@code correlationid}: what this event belongs to, such as a run or a request.
   *
   * @return the id; empty when there is none
   */
  public Optional<String> correlationId() {
    return extension(Attributes.CORRELATION);
  }

  /**
   * The extension {@code causationid}: the id of the event that this one follows from.
   *
   * @return the id; empty when there is none
   */
  public Optional<String> causationId() {
    return extension(Attributes.CAUSATION);
  }

  /**
   * The extension {@code traceparent} of W3C Trace Context.
   *
   * @return the trace; empty when there is none
   */
  public Optional<String> traceparent() {
    return extension(Attributes.TRACE);
  }

  /**
   * The extension {@code tracestate} of W3C Trace Context: what tracers add for themselves.
   *
   * @return as they wrote it; empty when there is none
   */
  public Optional<String> tracestate() {
    return extension(Attributes.TRACE_STATE);
  }

  /**
   * The place in a trace that {@link #traceparent} and {@link #tracestate} name.
   *
   * @return the place; empty when there is none, or none that W3C Trace Context knows
   */
  public Optional<TraceContext> trace() {
    return TraceContext.of(
        extensions.get(Attributes.TRACE), extensions.get(Attributes.TRACE_STATE));
  }

  /**
   * An extension.
   *
   * @param name its name
   * @return its value; empty when the event has none of this name
   */
  public Optional<String> extension(String name) {
    return name.equals(Attributes.KEY) ? key() : Optional.ofNullable(extensions.get(name));
  }

  /**
   * All extensions, the five that the library reads included.
   *
   * @return by name, in the order of names; not changeable
   */
  public Map<String, String> extensions() {
    TreeMap<String, String> all = new TreeMap<>(extensions);
    if (key != null) {
      all.put(Attributes.KEY, key);
    }
    return Collections.unmodifiableMap(all);
  }

  /**
   * The data.
   *
   * @return its bytes, not a copy; empty when there is none
   */
  public byte[] data() {
    return data;
  }

  /**
   * The data as a value.
   *
   * @param as the type wanted
   * @param <T> the type wanted
   * @return the value, decoded from JSON; null when the data is JSON's null
   * @throws AgentException with {@link ErrorCode#UNDECODABLE} when the data is not such a value
   */
  public <T> @Nullable T data(Class<T> as) {
    return as.cast(Codec.json().decode(data, as));
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Event e
        && attributes().equals(e.attributes())
        && Arrays.equals(data, e.data);
  }

  private List<@Nullable Object> attributes() {
    return Arrays.asList(id, source, type, subject, time, contentType, schema, key, extensions);
  }

  @Override
  public int hashCode() {
    return id.hashCode();
  }

  /** Without the data, which may be secret. */
  @Override
  public String toString() {
    return "event " + type + " " + id + " of " + source;
  }

  /** Makes an event. Not safe for use by several threads. */
  public static final class Builder {
    private @Nullable String id;
    private String source = OWN_SOURCE;
    private String type;
    private @Nullable String subject;
    private @Nullable Instant time;
    private @Nullable String contentType;
    private @Nullable String schema;
    private @Nullable String key;
    private Map<String, String> extensions = Map.of();
    private byte[] data = NO_DATA;

    private Builder(String type) {
      this.type = type;
    }

    /**
     * Sets the id; a new one is made when none is set.
     *
     * @param value unique within the source
     * @return this
     */
    public Builder id(String value) {
      this.id = value;
      return this;
    }

    /**
     * Sets where it happened.
     *
     * @param value a URI reference
     * @return this
     */
    public Builder source(String value) {
      this.source = value;
      return this;
    }

    /**
     * Sets what kind of thing happened.
     *
     * @param value the type
     * @return this
     */
    public Builder type(String value) {
      this.type = value;
      return this;
    }

    /**
     * Sets what it happened to.
     *
     * @param value the subject
     * @return this
     */
    public Builder subject(@Nullable String value) {
      this.subject = value;
      return this;
    }

    /**
     * Sets when it happened; now, by this machine's clock, when not set.
     *
     * @param value the time, null when it is not known
     * @return this
     */
    public Builder time(@Nullable Instant value) {
      this.time = value;
      return this;
    }

    /**
     * Sets the key: events of one key are handled in order.
     *
     * @param value the key
     * @return this
     */
    public Builder key(@Nullable String value) {
      return extension(Attributes.KEY, value);
    }

    /**
     * Sets what it belongs to.
     *
     * @param value such as the id of a run or of a request
     * @return this
     */
    public Builder correlationId(@Nullable String value) {
      return extension(Attributes.CORRELATION, value);
    }

    /**
     * Sets what it follows from.
     *
     * @param value the id of an event
     * @return this
     */
    public Builder causationId(@Nullable String value) {
      return extension(Attributes.CAUSATION, value);
    }

    /**
     * Sets the trace that it belongs to.
     *
     * @param value as W3C Trace Context writes it
     * @return this
     */
    public Builder traceparent(@Nullable String value) {
      return extension(Attributes.TRACE, value);
    }

    /**
     * Sets what tracers add to {@link #traceparent} for themselves.
     *
     * @param value as W3C Trace Context writes it
     * @return this
     */
    public Builder tracestate(@Nullable String value) {
      return extension(Attributes.TRACE_STATE, value);
    }

    /**
     * Sets an extension, or removes it.
     *
     * @param name 1 to 40 lower-case letters or digits, none of the standard's attributes
     * @param value its value, null to remove it
     * @return this
     */
    public Builder extension(String name, @Nullable String value) {
      if (name.equals(Attributes.KEY)) {
        this.key = value == null ? null : Attributes.check(name, value);
        return this;
      }
      if (value == null && !extensions.containsKey(name)) {
        return this;
      }
      if (!(extensions instanceof TreeMap)) {
        extensions = new TreeMap<>(extensions);
      }
      if (value == null) {
        extensions.remove(name);
        return this;
      }
      extensions.put(name, Attributes.extension(name, value));
      return this;
    }

    /**
     * Sets the schema that the data keeps to.
     *
     * @param value a URI
     * @return this
     */
    public Builder schema(@Nullable String value) {
      this.schema = value;
      return this;
    }

    /**
     * Sets the data.
     *
     * @param value the bytes, not copied
     * @param mediaType their media type, null when unknown
     * @return this
     */
    public Builder data(byte[] value, @Nullable String mediaType) {
      this.data = Objects.requireNonNull(value, "value");
      this.contentType = mediaType;
      return this;
    }

    Builder contentType(String mediaType) {
      this.contentType = mediaType;
      return this;
    }

    Builder dataOnly(byte[] value) {
      this.data = value;
      return this;
    }

    /**
     * Sets the data to a value as JSON.
     *
     * @param value encoded by {@link Codec#json()}
     * @return this
     */
    public Builder json(@Nullable Object value) {
      return data(
          Codec.json().encode(value, value == null ? Object.class : value.getClass()),
          "application/json");
    }

    /**
     * Makes the event.
     *
     * @return the event
     * @throws AgentException with {@link ErrorCode#INVALID_INPUT} or {@link
     *     ErrorCode#LIMIT_EXCEEDED}, naming the attribute
     */
    public Event build() {
      return new Event(this);
    }
  }
}
