package dev.troupe.providers.langchain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.agentic.AgenticServices;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.service.SystemMessage;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.llm.GovernedModel;
import dev.troupe.llm.guard.Guard;
import dev.troupe.llm.guard.ProposedCall;
import dev.troupe.llm.guard.Turn;
import dev.troupe.llm.guard.Verdict;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunView;
import dev.troupe.runtime.Submission;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import dev.troupe.testkit.CrashEverywhere;
import dev.troupe.testkit.ForwardingStore;
import dev.troupe.testkit.ScriptedAnswer;
import dev.troupe.testkit.ScriptedModel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** LangChain4j's services and agents over a governed model that is bound to the run. */
@Timeout(180)
class GovernedServicesTest {
  private final CountDownLatch reached = new CountDownLatch(1);
  private final CountDownLatch never = new CountDownLatch(1);
  private final AtomicBoolean hangs = new AtomicBoolean();
  private final List<String> sent = new CopyOnWriteArrayList<>();

  interface Greeter {
    @SystemMessage("You greet people.")
    String greet(String whom);
  }

  final class Mail {
    @Tool("Sends a mail")
    String send(String to) {
      sent.add(to);
      return "sent to " + to + " by secret-42";
    }
  }

  /** Says what depends on the request alone; the second call of a run may hang once. */
  private final ScriptedModel script =
      ScriptedModel.answering()
          .otherwise(
              request -> {
                ChatMessage last = last(request);
                if (last instanceof ToolExecutionResultMessage result) {
                  hang();
                  return ScriptedAnswer.text("done: " + result.text());
                }
                String said = ((UserMessage) last).singleText();
                if (said.startsWith("Write")) {
                  return ScriptedAnswer.text("a story");
                }
                if (said.startsWith("Edit")) {
                  hang();
                  return ScriptedAnswer.text("edited: " + said);
                }
                return ScriptedAnswer.toolCall(
                    "send", "{\"arg0\":\"%1$s\",\"to\":\"%1$s\"}".formatted(said));
              });

  private static ChatMessage last(ChatRequest request) {
    return request.messages().get(request.messages().size() - 1);
  }

  private void hang() {
    if (hangs.getAndSet(false)) {
      reached.countDown();
      try {
        never.await(); // the process dies meanwhile
      } catch (InterruptedException dead) {
        throw new AgentException(ErrorCode.CLOSED, "this process is dead", dead);
      }
    }
  }

  private AgentDefinition<?, ?> greeter(GovernedModel model) {
    return AiServiceAgents.of(Greeter.class, model)
        .tools(new Mail())
        .agent("agent")
        .retry(RetryPolicy.none())
        .build();
  }

  private static AgentDefinition<?, ?> press(GovernedModel model) {
    return AgenticAgents.agent(
            "agent",
            AiServiceAgentsTest.Press.class,
            model,
            bound ->
                AgenticServices.sequenceBuilder(AiServiceAgentsTest.Press.class)
                    .subAgents(
                        AgenticServices.agentBuilder(AiServiceAgentsTest.Writer.class)
                            .chatModel(bound)
                            .build(),
                        AgenticServices.agentBuilder(AiServiceAgentsTest.Editor.class)
                            .chatModel(bound)
                            .build())
                    .outputKey("story")
                    .build())
        .retry(RetryPolicy.none())
        .build();
  }

  private static Submission<String> run(String input) {
    return Submission.of("agent", input, String.class).id("run").build();
  }

  private void assertCrashesEverywhere(Supplier<AgentDefinition<?, ?>> agent, String expected) {
    CrashEverywhere.Report report =
        CrashEverywhere.over(MemoryStateStore::new)
            .atOnce(8)
            .run(
                builder -> {
                  try (AgentRuntime runtime = builder.agent(agent.get()).start()) {
                    String said = runtime.submit(run("ann")).await();
                    assertThat(said).isEqualTo(expected);
                    assertThat(runtime.run("run").orElseThrow().journal())
                        .extracting(RunView.Line::path)
                        .contains("model#1", "model#2");
                    return said;
                  }
                });
    assertThat(report.calls()).isGreaterThanOrEqualTo(4);
    assertThat(report.crashes()).isGreaterThan(report.calls());
    script.verifyDone();
  }

  @Test
  void noModelOrToolCallOfAServiceIsMadeAgainOnceJournaledWhereverTheProcessDies() {
    try (GovernedModel model = GovernedModel.builder(script).build()) {
      assertCrashesEverywhere(() -> greeter(model), "done: sent to ann by secret-42");
    }
  }

  @Test
  void noModelCallOfAnAgenticAgentIsMadeAgainOnceJournaledWhereverTheProcessDies() {
    try (GovernedModel model = GovernedModel.builder(script).build()) {
      assertCrashesEverywhere(() -> press(model), "edited: Edit a story");
    }
  }

  /** A store that a process no longer reaches once it is dead. */
  private static final class Mortal extends ForwardingStore {
    private volatile boolean dead;

    Mortal(StateStore store) {
      super(store);
    }

    private void alive() {
      if (dead) {
        throw new AgentException(ErrorCode.CLOSED, "this process is dead");
      }
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      alive();
      return super.apply(changes);
    }

    @Override
    public List<Stored> claim(Claim claim) {
      alive();
      return super.claim(claim);
    }
  }

  private static AgentRuntime start(StateStore store, AgentDefinition<?, ?> agent) {
    return AgentRuntime.builder()
        .store(store)
        .agent(agent)
        .expiry(Duration.ofMillis(500))
        .endGrace(Duration.ofMillis(200))
        .shutdownGrace(Duration.ofMillis(200))
        .pollInterval(Duration.ofMillis(20))
        .start();
  }

  private void assertTakenOverInItsSecondCall(AgentDefinition<?, ?> agent, String expected)
      throws Exception {
    hangs.set(true);
    StateStore store = new MemoryStateStore();
    Mortal mortal = new Mortal(store);
    AtomicInteger before = new AtomicInteger();
    try (AgentRuntime dies = start(mortal, agent)) {
      dies.submit(run("ann"));
      assertThat(reached.await(20, TimeUnit.SECONDS)).isTrue();
      mortal.dead = true;
      before.set(script.calls());
      try (AgentRuntime lives = start(store, agent)) {
        assertThat(lives.handle("run", String.class).await()).isEqualTo(expected);
      }
    }
    assertThat(before).hasValue(2);
    assertThat(script.calls()).as("the one under way was made again, no other").isEqualTo(3);
    assertThat(last(script.requests().get(2)).toString())
        .isEqualTo(last(script.requests().get(1)).toString());
  }

  @Test
  void anotherProcessTakesAServiceOverInTheMiddleOfACall() throws Exception {
    try (GovernedModel model = GovernedModel.builder(script).build()) {
      assertTakenOverInItsSecondCall(greeter(model), "done: sent to ann by secret-42");
    }
    assertThat(sent).containsExactly("ann");
  }

  @Test
  void anotherProcessTakesAnAgenticAgentOverInTheMiddleOfACall() throws Exception {
    try (GovernedModel model = GovernedModel.builder(script).build()) {
      assertTakenOverInItsSecondCall(press(model), "edited: Edit a story");
    }
  }

  // the host's guards

  private static final class Strict implements Guard {
    @Override
    public Verdict<AiMessage> afterModel(Turn turn, AiMessage answer) {
      return answer.text() != null && answer.text().startsWith("edited")
          ? Verdict.refuse("no editing")
          : Verdict.pass();
    }

    @Override
    public Verdict<String> beforeTool(ProposedCall call) {
      return call.arguments().contains("eve") ? Verdict.refuse("not to eve") : Verdict.pass();
    }

    @Override
    public Verdict<String> afterTool(ProposedCall call, String result) {
      return Verdict.change(result.replace("secret-42", "***"));
    }
  }

  @Test
  void aServiceCanNotGoRoundTheGuardsOfItsModel() throws Exception {
    try (GovernedModel model = GovernedModel.builder(script).guards(new Strict()).build();
        StateStore store = new MemoryStateStore();
        AgentRuntime runtime = start(store, greeter(model))) {
      assertThat(runtime.submit(run("ann")).await()).isEqualTo("done: sent to ann by ***");
      RecordId id = RecordId.of("run", store.info().partitions());
      store
          .scan(Scan.whole(id))
          .items()
          .get(0)
          .rows()
          .forEach(
              (row, value) ->
                  assertThat(new String(value, StandardCharsets.UTF_8))
                      .as("row %s", row)
                      .doesNotContain("secret-42"));
      assertThat(runtime.submit("agent", "eve", String.class).await())
          .contains("not called")
          .contains("not to eve");
    }
    assertThat(sent).containsExactly("ann");
  }

  @Test
  void anAgenticAgentCanNotGoRoundTheGuardsAroundModelCalls() {
    try (GovernedModel model = GovernedModel.builder(script).guards(new Strict()).build();
        StateStore store = new MemoryStateStore();
        AgentRuntime runtime = start(store, press(model))) {
      assertThatThrownBy(() -> runtime.submit(run("cats")).await(Duration.ofSeconds(30)))
          .hasMessageContaining("no editing");
    }
  }
}
