package dev.troupe.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.agent.AgentDefinition;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.Submission;
import dev.troupe.testkit.RedisServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The code about Redis that the documents show. */
@Timeout(60)
class RedisSnippetsTest {
  private final AgentDefinition<String, String> greeter =
      AgentDefinition.of(
              "greeter",
              String.class,
              String.class,
              (name, context) -> context.step("greet", String.class, attempt -> "Hello " + name))
          .build();

  @Test
  void runsOutliveTheProcess() throws Exception {
    try (RedisServer server = RedisServer.start()) {
      String address = server.uri().toString();
      // snippet: redis
      try (RedisStateStore store = RedisStateStore.connect(address); // redis://host:6379
          AgentRuntime runtime = AgentRuntime.builder().store(store).agent(greeter).start()) {
        runtime.submit(Submission.of("greeter", "Ada", String.class).id("hello-1").build()).await();
      }
      // end
      try (RedisStateStore store = RedisStateStore.connect(address);
          AgentRuntime runtime = AgentRuntime.builder().store(store).agent(greeter).start()) {
        assertThat(runtime.handle("hello-1", String.class).await()).isEqualTo("Hello Ada");
      }
    }
  }
}
