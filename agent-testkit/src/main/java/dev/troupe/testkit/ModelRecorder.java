package dev.troupe.testkit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.LlmException;
import dev.troupe.llm.LlmProvider;
import dev.troupe.llm.LlmResponse;
import dev.troupe.llm.LlmSink;
import java.nio.file.Path;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Hands requests on to a provider and writes what came back to a file, for a {@link ModelReplayer}
 * to answer from when there is no provider: in most tests.
 *
 * <p>The file is one JSON document, made to be kept beside the tests and read in a diff: each
 * exchange has the request, with messages, tools and parameters, and the answer or the failure, in
 * the order in which they were asked. It is written anew, as a whole, after each exchange; what it
 * held before is gone with the first. How long things took is not in it. What looks like a key is
 * left out unless another {@link Redaction} is given; all else is in it, prompts and answers: look
 * before you share it.
 *
 * <p>Failures that are no {@link LlmException} are not recorded. Safe for use by many threads.
 * {@link #close} does not close the provider.
 */
public final class ModelRecorder implements LlmProvider {
  private final LlmProvider provider;
  private final Path file;
  private final Redaction redaction;
  private final ReentrantLock lock = new ReentrantLock();
  private final TreeMap<Integer, Recording.Exchange> done = new TreeMap<>();
  private int asked;

  private ModelRecorder(LlmProvider provider, Path file, Redaction redaction) {
    this.provider = Objects.requireNonNull(provider, "provider");
    this.file = Objects.requireNonNull(file, "file");
    this.redaction = Objects.requireNonNull(redaction, "redaction");
  }

  /**
   * Records without what looks like a key.
   *
   * @param provider who is asked
   * @param file is written to; its folder is made where it is missing
   * @return the recorder
   */
  public static ModelRecorder of(LlmProvider provider, Path file) {
    return of(provider, file, Redaction.ofKeys());
  }

  /**
   * Records.
   *
   * @param provider who is asked
   * @param file is written to; its folder is made where it is missing
   * @param redaction what is left out
   * @return the recorder
   */
  public static ModelRecorder of(LlmProvider provider, Path file, Redaction redaction) {
    return new ModelRecorder(provider, file, redaction);
  }

  @Override
  public String name() {
    return provider.name();
  }

  @Override
  public String model() {
    return provider.model();
  }

  @Override
  public String account() {
    return provider.account();
  }

  @Override
  public LlmResponse generate(ChatRequest request, CallLimits limits) throws InterruptedException {
    return recorded(request, () -> provider.generate(request, limits));
  }

  @Override
  public LlmResponse stream(ChatRequest request, CallLimits limits, LlmSink sink)
      throws InterruptedException {
    return recorded(request, () -> provider.stream(request, limits, sink));
  }

  private interface Asking {
    LlmResponse ask() throws InterruptedException;
  }

  private LlmResponse recorded(ChatRequest request, Asking asking) throws InterruptedException {
    int number = number();
    LlmResponse response;
    try {
      response = asking.ask();
    } catch (LlmException e) {
      ObjectNode failure = Recording.failure(e);
      keep(number, new Recording.Exchange(asked(request), null, redaction.apply(failure)));
      throw e;
    }
    JsonNode answer = redaction.apply(Recording.answer(response));
    keep(number, new Recording.Exchange(asked(request), answer, null));
    return response;
  }

  private JsonNode asked(ChatRequest request) {
    return redaction.apply(RequestJson.document(request));
  }

  private int number() {
    lock.lock();
    try {
      return asked++;
    } finally {
      lock.unlock();
    }
  }

  private void keep(int number, Recording.Exchange exchange) {
    lock.lock();
    try {
      done.put(number, exchange);
      new Recording(name(), model(), done.values().stream().toList()).write(file);
    } finally {
      lock.unlock();
    }
  }
}
