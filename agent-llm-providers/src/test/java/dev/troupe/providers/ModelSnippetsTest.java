package dev.troupe.providers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.agent.tool.P;
import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.service.SystemMessage;
import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.llm.Answer;
import dev.troupe.llm.Budget;
import dev.troupe.llm.BudgetPeriod;
import dev.troupe.llm.BudgetScope;
import dev.troupe.llm.Budgets;
import dev.troupe.llm.CallOptions;
import dev.troupe.llm.GovernedModel;
import dev.troupe.llm.LlmProvider;
import dev.troupe.llm.LlmResponse;
import dev.troupe.llm.PriceTable;
import dev.troupe.llm.Quota;
import dev.troupe.llm.Quotas;
import dev.troupe.llm.agent.AgentTool;
import dev.troupe.llm.agent.ApprovalDesk;
import dev.troupe.llm.agent.ApprovalRequest;
import dev.troupe.llm.agent.Approvals;
import dev.troupe.llm.agent.LlmAgent;
import dev.troupe.llm.agent.Memory;
import dev.troupe.llm.agent.ToolPolicy;
import dev.troupe.llm.guard.Guard;
import dev.troupe.llm.guard.Turn;
import dev.troupe.llm.guard.Verdict;
import dev.troupe.llm.log.LogEntry;
import dev.troupe.llm.log.RunLog;
import dev.troupe.llm.memory.ConversationMemory;
import dev.troupe.providers.langchain.AiServiceAgents;
import dev.troupe.resilience.CircuitBreakers;
import dev.troupe.resilience.RateLimiter;
import dev.troupe.resilience.StoreRateLimiter;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunHandle;
import dev.troupe.runtime.Submission;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.ScriptedAnswer;
import dev.troupe.testkit.ScriptedModel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The code about language models that the documents show. */
@Timeout(60)
class ModelSnippetsTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  private final StateStore store = new MemoryStateStore();
  private final String key = "sk-of-a-test";

  /** What an agent answers with. */
  record Report(String answer, List<String> pages) {}

  @Test
  void aProviderIsOneLine() {
    // snippet: model-provider
    LlmProvider openAi = OpenAi.model("gpt-4o-mini").apiKey(() -> key).build();
    LlmProvider ollama = Ollama.model("llama3.2").build();
    LlmProvider bedrock = Bedrock.model("amazon.nova-lite-v1:0", "eu-central-1").build();
    // end
    assertThat(List.of(openAi.name(), ollama.name(), bedrock.name()))
        .containsExactly("openai", "ollama", "aws.bedrock");
  }

  @Test
  void aGovernedModelIsAsked() throws Exception {
    LlmProvider provider =
        ScriptedModel.answering()
            .text("The show goes on.")
            .text("{\"answer\":\"yes\",\"pages\":[\"Understudy\"]}");
    // snippet: model-ask
    GovernedModel model = GovernedModel.builder(provider).build();
    ChatRequest question =
        ChatRequest.builder().messages(UserMessage.from("Does the show go on?")).build();

    LlmResponse answer = model.generate(question);
    String text = answer.text(); // whole, with a finish reason; else an LlmException was thrown

    Answer<Report> report = model.generate(question, Report.class); // a record, checked
    // end
    assertThat(text).isEqualTo("The show goes on.");
    assertThat(report.value().pages()).containsExactly("Understudy");
    model.close();
  }

  @Test
  void everythingThatGoverns() throws Exception {
    LlmProvider openAi = ScriptedModel.answering("openai", "gpt-4o-mini").text("from the first");
    LlmProvider ollama = ScriptedModel.answering("ollama", "llama3.2");
    RateLimiter limiter = new StoreRateLimiter(store);
    // snippet: model-govern
    Quotas quotas =
        Quotas.over(limiter) // shared by all processes of the store or the Redis behind it
            .account(
                "openai",
                "default",
                Quota.builder()
                    .requestsPerMinute(500)
                    .inputTokensPerMinute(200_000)
                    .inFlight(40)
                    .build())
            .eachTenant(Quota.builder().requestsPerMinute(60).build())
            .build();
    Budgets budgets =
        Budgets.over(store)
            .perRun(Budget.ofMoney("0.50").and(Budget.ofCalls(200)))
            .perTenant(Budget.ofMoney("20"), BudgetPeriod.DAY)
            .build();
    CircuitBreakers breakers = CircuitBreakers.builder(store).start();
    GovernedModel model =
        GovernedModel.builder(openAi)
            .fallback(ollama)
            .quotas(quotas)
            .budgets(budgets)
            .prices(PriceTable.bundled())
            .breakers(breakers)
            .deadline(Duration.ofMinutes(2))
            .build();
    // end
    ChatRequest request = ChatRequest.builder().messages(UserMessage.from("Hello")).build();
    CallOptions options = CallOptions.builder().tenant("acme").root("run-1").build();
    assertThat(model.generate(request, options).text()).isEqualTo("from the first");
    model.close();
    // snippet: model-stop
    budgets.stop(BudgetScope.tenant("acme"), "ada", "their key was stolen"); // at the next call
    // end
    assertThat(budgets.state(BudgetScope.tenant("acme")).stop()).isNotNull();
    breakers.close();
    budgets.close();
    quotas.close();
  }

  // snippet: model-tools
  static final class Shop {
    @Tool("The price of a thing in euros")
    int price(@P("the thing") String thing) {
      return thing.length();
    }

    @Tool("Buys a thing")
    String buy(@P("the thing") String thing) {
      return "bought " + thing;
    }
  }

  // end

  @Test
  void anAgentWithTools() throws Exception {
    GovernedModel model =
        GovernedModel.builder(
                ScriptedModel.answering()
                    .toolCall("price", "{\"thing\":\"tea\"}")
                    .text("{\"answer\":\"3 euros\",\"pages\":[]}"))
            .build();
    // snippet: model-agent
    LlmAgent<String, Report> agent =
        LlmAgent.of(model, String.class, Report.class)
            .instructions("You answer questions about the shop.")
            .tools(AgentTool.from(new Shop()))
            .maxSteps(20)
            .build();
    AgentDefinition<String, Report> clerk =
        AgentDefinition.of("clerk", String.class, Report.class, agent).build();

    try (AgentRuntime runtime = AgentRuntime.builder().store(store).agent(clerk).start()) {
      Report report = runtime.submit("clerk", "What is tea?", Report.class).await();
      assertThat(report.answer()).isEqualTo("3 euros");
    }
    // end
  }

  @Test
  void aToolThatAsksFirst() throws Exception {
    GovernedModel model =
        GovernedModel.builder(
                ScriptedModel.answering()
                    .toolCall("buy", "{\"thing\":\"tea\"}")
                    .text("It is on its way."))
            .build();
    List<AgentTool> tools = new ArrayList<>();
    // snippet: model-approval
    for (AgentTool tool : AgentTool.from(new Shop())) {
      tools.add(tool.name().equals("buy") ? tool.toBuilder().approval().build() : tool);
    }
    LlmAgent<String, String> agent =
        LlmAgent.of(model, String.class, String.class)
            .tools(tools)
            .approvals(Approvals.within(Duration.ofHours(8))) // nobody decided: denied
            .policies(ToolPolicy.notAfterRetrieved("buy")) // not once foreign text was read
            .build();
    // end
    AgentDefinition<String, String> clerk =
        AgentDefinition.of("clerk", String.class, String.class, agent).build();
    try (AgentRuntime runtime = AgentRuntime.builder().store(store).agent(clerk).start()) {
      RunHandle<String> handle =
          runtime.submit(Submission.of("clerk", "Buy tea", String.class).id("order-7").build());
      Awaitility.await()
          .until(() -> !ApprovalDesk.of(runtime, store, Codec.json()).pending("order-7").isEmpty());
      // snippet: model-approve
      ApprovalDesk desk = ApprovalDesk.of(runtime, store, Codec.json()); // in any process
      for (ApprovalRequest request : desk.pending("order-7")) {
        desk.approve("order-7", request.call(), "ada", "within the budget");
      }
      // end
      assertThat(handle.await(SOON)).isEqualTo("It is on its way.");
    }
  }

  @Test
  void whatPeopleAreShown() throws Exception {
    GovernedModel model =
        GovernedModel.builder(ScriptedModel.answering().text("The show goes on.")).build();
    // snippet: model-log
    RunLog log = RunLog.over(store);
    LlmAgent<String, String> agent =
        LlmAgent.of(model, String.class, String.class)
            .options(CallOptions.USUAL)
            .tokens(log::sink)
            .build();
    // end
    AgentDefinition<String, String> teller =
        AgentDefinition.of("teller", String.class, String.class, agent).build();
    StringBuilder page = new StringBuilder();
    try (log;
        AgentRuntime runtime =
            AgentRuntime.builder().store(store).agent(teller).listener(log).start()) {
      runtime.submit(Submission.of("teller", "Tell", String.class).id("tale").build()).await();
      long lastSeen = 0;
      // snippet: model-follow
      log.follow( // in any process, from the last number that the client saw
          "tale",
          lastSeen,
          entry -> {
            if (entry.kind() == LogEntry.Kind.RESTARTED) {
              page.setLength(0); // what was shown is void
            } else if (entry.kind() == LogEntry.Kind.TEXT) {
              page.append(entry.text());
            }
          });
      // end
      assertThat(page.toString()).isEqualTo("The show goes on.");
    }
  }

  @Test
  void conversations() throws Exception {
    ScriptedModel script =
        ScriptedModel.answering()
            .text("Hello Ada.")
            .expectThat(ScriptedModel.mentions("I am Ada"), "a conversation that goes on")
            .text("You are Ada.");
    GovernedModel model = GovernedModel.builder(script).build();
    // snippet: model-memory
    ConversationMemory conversations =
        ConversationMemory.over(store).maxMessages(40).maxTokens(8_000).build();
    LlmAgent<String, String> agent =
        LlmAgent.of(model, String.class, String.class)
            .memory((input, context) -> Memory.of(conversations, "ada"))
            .build();
    // end
    AgentDefinition<String, String> chat =
        AgentDefinition.of("chat", String.class, String.class, agent).build();
    try (AgentRuntime runtime = AgentRuntime.builder().store(store).agent(chat).start()) {
      assertThat(runtime.submit("chat", "I am Ada", String.class).await(SOON))
          .isEqualTo("Hello Ada.");
      assertThat(runtime.submit("chat", "Who am I?", String.class).await(SOON))
          .isEqualTo("You are Ada.");
    }
    script.verifyDone();
  }

  @Test
  void guardsOfTheHost() {
    LlmProvider provider = ScriptedModel.answering().text("A song.");
    // snippet: model-guards
    Guard noKeys =
        new Guard() {
          @Override
          public Verdict<List<ChatMessage>> beforeModel(Turn turn) {
            return turn.messages().toString().contains("BEGIN PRIVATE KEY")
                ? Verdict.refuse("a private key")
                : Verdict.pass();
          }
        };
    GovernedModel model = GovernedModel.builder(provider).guards(noKeys).build();
    // end
    assertThatThrownBy(() -> model.chat("What is -----BEGIN PRIVATE KEY-----?"))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CONTENT_REFUSED));
    assertThat(model.chat("What is a key?")).isEqualTo("A song.");
  }

  // snippet: model-ai-service
  interface Translator {
    @SystemMessage("You translate into English.")
    String translate(String text);
  }

  // end

  @Test
  void anAiServiceIsAnAgentAsItIs() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    GovernedModel model =
        GovernedModel.builder(
                ScriptedModel.answering()
                    .otherwise(
                        request -> {
                          calls.incrementAndGet();
                          return ScriptedAnswer.text("good morning");
                        }))
            .build();
    // snippet: model-ai-service-agent
    AgentDefinition<?, ?> translator =
        AiServiceAgents.of(Translator.class, model).agent("translator").build();
    // end
    try (AgentRuntime runtime = AgentRuntime.builder().store(store).agent(translator).start()) {
      assertThat(runtime.submit("translator", "guten Morgen", String.class).await(SOON))
          .isEqualTo("good morning");
    }
    assertThat(calls).hasValue(1);
  }
}
