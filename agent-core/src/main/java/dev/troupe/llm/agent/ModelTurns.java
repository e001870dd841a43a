package dev.troupe.llm.agent;

import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentContext;
import dev.troupe.llm.CallOptions;
import dev.troupe.llm.GovernedModel;
import dev.troupe.llm.LlmResponse;
import dev.troupe.llm.LlmSink;
import dev.troupe.llm.guard.Turn;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Asks the model, with guards before and after. */
final class ModelTurns {
  private final Settings<?, ?> settings;
  private final Guarding guards;
  private final AgentContext context;
  private final AnswerForm<?> form;
  private final GovernedModel model;

  ModelTurns(Settings<?, ?> settings, Guarding guards, AnswerForm<?> form, AgentContext context) {
    this.settings = settings;
    this.guards = guards;
    this.form = form;
    this.context = context;
    this.model = settings.model.in(context);
  }

  /** An answer that may be used, and how the model ended it. */
  record Answer(AiMessage message, @Nullable FinishReason finish) {}

  Answer ask(List<ChatMessage> messages, int number) throws InterruptedException {
    if (number > settings.maxSteps) {
      spent();
    }
    Turn turn = new Turn(context.runId(), context.tenant(), number, messages);
    List<ToolSpecification> tools =
        settings.tools.values().stream().map(AgentTool::specification).toList();
    ChatRequest.Builder request = ChatRequest.builder();
    // first, so that it can change nothing of what follows
    settings.request.accept(request);
    request.messages(guards.beforeModel(turn));
    if (!tools.isEmpty()) {
      request.toolSpecifications(tools);
    }
    form.ask(request);
    LlmResponse response = answer(request.build());
    FinishReason finish = response.response().finishReason();
    if (finish == FinishReason.CONTENT_FILTER) {
      throw new AgentException(
          ErrorCode.CONTENT_REFUSED,
          "the answer to %s was cut off by the provider's content filter".formatted(turn));
    }
    boolean cut = finish == FinishReason.LENGTH || !response.complete();
    if (cut && !response.message().hasToolExecutionRequests()) {
      throw new AgentException(
          ErrorCode.ANSWER_INCOMPLETE,
          "the answer to %s was cut off; allow more output tokens".formatted(turn));
    }
    return new Answer(
        guards.afterModel(turn, response.message()), cut ? FinishReason.LENGTH : finish);
  }

  private LlmResponse answer(ChatRequest request) throws InterruptedException {
    LlmSink sink = settings.tokens == null ? null : settings.tokens.apply(context);
    CallOptions options = settings.options;
    if (sink != null) {
      return model.stream(request, options == null ? CallOptions.USUAL : options, sink);
    }
    return options == null ? model.generate(request) : model.generate(request, options);
  }

  /**
   * In a step, so that the run is stopped: it goes on when the agent allows more and is resumed.
   */
  private void spent() {
    context.step(
        "steps left",
        Boolean.class,
        attempt -> {
          throw new AgentException(
              ErrorCode.BUDGET_EXCEEDED,
              "run %s: the model was called %d times, which is all that maxSteps allows; raise it and resume the run"
                  .formatted(context.runId(), settings.maxSteps));
        });
  }
}
