package dev.troupe.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.agent.AgentDefinition;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.Submission;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/** The code about SQLite that the documents show. */
@Timeout(60)
@Isolated // it reads what is printed
class SqliteSnippetsTest {
  @TempDir Path folder;

  private final AgentDefinition<String, String> greeter =
      AgentDefinition.of(
              "greeter",
              String.class,
              String.class,
              (name, context) -> context.step("greet", String.class, attempt -> "Hello " + name))
          .build();

  @Test
  void runsOutliveTheProcess() throws Exception {
    Path file = folder.resolve("runs.db");
    // snippet: sqlite
    try (SqliteStateStore store = SqliteStateStore.open(file);
        AgentRuntime runtime = AgentRuntime.builder().store(store).agent(greeter).start()) {
      runtime.submit(Submission.of("greeter", "Ada", String.class).id("hello-1").build()).await();
    }
    // end
    try (SqliteStateStore store = SqliteStateStore.open(file);
        AgentRuntime runtime = AgentRuntime.builder().store(store).agent(greeter).start()) {
      assertThat(runtime.handle("hello-1", String.class).await()).isEqualTo("Hello Ada");
    }
  }

  @Test
  void theFirstProgram() throws Exception {
    Files.deleteIfExists(Path.of("greetings.db"));
    PrintStream stdout = System.out;
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    System.setOut(new PrintStream(said, true, StandardCharsets.UTF_8));
    try {
      // snippet: readme
      AgentDefinition<String, String> greeter =
          AgentDefinition.of(
                  "greeter",
                  String.class,
                  String.class,
                  (name, context) -> {
                    String text = context.step("write", String.class, attempt -> "Hello " + name);
                    context.sleep(Duration.ofMillis(100)); // or a week; it takes no thread
                    return context.step("sign", String.class, attempt -> text + ", yours, Troupe");
                  })
              .build();
      try (SqliteStateStore store = SqliteStateStore.open(Path.of("greetings.db"));
          AgentRuntime runtime = AgentRuntime.builder().store(store).agent(greeter).start()) {
        System.out.println(runtime.submit("greeter", "Ada", String.class).await());
      }
      // end
    } finally {
      System.setOut(stdout);
      Files.deleteIfExists(Path.of("greetings.db"));
      Files.deleteIfExists(Path.of("greetings.db.lock"));
    }
    assertThat(said.toString(StandardCharsets.UTF_8).strip()).isEqualTo("Hello Ada, yours, Troupe");
  }
}
