package dev.troupe.llm.agent;

import dev.langchain4j.internal.JsonSchemaElementUtils;
import dev.langchain4j.model.chat.request.json.JsonArraySchema;
import dev.langchain4j.model.chat.request.json.JsonBooleanSchema;
import dev.langchain4j.model.chat.request.json.JsonEnumSchema;
import dev.langchain4j.model.chat.request.json.JsonIntegerSchema;
import dev.langchain4j.model.chat.request.json.JsonNumberSchema;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonReferenceSchema;
import dev.langchain4j.model.chat.request.json.JsonSchemaElement;
import dev.langchain4j.model.chat.request.json.JsonStringSchema;
import dev.langchain4j.model.output.structured.Description;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** JSON schemas of Java types, as {@link dev.troupe.Codec#json()} reads them. */
final class SchemaOf {
  private static final Set<Class<?>> TEXTS =
      Set.of(String.class, char.class, Character.class, UUID.class, URI.class);
  private static final Set<Class<?>> INTEGERS =
      Set.of(
          byte.class,
          Byte.class,
          short.class,
          Short.class,
          int.class,
          Integer.class,
          long.class,
          Long.class,
          BigInteger.class);
  private static final Set<Class<?>> NUMBERS =
      Set.of(float.class, Float.class, double.class, Double.class, BigDecimal.class);

  private final Map<String, JsonSchemaElement> definitions = new LinkedHashMap<>();
  private final Set<Class<?>> open = new HashSet<>();
  private final Set<Class<?>> recursive = new HashSet<>();
  private final boolean optionals;

  /**
   * Schemas of one root.
   *
   * @param optionals whether values may be {@link Optional}, which codecs do not write
   */
  SchemaOf(boolean optionals) {
    this.optionals = optionals;
  }

  /** The schema of a record, with definitions where it holds itself. */
  static JsonObjectSchema record(Class<?> type) {
    return record(type, new SchemaOf(true));
  }

  /** The schema of a record that becomes a result or an input of a run. */
  static JsonObjectSchema stored(Class<?> type) {
    return record(type, new SchemaOf(false));
  }

  private static JsonObjectSchema record(Class<?> type, SchemaOf schemas) {
    JsonSchemaElement root = schemas.of(type, null);
    if (!(root instanceof JsonObjectSchema object)) {
      throw new IllegalArgumentException(
          type.getTypeName() + " is no record: its schema is not that of an object");
    }
    return object.toBuilder().definitions(schemas.definitions()).build();
  }

  /** What has to be defined at the root, null for nothing. */
  @Nullable Map<String, JsonSchemaElement> definitions() {
    return definitions.isEmpty() ? null : definitions;
  }

  static boolean isOptional(Type type) {
    return type instanceof ParameterizedType p && p.getRawType() == Optional.class;
  }

  JsonSchemaElement of(Type type, @Nullable String description) {
    if (type instanceof WildcardType wildcard) {
      return of(wildcard.getUpperBounds()[0], description);
    }
    if (isOptional(type)) {
      if (!optionals) {
        throw new IllegalArgumentException(
            "an Optional can't be stored as part of a run's input or result; use @Nullable");
      }
      return of(argument(type, 0), description);
    }
    Class<?> raw = raw(type);
    if (TEXTS.contains(raw)) {
      return JsonStringSchema.builder().description(description).build();
    }
    if (raw.getName().startsWith("java.time.")) {
      String form = "ISO 8601, as %s prints it".formatted(raw.getSimpleName());
      return JsonStringSchema.builder()
          .description(description == null ? form : description + " (" + form + ")")
          .build();
    }
    if (INTEGERS.contains(raw)) {
      return JsonIntegerSchema.builder().description(description).build();
    }
    if (NUMBERS.contains(raw)) {
      return JsonNumberSchema.builder().description(description).build();
    }
    if (raw == boolean.class || raw == Boolean.class) {
      return JsonBooleanSchema.builder().description(description).build();
    }
    if (raw.isEnum()) {
      List<String> values =
          Arrays.stream(raw.getEnumConstants()).map(value -> ((Enum<?>) value).name()).toList();
      return JsonEnumSchema.builder().enumValues(values).description(description).build();
    }
    if (raw.isArray() || Collection.class.isAssignableFrom(raw)) {
      Type items = raw.isArray() ? raw.getComponentType() : argument(type, 0);
      return JsonArraySchema.builder().items(of(items, null)).description(description).build();
    }
    if (Map.class.isAssignableFrom(raw) || raw == Object.class) {
      return JsonObjectSchema.builder().additionalProperties(true).description(description).build();
    }
    return raw.isRecord()
        ? object(raw, description)
        : JsonSchemaElementUtils.jsonSchemaElementFrom(
            raw, type, description, true, new LinkedHashMap<>());
  }

  private JsonSchemaElement object(Class<?> type, @Nullable String description) {
    String name = type.getSimpleName();
    if (!open.add(type)) {
      recursive.add(type);
      return JsonReferenceSchema.builder().reference(name).build();
    }
    Map<String, JsonSchemaElement> properties = new LinkedHashMap<>();
    List<String> required = new ArrayList<>();
    for (RecordComponent component : type.getRecordComponents()) {
      Description words = description(type, component);
      String property = Binding.name(type, component);
      properties.put(
          property,
          of(component.getGenericType(), words == null ? null : String.join(" ", words.value())));
      if (!isOptional(component.getGenericType()) && !isNullable(component)) {
        required.add(property);
      }
    }
    open.remove(type);
    Description own = type.getAnnotation(Description.class);
    JsonObjectSchema schema =
        JsonObjectSchema.builder()
            .description(
                description != null || own == null ? description : String.join(" ", own.value()))
            .addProperties(properties)
            .required(required)
            .additionalProperties(false)
            .build();
    if (recursive.contains(type)) {
      definitions.put(name, schema);
    }
    return schema;
  }

  private static boolean isNullable(RecordComponent component) {
    return Arrays.stream(component.getAnnotatedType().getAnnotations())
        .anyMatch(a -> a.annotationType().getSimpleName().equals("Nullable"));
  }

  private static @Nullable Description description(Class<?> type, RecordComponent component) {
    try {
      return type.getDeclaredField(component.getName()).getAnnotation(Description.class);
    } catch (NoSuchFieldException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static Type argument(Type type, int index) {
    return type instanceof ParameterizedType p ? p.getActualTypeArguments()[index] : Object.class;
  }

  private static Class<?> raw(Type type) {
    if (type instanceof Class<?> c) {
      return c;
    }
    if (type instanceof ParameterizedType p && p.getRawType() instanceof Class<?> c) {
      return c;
    }
    return Object.class;
  }
}
