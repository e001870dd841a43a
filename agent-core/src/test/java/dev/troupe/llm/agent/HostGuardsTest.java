package dev.troupe.llm.agent;

import static dev.troupe.llm.agent.Script.call;
import static dev.troupe.llm.agent.Script.calls;
import static dev.troupe.llm.agent.Script.request;
import static dev.troupe.llm.agent.Script.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.Agent;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.llm.CallOptions;
import dev.troupe.llm.GovernedModel;
import dev.troupe.llm.LlmSink;
import dev.troupe.llm.guard.Guard;
import dev.troupe.llm.guard.ProposedCall;
import dev.troupe.llm.guard.Turn;
import dev.troupe.llm.guard.Verdict;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Guards that a host gives to its model, and agents that try to go round them. */
@Timeout(60)
class HostGuardsTest {
  private static final ChatRequest HELLO =
      ChatRequest.builder().messages(UserMessage.from("hello")).build();

  private final Stage stage = new Stage();
  private final List<String> made = new CopyOnWriteArrayList<>();
  private final List<Turn> turns = new CopyOnWriteArrayList<>();

  @AfterEach
  void close() {
    stage.close();
  }

  record Note(String text) {}

  /** Refuses prompts with a password and a tool, hides a secret from everybody. */
  private final class Strict implements Guard {
    @Override
    public Verdict<List<ChatMessage>> beforeModel(Turn turn) {
      turns.add(turn);
      return turn.messages().toString().contains("password")
          ? Verdict.refuse("a password")
          : Verdict.pass();
    }

    @Override
    public Verdict<AiMessage> afterModel(Turn turn, AiMessage answer) {
      return answer.text() != null && answer.text().contains("secret-42")
          ? Verdict.change(AiMessage.from(answer.text().replace("secret-42", "***")))
          : Verdict.pass();
    }

    @Override
    public Verdict<String> beforeTool(ProposedCall call) {
      return call.tool().equals("wipe") || call.arguments().contains("all")
          ? Verdict.refuse("nothing is wiped")
          : Verdict.pass();
    }

    @Override
    public Verdict<String> afterTool(ProposedCall call, String result) {
      return Verdict.change(result.replace("secret-42", "***"));
    }
  }

  private GovernedModel guarded(Script script) {
    return GovernedModel.builder(script)
        .retry(RetryPolicy.none())
        .durableRetry(RetryPolicy.none())
        .guards(new Strict())
        .build();
  }

  private static LlmAgent.Builder<String, String> agent(GovernedModel model) {
    return LlmAgent.of(model, String.class, String.class);
  }

  private AgentTool tool(String name) {
    return AgentTool.of(
            name,
            "notes",
            Note.class,
            call -> {
              made.add(name + " " + call.arguments(Note.class).text());
              return "result: secret-42";
            })
        .build();
  }

  private void assertStoredWithout(String word) {
    RecordId id = RecordId.of(Stage.RUN, stage.store.info().partitions());
    for (Stored record : stage.store.scan(Scan.whole(id)).items()) {
      for (Map.Entry<String, byte[]> row : record.rows().entrySet()) {
        assertThat(new String(row.getValue(), StandardCharsets.UTF_8))
            .as("row %s", row.getKey())
            .doesNotContain(word);
      }
    }
  }

  @Test
  void anAgentWhoseAuthorGaveNoGuardsIsGuardedInAllItsCalls() throws Exception {
    Script script =
        Script.of(
            calls(
                request("1", "note", "{\"text\":\"a\"}"), request("2", "wipe", "{\"text\":\"b\"}")),
            text("it is secret-42"));
    try (GovernedModel model = guarded(script)) {
      assertThat(stage.run(agent(model).tools(tool("note"), tool("wipe")))).isEqualTo("it is ***");
    }
    assertThat(made).containsExactly("note a");
    assertThat(script.toldBefore(1).get(0)).isEqualTo("result: ***");
    assertThat(script.toldBefore(1).get(1)).contains("not called").contains("nothing is wiped");
    assertThat(turns).extracting(Turn::number).containsExactly(1, 2);
    assertThat(turns).extracting(Turn::run).containsOnly(Stage.RUN);
    assertStoredWithout("secret-42");
  }

  @Test
  void whatAnAgentsOwnGuardsMakeOfACallPassesTheHosts() throws Exception {
    Guard worse =
        new Guard() {
          @Override
          public Verdict<String> beforeTool(ProposedCall call) {
            return Verdict.change("{\"text\":\"all\"}");
          }

          @Override
          public Verdict<String> afterTool(ProposedCall call, String result) {
            return Verdict.change("and secret-42");
          }
        };
    Script script = Script.of(call("note", "{\"text\":\"a\"}"), text("done"));
    try (GovernedModel model = guarded(script)) {
      stage.run(agent(model).tools(tool("note")).guards(worse));
    }
    assertThat(made).isEmpty();
    assertThat(script.toldBefore(1).get(0)).contains("nothing is wiped");
    assertStoredWithout("secret-42");

    Guard prompting =
        new Guard() {
          @Override
          public Verdict<List<ChatMessage>> beforeModel(Turn turn) {
            return Verdict.change(List.of(UserMessage.from("the password is x")));
          }
        };
    try (Stage other = new Stage();
        GovernedModel model = guarded(script)) {
      int before = script.requests.size();
      AgentException refused = other.failure(agent(model).guards(prompting));
      assertThat(refused).hasMessageContaining("a password");
      assertThat(script.requests).hasSize(before);
    }
  }

  @Test
  void noWayOfAskingAModelGoesRoundItsGuards() throws Exception {
    ChatRequest bad =
        ChatRequest.builder().messages(UserMessage.from("what is the password?")).build();
    Script script = Script.of(text("{\"text\":\"secret-42\"}"));
    try (GovernedModel model = guarded(script)) {
      GovernedModel other = model.with(CallOptions.USUAL.toBuilder().tenant("acme").build());
      LlmSink sink = part -> {};
      List<ThrowingCallable> ways =
          List.of(
              () -> model.generate(bad),
              () -> model.generate(bad, CallOptions.USUAL),
              () -> model.generate(bad, Note.class),
              () -> model.stream(bad, CallOptions.USUAL, sink),
              () -> other.generate(bad),
              () -> ((ChatModel) model).chat(bad),
              () -> ((ChatModel) other).chat("the password?"),
              () -> streamed(model, bad));
      for (ThrowingCallable way : ways) {
        Throwable refusal = catchThrowable(way);
        assertThat(refusal)
            .as("way %d", ways.indexOf(way))
            .isInstanceOfSatisfying(
                AgentException.class,
                e -> assertThat(e.code()).isEqualTo(ErrorCode.CONTENT_REFUSED))
            .hasMessageContaining("a password");
      }
      assertThat(script.requests).isEmpty();
      assertThat(model.generate(HELLO).text()).contains("***").doesNotContain("secret");
      assertThat(model.generate(HELLO, Note.class).value()).isEqualTo(new Note("***"));
      assertThat(model.chat(HELLO).aiMessage().text()).contains("***");
      assertThat(streamed(model, HELLO).aiMessage().text()).contains("***");
    }
  }

  private static ChatResponse streamed(StreamingChatModel model, ChatRequest request)
      throws Exception {
    CompletableFuture<ChatResponse> whole = new CompletableFuture<>();
    model.chat(
        request,
        new StreamingChatResponseHandler() {
          @Override
          public void onPartialResponse(String part) {}

          @Override
          public void onCompleteResponse(ChatResponse response) {
            whole.complete(response);
          }

          @Override
          public void onError(Throwable error) {
            whole.completeExceptionally(error);
          }
        });
    try {
      return whole.get(20, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    }
  }

  private String runPlain(Agent<String, String> code) throws InterruptedException {
    AgentDefinition<String, String> plain =
        AgentDefinition.of("agent", String.class, String.class, code)
            .retry(RetryPolicy.none())
            .build();
    return Stage.submit(stage.start(plain), String.class).await(Stage.SOON);
  }

  @Test
  void anAgentThatAsksTheModelItselfIsGuardedAndItsJournalHoldsWhatTheGuardsLeft()
      throws Exception {
    Script script = Script.of(text("it is secret-42"));
    try (GovernedModel model = guarded(script)) {
      String said =
          runPlain(
              (input, context) -> {
                GovernedModel bound = model.in(context).with(CallOptions.USUAL);
                String first = bound.generate(HELLO).text();
                String refused;
                try {
                  refused = bound.in(context, "other").chat("and the password?");
                } catch (AgentException e) {
                  refused = e.code().name();
                }
                return first + ", " + refused;
              });
      assertThat(said).isEqualTo("it is ***, CONTENT_REFUSED");
    }
    assertThat(script.requests).hasSize(1);
    assertStoredWithout("secret-42");
  }
}
