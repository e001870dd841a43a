package dev.troupe.llm.agent;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.troupe.llm.guard.Origin;
import dev.troupe.llm.guard.Provenance;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The messages of one run, as the model is shown them. */
final class Conversation {
  private final List<ChatMessage> messages = new ArrayList<>();
  private final Set<String> ids = new HashSet<>();
  private int remembered;

  void begin(@Nullable String instructions, List<ChatMessage> before, List<ChatMessage> input) {
    if (instructions != null) {
      messages.add(SystemMessage.from(instructions));
    }
    messages.addAll(before);
    for (ChatMessage message : before) {
      if (message instanceof AiMessage answer) {
        answer.toolExecutionRequests().forEach(request -> ids.add(String.valueOf(request.id())));
      }
    }
    remembered = messages.size();
    messages.addAll(input);
  }

  List<ChatMessage> messages() {
    return List.copyOf(messages);
  }

  /** What was said since the run began. */
  List<ChatMessage> fresh() {
    return List.copyOf(messages.subList(remembered, messages.size()));
  }

  /**
   * Adds an answer; gives it back as it stands in the conversation: each call with an id of its
   * own, for models repeat ids and leave them out, and with arguments that every provider can read.
   */
  AiMessage answered(AiMessage answer, int round) {
    if (!answer.hasToolExecutionRequests()) {
      messages.add(answer);
      return answer;
    }
    List<ToolExecutionRequest> requests = new ArrayList<>();
    List<ToolExecutionRequest> shown = new ArrayList<>();
    for (ToolExecutionRequest request : answer.toolExecutionRequests()) {
      String id = request.id();
      if (id == null || id.isBlank() || !ids.add(id)) {
        id = "call-%d-%d".formatted(round, requests.size());
        ids.add(id);
      }
      String name = request.name() == null ? "" : request.name();
      String arguments = request.arguments() == null ? "" : request.arguments();
      ToolExecutionRequest known =
          ToolExecutionRequest.builder().id(id).name(name).arguments(arguments).build();
      requests.add(known);
      shown.add(Arguments.isObject(arguments) ? known : known.toBuilder().arguments("{}").build());
    }
    messages.add(answer.toBuilder().toolExecutionRequests(shown).build());
    return answer.toBuilder().toolExecutionRequests(requests).build();
  }

  void results(List<ToolResult> results) {
    for (ToolResult result : results) {
      ToolExecutionResultMessage.Builder message =
          ToolExecutionResultMessage.builder()
              .id(result.request().id())
              .toolName(result.request().name())
              .text(result.text().isBlank() ? "(nothing)" : result.text())
              .isError(result.kind() != ToolResult.Kind.DONE);
      if (result.origin() == Origin.RETRIEVED) {
        message.attributes(Map.of(Provenance.ATTRIBUTE, "retrieved"));
      }
      messages.add(message.build());
    }
  }

  /** The loop's own words to the model. */
  void told(String text) {
    messages.add(
        UserMessage.builder()
            .contents(List.of(TextContent.from(text)))
            .attributes(Map.of(Provenance.ATTRIBUTE, "host"))
            .build());
  }
}
