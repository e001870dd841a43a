package dev.troupe.testkit;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.ErrorCode;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.LlmException;
import dev.troupe.llm.LlmProvider;
import dev.troupe.llm.LlmResponse;
import dev.troupe.llm.LlmSink;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A model that answers from a script, for tests of agents without a provider. Begin with {@link
 * #answering()} and write down what it says:
 *
 * <pre>{@code
 * ScriptedModel model = ScriptedModel.answering()
 *     .toolCall("search", "{\"q\":\"tea\"}")
 *     .text("Tea costs three.");
 * }</pre>
 *
 * <p>A request is answered by the first of these that has something to say: a {@link #when} that
 * fits and has an answer left, the next answer of the script, {@link #otherwise}. A request beyond
 * that fails with an {@link AssertionError} that shows it. So does one that is not what {@link
 * #expectThat} expects. Code under test may swallow such an error: {@link #verifyDone} throws it
 * again.
 *
 * <p>The model keeps the guarantees of {@link LlmProvider}. Whatever it makes up, ids and usage,
 * depends on the request alone: a run that is killed and executed again sees the same. Branches
 * that ask at the same time take the answers of a script in the order in which they come; {@link
 * #when} and {@link #otherwise} give each its own.
 *
 * <p>Safe for use by many threads, also while answers are added.
 */
public final class ScriptedModel implements LlmProvider {
  private final String name;
  private final String model;
  private final Script script = new Script();

  private ScriptedModel(String name, String model) {
    this.name = Objects.requireNonNull(name, "name");
    this.model = Objects.requireNonNull(model, "model");
  }

  /**
   * A model with an empty script, of the provider {@code scripted}.
   *
   * @return the model
   */
  public static ScriptedModel answering() {
    return answering("scripted", "scripted-model");
  }

  /**
   * A model with an empty script.
   *
   * @param name who provides it
   * @param model its name
   * @return the model
   */
  public static ScriptedModel answering(String name, String model) {
    return new ScriptedModel(name, model);
  }

  // the script

  /**
   * Next, a text.
   *
   * @param text the text
   * @return this
   */
  public ScriptedModel text(String text) {
    return then(ScriptedAnswer.text(text));
  }

  /**
   * Next, a call of a tool.
   *
   * @param tool the tool's name
   * @param arguments as JSON, or what is not JSON
   * @return this
   */
  public ScriptedModel toolCall(String tool, String arguments) {
    return then(ScriptedAnswer.toolCall(tool, arguments));
  }

  /**
   * Next, a text that ran into the limit of tokens: it comes with the reason {@code LENGTH}.
   *
   * @param text what there is of it
   * @return this
   */
  public ScriptedModel truncated(String text) {
    return then(ScriptedAnswer.text(text).finish(FinishReason.LENGTH));
  }

  /**
   * Next, a tool call whose arguments ran into the limit of tokens: it comes with the reason {@code
   * LENGTH}.
   *
   * @param tool the tool's name
   * @param arguments what there is of them
   * @return this
   */
  public ScriptedModel truncatedToolCall(String tool, String arguments) {
    return then(ScriptedAnswer.toolCall(tool, arguments).finish(FinishReason.LENGTH));
  }

  /**
   * Next, a failure.
   *
   * @param code one of those that {@link LlmException} names
   * @return this
   */
  public ScriptedModel fails(ErrorCode code) {
    return then(ScriptedAnswer.failure(code));
  }

  /**
   * Next, a failure.
   *
   * @param failure thrown as it is
   * @return this
   */
  public ScriptedModel fails(LlmException failure) {
    return then(ScriptedAnswer.failure(failure));
  }

  /**
   * Next, any answer.
   *
   * @param answer the answer
   * @return this
   */
  public ScriptedModel then(ScriptedAnswer answer) {
    script.add(answer);
    return this;
  }

  /**
   * Demands something of the request that is given the next answer of the script. Several hold
   * together.
   *
   * @param expected what must hold, as {@link #mentions}
   * @param description in words, for the error: what the request should be
   * @return this
   */
  public ScriptedModel expectThat(Predicate<ChatRequest> expected, String description) {
    script.expect(expected, description);
    return this;
  }

  /**
   * Answers for requests of one kind, whenever they come: each answer once, in their order. With
   * several that fit, the one that was given first.
   *
   * @param asked which requests, as {@link #mentions}
   * @param description which requests, in words
   * @param answers at least one
   * @return this
   */
  public ScriptedModel when(
      Predicate<ChatRequest> asked, String description, ScriptedAnswer... answers) {
    script.when(asked, description, List.of(answers));
    return this;
  }

  /**
   * What answers all other requests. A function of the request alone gives a run that is executed
   * again the same answers.
   *
   * @param answer gives an answer, or null for none; called by the thread that asks
   * @return this
   */
  public ScriptedModel otherwise(Function<ChatRequest, @Nullable ScriptedAnswer> answer) {
    script.otherwise(answer);
    return this;
  }

  /**
   * Lets some calls fail instead of being answered; the script stays where it is. Whether a call
   * fails, and how, depends on the seed, the request and how often it was made before, not on the
   * order of different ones.
   *
   * @param share of the calls, from 0 to 1
   * @param seed for the choice
   * @param codes of which one is chosen; none for the four that pass by themselves: {@code
   *     RATE_LIMITED}, {@code MODEL_OVERLOADED}, {@code MODEL_FAILED}, {@code MODEL_UNREACHABLE}
   * @return this
   */
  public ScriptedModel failsAtRandom(double share, long seed, ErrorCode... codes) {
    script.failAtRandom(new RandomFailures(share, seed, List.of(codes)));
    return this;
  }

  // requests

  /**
   * Requests that mention a text in any message, also in a tool's result.
   *
   * @param text the text
   * @return for {@link #when} and {@link #expectThat}
   */
  public static Predicate<ChatRequest> mentions(String text) {
    return request ->
        request.messages().stream().anyMatch(said -> RequestJson.text(said).contains(text));
  }

  /**
   * Requests whose last message mentions a text.
   *
   * @param text the text
   * @return for {@link #when} and {@link #expectThat}
   */
  public static Predicate<ChatRequest> endsWith(String text) {
    return request ->
        RequestJson.text(request.messages().get(request.messages().size() - 1)).contains(text);
  }

  /**
   * Requests that offer a tool.
   *
   * @param tool the tool's name
   * @return for {@link #when} and {@link #expectThat}
   */
  public static Predicate<ChatRequest> offers(String tool) {
    return request ->
        request.toolSpecifications().stream().anyMatch(offered -> offered.name().equals(tool));
  }

  /**
   * What was asked so far, in its order: also requests that failed.
   *
   * @return the requests; the list does not change
   */
  public List<ChatRequest> requests() {
    return script.requests();
  }

  /**
   * How many requests came so far: also those that failed.
   *
   * @return the number
   */
  public int calls() {
    return script.requests().size();
  }

  /**
   * Checks that all was as expected.
   *
   * @throws AssertionError when a request was not what the script expects or went beyond it, or
   *     when answers of the script or of a {@link #when} were not asked for; names all of them
   */
  public void verifyDone() {
    script.verifyDone();
  }

  // the provider

  @Override
  public String name() {
    return name;
  }

  @Override
  public String model() {
    return model;
  }

  /**
   * {@inheritDoc}
   *
   * @throws AssertionError when the script has no answer, or expects another request
   */
  @Override
  public LlmResponse generate(ChatRequest request, CallLimits limits) throws InterruptedException {
    return call(request, limits, null);
  }

  /**
   * {@inheritDoc}
   *
   * @throws AssertionError when the script has no answer, or expects another request
   */
  @Override
  public LlmResponse stream(ChatRequest request, CallLimits limits, LlmSink sink)
      throws InterruptedException {
    return call(request, limits, Objects.requireNonNull(sink, "sink"));
  }

  private LlmResponse call(ChatRequest request, CallLimits limits, @Nullable LlmSink sink)
      throws InterruptedException {
    ScriptedCall call = new ScriptedCall(this, request, limits, sink);
    return call.play(script.answer(request));
  }

  /**
   * The same script as a langchain4j model without Troupe's governance: failures and an interrupt
   * come as exceptions of the call.
   *
   * @return a model over this one
   */
  public ChatModel chatModel() {
    return new ProviderChatModel(this);
  }

  /**
   * The same script as a langchain4j model that streams, on the thread that asks.
   *
   * @return a model over this one
   */
  public StreamingChatModel streamingChatModel() {
    return new ProviderChatModel(this);
  }
}
