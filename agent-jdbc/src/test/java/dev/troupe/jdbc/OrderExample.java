package dev.troupe.jdbc;

import dev.troupe.AgentException;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Step;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunHandle;
import dev.troupe.runtime.Submission;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A small agent with everything that waits or undoes: step, child, timer, signal, compensation. */
final class OrderExample {
  /** What the outside world has seen: how often each effect was made. */
  final Map<String, Integer> effects = new ConcurrentHashMap<>();

  private String effect(String name) {
    effects.merge(name, 1, Integer::sum);
    return name;
  }

  String order(String item, AgentContext context) {
    String seat =
        context.step(
            Step.of("reserve", String.class)
                .compensate((reserved, attempt) -> effect("release " + reserved))
                .build(),
            attempt -> effect("reserve " + item));
    int price = context.call("price", item, Integer.class);
    context.sleep(Duration.ofMillis(10));
    String answer = context.awaitSignal("answer", String.class);
    if (!answer.equals("yes")) {
      throw new IllegalStateException("the answer was " + answer);
    }
    return context.step("book", String.class, a -> effect("book " + seat + " for " + price));
  }

  Integer price(String item, AgentContext context) {
    context.sleep(Duration.ofMillis(5));
    return context.step("look up", Integer.class, a -> effect("price " + item).length());
  }

  String scenario(AgentRuntime.Builder builder) throws InterruptedException {
    builder.agent(AgentDefinition.of("order", String.class, String.class, this::order).build());
    builder.agent(AgentDefinition.of("price", String.class, Integer.class, this::price).build());
    try (AgentRuntime runtime = builder.start()) {
      RunHandle<String> tea = submit(runtime, "tea");
      RunHandle<String> ale = submit(runtime, "ale");
      runtime.signal("tea", "answer", "1", "yes");
      runtime.signal("ale", "answer", "1", "no");
      return outcome(tea) + "; " + outcome(ale);
    }
  }

  private static RunHandle<String> submit(AgentRuntime runtime, String item) {
    return runtime.submit(Submission.of("order", item, String.class).id(item).build());
  }

  private static String outcome(RunHandle<String> run) throws InterruptedException {
    try {
      return run.await();
    } catch (AgentException e) {
      return e.getMessage();
    }
  }
}
