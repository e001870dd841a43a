package dev.troupe.event;

import com.networknt.schema.Error;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaException;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What the data of events may look like, by type: JSON Schemas, one for each form that a type has
 * had, and how an older form becomes the next. A bus that has them refuses to publish what does not
 * keep to them, and hands events to handlers in the latest form only; what does not keep to its
 * schema, or names one that is not known, is a dead letter and reaches no handler.
 *
 * <p>Which form an event has, its {@code dataschema} says; without one it counts as the latest.
 * Types that have no schema here may have any data.
 *
 * <p>Needs {@code com.networknt:json-schema-validator} 2.0 on the class path, which is an optional
 * dependency. Schemas are read as draft 2020-12 unless they say otherwise, and load nothing over
 * the network. Safe for use by many threads.
 */
public final class EventSchemas {
  private static final int MOST_ERRORS = 5;

  private final Map<String, List<Form>> types;

  /** One form of a type, and how the one before becomes it. */
  private record Form(
      String name, Schema schema, @Nullable UnaryOperator<Map<String, Object>> upcaster) {}

  private EventSchemas(Map<String, List<Form>> types) {
    this.types = types;
  }

  /**
   * Starts without any schema.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * An event as handlers get it.
   *
   * @param event any event
   * @return the event itself, or one with its data in the latest form
   * @throws AgentException with {@link ErrorCode#INVALID_INPUT} when its data does not keep to its
   *     schema, or can't be brought up to date; the message shows places and rules, no data
   */
  public Event latest(Event event) {
    List<Form> forms = types.get(event.type());
    if (forms == null) {
      return event;
    }
    int form = formOf(event, forms);
    check(event, forms.get(form), event.data());
    int last = forms.size() - 1;
    if (form == last) {
      return event;
    }
    byte[] data = upcast(event, forms, form);
    check(event, forms.get(last), data);
    return event.toBuilder().data(data, "application/json").schema(forms.get(last).name()).build();
  }

  /** An event that says which form it has. */
  Event checked(Event event) {
    List<Form> forms = types.get(event.type());
    if (forms == null) {
      return event;
    }
    Form form = forms.get(formOf(event, forms));
    check(event, form, event.data());
    return event.schema == null ? event.toBuilder().schema(form.name()).build() : event;
  }

  private static int formOf(Event event, List<Form> forms) {
    String name = event.schema;
    if (name == null) {
      return forms.size() - 1;
    }
    for (int i = 0; i < forms.size(); i++) {
      if (forms.get(i).name().equals(name)) {
        return i;
      }
    }
    throw new AgentException(
        ErrorCode.INVALID_INPUT,
        "%s has data of schema %s, which is not known here; known are %s"
            .formatted(event, name, forms.stream().map(Form::name).toList()));
  }

  private static void check(Event event, Form form, byte[] data) {
    List<Error> errors;
    try {
      errors = form.schema().validate(new String(data, StandardCharsets.UTF_8), InputFormat.JSON);
    } catch (RuntimeException e) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT, event + " has data that is no JSON: " + e.getClass().getName());
    }
    if (!errors.isEmpty()) {
      String places =
          errors.stream()
              .limit(MOST_ERRORS)
              .map(error -> error.getKeyword() + " at '" + error.getInstanceLocation() + "'")
              .collect(Collectors.joining(", "));
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "%s has data that breaks %d rule(s) of schema %s: %s"
              .formatted(event, errors.size(), form.name(), places));
    }
  }

  @SuppressWarnings("unchecked") // objects of JSON
  private static byte[] upcast(Event event, List<Form> forms, int from) {
    String next = "";
    try {
      Map<String, Object> data = event.data(Map.class);
      for (int i = from + 1; i < forms.size(); i++) {
        next = forms.get(i).name();
        UnaryOperator<Map<String, Object>> upcaster = forms.get(i).upcaster();
        if (upcaster == null || data == null) {
          throw new IllegalArgumentException("nothing leads to " + next);
        }
        data = upcaster.apply(new HashMap<>(data));
      }
      return Codec.json().encode(data, Map.class);
    } catch (Throwable e) { // the host's code; no thread may die of it
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "%s could not be brought from schema %s to %s: %s"
              .formatted(event, forms.get(from).name(), next, e.getClass().getName()),
          e);
    }
  }

  /** Collects schemas. Not safe for use by several threads. */
  public static final class Builder {
    private final Map<String, List<Form>> types = new HashMap<>();
    private final SchemaRegistry registry =
        SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

    private Builder() {}

    /**
     * Adds the first form of a type.
     *
     * @param type the events' type
     * @param name what {@code dataschema} calls it, a URI
     * @param schema the JSON Schema
     * @return this
     */
    public Builder schema(String type, String name, String schema) {
      if (types.containsKey(type)) {
        throw new IllegalArgumentException(
            "type " + type + " has a schema; a later form says how the one before becomes it");
      }
      return add(type, name, schema, null);
    }

    /**
     * Adds the next form of a type.
     *
     * @param type the events' type
     * @param name what {@code dataschema} calls it, a URI
     * @param schema the JSON Schema
     * @param upcaster makes data of this form from data of the form before; is given a map that it
     *     may change
     * @return this
     */
    public Builder schema(
        String type, String name, String schema, UnaryOperator<Map<String, Object>> upcaster) {
      if (!types.containsKey(type)) {
        throw new IllegalArgumentException("type " + type + " has no form before " + name);
      }
      return add(type, name, schema, Objects.requireNonNull(upcaster, "upcaster"));
    }

    private Builder add(
        String type,
        String name,
        String schema,
        @Nullable UnaryOperator<Map<String, Object>> upcaster) {
      try {
        types
            .computeIfAbsent(type, t -> new ArrayList<>())
            .add(new Form(name, registry.getSchema(schema), upcaster));
      } catch (SchemaException | IllegalArgumentException e) {
        throw new IllegalArgumentException("schema " + name + " of type " + type + " is none", e);
      }
      return this;
    }

    /**
     * Makes it.
     *
     * @return what was collected
     */
    public EventSchemas build() {
      Map<String, List<Form>> all = new HashMap<>();
      types.forEach(
          (type, forms) -> {
            Set<String> names = new HashSet<>();
            for (Form form : forms) {
              if (!names.add(form.name())) {
                throw new IllegalArgumentException(
                    "type " + type + " has two schemas of the name " + form.name());
              }
            }
            all.put(type, List.copyOf(forms));
          });
      return new EventSchemas(Map.copyOf(all));
    }
  }
}
