package dev.troupe.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.data.message.UserMessage;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.llm.log.LogEntry;
import dev.troupe.llm.log.RunLog;
import dev.troupe.llm.memory.ConversationMemory;
import dev.troupe.runtime.AgentRuntime;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What people were shown, and what was said, outlives the process. */
@Timeout(60)
class SqliteConversationTest {
  @TempDir private Path folder;

  @Test
  void aRunsLogAndAConversationAreReadOnAfterARestart() throws Exception {
    Path file = folder.resolve("talk.db");
    String id;
    try (SqliteStateStore store = SqliteStateStore.open(file);
        RunLog log = RunLog.over(store)) {
      ConversationMemory memory = ConversationMemory.over(store).maxMessages(2).build();
      AgentDefinition<String, String> agent =
          AgentDefinition.of(
                  "speaker",
                  String.class,
                  String.class,
                  (input, context) -> {
                    log.sink(context).text("Hello");
                    for (int i = 1; i <= 3; i++) {
                      memory.append("c", context.newId(), List.of(UserMessage.from("m" + i)));
                    }
                    return "done";
                  })
              .build();
      try (AgentRuntime runtime =
          AgentRuntime.builder().store(store).listener(log).agent(agent).start()) {
        id = runtime.submit("speaker", "hi", String.class).id();
        List<LogEntry> seen = new ArrayList<>();
        log.follow(id, 0, seen::add);
        assertThat(seen).extracting(LogEntry::text).containsExactly("Hello", "SUCCEEDED");
      }
    }
    try (SqliteStateStore store = SqliteStateStore.open(file);
        RunLog log = RunLog.over(store)) {
      assertThat(log.read(id, 1).entries())
          .extracting(LogEntry::kind)
          .containsExactly(LogEntry.Kind.ENDED);
      assertThat(ConversationMemory.over(store).build().read("c").messages())
          .containsExactly(UserMessage.from("m2"), UserMessage.from("m3"));
    }
  }
}
