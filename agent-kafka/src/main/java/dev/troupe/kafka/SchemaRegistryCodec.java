package dev.troupe.kafka;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.event.Event;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Values that are framed as the serializers of schema registries do it: a byte 0, four bytes with
 * the id of a schema, then the data. Works with registries that have Confluent's REST API, which
 * Apicurio, Karapace and Redpanda have too. JSON Schema is read and written; data with another kind
 * of schema can't be decoded.
 *
 * <pre>{@code
 * KafkaTransport.builder(servers)
 *     .codec("orders", SchemaRegistryCodec.builder(URI.create("http://registry:8081")).build())
 *     .build();
 * }</pre>
 *
 * <p>Appended events get the id of the latest schema under the topic's subject, which has to be
 * registered; nothing is registered by use. Whether data keeps to its schema is not looked at here:
 * {@link dev.troupe.event.EventSchemas} can do that. An event that was read has its schema's
 * address in {@link Event#schema()}, unless it named one. A record of others without the headers of
 * a CloudEvent becomes an event with the topic as type, {@code /kafka/} and the topic as source,
 * {@code partition-offset} as id, and the record's key.
 *
 * <p>What has no such frame, whose schema the registry does not know or that is no JSON can't be
 * decoded, and is delivered as bytes. While the registry is away, refuses access or answers nothing
 * that is understood, records wait: such errors are {@link ErrorCode#TRANSPORT_UNAVAILABLE}, and
 * for a second after one nothing is asked. Schemas are kept by their id, which never means another.
 *
 * <p>Safe for use by many threads.
 */
public final class SchemaRegistryCodec implements RecordCodec {
  private static final int FRAME = 5;
  private static final byte MAGIC = 0;
  private static final String JSON = "JSON";

  private final SchemaRegistry registry;
  private final UnaryOperator<String> subject;

  private SchemaRegistryCodec(Builder b) {
    HttpClient client = HttpClient.newBuilder().connectTimeout(b.timeout).build();
    this.registry = new SchemaRegistry(client, b.registry, b.headers, b.timeout, b.refresh);
    this.subject = b.subject;
  }

  /**
   * A codec over a registry.
   *
   * @param registry its address, with {@code http} or {@code https}, and the path to its API if
   *     there is one, as for Apicurio {@code …/apis/ccompat/v7}
   * @return a builder
   */
  public static Builder builder(URI registry) {
    return new Builder(registry);
  }

  @Override
  public byte[] encode(String topic, Event event) {
    String type = event.contentType().orElse("");
    if (!type.equals("application/json") && !type.endsWith("+json")) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "%s goes to topic %s, whose data is JSON, and says nothing of JSON"
              .formatted(event, topic));
    }
    String name = subject.apply(topic);
    SchemaRegistry.Schema latest = registry.latest(name);
    if (!latest.type().equals(JSON)) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "the latest schema of subject %s is %s; only JSON is written"
              .formatted(name, latest.type()));
    }
    byte[] data = event.data();
    return ByteBuffer.allocate(FRAME + data.length)
        .put(MAGIC)
        .putInt(latest.id())
        .put(data)
        .array();
  }

  @Override
  public Event decode(KafkaRecord record) {
    byte[] value = record.value();
    if (value.length < FRAME || value[0] != MAGIC) {
      throw new AgentException(
          ErrorCode.UNDECODABLE, "its value does not begin with a schema's id");
    }
    int id = ByteBuffer.wrap(value, 1, FRAME - 1).getInt();
    SchemaRegistry.Schema schema = registry.schema(id);
    if (!schema.type().equals(JSON)) {
      throw new AgentException(
          ErrorCode.UNDECODABLE,
          "its schema %d is %s; only JSON is read".formatted(id, schema.type()));
    }
    byte[] data = new byte[value.length - FRAME];
    System.arraycopy(value, FRAME, data, 0, data.length);
    try {
      Object unused = Codec.json().decode(data, Object.class);
    } catch (AgentException e) {
      throw new AgentException(
          ErrorCode.UNDECODABLE, "behind the id of schema " + id + " is no JSON");
    }
    Optional<Event> known = record.event();
    Event.Builder event = known.map(Event::toBuilder).orElseGet(() -> foreign(record));
    String mediaType = known.flatMap(Event::contentType).orElse("application/json");
    if (known.flatMap(Event::schema).isEmpty()) {
      event.schema(registry.address(id));
    }
    return event.data(data, mediaType).build();
  }

  private static Event.Builder foreign(KafkaRecord record) {
    return Event.builder(record.topic())
        .id(record.partition() + "-" + record.offset())
        .source("/kafka/" + record.topic())
        .time(record.appended())
        .key(record.key().orElse(null));
  }

  /** Makes a codec. Not safe for use by several threads. */
  public static final class Builder {
    private final URI registry;
    private final Map<String, String> headers = new LinkedHashMap<>();
    private UnaryOperator<String> subject = topic -> topic + "-value";
    private Duration timeout = Duration.ofSeconds(5);
    private Duration refresh = Duration.ofMinutes(1);

    private Builder(URI registry) {
      String scheme = String.valueOf(registry.getScheme());
      if (!scheme.equals("http") && !scheme.equals("https")) {
        throw new IllegalArgumentException("a registry's address begins with http or https");
      }
      this.registry = registry;
    }

    /**
     * Sets a header of each request, such as {@code Authorization}.
     *
     * @param name its name
     * @param value its value, which is shown nowhere
     * @return this
     */
    public Builder header(String name, String value) {
      headers.put(name, value);
      return this;
    }

    /**
     * Sets under which subject a topic's schemas are registered.
     *
     * @param byTopic the subject by the topic's name; the topic and {@code -value} when not set
     * @return this
     */
    public Builder subject(UnaryOperator<String> byTopic) {
      this.subject = Objects.requireNonNull(byTopic, "byTopic");
      return this;
    }

    /**
     * Sets how long to wait for the registry. Polls wait for it, so it must be well below {@code
     * max.poll.interval.ms}.
     *
     * @param most more than 0 and at most a minute; 5 seconds when not set
     * @return this
     */
    public Builder timeout(Duration most) {
      if (most.isNegative() || most.isZero() || most.compareTo(Duration.ofMinutes(1)) > 0) {
        throw new IllegalArgumentException("timeout must be above 0 and up to 1 min: " + most);
      }
      this.timeout = most;
      return this;
    }

    /**
     * Sets for how long the latest schema of a subject is taken for the latest.
     *
     * @param time at least 0; a minute when not set
     * @return this
     */
    public Builder refresh(Duration time) {
      if (time.isNegative()) {
        throw new IllegalArgumentException("refresh must not be negative: " + time);
      }
      this.refresh = time;
      return this;
    }

    /**
     * Makes the codec. The registry is asked when something is encoded or decoded.
     *
     * @return a new codec
     */
    public SchemaRegistryCodec build() {
      return new SchemaRegistryCodec(this);
    }
  }
}
