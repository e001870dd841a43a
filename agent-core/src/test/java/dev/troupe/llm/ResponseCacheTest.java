package dev.troupe.llm;

import static dev.troupe.llm.PlayedProvider.ask;
import static dev.troupe.llm.PlayedProvider.says;
import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.ForwardingStore;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class ResponseCacheTest {
  private static final CallOptions CACHED = CallOptions.builder().cached(true).build();

  private final PlayedProvider provider = new PlayedProvider("a", "m", says("one"), says("two"));

  private LlmResponse call(ResponseCache cache, ChatRequest request, CallOptions options)
      throws InterruptedException {
    try (GovernedModel model = GovernedModel.builder(provider).cache(cache).build()) {
      return model.generate(request, options);
    }
  }

  @Test
  void anAnswerIsKeptForTheSameRequestOfTheSameTenantAndForThoseWhoAsk() throws Exception {
    StateStore store = new MemoryStateStore();
    Duration hour = Duration.ofHours(1);
    ResponseCache cache = ResponseCache.over(store, 1_000, hour, Codec.json());
    assertThat(call(cache, ask("hi"), CACHED).text()).isEqualTo("one");
    ResponseCache elsewhere = ResponseCache.over(store, 1_000, hour, Codec.json());
    LlmResponse hit = call(elsewhere, ask("hi"), CACHED);
    assertThat(hit.text()).isEqualTo("one");
    assertThat(hit.cost()).isZero();
    assertThat(hit.headers()).isEmpty();
    assertThat(provider.calls()).isEqualTo(1);
    assertThat(call(cache, ask("hi"), CallOptions.USUAL).text()).isEqualTo("two");
    call(cache, ask("hi"), CACHED.toBuilder().tenant("t").build());
    call(cache, ask("hi").toBuilder().temperature(0.1).build(), CACHED);
    call(cache, ask("hello"), CACHED);
    assertThat(provider.calls()).isEqualTo(5);
  }

  /** As docs/format.md has it: what was written once has to be read ever after. */
  @Test
  void aRecordIsWrittenAsTheFormatSays() throws Exception {
    MemoryStateStore store = new MemoryStateStore();
    ResponseCache cache = ResponseCache.over(store, 1, Duration.ofHours(1), Codec.json());
    call(cache, ask("hi"), CACHED);
    RecordId place = RecordId.of("$answer-0", store.info().partitions());
    String written =
        new String(
            store.scan(new Scan.Rows(place, null, 0, 0)).items().get(0).value(),
            StandardCharsets.UTF_8);
    assertThat(written.replaceFirst("[0-9a-f]{64}", "<fingerprint>"))
        .isEqualTo(
            """
            {"answer":{"about":{"complete":true,"finish":"STOP","id":"id-1","inputTokens":10,\
            "model":"served-1","outputTokens":20,"totalTokens":30},"cost":null,"failed":[],\
            "headers":{"x-request-id":"r-1"},"latency":"PT0.001234567S",\
            "message":"{\\"text\\":\\"one\\",\\"toolExecutionRequests\\":[],\\"attributes\\":{},\\"type\\":\\"AI\\"}",\
            "provider":"played"},"key":"<fingerprint>"}\
            """);
    String later =
        written.replace("one", "kept").replace("\"cost\"", "\"of a later version\":1,\"cost\"");
    Edit put = new Edit.Put(place.key(), later.getBytes(StandardCharsets.UTF_8), Map.of(), null);
    store.apply(List.of(new Change("by hand", place.partition(), List.of(put))));
    assertThat(call(cache, ask("hi"), CACHED).text()).isEqualTo("kept");
  }

  @Test
  void aStreamIsShownWhatWasKept() throws Exception {
    StringBuilder shown = new StringBuilder();
    ResponseCache cache = ResponseCache.inMemory(10, Duration.ofHours(1));
    call(cache, ask("hi"), CACHED);
    try (GovernedModel model = GovernedModel.builder(provider).cache(cache).build()) {
      model.stream(ask("hi"), CACHED, shown::append);
    }
    assertThat(shown.toString()).isEqualTo("one");
  }

  @Test
  void onlyWholeAnswersWithoutToolsAreKept() throws Exception {
    ToolExecutionRequest tool = ToolExecutionRequest.builder().name("t").arguments("{}").build();
    PlayedProvider.Act calls =
        (request, sink) ->
            PlayedProvider.response(AiMessage.from(tool), FinishReason.TOOL_EXECUTION);
    PlayedProvider.Act cut =
        (request, sink) -> PlayedProvider.response(AiMessage.from("cut"), FinishReason.LENGTH);
    for (PlayedProvider.Act act : new PlayedProvider.Act[] {calls, cut}) {
      PlayedProvider odd = new PlayedProvider("a", "m", act);
      ResponseCache cache = ResponseCache.inMemory(10, Duration.ofHours(1));
      try (GovernedModel model = GovernedModel.builder(odd).cache(cache).build()) {
        model.generate(ask("hi"), CACHED);
        model.generate(ask("hi"), CACHED);
        assertThat(odd.calls()).isEqualTo(2);
      }
    }
  }

  @Test
  void ageAndNumberAreBounded() throws Exception {
    MemoryStateStore store = new MemoryStateStore();
    ResponseCache one = ResponseCache.over(store, 1, Duration.ofHours(1), Codec.json());
    call(one, ask("first"), CACHED);
    call(one, ask("second"), CACHED);
    call(one, ask("first"), CACHED);
    assertThat(provider.calls()).isEqualTo(3);
    ResponseCache brief = ResponseCache.inMemory(10, Duration.ofMillis(20));
    call(brief, ask("third"), CACHED);
    Awaitility.await()
        .untilAsserted(
            () -> {
              int before = provider.calls();
              call(brief, ask("third"), CACHED);
              assertThat(provider.calls()).isGreaterThan(before);
            });
  }

  @Test
  void aStoreThatFailsIsAnEmptyCache() throws Exception {
    StateStore away =
        new ForwardingStore(new MemoryStateStore()) {
          @Override
          public Page<Stored> scan(Scan scan) {
            throw new AgentException(ErrorCode.STORE_UNAVAILABLE, "away");
          }
        };
    ResponseCache cache = ResponseCache.over(away, 10, Duration.ofHours(1), Codec.json());
    assertThat(call(cache, ask("hi"), CACHED).text()).isEqualTo("one");
    assertThat(call(cache, ask("hi"), CACHED).text()).isEqualTo("two");
  }
}
