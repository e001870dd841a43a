package dev.troupe.providers;

import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.LlmException;
import dev.troupe.llm.LlmProvider;
import dev.troupe.llm.LlmResponse;
import dev.troupe.llm.LlmSink;
import java.util.List;
import java.util.Objects;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A provider that is asked over our wire, by the calling thread from the first byte to the last.
 */
final class HttpProvider implements LlmProvider {
  private final String name;
  private final String model;
  private final String account;
  private final @Nullable ChatRequestParameters usual;
  private final Models models;

  HttpProvider(Preset preset, Models models) {
    this.name = preset.name();
    this.model = preset.model();
    this.account = preset.account();
    this.usual = preset.parameters();
    this.models = models;
  }

  /**
   * The models of LangChain4j that write the requests and read the answers. What they throw fails
   * the call by said, if it knows better than we do what it means.
   */
  record Models(ChatModel chat, StreamingChatModel streaming, BiPredicate<Call, Throwable> said) {
    Models(ChatModel chat, StreamingChatModel streaming) {
      this(chat, streaming, (call, thrown) -> false);
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String model() {
    return model;
  }

  @Override
  public String account() {
    return account;
  }

  @Override
  public boolean takesJsonSchema() {
    return models.chat().supportedCapabilities().contains(Capability.RESPONSE_FORMAT_JSON_SCHEMA);
  }

  @Override
  public LlmResponse generate(ChatRequest request, CallLimits limits) throws InterruptedException {
    Call call = new Call(name, limits, false);
    ended(call, () -> call.answered(models.chat().chat(Usual.fill(request, usual))));
    return answer(call, request, "");
  }

  @Override
  public LlmResponse stream(ChatRequest request, CallLimits limits, LlmSink sink)
      throws InterruptedException {
    Call call = new Call(name, limits, true);
    Parts parts = new Parts(call, sink, models.said());
    ended(call, () -> models.streaming().chat(Usual.fill(request, usual), parts));
    return answer(call, request, parts.shown());
  }

  private static void ended(Call call, Runnable asking) {
    try {
      Wire.during(call, asking);
    } catch (RuntimeException e) {
      call.damaged(e);
    }
  }

  private LlmResponse answer(Call call, ChatRequest request, String shown)
      throws InterruptedException {
    ChatResponse answer = call.failed() ? null : Answers.checked(call, asked(request));
    Throwable why = call.failure();
    if (why instanceof LlmException failed) {
      throw Discretion.about(request, failed, shown);
    } else if (why instanceof InterruptedException interrupted) {
      throw interrupted;
    } else if (why instanceof Error error) {
      throw error;
    } else if (why instanceof RuntimeException thrown) {
      throw thrown;
    }
    return new LlmResponse(
        Objects.requireNonNull(answer),
        name,
        true,
        call.latency(),
        null,
        call.headers(),
        List.of());
  }

  private String asked(ChatRequest request) {
    String named = request.modelName();
    return named == null ? model : named;
  }

  @Override
  public String toString() {
    return name + "/" + model;
  }
}
