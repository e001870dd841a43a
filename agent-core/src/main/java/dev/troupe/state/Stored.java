package dev.troupe.state;

import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A record as the store showed it. Immutable; arrays and maps are not copied on the way out and
 * must not be changed.
 */
public final class Stored {
  private final RecordId id;
  private final byte[] value;
  private final long version;
  private final long mailNumber;
  private final String lastChange;
  private final Map<String, String> tags;
  private final Place place;
  private final Instant created;
  private final NavigableMap<String, byte[]> rows;
  private final List<MailItem> mail;
  private final Map<String, Long> counters;
  private final Instant now;

  /**
   * One accepted mail.
   *
   * @param number its number in the record, from 1
   * @param name its name
   * @param value its content
   */
  public record MailItem(long number, String name, byte[] value) {}

  private Stored(Builder b) {
    this.id = b.id;
    this.now = b.now;
    this.value = b.value;
    this.version = b.version;
    this.mailNumber = b.mailNumber;
    this.lastChange = b.lastChange;
    this.tags = b.tags;
    this.place = b.place;
    this.created = Objects.requireNonNullElse(b.created, b.now);
    this.rows = Collections.unmodifiableNavigableMap(b.rows);
    this.mail = Collections.unmodifiableList(b.mail);
    this.counters = b.counters;
  }

  /**
   * Starts a record; for adapters.
   *
   * @param id where it lies
   * @param now the store's time
   * @return a builder
   */
  public static Builder builder(RecordId id, Instant now) {
    return new Builder(id, now);
  }

  /**
   * Where the record lies.
   *
   * @return its id
   */
  public RecordId id() {
    return id;
  }

  /**
   * The value that the last {@link Edit.Put} gave.
   *
   * @return the bytes, empty when there was none
   */
  public byte[] value() {
    return value;
  }

  /**
   * The version, raised by claims, {@code Put}, {@code Queue} and {@code Release}.
   *
   * @return at least 0
   */
  public long version() {
    return version;
  }

  /**
   * The number of the last mail accepted, shown here or not.
   *
   * @return 0 when none was
   */
  public long mailNumber() {
    return mailNumber;
  }

  /**
   * The id of the last change that raised the version.
   *
   * @return empty when none did
   */
  public String lastChange() {
    return lastChange;
  }

  /**
   * The tags that the last {@link Edit.Put} gave.
   *
   * @return an unmodifiable map
   */
  public Map<String, String> tags() {
    return tags;
  }

  /**
   * Where the record stands.
   *
   * @return its place
   */
  public Place place() {
    return place;
  }

  /**
   * When the record was created, on the store's clock.
   *
   * @return the instant
   */
  public Instant created() {
    return created;
  }

  /**
   * The rows asked for, in the order of their names.
   *
   * @return an unmodifiable map, empty when rows were not asked for
   */
  public NavigableMap<String, byte[]> rows() {
    return rows;
  }

  /**
   * The mail asked for, in the order of its numbers.
   *
   * @return an unmodifiable list, empty when rows were not asked for
   */
  public List<MailItem> mail() {
    return mail;
  }

  /**
   * The counters, by name.
   *
   * @return an unmodifiable map, empty when rows were not asked for
   */
  public Map<String, Long> counters() {
    return counters;
  }

  /**
   * The store's time of this answer.
   *
   * @return the instant, in whole milliseconds
   */
  public Instant now() {
    return now;
  }

  @Override
  public String toString() {
    return "Stored[" + id.key() + " v" + version + " mail " + mailNumber + " " + place + "]";
  }

  /** Collects what an adapter read. Not safe for several threads. */
  public static final class Builder {
    private final RecordId id;
    private final Instant now;
    private byte[] value = new byte[0];
    private long version;
    private long mailNumber;
    private String lastChange = "";
    private Map<String, String> tags = Map.of();
    private Place place = Place.NONE;
    private @Nullable Instant created;
    private NavigableMap<String, byte[]> rows = Collections.emptyNavigableMap();
    private List<MailItem> mail = List.of();
    private Map<String, Long> counters = Map.of();

    private Builder(RecordId id, Instant now) {
      this.id = Objects.requireNonNull(id, "id");
      this.now = Objects.requireNonNull(now, "now");
    }

    /**
     * Sets the value.
     *
     * @param value the bytes
     * @return this
     */
    public Builder value(byte[] value) {
      this.value = Objects.requireNonNull(value, "value");
      return this;
    }

    /**
     * Sets the version and the change that raised it last.
     *
     * @param version the version
     * @param lastChange that change's id
     * @return this
     */
    public Builder version(long version, String lastChange) {
      this.version = version;
      this.lastChange = Objects.requireNonNull(lastChange, "lastChange");
      return this;
    }

    /**
     * Sets the tags.
     *
     * @param tags the tags
     * @return this
     */
    public Builder tags(Map<String, String> tags) {
      this.tags = Map.copyOf(tags);
      return this;
    }

    /**
     * Sets the place.
     *
     * @param place where the record stands
     * @return this
     */
    public Builder place(Place place) {
      this.place = Objects.requireNonNull(place, "place");
      return this;
    }

    /**
     * Sets when the record was created.
     *
     * @param created the instant
     * @return this
     */
    public Builder created(Instant created) {
      this.created = created;
      return this;
    }

    /**
     * Sets the rows.
     *
     * @param rows by name; the map is taken over, not copied
     * @return this
     */
    public Builder rows(NavigableMap<String, byte[]> rows) {
      if (rows.comparator() != null) {
        throw new IllegalArgumentException("rows must be in the natural order of their names");
      }
      this.rows = rows;
      return this;
    }

    /**
     * Sets the mail.
     *
     * @param mailNumber the number of the last mail accepted
     * @param mail the mail shown, in order; the list is taken over, not copied
     * @return this
     */
    public Builder mail(long mailNumber, List<MailItem> mail) {
      this.mailNumber = mailNumber;
      this.mail = mail;
      return this;
    }

    /**
     * Sets the counters.
     *
     * @param counters by name
     * @return this
     */
    public Builder counters(Map<String, Long> counters) {
      this.counters = Map.copyOf(new TreeMap<>(counters));
      return this;
    }

    /**
     * Builds the record.
     *
     * @return the record
     */
    public Stored build() {
      return new Stored(this);
    }
  }
}
