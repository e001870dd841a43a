package dev.troupe.llm;

import dev.langchain4j.model.output.structured.Description;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.llm.Shape.Choice;
import dev.troupe.llm.Shape.Fields;
import dev.troupe.llm.Shape.Flag;
import dev.troupe.llm.Shape.Items;
import dev.troupe.llm.Shape.Numeric;
import dev.troupe.llm.Shape.Text;
import java.lang.reflect.Constructor;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Finds the shape of a record by reflection. */
final class Shapes {
  private static final Map<Class<?>, Shape> SIMPLE = simple();

  private final Deque<Class<?>> inside = new ArrayDeque<>();

  private Shapes() {}

  static Fields of(Class<?> type) {
    return new Shapes().fields(type);
  }

  private static Map<Class<?>, Shape> simple() {
    Map<Class<?>, Shape> simple = new LinkedHashMap<>();
    simple.put(String.class, new Text("text", text -> text));
    text(simple, UUID.class, "a UUID", UUID::fromString);
    text(simple, URI.class, "a URI", URI::create);
    text(simple, Instant.class, "an instant as in 2026-01-31T12:00:00Z", Instant::parse);
    text(simple, LocalDate.class, "a date as in 2026-01-31", LocalDate::parse);
    text(simple, LocalTime.class, "a time as in 12:00:00", LocalTime::parse);
    text(simple, LocalDateTime.class, "a time as in 2026-01-31T12:00:00", LocalDateTime::parse);
    text(
        simple,
        OffsetDateTime.class,
        "a time as in 2026-01-31T12:00:00+01:00",
        OffsetDateTime::parse);
    text(simple, Duration.class, "a duration as in PT1H30M", Duration::parse);
    whole(simple, byte.class, Byte.class, BigDecimal::byteValueExact);
    whole(simple, short.class, Short.class, BigDecimal::shortValueExact);
    whole(simple, int.class, Integer.class, BigDecimal::intValueExact);
    whole(simple, long.class, Long.class, BigDecimal::longValueExact);
    whole(simple, BigInteger.class, BigInteger.class, BigDecimal::toBigIntegerExact);
    fraction(simple, float.class, Float.class, n -> finite(n.floatValue()));
    fraction(simple, double.class, Double.class, n -> finite(n.doubleValue()));
    fraction(simple, BigDecimal.class, BigDecimal.class, n -> n);
    simple.put(boolean.class, new Flag());
    simple.put(Boolean.class, new Flag());
    return Map.copyOf(simple);
  }

  private static void text(
      Map<Class<?>, Shape> simple, Class<?> type, String what, Function<String, Object> parse) {
    simple.put(type, new Text(what, parse));
  }

  private static void whole(
      Map<Class<?>, Shape> simple,
      Class<?> primitive,
      Class<?> boxed,
      Function<BigDecimal, Object> convert) {
    String what =
        boxed == BigInteger.class
            ? "a whole number"
            : "a whole number that fits " + primitive.getSimpleName();
    Shape shape = new Numeric(what, true, convert);
    simple.put(primitive, shape);
    simple.put(boxed, shape);
  }

  private static void fraction(
      Map<Class<?>, Shape> simple,
      Class<?> primitive,
      Class<?> boxed,
      Function<BigDecimal, Object> convert) {
    Shape shape = new Numeric("a number", false, convert);
    simple.put(primitive, shape);
    simple.put(boxed, shape);
  }

  private static float finite(float number) {
    if (Float.isInfinite(number)) {
      throw new ArithmeticException("too large");
    }
    return number;
  }

  private static double finite(double number) {
    if (Double.isInfinite(number)) {
      throw new ArithmeticException("too large");
    }
    return number;
  }

  private Fields fields(Class<?> type) {
    if (inside.contains(type)) {
      throw unfit(type, "holds itself; a schema would have no end");
    }
    inside.push(type);
    RecordComponent[] components = type.getRecordComponents();
    List<Fields.Field> fields = new ArrayList<>();
    for (RecordComponent component : components) {
      fields.add(field(type, component));
    }
    inside.pop();
    return new Fields(constructor(type, components), List.copyOf(fields), said(type));
  }

  private static Constructor<?> constructor(Class<?> type, RecordComponent[] components) {
    Class<?>[] types =
        Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
    try {
      Constructor<?> constructor = type.getDeclaredConstructor(types);
      constructor.setAccessible(true);
      return constructor;
    } catch (ReflectiveOperationException | RuntimeException closed) {
      throw unfit(type, "can't be made: open its package to this library");
    }
  }

  private Fields.Field field(Class<?> owner, RecordComponent component) {
    Type type = component.getGenericType();
    boolean optional = component.getType() == Optional.class;
    Type inner = optional ? argument(owner, component.getName(), type) : type;
    boolean nullable =
        !component.getType().isPrimitive()
            && component.getAnnotatedType().isAnnotationPresent(Nullable.class);
    return new Fields.Field(
        component.getName(),
        shape(owner, component.getName(), inner),
        optional,
        nullable,
        said(owner, component.getName()));
  }

  private Shape shape(Class<?> owner, String name, Type type) {
    Class<?> raw =
        type instanceof ParameterizedType generic ? (Class<?>) generic.getRawType() : null;
    if (raw == List.class || raw == Collection.class || raw == Set.class) {
      return new Items(shape(owner, name, argument(owner, name, type)), raw == Set.class);
    }
    if (type instanceof Class<?> plain) {
      Shape simple = SIMPLE.get(plain);
      if (simple != null) {
        return simple;
      } else if (plain.isEnum()) {
        return choice(plain);
      } else if (plain.isRecord()) {
        return fields(plain);
      }
    }
    throw unfit(
        owner,
        "has the component '%s' of type %s; records may hold records, lists, sets, enums, Optional, text, numbers, booleans, times, UUID and URI"
            .formatted(name, type.getTypeName()));
  }

  private static Type argument(Class<?> owner, String name, Type type) {
    if (type instanceof ParameterizedType generic) {
      return generic.getActualTypeArguments()[0];
    }
    throw unfit(owner, "has the component '" + name + "' without the type of what it holds");
  }

  private static Choice choice(Class<?> type) {
    Map<String, Object> constants = new LinkedHashMap<>();
    for (Object constant : type.getEnumConstants()) {
      constants.put(((Enum<?>) constant).name(), constant);
    }
    return new Choice(constants, said(type));
  }

  private static @Nullable String said(Class<?> type) {
    Description description = type.getAnnotation(Description.class);
    return description == null ? null : String.join(" ", description.value());
  }

  private static @Nullable String said(Class<?> owner, String field) {
    try {
      Description description = owner.getDeclaredField(field).getAnnotation(Description.class);
      return description == null ? null : String.join(" ", description.value());
    } catch (NoSuchFieldException impossible) {
      return null;
    }
  }

  private static AgentException unfit(Class<?> type, String why) {
    return new AgentException(
        ErrorCode.INVALID_INPUT, "record %s %s".formatted(type.getName(), why));
  }
}
