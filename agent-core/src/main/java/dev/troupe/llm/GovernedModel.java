package dev.troupe.llm;

import dev.langchain4j.model.ModelProvider;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.troupe.AgentException;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.Names;
import dev.troupe.agent.Step;
import dev.troupe.llm.guard.Guards;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * A language model that is governed: quotas, breakers, retries, fallbacks, budgets and one total
 * deadline lie between the caller and the providers, composed in one place. Itself a langchain4j
 * {@code ChatModel} and {@code StreamingChatModel}, so {@code AiServices} works on top of it.
 *
 * <p>A call asks the first provider as often as the retry policy says, then the fallbacks in their
 * order. Which failures are tried again and which go on to the next provider depends on their code
 * alone:
 *
 * <ul>
 *   <li>tried again, then the next: {@code RATE_LIMITED}, {@code MODEL_OVERLOADED}, {@code
 *       MODEL_FAILED}, {@code MODEL_UNREACHABLE}, {@code TIMEOUT}, {@code ANSWER_INCOMPLETE};
 *   <li>the next at once: {@code QUOTA_SPENT}, {@code ACCESS_DENIED}, an open breaker, and a
 *       retry-after of more than {@link GovernedModelBuilder#maxWait};
 *   <li>the next that is declared {@link Fallback#LARGER_CONTEXT}: {@code CONTEXT_TOO_LONG}; the
 *       next that is declared {@link Fallback#CHEAPER}: {@code BUDGET_EXCEEDED};
 *   <li>the call fails: {@code CONTENT_REFUSED}, {@code MODEL_REFUSED}, and all others.
 * </ul>
 *
 * <p>{@link GovernedModelBuilder#fallbackOn} changes that. A provider that was given up is asked
 * only when no other is left, for {@link GovernedModelBuilder#cooldown}. When nobody answered, the
 * call fails with the only failure there was, or with one whose message and suppressed exceptions
 * name each of them; its code is that of the last failure that may pass, so that whoever can wait
 * does.
 *
 * <p>A fallback is asked the same, but for a model's name in the request: it is meant for the first
 * provider, and for those that stand for the same model elsewhere; others are asked for their own.
 *
 * <p>Tokens are reserved anew for each attempt, from budget and quota. What failed attempts took
 * stays charged, unless the provider refused them at once or was not reached.
 *
 * <p><b>In a run</b> ({@link #in}) each call is a step. An answer that was journaled is read from
 * the journal, and the model is not asked again, whatever died in between. What the chain gave up
 * and what may pass is tried again by the step after waits that cost no thread, {@link
 * GovernedModelBuilder#durableRetry}; the provider's retry-after is honoured up to a day. A failure
 * keeps code and message; its partial text is not journaled, {@link Partial#KEEP} keeps text. A
 * stream that was journaled comes to its sink as one part.
 *
 * <p>What the host gave as {@link GovernedModelBuilder#guards} is asked around every call, however
 * it is made: nobody who is given the model gets around them.
 *
 * <p>Safe for use by many threads; bound to a run, for that branch's thread only.
 */
public final class GovernedModel implements ChatModel, StreamingChatModel, AutoCloseable {
  private final ModelParts parts;
  private final @Nullable RunBinding run;
  private final CallOptions usual;

  GovernedModel(ModelParts parts, @Nullable RunBinding run, CallOptions usual) {
    this.parts = parts;
    this.run = run;
    this.usual = usual;
  }

  /**
   * Starts a model.
   *
   * @param first who is asked first; not closed by the model
   * @return a builder
   */
  public static GovernedModelBuilder builder(LlmProvider first) {
    return new GovernedModelBuilder(first);
  }

  /**
   * Asks with the model's usual options.
   *
   * @param request what to ask
   * @return the answer
   * @throws AgentException as {@link #generate(ChatRequest, CallOptions)}
   * @throws InterruptedException when the thread was interrupted
   */
  public LlmResponse generate(ChatRequest request) throws InterruptedException {
    return generate(request, usual);
  }

  /**
   * Asks, and waits for the whole answer.
   *
   * @param request what to ask
   * @param options for whom and how
   * @return the answer, with who gave it and what was tried before
   * @throws LlmException when nobody answered
   * @throws AgentException with {@code BUDGET_EXCEEDED} when a budget has too little left, with
   *     {@code CONTENT_REFUSED} when a guard of the host refuses the prompt or the answer
   * @throws InterruptedException when the thread was interrupted
   */
  public LlmResponse generate(ChatRequest request, CallOptions options)
      throws InterruptedException {
    return answer(request, null, options, null);
  }

  /**
   * Asks for a record with the model's usual options.
   *
   * @param request what to ask
   * @param type the record
   * @param <T> the record
   * @return the record, and the answer that it was read from
   * @throws AgentException as {@link #generate(ChatRequest, Class, CallOptions)}
   * @throws InterruptedException when the thread was interrupted
   */
  public <T extends Record> Answer<T> generate(ChatRequest request, Class<T> type)
      throws InterruptedException {
    return generate(request, type, usual);
  }

  /**
   * Asks for a record. Its JSON schema is sent as the response format to providers that take one,
   * and described in the prompt to others. What comes back is read strictly; when it does not fit,
   * the model is told what is wrong and asked again, {@link GovernedModelBuilder#repairs} times. In
   * a run each of these calls is a step.
   *
   * @param request what to ask; its response format is replaced
   * @param type the record; see {@link OutputFormat} for what it may hold
   * @param options for whom and how; parts are never kept
   * @param <T> the record
   * @return the record, and the answer that it was read from
   * @throws AgentException with {@code OUTPUT_INVALID} when no answer fits; as {@link
   *     #generate(ChatRequest, CallOptions)} when there is none
   * @throws InterruptedException when the thread was interrupted
   */
  public <T extends Record> Answer<T> generate(
      ChatRequest request, Class<T> type, CallOptions options) throws InterruptedException {
    OutputFormat<T> format = OutputFormat.of(type);
    CallOptions whole = options.toBuilder().partial(Partial.FAIL).build();
    return new Repairs<>(format, parts.repairs)
        .ask(request, (asked, described) -> answer(asked, described, whole, null));
  }

  /**
   * Asks, and hands on the answer as it comes.
   *
   * @param request what to ask
   * @param options for whom and how, and what becomes of a stream that fails after a part
   * @param sink to whom; called by this thread
   * @return the whole answer; a part where {@link Partial#KEEP} was chosen, marked as such
   * @throws AgentException as {@link #generate(ChatRequest, CallOptions)}; what the sink throws
   *     passes
   * @throws InterruptedException when the thread was interrupted
   */
  public LlmResponse stream(ChatRequest request, CallOptions options, LlmSink sink)
      throws InterruptedException {
    return answer(request, null, options, Objects.requireNonNull(sink, "sink"));
  }

  private LlmResponse answer(
      ChatRequest request,
      @Nullable ChatRequest described,
      CallOptions options,
      @Nullable LlmSink sink)
      throws InterruptedException {
    if (run != null) {
      return run.answer(request, described, options, sink);
    }
    Shown shown = sink == null ? null : parts.governor.shown(sink);
    return parts.guarded("", 0).make(new Call(request, described, options, shown));
  }

  /**
   * The same model for one branch of a run: each call is a step named {@code model}, for the run's
   * tenant and on the budget of its tree.
   *
   * @param context the branch
   * @return the model, for this branch's thread only; it need not be closed
   */
  public GovernedModel in(AgentContext context) {
    return in(context, "model");
  }

  /**
   * The same model for one branch of a run, under a name.
   *
   * @param context the branch
   * @param step how its steps are named in the journal, as {@link Step#of}
   * @return the model, for this branch's thread only; it need not be closed
   */
  public GovernedModel in(AgentContext context, String step) {
    Names.check("a step's name", step);
    return new GovernedModel(parts, new RunBinding(parts, context, step), usual);
  }

  /**
   * The same model with other usual options, which langchain4j's methods use too.
   *
   * @param options for whom and how
   * @return the model; it need not be closed
   */
  public GovernedModel with(CallOptions options) {
    return new GovernedModel(parts, run, Objects.requireNonNull(options, "options"));
  }

  /**
   * The guards that the host gave to the builder. The model asks them around each of its calls;
   * whoever calls tools for it asks them before and after each, as {@code LlmAgent} does.
   *
   * @return the guards
   */
  public Guards guards() {
    return parts.guards;
  }

  // langchain4j's side

  @Override
  public ChatResponse doChat(ChatRequest request) {
    try {
      return answer(request, null, usual, null).response();
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      CancellationException cancelled = new CancellationException("the call was interrupted");
      cancelled.initCause(stopped);
      throw cancelled;
    }
  }

  /**
   * {@inheritDoc} Returns at once, and the handler is called by another thread; in a run, by this
   * one, before this returns. A stream that fails after a part fails: langchain4j has no way to
   * mark parts or to begin anew. What the handler throws ends the stream with {@code onError}.
   */
  @Override
  public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
    CallOptions options = usual.toBuilder().partial(Partial.FAIL).build();
    StreamCall stream = new StreamCall(handler);
    StreamCall.Source source = sink -> answer(request, null, options, sink);
    if (run != null) {
      stream.run(source);
    } else {
      parts.executor().execute(() -> stream.run(source));
    }
  }

  @Override
  public ChatRequestParameters defaultRequestParameters() {
    return Unchanged.INSTANCE;
  }

  @Override
  public List<ChatModelListener> listeners() {
    return List.of();
  }

  @Override
  public ModelProvider provider() {
    return ModelProvider.OTHER;
  }

  /** {@inheritDoc} JSON schemas, when every provider of the chain takes them. */
  @Override
  public Set<Capability> supportedCapabilities() {
    return parts.governor.allTakeJsonSchema()
        ? Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA)
        : Set.of();
  }

  /** Ends streams of langchain4j's side that are under way. Providers are not closed. */
  @Override
  public void close() {
    if (run == null) {
      parts.close();
    }
  }
}
