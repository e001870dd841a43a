package dev.troupe.llm.agent;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ChatMessageDeserializer;
import dev.langchain4j.data.message.ChatMessageSerializer;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.agent.AgentContext;
import dev.troupe.llm.guard.Guards;
import dev.troupe.llm.guard.Origin;
import dev.troupe.llm.guard.Provenance;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The loop of one run: ask the model, make its tool calls, ask again, until there is an answer. All
 * it knows comes from the input and the journal, so a replay goes the same way.
 */
final class Loop<I, O> {
  private final Settings<I, O> settings;
  private final AgentContext context;
  private final AnswerForm<O> form;
  private final Conversation conversation = new Conversation();
  private final ModelTurns turns;
  private final ToolRound tools;
  private final StallWatch stall;
  private final Repairs repairs;

  Loop(Settings<I, O> settings, AnswerForm<O> form, AgentContext context) {
    Guarding guards =
        new Guarding(new Guards(settings.guards), settings.model.guards(), settings.policies);
    this.settings = settings;
    this.context = context;
    this.form = form;
    this.turns = new ModelTurns(settings, guards, form, context);
    this.tools = new ToolRound(settings, guards, context);
    this.stall = new StallWatch(settings.maxIdleRounds);
    this.repairs = new Repairs(settings.maxRepairs);
  }

  O run(I input) throws InterruptedException {
    Memory memory = settings.memory == null ? null : settings.memory.apply(input, context);
    conversation.begin(
        form.instructions(settings.instructions), remembered(memory), settings.input.apply(input));
    for (int round = 1; ; round++) {
      List<ChatMessage> before = conversation.messages();
      ModelTurns.Answer given = turns.ask(before, round);
      AiMessage answer = conversation.answered(given.message(), round);
      if (answer.hasToolExecutionRequests()) {
        tools(answer, given.finish(), Provenance.of(before), round);
        continue;
      }
      if (given.finish() == FinishReason.TOOL_EXECUTION) {
        repairs.needed("the model's answer announces a tool call and holds none", context.runId());
        conversation.told("Your answer announced a tool call and held none. Call it, or answer.");
        continue;
      }
      try {
        String text = answer.text();
        O output = form.read(text == null ? "" : text);
        remember(memory);
        return output;
      } catch (AnswerForm.Unfit unfit) {
        repairs.needed("the model's answer does not fit the output type", context.runId());
        conversation.told(
            "Your answer can't be used: %s. Answer again, with nothing but what was asked for."
                .formatted(unfit.getMessage()));
      }
    }
  }

  private void tools(
      AiMessage answer, @Nullable FinishReason finish, Set<Origin> origins, int round) {
    List<ToolResult> results = tools.make(answer, finish, origins, round);
    conversation.results(results);
    if (results.stream().anyMatch(result -> result.kind() == ToolResult.Kind.INVALID)) {
      repairs.needed("the model's tool calls can't be made", context.runId());
    } else {
      repairs.fine();
    }
    stall.round(results, context.runId());
  }

  private List<ChatMessage> remembered(@Nullable Memory memory) {
    if (memory == null) {
      return List.of();
    }
    String messages =
        context.step(
            "load memory",
            String.class,
            attempt -> ChatMessageSerializer.messagesToJson(memory.load()));
    return ChatMessageDeserializer.messagesFromJson(messages);
  }

  private void remember(@Nullable Memory memory) {
    if (memory != null) {
      List<ChatMessage> fresh = conversation.fresh();
      context.step(
          "append to memory",
          Boolean.class,
          attempt -> {
            memory.append(attempt.idempotencyKey(), fresh);
            return true;
          });
    }
  }
}
