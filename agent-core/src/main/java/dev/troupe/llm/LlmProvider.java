package dev.troupe.llm;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import org.jspecify.annotations.Nullable;

/**
 * A model at a provider: asked once, answers whole or fails with a reason that is understood.
 *
 * <p>Guarantees, each with a test of the same number in {@code LlmProviderContract}:
 *
 * <ol>
 *   <li>A call returns a whole answer, with a finish reason, or throws; it never returns a part.
 *   <li>What it throws for a failure of the provider is an {@link LlmException}, classified: its
 *       code says what happened, {@code retryable()} whether trying again may help, {@code
 *       retryAfter()} what the provider asked for.
 *   <li>One call is one request: nothing is tried again inside.
 *   <li>It ends within {@link CallLimits#timeLimit}, and a stream that is silent for longer than
 *       {@link CallLimits#idleLimit} fails.
 *   <li>Answers larger than {@link CallLimits#maxCharacters} fail, and are not read to their end.
 *   <li>An interrupted call throws {@link InterruptedException} and closes its connection within a
 *       second.
 *   <li>A stream's parts go to the sink in their order, by the calling thread, before the call
 *       returns or throws and never after. A sink that is slow slows the provider down, in bounded
 *       memory; what it throws ends the call.
 *   <li>What {@link LlmException#partial} holds of a stream that failed is what the sink was given.
 *   <li>No message holds a key, a prompt or an answer.
 * </ol>
 *
 * <p>Safe for use by many threads.
 */
public interface LlmProvider extends AutoCloseable {
  /**
   * Who provides the model, in the words of OpenTelemetry's {@code gen_ai.provider.name}: {@code
   * openai}, {@code aws.bedrock}, {@code anthropic}, {@code gcp.gemini}, {@code mistral_ai}, {@code
   * azure.ai.openai}, {@code ollama}.
   *
   * @return the name, the same each time
   */
  String name();

  /**
   * The model that is asked when a request names none.
   *
   * @return the model's name, the same each time
   */
  String model();

  /**
   * Asks and waits for the whole answer.
   *
   * @param request what to ask
   * @param limits how long and how much
   * @return the answer
   * @throws LlmException when the provider failed or answered in part
   * @throws InterruptedException when the thread was interrupted
   */
  LlmResponse generate(ChatRequest request, CallLimits limits) throws InterruptedException;

  /**
   * Asks, and hands on the answer as it comes.
   *
   * @param request what to ask
   * @param limits how long and how much
   * @param sink is given the parts
   * @return the whole answer
   * @throws LlmException when the provider failed or the answer was cut off
   * @throws InterruptedException when the thread was interrupted
   */
  LlmResponse stream(ChatRequest request, CallLimits limits, LlmSink sink)
      throws InterruptedException;

  /**
   * Whose quota calls use: the name of the key or account, never the key.
   *
   * @return a name, {@code default} unless another was given
   */
  default String account() {
    return "default";
  }

  /**
   * Whether a request's response format with a JSON schema is sent on and obeyed. Where it is not,
   * the schema is described in the prompt.
   *
   * @return false unless the provider knows better
   */
  default boolean takesJsonSchema() {
    return false;
  }

  /** Gives back what it opened itself. */
  @Override
  default void close() {}

  /**
   * Any langchain4j model that a host brings. It must not try again by itself ({@code
   * maxRetries(0)}): only the governed model does.
   *
   * @param name who provides it
   * @param model the model's name
   * @param chat for whole answers; null where there is only streaming, which then serves both
   * @param streaming for answers in parts; null where there is none: a stream is then one part
   * @return the provider; closing it closes neither model
   */
  static LlmProvider of(
      String name, String model, @Nullable ChatModel chat, @Nullable StreamingChatModel streaming) {
    return new LangChainProvider(name, model, chat, streaming);
  }
}
