package dev.troupe.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.agent.AgentDefinition;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.Submission;
import dev.troupe.testkit.PostgresServer;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The code about PostgreSQL that the documents show. */
@Timeout(60)
class PostgresSnippetsTest {
  private final AgentDefinition<String, String> greeter =
      AgentDefinition.of(
              "greeter",
              String.class,
              String.class,
              (name, context) -> context.step("greet", String.class, attempt -> "Hello " + name))
          .build();

  @Test
  void runsOutliveTheProcess() throws Exception {
    PostgresServer server = PostgresServer.shared();
    DataSource dataSource = server.dataSource(server.freshDatabase());
    // snippet: postgres
    try (PostgresStateStore store = PostgresStateStore.builder(dataSource).migrate(true).open();
        AgentRuntime runtime = AgentRuntime.builder().store(store).agent(greeter).start()) {
      runtime.submit(Submission.of("greeter", "Ada", String.class).id("hello-1").build()).await();
    }
    // end
    try (PostgresStateStore store = PostgresStateStore.open(dataSource);
        AgentRuntime runtime = AgentRuntime.builder().store(store).agent(greeter).start()) {
      assertThat(runtime.handle("hello-1", String.class).await()).isEqualTo("Hello Ada");
    }
  }
}
