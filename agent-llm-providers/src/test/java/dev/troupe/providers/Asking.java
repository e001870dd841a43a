package dev.troupe.providers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.LlmException;
import dev.troupe.llm.LlmProvider;
import dev.troupe.llm.LlmResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/** What one test asks the independent peer, under a name that its journal knows. */
final class Asking implements AutoCloseable {
  static final CallLimits LIMITS =
      new CallLimits(Duration.ofSeconds(20), Duration.ofSeconds(5), 100_000);

  /** Whole, or as it comes. */
  enum Mode {
    WHOLE,
    STREAMED
  }

  /** The peer does not know how Mistral's streams differ from OpenAI's. */
  static Stream<Spoken> spoken() {
    return Stream.of(Spoken.values()).filter(it -> it != Spoken.MISTRAL);
  }

  static Stream<Arguments> spokenInBothModes() {
    return spoken().flatMap(it -> Stream.of(Mode.values()).map(mode -> Arguments.of(it, mode)));
  }

  private final Aimock peer;
  private final String test = UUID.randomUUID().toString();
  final Spoken spoken;
  final LlmProvider provider;
  final List<String> parts = new ArrayList<>();

  Asking(Aimock peer, Spoken spoken, String key) {
    this(peer, spoken, preset -> preset.apiKey(key));
  }

  Asking(Aimock peer, Spoken spoken) {
    this(peer, spoken, Aimock.KEY);
  }

  Asking(Aimock peer, Spoken spoken, UnaryOperator<Preset> options) {
    this.peer = peer;
    this.spoken = spoken;
    Preset preset = spoken.preset(peer.at(spoken.path)).header("x-test-id", test);
    this.provider = options.apply(preset).build();
  }

  LlmResponse ask(Mode mode, ChatRequest request, CallLimits limits) throws InterruptedException {
    parts.clear();
    return mode == Mode.WHOLE
        ? provider.generate(request, limits)
        : provider.stream(request, limits, parts::add);
  }

  LlmResponse ask(Mode mode, String question) throws InterruptedException {
    return ask(mode, request(question), LIMITS);
  }

  LlmException failing(Mode mode, String question, CallLimits limits) {
    LlmException failure =
        catchThrowableOfType(LlmException.class, () -> ask(mode, request(question), limits));
    assertThat(failure).as("a failure, not %s", parts).isNotNull();
    assertThat(failure).hasMessageContaining(spoken.provider);
    assertThat(failure.toString()).doesNotContain(question, Aimock.KEY);
    return failure;
  }

  LlmException failing(Mode mode, String question) {
    return failing(mode, question, LIMITS);
  }

  List<Aimock.Asked> journal() throws Exception {
    return peer.asked(test);
  }

  @Override
  public void close() {
    provider.close();
  }

  static ChatRequest request(String question) {
    return ChatRequest.builder().messages(UserMessage.from(question)).build();
  }
}
