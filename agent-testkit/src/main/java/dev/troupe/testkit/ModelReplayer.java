package dev.troupe.testkit;

import com.fasterxml.jackson.databind.JsonNode;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.LlmProvider;
import dev.troupe.llm.LlmResponse;
import dev.troupe.llm.LlmSink;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A model that answers from the file of a {@link ModelRecorder}, without a provider.
 *
 * <p>A request is found by all that it says: messages, tools and parameters, without what the
 * redaction leaves out; the order in which different requests come does not matter. What was asked
 * several times is answered as often in the recorded order, failures too, and from then on with the
 * last of them, so that a run that is executed again goes on. A stream comes by words, and one that
 * had failed amid its text fails again behind the same text.
 *
 * <p>A request that is not in the file fails with an {@link AssertionError} that shows the nearest
 * one that is, and what differs. Code under test may swallow it: {@link #verifyDone} throws it
 * again. The model keeps the guarantees of {@link LlmProvider}. Safe for use by many threads.
 */
public final class ModelReplayer implements LlmProvider {
  private final Path file;
  private final Redaction redaction;
  private final Recording recording;
  private final Map<String, List<Integer>> places = new HashMap<>();
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Integer> asked = new HashMap<>();
  private final Set<Integer> replayed = new HashSet<>();
  private final List<String> missed = new ArrayList<>();

  private ModelReplayer(Path file, Redaction redaction) {
    this.file = file;
    this.redaction = Objects.requireNonNull(redaction, "redaction");
    this.recording = Recording.read(file);
    for (int i = 0; i < recording.exchanges().size(); i++) {
      // computed, not stored: whoever edits a request in the file by hand has to change nothing
      // else
      String fingerprint = RequestJson.fingerprint(recording.exchanges().get(i).request());
      places.computeIfAbsent(fingerprint, none -> new ArrayList<>()).add(i);
    }
  }

  /**
   * Answers from a file that was recorded without what looks like a key.
   *
   * @param file what a recorder wrote
   * @return the model, with the name and the model of the provider that was recorded
   * @throws IllegalArgumentException when there is no such file, or it is no recording
   */
  public static ModelReplayer of(Path file) {
    return of(file, Redaction.ofKeys());
  }

  /**
   * Answers from a file.
   *
   * @param file what a recorder wrote
   * @param redaction what the recorder left out
   * @return the model, with the name and the model of the provider that was recorded
   * @throws IllegalArgumentException when there is no such file, or it is no recording
   */
  public static ModelReplayer of(Path file, Redaction redaction) {
    return new ModelReplayer(file, redaction);
  }

  @Override
  public String name() {
    return recording.provider();
  }

  @Override
  public String model() {
    return recording.model();
  }

  /**
   * {@inheritDoc}
   *
   * @throws AssertionError when the request is not in the file
   */
  @Override
  public LlmResponse generate(ChatRequest request, CallLimits limits) throws InterruptedException {
    return call(request, limits, null);
  }

  /**
   * {@inheritDoc}
   *
   * @throws AssertionError when the request is not in the file
   */
  @Override
  public LlmResponse stream(ChatRequest request, CallLimits limits, LlmSink sink)
      throws InterruptedException {
    return call(request, limits, Objects.requireNonNull(sink, "sink"));
  }

  private LlmResponse call(ChatRequest request, CallLimits limits, @Nullable LlmSink sink)
      throws InterruptedException {
    ScriptedCall call = new ScriptedCall(this, request, limits, sink);
    return call.play(recording.replay(find(request)));
  }

  private Recording.Exchange find(ChatRequest request) {
    JsonNode document = redaction.apply(RequestJson.document(request));
    String fingerprint = RequestJson.fingerprint(document);
    List<Integer> found = places.get(fingerprint);
    lock.lock();
    try {
      if (found == null) {
        String miss =
            file + " has no such request. " + RequestNearest.describe(document, recording);
        missed.add(miss);
        throw new AssertionError(miss);
      }
      int before = asked.merge(fingerprint, 1, Integer::sum) - 1;
      int place = found.get(Math.min(before, found.size() - 1));
      replayed.add(place);
      return recording.exchanges().get(place);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Checks that everything in the file was asked for, and nothing else.
   *
   * @throws AssertionError when a request was not in the file, or one of the file did not come;
   *     names all of them
   */
  public void verifyDone() {
    List<String> wrong = new ArrayList<>();
    lock.lock();
    try {
      wrong.addAll(missed);
      for (int i = 0; i < recording.exchanges().size(); i++) {
        if (!replayed.contains(i)) {
          JsonNode request = recording.exchanges().get(i).request();
          wrong.add("exchange " + (i + 1) + " was not asked for: " + RequestNearest.last(request));
        }
      }
    } finally {
      lock.unlock();
    }
    if (!wrong.isEmpty()) {
      throw new AssertionError(file + " was not followed:\n  " + String.join("\n  ", wrong));
    }
  }
}
