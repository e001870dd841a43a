package dev.troupe;

import com.fasterxml.jackson.annotation.JsonAutoDetect;
import com.fasterxml.jackson.annotation.PropertyAccessor;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamWriteConstraints;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.KeyDeserializer;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.deser.std.StdScalarDeserializer;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdScalarSerializer;
import java.io.IOException;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.Period;
import java.time.YearMonth;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** JSON by Jackson. Its own few lines for java.time save every host the extra module. */
final class JsonCodec implements Codec {
  static final JsonCodec INSTANCE = new JsonCodec();

  private static final int MAX_DEPTH = 200;
  private static final int MAX_TEXT = 16 << 20;

  private final JsonMapper mapper = mapper();
  private final Map<Type, ObjectReader> readers = new ConcurrentHashMap<>();
  private final Map<Type, ObjectWriter> writers = new ConcurrentHashMap<>();

  private static JsonMapper mapper() {
    JsonFactory factory =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxStringLength(MAX_TEXT)
                    .maxNumberLength(1_000)
                    .build())
            // what could not be read again is not written
            .streamWriteConstraints(
                StreamWriteConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
            .build();
    SimpleModule time = new SimpleModule("troupe-time");
    add(time, Instant.class, Instant::parse);
    add(time, Duration.class, Duration::parse);
    add(time, Period.class, Period::parse);
    add(time, LocalDate.class, LocalDate::parse);
    add(time, LocalTime.class, LocalTime::parse);
    add(time, LocalDateTime.class, LocalDateTime::parse);
    add(time, OffsetDateTime.class, OffsetDateTime::parse);
    add(time, ZonedDateTime.class, ZonedDateTime::parse);
    // YearMonth's own text of a year beyond 9999 lacks the sign that its parser wants
    add(time, YearMonth.class, YearMonth::parse, m -> (m.getYear() > 9999 ? "+" : "") + m);
    add(time, ZoneId.class, ZoneId::of);
    return JsonMapper.builder(factory)
        .addModule(time)
        .visibility(PropertyAccessor.FIELD, JsonAutoDetect.Visibility.NON_PRIVATE)
        .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
        .enable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
        .disable(SerializationFeature.FAIL_ON_EMPTY_BEANS)
        .build();
  }

  private static <T> void add(SimpleModule module, Class<T> type, Function<String, T> parse) {
    add(module, type, parse, Object::toString);
  }

  private static <T> void add(
      SimpleModule module, Class<T> type, Function<String, T> parse, Function<T, String> text) {
    module.addSerializer(
        type,
        new StdScalarSerializer<T>(type) {
          private static final long serialVersionUID = 1L;

          @Override
          public void serialize(T value, JsonGenerator out, SerializerProvider provider)
              throws IOException {
            out.writeString(text.apply(value));
          }
        });
    module.addDeserializer(
        type,
        new StdScalarDeserializer<T>(type) {
          private static final long serialVersionUID = 1L;

          @Override
          public @Nullable T deserialize(JsonParser in, DeserializationContext context)
              throws IOException {
            try {
              return parse.apply(in.getText());
            } catch (DateTimeException notATime) {
              throw JsonMappingException.from(in, "not a " + type.getSimpleName(), notATime);
            }
          }
        });
    module.addKeySerializer(
        type,
        new StdScalarSerializer<T>(type) {
          private static final long serialVersionUID = 1L;

          @Override
          public void serialize(T value, JsonGenerator out, SerializerProvider provider)
              throws IOException {
            out.writeFieldName(text.apply(value));
          }
        });
    module.addKeyDeserializer(
        type,
        new KeyDeserializer() {
          @Override
          public Object deserializeKey(String key, DeserializationContext context)
              throws IOException {
            try {
              return parse.apply(key);
            } catch (DateTimeException notATime) {
              throw JsonMappingException.from(context, "not a " + type.getSimpleName(), notATime);
            }
          }
        });
  }

  @Override
  public String id() {
    return "json";
  }

  @Override
  public byte[] encode(@Nullable Object value, Type type) {
    if (type == String.class && value instanceof String text && isPlain(text)) {
      return quoted(text);
    }
    try {
      return writers
          .computeIfAbsent(type, t -> mapper.writerFor(mapper.constructType(t)))
          .writeValueAsBytes(value);
    } catch (JsonProcessingException e) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "a " + type.getTypeName() + " can't be written as JSON" + place(e) + ": " + why(e),
          withoutContent(e));
    }
  }

  @Override
  public @Nullable Object decode(byte[] bytes, Type type) {
    if (type == String.class && isPlain(bytes)) {
      return new String(bytes, 1, bytes.length - 2, StandardCharsets.US_ASCII);
    }
    try {
      return readers
          .computeIfAbsent(type, t -> mapper.readerFor(mapper.constructType(t)))
          .readValue(bytes);
    } catch (IOException | RuntimeException e) { // some numbers fail with the latter
      String message = "stored JSON does not fit " + type.getTypeName() + place(e) + ": " + why(e);
      throw new AgentException(ErrorCode.UNDECODABLE, message, withoutContent(e));
    }
  }

  // Most results of agents are text, and most text needs no escapes: a sixth of the time, a tenth
  // of
  // the garbage.

  private static boolean isPlain(int c) {
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
  }

  private static boolean isPlain(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (!isPlain(text.charAt(i))) {
        return false;
      }
    }
    return true;
  }

  private static boolean isPlain(byte[] json) {
    int last = json.length - 1;
    if (last < 1 || last > MAX_TEXT || json[0] != '"' || json[last] != '"') {
      return false;
    }
    for (int i = 1; i < last; i++) {
      if (!isPlain((int) json[i])) {
        return false;
      }
    }
    return true;
  }

  @SuppressWarnings("deprecation") // the way to copy text that is known to be ASCII into an array
  private static byte[] quoted(String text) {
    int length = text.length();
    byte[] json = new byte[length + 2];
    json[0] = '"';
    text.getBytes(0, length, json, 1);
    json[length + 1] = '"';
    return json;
  }

  private static String place(Exception e) {
    if (e instanceof JsonMappingException mapping && !mapping.getPath().isEmpty()) {
      StringBuilder path = new StringBuilder(" at ");
      for (JsonMappingException.Reference r : mapping.getPath()) {
        String name = r.getFieldName();
        if (r.getFrom() instanceof Map) {
          path.append("[?]"); // a map's keys are content
        } else {
          path.append(name == null ? "[" + r.getIndex() + "]" : "." + name);
        }
      }
      return path.toString();
    }
    return "";
  }

  /** Jackson's own messages quote what they read; only the kind of error may leave here. */
  private static String why(Exception e) {
    Throwable cause = e.getCause();
    return e.getClass().getSimpleName()
        + (cause == null ? "" : " (" + cause.getClass().getSimpleName() + ")");
  }

  private static Throwable withoutContent(Exception e) {
    IOException bare = new IOException(e.getClass().getName());
    bare.setStackTrace(e.getStackTrace());
    return bare;
  }
}
