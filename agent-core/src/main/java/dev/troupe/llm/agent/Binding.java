package dev.troupe.llm.agent;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Makes Java values of JSON that fits their schema. Knows records, lists and {@link Optional},
 * which the codec does not; all else the codec reads.
 */
final class Binding {
  private Binding() {}

  static Object read(String json, Type type) {
    try {
      Object value = value(StrictJson.read(json), type);
      return Objects.requireNonNull(value);
    } catch (StrictJson.Unreadable e) {
      throw misfit(type, e.why, e);
    }
  }

  static @Nullable Object value(@Nullable JsonNode node, Type type) {
    boolean absent = node == null || node.isNull();
    if (type instanceof ParameterizedType p && p.getRawType() == Optional.class) {
      return absent
          ? Optional.empty()
          : Optional.ofNullable(value(node, p.getActualTypeArguments()[0]));
    }
    if (node == null || absent) {
      if (type instanceof Class<?> c && c.isPrimitive()) {
        throw misfit(type, "a value that may be left out can't be a primitive", null);
      }
      return null;
    }
    if (type instanceof Class<?> c && c.isRecord()) {
      return record(node, c);
    }
    if (node.isArray() && type instanceof ParameterizedType p && p.getRawType() == List.class) {
      List<@Nullable Object> values = new ArrayList<>();
      node.forEach(item -> values.add(value(item, p.getActualTypeArguments()[0])));
      return values;
    }
    try {
      byte[] json = StrictJson.canonical(node).getBytes(StandardCharsets.UTF_8);
      return Codec.json().decode(json, type);
    } catch (AgentException e) {
      throw misfit(type, "it can't be read as that", e);
    }
  }

  private static Object record(JsonNode node, Class<?> type) {
    RecordComponent[] components = type.getRecordComponents();
    Class<?>[] types = new Class<?>[components.length];
    @Nullable Object[] values = new @Nullable Object[components.length];
    for (int i = 0; i < components.length; i++) {
      types[i] = components[i].getType();
      values[i] = value(node.get(name(type, components[i])), components[i].getGenericType());
    }
    try {
      Constructor<?> constructor = type.getDeclaredConstructor(types);
      constructor.setAccessible(true);
      return constructor.newInstance(values);
    } catch (InvocationTargetException refused) {
      Throwable cause = refused.getCause();
      // what a record's constructor says of a value is meant for whoever gave it
      String why = cause == null ? "" : Objects.requireNonNullElse(cause.getMessage(), "");
      throw misfit(type, why.isEmpty() ? "its constructor refuses the values" : why, refused);
    } catch (ReflectiveOperationException e) {
      throw misfit(type, "its constructor can't be called", e);
    }
  }

  /** What a component is called in JSON. */
  static String name(Class<?> type, RecordComponent component) {
    try {
      JsonProperty renamed =
          type.getDeclaredField(component.getName()).getAnnotation(JsonProperty.class);
      return renamed == null || renamed.value().isEmpty() ? component.getName() : renamed.value();
    } catch (NoSuchFieldException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static AgentException misfit(Type type, String why, @Nullable Throwable cause) {
    return new AgentException(
        ErrorCode.INVALID_INPUT, "it does not fit %s: %s".formatted(shown(type), why), cause);
  }

  private static String shown(Type type) {
    return type instanceof Class<?> c ? c.getSimpleName() : type.getTypeName();
  }
}
