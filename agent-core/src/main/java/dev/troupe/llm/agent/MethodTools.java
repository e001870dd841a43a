package dev.troupe.llm.agent;

import com.fasterxml.jackson.databind.JsonNode;
import dev.langchain4j.agent.tool.P;
import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchemaElement;
import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes tools of methods that carry langchain4j's {@link Tool}. */
final class MethodTools {
  private MethodTools() {}

  static List<AgentTool> of(Object object) {
    List<Method> methods = new ArrayList<>();
    for (Class<?> c = object.getClass(); c != null && c != Object.class; c = c.getSuperclass()) {
      Arrays.stream(c.getDeclaredMethods())
          .filter(method -> method.isAnnotationPresent(Tool.class) && !method.isBridge())
          .filter(method -> methods.stream().noneMatch(known -> overrides(known, method)))
          .forEach(methods::add);
    }
    if (methods.isEmpty()) {
      throw new IllegalArgumentException(
          object.getClass().getName() + " has no method with @Tool; annotate one");
    }
    // the JVM gives them in any order
    methods.sort(Comparator.comparing(MethodTools::name));
    return methods.stream().map(method -> tool(object, method)).toList();
  }

  private static boolean overrides(Method known, Method method) {
    return known.getName().equals(method.getName())
        && Arrays.equals(known.getParameterTypes(), method.getParameterTypes());
  }

  private static String name(Method method) {
    String name = method.getAnnotation(Tool.class).name();
    return name.isBlank() ? method.getName() : name;
  }

  private static AgentTool tool(Object object, Method method) {
    method.setAccessible(true);
    SchemaOf schemas = new SchemaOf(true);
    Map<String, JsonSchemaElement> properties = new LinkedHashMap<>();
    List<String> required = new ArrayList<>();
    for (Parameter parameter : method.getParameters()) {
      if (parameter.getType() == ToolCall.class) {
        continue;
      }
      P annotation = parameter.getAnnotation(P.class);
      properties.put(
          name(parameter), schemas.of(parameter.getParameterizedType(), words(annotation)));
      boolean optional =
          SchemaOf.isOptional(parameter.getParameterizedType())
              || (annotation != null && (!annotation.required() || hasDefault(annotation)));
      if (!optional) {
        required.add(name(parameter));
      }
    }
    String description = String.join("\n", method.getAnnotation(Tool.class).value());
    ToolSpecification specification =
        ToolSpecification.builder()
            .name(name(method))
            .description(description.isEmpty() ? null : description)
            .parameters(
                JsonObjectSchema.builder()
                    .addProperties(properties)
                    .required(required)
                    .additionalProperties(false)
                    .definitions(schemas.definitions())
                    .build())
            .build();
    return AgentTool.of(specification, call -> invoke(object, method, call)).build();
  }

  private static String name(Parameter parameter) {
    P annotation = parameter.getAnnotation(P.class);
    if (annotation != null && !annotation.name().isBlank()) {
      return annotation.name();
    }
    if (!parameter.isNamePresent()) {
      throw new IllegalArgumentException(
          "the parameters of %s have no names in its class file; compile with -parameters or name them with @P"
              .formatted(parameter.getDeclaringExecutable()));
    }
    return parameter.getName();
  }

  private static @Nullable String words(@Nullable P annotation) {
    if (annotation == null) {
      return null;
    }
    String words =
        annotation.description().isBlank() ? annotation.value() : annotation.description();
    return words.isBlank() ? null : words;
  }

  private static boolean hasDefault(P annotation) {
    return !annotation.defaultValue().equals(P.NO_DEFAULT);
  }

  private static @Nullable Object invoke(Object object, Method method, ToolCall call)
      throws Exception {
    JsonNode given;
    try {
      given = StrictJson.read(call.arguments());
    } catch (StrictJson.Unreadable e) {
      throw new AgentException(ErrorCode.INVALID_INPUT, "the arguments can't be read", e);
    }
    @Nullable Object[] arguments = new @Nullable Object[method.getParameterCount()];
    Parameter[] parameters = method.getParameters();
    for (int i = 0; i < parameters.length; i++) {
      arguments[i] =
          parameters[i].getType() == ToolCall.class ? call : argument(parameters[i], given);
    }
    try {
      return method.invoke(object, arguments);
    } catch (InvocationTargetException e) {
      Throwable cause = e.getCause();
      if (cause instanceof Exception exception) {
        throw exception;
      }
      if (cause instanceof Error error) {
        throw error;
      }
      throw e;
    }
  }

  private static @Nullable Object argument(Parameter parameter, JsonNode given) {
    JsonNode value = given.get(name(parameter));
    P annotation = parameter.getAnnotation(P.class);
    boolean absent = value == null || value.isNull();
    return absent && annotation != null && hasDefault(annotation)
        ? Binding.read(json(parameter, annotation), parameter.getParameterizedType())
        : Binding.value(value, parameter.getParameterizedType());
  }

  /** A default is text as it is where text is wanted, else JSON. */
  private static String json(Parameter parameter, P annotation) {
    String value = annotation.defaultValue();
    boolean plain =
        parameter.getType() == String.class
            || parameter.getType().isEnum()
            || parameter.getType().getName().startsWith("java.time.");
    return plain
        ? new String(Codec.json().encode(value, String.class), StandardCharsets.UTF_8)
        : value;
  }
}
