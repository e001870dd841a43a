package dev.troupe.llm.agent;

import static dev.troupe.llm.agent.Script.call;
import static dev.troupe.llm.agent.Script.calls;
import static dev.troupe.llm.agent.Script.request;
import static dev.troupe.llm.agent.Script.text;
import static dev.troupe.llm.agent.Stage.agent;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.agent.tool.P;
import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.llm.LlmSink;
import dev.troupe.llm.guard.Origin;
import dev.troupe.llm.guard.Provenance;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The loop, its tools and its answers. */
@Timeout(60)
class LlmAgentTest {
  private final Stage stage = new Stage();

  @AfterEach
  void close() {
    stage.close();
  }

  enum Unit {
    CELSIUS,
    FAHRENHEIT
  }

  record Place(String city, Optional<String> country) {}

  /** Tools as methods. */
  static final class Weather {
    final List<String> asked = new CopyOnWriteArrayList<>();

    @Tool("tells the weather")
    String weather(
        @P("where") Place place,
        LocalDate day,
        @P(value = "unit", defaultValue = "CELSIUS") Unit unit,
        Optional<Integer> hours,
        ToolCall call) {
      asked.add(place.city() + " " + day + " " + unit + " " + hours + " " + call.attempt());
      return "sunny";
    }

    @Tool(name = "wind")
    List<Integer> windOf(List<Place> places) {
      return places.stream().map(place -> place.city().length()).toList();
    }
  }

  record Town(String city, @Nullable String country) {}

  record Verdicts(String title, List<Town> places, int count) {}

  record Count(int n) {}

  private static AgentTool counter(List<Integer> counted) {
    return AgentTool.of(
            "count",
            "counts",
            Count.class,
            call -> {
              int n = call.arguments(Count.class).n();
              counted.add(n);
              return "counted " + n;
            })
        .build();
  }

  @Test
  void methodsWithToolAreCalledWithTheirArgumentsAndTheModelIsToldTheirResults() throws Exception {
    Weather weather = new Weather();
    Script script =
        Script.of(
            calls(
                request("1", "weather", "{\"place\":{\"city\":\"Oslo\"},\"day\":\"2026-11-22\"}"),
                request("2", "wind", "{\"places\":[{\"city\":\"Rome\",\"country\":\"it\"}]}")),
            text("done"));
    String answer = stage.run(agent(script).instructions("be kind").tools(AgentTool.from(weather)));
    assertThat(answer).isEqualTo("done");
    assertThat(weather.asked).containsExactly("Oslo 2026-11-22 CELSIUS Optional.empty 1");
    assertThat(script.toldBefore(1)).containsExactly("sunny", "[4]");
    List<ChatMessage> first = script.requests.get(0).messages();
    assertThat(first).containsExactly(SystemMessage.from("be kind"), UserMessage.from("hello"));
    assertThat(script.requests.get(0).toolSpecifications())
        .extracting(specification -> specification.name())
        .containsExactly("weather", "wind");
  }

  @Test
  void resultsComeInTheModelsOrderThoughCallsGoSideBySide() throws Exception {
    CyclicBarrier both = new CyclicBarrier(2);
    AgentTool meet =
        AgentTool.of(
                "meet",
                "waits for the other",
                Count.class,
                call -> {
                  both.await(20, TimeUnit.SECONDS);
                  return "met " + call.arguments(Count.class).n();
                })
            .build();
    Script script =
        Script.of(
            calls(request("a", "meet", "{\"n\":2}"), request("b", "meet", "{\"n\":1}")),
            text("done"));
    stage.run(agent(script).tools(meet));
    assertThat(script.toldBefore(1)).containsExactly("met 2", "met 1");
  }

  @Test
  void aToolThatGoesAloneIsNotCalledBesideOthers() throws Exception {
    List<String> order = new CopyOnWriteArrayList<>();
    AgentTool slow =
        AgentTool.of(
                "slow",
                "takes its time",
                Count.class,
                call -> {
                  order.add("in");
                  TimeUnit.MILLISECONDS.sleep(30);
                  order.add("out");
                  return "done";
                })
            .alone()
            .build();
    Script script =
        Script.of(
            calls(request("a", "slow", "{\"n\":1}"), request("b", "slow", "{\"n\":2}")),
            text("done"));
    stage.run(agent(script).tools(slow));
    assertThat(order).containsExactly("in", "out", "in", "out");
  }

  @Test
  void callsWithoutIdsOrWithRepeatedOnesGetTheirOwn() throws Exception {
    List<Integer> counted = new CopyOnWriteArrayList<>();
    Script script =
        Script.of(
            calls(request("x", "count", "{\"n\":1}"), request("x", "count", "{\"n\":2}")),
            calls(request(null, "count", "{\"n\":3}"), request("x", "count", "{\"n\":4}")),
            text("done"));
    stage.run(agent(script).tools(counter(counted)));
    assertThat(counted).containsExactlyInAnyOrder(1, 2, 3, 4);
    List<String> called = new ArrayList<>();
    List<String> answered = new ArrayList<>();
    for (ChatMessage message : script.requests.get(2).messages()) {
      if (message instanceof AiMessage answer) {
        answer.toolExecutionRequests().stream().map(ToolExecutionRequest::id).forEach(called::add);
      } else if (message instanceof ToolExecutionResultMessage result) {
        answered.add(result.id());
      }
    }
    assertThat(called).hasSize(4).doesNotHaveDuplicates().doesNotContainNull();
    assertThat(answered).isEqualTo(called);
  }

  @Test
  void textBesideToolCallsStaysInTheConversation() throws Exception {
    AiMessage both = AiMessage.from("I count.", List.of(request("1", "count", "{\"n\":1}")));
    Script script = Script.of(Script.answer(both, FinishReason.TOOL_EXECUTION), text("done"));
    assertThat(stage.run(agent(script).tools(counter(new ArrayList<>())))).isEqualTo("done");
    assertThat(script.requests.get(1).messages()).contains(both);
  }

  @Test
  void anAnswerThatAnnouncesACallAndHoldsNoneIsSentBack() throws Exception {
    Script script =
        Script.of(
            Script.answer(AiMessage.from("I will call"), FinishReason.TOOL_EXECUTION),
            text("done"));
    assertThat(stage.run(agent(script))).isEqualTo("done");
    Script stubborn =
        Script.of(Script.answer(AiMessage.from("I will"), FinishReason.TOOL_EXECUTION));
    try (Stage other = new Stage()) {
      assertThat(other.failure(agent(stubborn))).hasMessageContaining("holds none");
      assertThat(other.kind(other.start())).isEqualTo("OUTPUT_INVALID");
    }
  }

  @Test
  void anAnswerThatWasCutOffIsNoAnswer() {
    Script script = Script.of(Script.answer(AiMessage.from("half of"), FinishReason.LENGTH));
    stage.failure(agent(script));
    assertThat(stage.kind(stage.start())).isEqualTo("ANSWER_INCOMPLETE");
  }

  @Test
  void aRecordComesBackWhenTheAnswerFitsItAndIsRepairedWhenItDoesNot() throws Exception {
    Script script =
        Script.of(
            text("Here you are!"),
            text("{\"title\":\"t\",\"places\":[{\"city\":7}],\"count\":1,\"more\":true}"),
            text("```json\n{\"title\":\"t\",\"places\":[{\"city\":\"Oslo\"}],\"count\":1}\n```"));
    Verdicts verdicts = stage.run(agent(script, Verdicts.class), Verdicts.class);
    assertThat(verdicts).isEqualTo(new Verdicts("t", List.of(new Town("Oslo", null)), 1));
    // this provider takes no schema, so that the form is told in words
    assertThat(((SystemMessage) script.requests.get(0).messages().get(0)).text())
        .contains("JSON Schema")
        .contains("places");
    String told = lastUser(script, 2);
    assertThat(told).contains("city").contains("more");
  }

  private static String lastUser(Script script, int request) {
    return UserMessage.findLast(new ArrayList<>(script.requests.get(request).messages()))
        .orElseThrow()
        .singleText();
  }

  @Test
  void answersThatNeverFitFailTheRunAfterSoManyRepairs() {
    Script script = Script.of(text("no"));
    AgentException failure =
        stage.failure(agent(script, Verdicts.class).maxRepairs(2), Verdicts.class);
    assertThat(script.requests).hasSize(3);
    assertThat(failure).hasMessageContaining("told 2 times");
    assertThat(stage.kind(stage.start())).isEqualTo("OUTPUT_INVALID");
  }

  @Test
  void anotherAgentIsAToolAndItsFailureIsTold() throws Exception {
    AgentDefinition<Count, String> doubler =
        AgentDefinition.of(
                "doubler",
                Count.class,
                String.class,
                (in, context) -> {
                  if (in.n() == 13) {
                    throw new AgentException(ErrorCode.INVALID_INPUT, "unlucky");
                  }
                  return "twice is " + 2 * in.n();
                })
            .build();
    Script script =
        Script.of(
            calls(request("1", "ask", "{\"n\":21}"), request("2", "ask", "{\"n\":13}")),
            text("done"));
    LlmAgent<String, String> agent =
        agent(script)
            .tools(
                AgentTool.calling("ask", "doubles", "doubler", Count.class, String.class).build())
            .build();
    Stage.submit(stage.start(Stage.definition(agent), doubler), String.class).await(Stage.SOON);
    assertThat(script.toldBefore(1)).hasSize(2).first().isEqualTo("twice is 42");
    assertThat(script.toldBefore(1).get(1)).contains("the tool failed").contains("unlucky");
  }

  @Test
  void aConversationIsRememberedAndReplayedOnceIntoMemory() throws Exception {
    List<ChatMessage> kept = new CopyOnWriteArrayList<>();
    Set<String> keys = new HashSet<>();
    kept.add(Provenance.retrieved("old"));
    Memory memory =
        new Memory() {
          @Override
          public List<ChatMessage> load() {
            return List.copyOf(kept);
          }

          @Override
          public void append(String key, List<ChatMessage> messages) {
            if (keys.add(key)) {
              kept.addAll(messages);
            }
          }
        };
    Script script = Script.of(call("count", "{\"n\":1}"), text("done"));
    stage.run(
        agent(script)
            .instructions("be kind")
            .memory((in, context) -> memory)
            .tools(counter(new ArrayList<>())));
    assertThat(kept).hasSize(5);
    assertThat(kept.get(1)).isEqualTo(UserMessage.from("hello"));
    assertThat(((AiMessage) kept.get(4)).text()).isEqualTo("done");
    List<ChatMessage> first = script.requests.get(0).messages();
    assertThat(first).hasSize(3);
    // where it came from is remembered, too
    assertThat(Provenance.of(first.get(1))).containsExactly(Origin.RETRIEVED);
  }

  @Test
  void tokensGoToTheSinkOfTheRun() throws Exception {
    StringBuffer shown = new StringBuffer();
    LlmSink sink = shown::append;
    stage.run(agent(Script.of(text("hello you"))).tokens(context -> sink));
    assertThat(shown).hasToString("hello you");
  }

  @Test
  void mistakesOfTheHostAreToldWhenTheAgentIsBuilt() {
    assertThatThrownBy(() -> AgentTool.from(new Object())).hasMessageContaining("@Tool");
    assertThatThrownBy(() -> agent(Script.of()).tools(counter(List.of()), counter(List.of())))
        .hasMessageContaining("two tools are named 'count'");
    assertThatThrownBy(() -> AgentTool.of("a b", "", Count.class, call -> "").build())
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> agent(Script.of(), Integer.class).build())
        .hasMessageContaining("is no record");
    assertThatThrownBy(() -> agent(Script.of(), Place.class).build())
        .hasMessageContaining("use @Nullable");
  }
}
