package dev.troupe.llm.agent;

import static dev.troupe.llm.agent.Script.call;
import static dev.troupe.llm.agent.Script.calls;
import static dev.troupe.llm.agent.Script.request;
import static dev.troupe.llm.agent.Script.text;
import static dev.troupe.llm.agent.Stage.agent;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.ErrorCode;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunView;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A loop ends, whatever the model does. Rows E1 and E2. */
@Timeout(60)
class LoopEndsTest {
  private final Stage stage = new Stage();
  private final List<String> made = new CopyOnWriteArrayList<>();

  @AfterEach
  void close() {
    stage.close();
  }

  record Query(String q) {}

  private AgentTool.Builder search() {
    return AgentTool.of(
        "search",
        "searches",
        Query.class,
        call -> {
          made.add(call.arguments(Query.class).q());
          return "found nothing";
        });
  }

  private static Script always(IntFunction<String> arguments) {
    return new Script((n, request) -> call("search", arguments.apply(n)));
  }

  @Test
  void theSameCallAgainAndAgainIsNotMadeAndThenEndsTheRun() {
    Script script = always(n -> "{\"q\":\"a\"}");
    stage.failure(agent(script).tools(search().build()).maxRepeats(3));
    assertThat(stage.kind(stage.start())).isEqualTo("NO_PROGRESS");
    assertThat(made).hasSize(2);
    assertThat(script.toldBefore(3).get(0)).contains("you made this very call before");
    assertThat(script.requests).hasSize(4);
  }

  @Test
  void aCallThatIsWrittenInAnotherWayIsTheSameCall() {
    Script script = always(n -> n % 2 == 0 ? "{\"q\":\"a\"}" : " { \"q\" : \"a\" } ");
    stage.failure(agent(script).tools(search().build()).maxRepeats(2));
    assertThat(stage.kind(stage.start())).isEqualTo("NO_PROGRESS");
    assertThat(made).hasSize(1);
  }

  @Test
  void aModelThatHeedsTheWarningGoesOn() throws Exception {
    Script script =
        Script.of(
            call("search", "{\"q\":\"a\"}"),
            call("search", "{\"q\":\"a\"}"),
            call("search", "{\"q\":\"a\"}"),
            text("done"));
    assertThat(stage.run(agent(script).tools(search().build()))).isEqualTo("done");
  }

  @Test
  void equalCallsOfOneAnswerAreNotHeldAgainstAModelThatCouldNotKnow() throws Exception {
    Script script =
        Script.of(
            calls(
                request("1", "search", "{\"q\":\"a\"}"),
                request("2", "search", "{\"q\":\"a\"}"),
                request("3", "search", "{\"q\":\"a\"}")),
            text("done"));
    assertThat(stage.run(agent(script).tools(search().build()).maxRepeats(1))).isEqualTo("done");
    assertThat(made).isEmpty();
  }

  @Test
  void aToolThatMayBeRepeatedIsAndStillEndsByComingNoFurther() {
    Script script = always(n -> "{\"q\":\"a\"}");
    stage.failure(agent(script).tools(search().repeatable().build()).maxIdleRounds(6));
    assertThat(stage.kind(stage.start())).isEqualTo("NO_PROGRESS");
    assertThat(made).hasSize(7);
  }

  @Test
  void roundsThatGiveOnlyErrorsEndTheRun() {
    AgentTool broken =
        AgentTool.of(
                "search",
                "fails",
                Query.class,
                call -> {
                  throw new IllegalStateException("down");
                })
            .build();
    Script script = always(n -> "{\"q\":\"%d\"}".formatted(n));
    stage.failure(agent(script).tools(broken).maxIdleRounds(4));
    assertThat(stage.kind(stage.start())).isEqualTo("NO_PROGRESS");
    assertThat(script.requests).hasSize(4);
  }

  @Test
  void anEndlessLoopIsStoppedByItsStepsAndGoesOnWhenItMayMakeMore() throws Exception {
    Script script =
        new Script(
            (n, request) -> n < 8 ? call("search", "{\"q\":\"%d\"}".formatted(n)) : text("done"));
    AgentRuntime first =
        stage.start(Stage.definition(agent(script).tools(search().build()).maxSteps(5).build()));
    assertThat(Stage.failure(Stage.submit(first, String.class)).code())
        .isEqualTo(ErrorCode.BUDGET_EXCEEDED);
    assertThat(script.requests).hasSize(5);
    assertThat(first.run(Stage.RUN).orElseThrow().state()).isEqualTo(RunView.State.STOPPED);
    first.close();

    AgentRuntime second =
        stage.start(Stage.definition(agent(script).tools(search().build()).maxSteps(20).build()));
    second.resume(Stage.RUN);
    assertThat(second.handle(Stage.RUN, String.class).await(Stage.SOON)).isEqualTo("done");
    // nothing that was journaled was done again
    assertThat(script.requests).hasSize(9);
    assertThat(made).containsExactly("0", "1", "2", "3", "4", "5", "6", "7");
  }
}
