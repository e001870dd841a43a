package dev.troupe.examples.party.catalogue;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** A map in a YAML file, read with checks; every error names file, entry and field. */
public final class Entry {
  private final String where;
  private final Map<String, Object> fields;

  private Entry(String where, Map<String, Object> fields) {
    this.where = where;
    this.fields = fields;
  }

  static Entry parse(String file, String text) {
    try {
      LoadSettings settings =
          LoadSettings.builder().setLabel(file).setAllowDuplicateKeys(false).build();
      return new Entry(file, map(file, new Load(settings).loadFromString(text)));
    } catch (YamlEngineException e) {
      String first = String.valueOf(e.getMessage()).strip().replaceAll("\\s*\\R\\s*", " ");
      throw new DataException(file + ": is not YAML: " + first);
    }
  }

  private static Map<String, Object> map(String where, @Nullable Object value) {
    if (!(value instanceof Map<?, ?> raw)) {
      throw new DataException(where + ": must hold fields, holds " + shown(value));
    }
    Map<String, Object> fields = new LinkedHashMap<>();
    raw.forEach(
        (key, inner) -> {
          if (inner == null) {
            throw new DataException(where + ": field '" + key + "' is empty");
          }
          fields.put(String.valueOf(key), inner);
        });
    return fields;
  }

  private static String shown(@Nullable Object value) {
    String text = String.valueOf(value);
    return value == null ? "nothing" : "'" + text.substring(0, Math.min(40, text.length())) + "'";
  }

  /**
   * Where this stands.
   *
   * @return file and entry
   */
  public String where() {
    return where;
  }

  /**
   * The error for something wrong with a field.
   *
   * @param field the field
   * @param problem what is wrong
   * @return the error to throw
   */
  public DataException wrong(String field, String problem) {
    return new DataException(where + ": field '" + field + "' " + problem);
  }

  private Object value(String field) {
    Object value = fields.get(field);
    if (value == null) {
      throw wrong(field, "is missing");
    }
    return value;
  }

  /**
   * Whether there is a field.
   *
   * @param field its name
   * @return true when there is
   */
  public boolean has(String field) {
    return fields.containsKey(field);
  }

  /**
   * The names of all fields, in the order of the file.
   *
   * @return the names
   */
  public List<String> names() {
    return List.copyOf(fields.keySet());
  }

  /**
   * A text.
   *
   * @param field its name
   * @return the text, not blank
   */
  public String text(String field) {
    if (value(field) instanceof String text && !text.isBlank()) {
      return text;
    }
    throw wrong(field, "must be a text, is " + shown(value(field)));
  }

  /**
   * A number.
   *
   * @param field its name
   * @return the number, not negative
   */
  public BigDecimal number(String field) {
    if (value(field) instanceof Number number) {
      BigDecimal exact = new BigDecimal(number.toString());
      if (exact.signum() >= 0) {
        return exact;
      }
    }
    throw wrong(field, "must be a number of at least 0, is " + shown(value(field)));
  }

  /**
   * A whole number.
   *
   * @param field its name
   * @return the number, not negative
   */
  public int count(String field) {
    try {
      return number(field).intValueExact();
    } catch (ArithmeticException e) {
      throw wrong(field, "must be a whole number, is " + shown(value(field)));
    }
  }

  /**
   * A yes or no.
   *
   * @param field its name
   * @return the value
   */
  public boolean flag(String field) {
    if (value(field) instanceof Boolean flag) {
      return flag;
    }
    throw wrong(field, "must be true or false, is " + shown(value(field)));
  }

  /**
   * A list of texts.
   *
   * @param field its name
   * @return the texts, empty when there is no such field
   */
  public List<String> texts(String field) {
    if (!has(field)) {
      return List.of();
    }
    if (!(value(field) instanceof List<?> raw)) {
      throw wrong(field, "must be a list, is " + shown(value(field)));
    }
    List<String> texts = new ArrayList<>();
    for (Object one : raw) {
      if (!(one instanceof String text) || text.isBlank()) {
        throw wrong(field, "must hold texts, holds " + shown(one));
      }
      texts.add(text);
    }
    return List.copyOf(texts);
  }

  /**
   * A map inside this one.
   *
   * @param field its name
   * @return the map, empty when there is no such field
   */
  public Entry entry(String field) {
    String place = where + ": " + field;
    return new Entry(place, has(field) ? map(place, value(field)) : Map.of());
  }

  /**
   * A list of maps; each is named by its {@code id} or {@code code} in errors.
   *
   * @param field its name
   * @return the maps
   */
  public List<Entry> entries(String field) {
    if (!(value(field) instanceof List<?> raw)) {
      throw wrong(field, "must be a list, is " + shown(value(field)));
    }
    List<Entry> entries = new ArrayList<>();
    for (int i = 0; i < raw.size(); i++) {
      String place = where + ": " + field + " entry " + (i + 1);
      Map<String, Object> inner = map(place, raw.get(i));
      Object name = inner.getOrDefault("id", inner.get("code"));
      entries.add(
          new Entry(name == null ? place : where + ": " + field + " '" + name + "'", inner));
    }
    return entries;
  }
}
