package dev.troupe.run;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Edit;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The value of a run's record: its header and, when it has ended, how.
 *
 * <p>Stored as one line of JSON, a line feed, the encoded input and the encoded outcome.
 *
 * @param header what the run is
 * @param end how it ended, null while it lives
 */
public record RunRecord(RunHeader header, @Nullable RunEnd end) {
  /** The tag by which records of runs are found; its value is {@code run}. */
  public static final String KIND = "kind";

  /** The tag for the agent's name. */
  public static final String AGENT = "agent";

  /**
   * The tag for the outcome: {@code live}, {@code succeeded}, {@code failed}, {@code cancelled}.
   */
  public static final String STATE = "state";

  /** The state of a run that has not ended. */
  public static final String LIVE = "live";

  /** The tag for the tenant; absent when there is none. */
  public static final String TENANT = "tenant";

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .defaultPropertyInclusion(
              JsonInclude.Value.construct(
                  JsonInclude.Include.NON_DEFAULT, JsonInclude.Include.ALWAYS))
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();
  private static final ObjectWriter WRITER = MAPPER.writerFor(Line.class);

  /** The stored line. Times are milliseconds since 1970, 0 where there is none. */
  private record Line(
      int format,
      String id,
      String agent,
      String version,
      String parent,
      String path,
      String root,
      String capability,
      long created,
      int priority,
      String lane,
      long deadline,
      String tenant,
      String principal,
      String trace,
      String codec,
      String keyId,
      int inputBytes,
      String end,
      long ended) {}

  /**
   * The edit that stores this record.
   *
   * @return a put with value and tags
   */
  public Edit.Put put() {
    RunHeader.Origin o = header.origin();
    RunHeader.Terms t = header.terms();
    RunEnd e = end;
    Line line =
        new Line(
            1,
            header.id(),
            header.agent(),
            header.version(),
            blank(o.parent()),
            blank(o.path()),
            blank(o.root()),
            o.capability(),
            o.created().toEpochMilli(),
            t.priority(),
            blank(t.lane()),
            millis(t.deadline()),
            t.tenant(),
            t.principal(),
            t.trace(),
            header.encoding().codec(),
            header.encoding().keyId(),
            header.input().length,
            e == null ? "" : e.state().name(),
            e == null ? 0 : e.at().toEpochMilli());
    Map<String, String> tags = new LinkedHashMap<>();
    tags.put(KIND, "run");
    tags.put(AGENT, header.agent());
    tags.put(STATE, e == null ? LIVE : e.state().name().toLowerCase(Locale.ROOT));
    if (!t.tenant().isEmpty()) {
      tags.put(TENANT, t.tenant());
    }
    return new Edit.Put(header.id(), join(line, e), tags, null);
  }

  private byte[] join(Line line, @Nullable RunEnd e) {
    byte[] head;
    try {
      head = WRITER.writeValueAsBytes(line);
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException("a header is always writable", impossible);
    }
    byte[] input = header.input();
    byte[] outcome = e == null ? new byte[0] : e.payload();
    byte[] value = Arrays.copyOf(head, head.length + 1 + input.length + outcome.length);
    value[head.length] = '\n';
    System.arraycopy(input, 0, value, head.length + 1, input.length);
    System.arraycopy(outcome, 0, value, head.length + 1 + input.length, outcome.length);
    return value;
  }

  /**
   * Reads a run's record.
   *
   * @param stored what the store showed
   * @return header and end
   * @throws AgentException with {@link ErrorCode#UNDECODABLE} when it is no run, or of a format
   *     that this version does not know
   */
  public static RunRecord decode(Stored stored) {
    return decode(stored.value(), stored.id().key());
  }

  static RunRecord decode(byte[] value, String key) {
    int end = 0;
    while (end < value.length && value[end] != '\n') {
      end++;
    }
    try {
      Line line = read(value, end);
      if (line.format != 1) {
        throw new IllegalArgumentException(
            "format " + line.format + " is not known, this version reads 1");
      }
      int from = end + 1;
      int middle = from + line.inputBytes;
      if (from > value.length || line.inputBytes < 0 || line.inputBytes > value.length - from) {
        throw new IllegalArgumentException("it was cut off");
      }
      RunHeader header =
          new RunHeader(
              line.id,
              line.agent,
              line.version,
              new RunHeader.Origin(
                  nullIfBlank(line.parent),
                  nullIfBlank(line.path),
                  text(line.capability),
                  Instant.ofEpochMilli(line.created),
                  nullIfBlank(line.root)),
              new RunHeader.Terms(
                  line.priority,
                  nullIfBlank(line.lane),
                  line.deadline == 0 ? null : Instant.ofEpochMilli(line.deadline),
                  text(line.tenant),
                  text(line.principal),
                  text(line.trace)),
              new RunHeader.Encoding(line.codec, text(line.keyId)),
              Arrays.copyOfRange(value, from, middle));
      RunEnd outcome =
          text(line.end).isEmpty()
              ? null
              : new RunEnd(
                  RunEnd.State.valueOf(line.end),
                  Instant.ofEpochMilli(line.ended),
                  Arrays.copyOfRange(value, middle, value.length));
      return new RunRecord(header, outcome);
    } catch (IllegalArgumentException | NullPointerException broken) {
      throw new AgentException(
          ErrorCode.UNDECODABLE,
          "record %s is not a run that this version can read: %s"
              .formatted(key, broken.getMessage()),
          broken);
    }
  }

  private static Line read(byte[] value, int end) {
    try {
      return MAPPER.readValue(new String(value, 0, end, StandardCharsets.UTF_8), Line.class);
    } catch (JsonProcessingException broken) {
      throw new IllegalArgumentException("its header is not JSON of the right form", broken);
    }
  }

  private static String blank(@Nullable String text) {
    return text == null ? "" : text;
  }

  private static String text(@Nullable String text) {
    return text == null ? "" : text;
  }

  private static @Nullable String nullIfBlank(@Nullable String text) {
    return text == null || text.isEmpty() ? null : text;
  }

  private static long millis(@Nullable Instant instant) {
    return instant == null ? 0 : instant.toEpochMilli();
  }
}
