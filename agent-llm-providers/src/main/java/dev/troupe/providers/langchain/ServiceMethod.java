package dev.troupe.providers.langchain;

import dev.langchain4j.service.MemoryId;
import dev.langchain4j.service.Result;
import dev.langchain4j.service.TokenStream;
import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import java.lang.invoke.MethodType;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The method of a service that an agent calls, with what goes in and comes out.
 *
 * @param input of the agent: the only parameter's type, or a map of several
 * @param output of the agent
 */
record ServiceMethod(Method method, Class<?> input, Class<?> output) {
  static ServiceMethod of(Class<?> service, @Nullable String name) {
    List<Method> candidates =
        Arrays.stream(service.getMethods())
            .filter(m -> Modifier.isAbstract(m.getModifiers()))
            .filter(m -> name == null || m.getName().equals(name))
            .toList();
    if (candidates.size() != 1) {
      throw new IllegalArgumentException(
          "%s has %d methods%s, so it can't be told which one the agent is; name one that it has once"
              .formatted(
                  service.getName(), candidates.size(), name == null ? "" : " named " + name));
    }
    Method method = candidates.get(0);
    if (TokenStream.class.isAssignableFrom(method.getReturnType())) {
      throw new IllegalArgumentException(
          "%s.%s returns a stream, which can't be journaled; return the text, and show tokens by a sink of the run's log"
              .formatted(service.getName(), method.getName()));
    }
    method.trySetAccessible(); // interfaces need not be public
    Class<?> input =
        switch (method.getParameterCount()) {
          case 0 -> Object.class;
          case 1 -> boxed(method.getParameterTypes()[0]);
          default -> Map.class;
        };
    return new ServiceMethod(method, input, boxed(raw(content(method.getGenericReturnType()))));
  }

  private static Type content(Type returned) {
    return returned instanceof ParameterizedType p && p.getRawType() == Result.class
        ? p.getActualTypeArguments()[0]
        : returned;
  }

  private static Class<?> raw(Type type) {
    return type instanceof Class<?> c
        ? c
        : type instanceof ParameterizedType p ? (Class<?>) p.getRawType() : Object.class;
  }

  private static Class<?> boxed(Class<?> type) {
    return MethodType.methodType(type).wrap().returnType();
  }

  boolean hasMemoryId() {
    return Arrays.stream(method.getParameters())
        .anyMatch(p -> p.isAnnotationPresent(MemoryId.class));
  }

  @Nullable Object call(Object service, Object input) throws Exception {
    try {
      Object returned = method.invoke(service, arguments(input));
      return returned instanceof Result<?> result ? result.content() : returned;
    } catch (InvocationTargetException e) {
      // the run leaves its stack by an error, which some of that library's layers wrap
      for (Throwable t = e.getCause(); t != null; t = t.getCause()) {
        if (t instanceof Error leaving) {
          throw leaving;
        }
      }
      for (Throwable t = e.getCause(); t != null; t = t.getCause()) {
        if (t instanceof AgentException known) {
          throw known;
        }
      }
      throw e.getCause() instanceof Exception cause ? cause : e;
    }
  }

  private @Nullable Object[] arguments(Object input) {
    Parameter[] parameters = method.getParameters();
    @Nullable Object[] arguments = new @Nullable Object[parameters.length];
    if (parameters.length == 1) {
      arguments[0] = input;
      return arguments;
    }
    for (int i = 0; i < parameters.length; i++) {
      String name = parameters[i].getName();
      if (!(input instanceof Map<?, ?> map) || !map.containsKey(name)) {
        throw new AgentException(
            ErrorCode.INVALID_INPUT,
            "the input of %s needs a value named '%s'".formatted(method.getName(), name));
      }
      Codec json = Codec.json();
      arguments[i] =
          json.decode(
              json.encode(map.get(name), Object.class), parameters[i].getParameterizedType());
    }
    return arguments;
  }
}
