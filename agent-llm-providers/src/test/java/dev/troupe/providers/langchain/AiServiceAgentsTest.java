package dev.troupe.providers.langchain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agentic.Agent;
import dev.langchain4j.agentic.AgenticServices;
import dev.langchain4j.agentic.scope.AgenticScopeKey;
import dev.langchain4j.agentic.scope.DefaultAgenticScope;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.memory.chat.MessageWindowChatMemory;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.service.Result;
import dev.langchain4j.service.SystemMessage;
import dev.langchain4j.service.TokenStream;
import dev.langchain4j.service.V;
import dev.troupe.AgentException;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.llm.memory.ConversationMemory;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class AiServiceAgentsTest {
  private final StateStore store = new MemoryStateStore();
  private final List<ChatRequest> asked = new CopyOnWriteArrayList<>();
  private final AtomicInteger sent = new AtomicInteger();

  interface Greeter {
    @SystemMessage("You greet people.")
    String greet(String whom);
  }

  interface Translator {
    @dev.langchain4j.service.UserMessage("Translate {{text}} into {{language}}")
    Result<String> translate(@V("text") String text, @V("language") String language);
  }

  record Person(String name, int age) {}

  interface Extractor {
    Person person(String text);
  }

  interface Streamer {
    TokenStream stream(String text);
  }

  interface Two {
    String one(String text);

    String two(String text);
  }

  public static final class Mail {
    private final AtomicInteger sent;
    private final AtomicBoolean fails = new AtomicBoolean();

    Mail(AtomicInteger sent) {
      this.sent = sent;
    }

    @Tool("Sends a mail")
    String send(String to) {
      sent.incrementAndGet();
      if (fails.get()) {
        throw new IllegalStateException("no such mailbox");
      }
      return "sent to " + to;
    }
  }

  private <S> AiServiceAgents<S> over(Class<S> service, Function<ChatRequest, AiMessage> answers) {
    return AiServiceAgents.over(
        service,
        context ->
            new JournaledModel(
                context,
                request -> {
                  asked.add(request);
                  return answers.apply(request);
                }));
  }

  private AgentRuntime start(AgentDefinition.Builder<?, ?> agent) {
    return AgentRuntime.builder()
        .store(store)
        .agent(agent.retry(RetryPolicy.none()).build())
        .hotWait(Duration.ofMillis(1))
        .endGrace(Duration.ofMillis(200))
        .shutdownGrace(Duration.ofMillis(200))
        .pollInterval(Duration.ofMillis(20))
        .start();
  }

  private static AiMessage callsSend() {
    return AiMessage.from(
        ToolExecutionRequest.builder()
            .id("1")
            .name("send")
            .arguments("{\"arg0\":\"ann\",\"to\":\"ann\"}")
            .build());
  }

  /** Calls the tool first, and says what came back then. */
  private static AiMessage withTool(ChatRequest request) {
    ChatMessage last = request.messages().get(request.messages().size() - 1);
    return last instanceof ToolExecutionResultMessage result
        ? AiMessage.from("done: " + result.text())
        : callsSend();
  }

  @Test
  void anInterfaceIsAnAgentAsItIs() throws Exception {
    try (AgentRuntime runtime =
        start(over(Greeter.class, r -> AiMessage.from("Hello Ann")).agent("greeter"))) {
      assertThat(runtime.submit("greeter", "Ann", String.class).await()).isEqualTo("Hello Ann");
    }
    assertThat(asked.get(0).messages())
        .containsExactly(
            dev.langchain4j.data.message.SystemMessage.from("You greet people."),
            UserMessage.from("Ann"));
  }

  @Test
  void severalParametersAreAMapAndAResultIsItsContent() throws Exception {
    try (AgentRuntime runtime =
        start(over(Translator.class, r -> AiMessage.from("hallo")).agent("translator"))) {
      Map<String, String> input = Map.of("text", "hello", "language", "German");
      assertThat(runtime.submit("translator", input, String.class).await()).isEqualTo("hallo");
      assertThatThrownBy(
              () -> runtime.submit("translator", Map.of("text", "x"), String.class).await())
          .isInstanceOf(AgentException.class)
          .hasMessageContaining("'language'");
    }
    assertThat(asked.get(0).messages())
        .containsExactly(UserMessage.from("Translate hello into German"));
  }

  @Test
  void anAnswerMayBeARecord() throws Exception {
    try (AgentRuntime runtime =
        start(
            over(Extractor.class, r -> AiMessage.from("{\"name\":\"Ann\",\"age\":7}"))
                .agent("extractor"))) {
      assertThat(runtime.submit("extractor", "Ann is 7", Person.class).await())
          .isEqualTo(new Person("Ann", 7));
    }
  }

  @Test
  void modelAndToolCallsThatWereJournaledAreNotMadeAgain() throws Exception {
    CountDownLatch reached = new CountDownLatch(1);
    AtomicBoolean first = new AtomicBoolean(true);
    AiServiceAgents<Greeter> service =
        over(
            Greeter.class,
            request -> {
              AiMessage answer = withTool(request);
              if (answer.text() != null && first.getAndSet(false)) {
                reached.countDown();
                try {
                  new CountDownLatch(1).await(); // the process dies here
                } catch (InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              }
              return answer;
            });
    service.tools(new Mail(sent));
    String id;
    try (AgentRuntime runtime = start(service.agent("greeter"))) {
      id = runtime.submit("greeter", "Ann", String.class).id();
      assertThat(reached.await(20, TimeUnit.SECONDS)).isTrue();
    }
    try (AgentRuntime runtime = start(service.agent("greeter"))) {
      assertThat(runtime.handle(id, String.class).await()).isEqualTo("done: sent to ann");
    }
    assertThat(sent).hasValue(1);
    assertThat(asked).hasSize(3); // the first once, the second twice: it was under way
  }

  @Test
  void aToolThatFailedIsToldToTheModel() throws Exception {
    Mail mail = new Mail(sent);
    mail.fails.set(true);
    try (AgentRuntime runtime =
        start(over(Greeter.class, AiServiceAgentsTest::withTool).tools(mail).agent("greeter"))) {
      assertThat(runtime.submit("greeter", "Ann", String.class).await())
          .contains("no such mailbox");
    }
    assertThat(sent).hasValue(1);
  }

  @Test
  void aRunRemembersEarlierOnesAndKeepsInMindWhatWasSaidOnce() throws Exception {
    ConversationMemory memory = ConversationMemory.over(store).build();
    AiServiceAgents<Greeter> service =
        over(Greeter.class, AiServiceAgentsTest::withTool)
            .tools(new Mail(sent))
            .memory(memory, input -> "ann");
    try (AgentRuntime runtime = start(service.agent("greeter"))) {
      runtime.submit("greeter", "first", String.class).await();
      runtime.submit("greeter", "second", String.class).await();
    }
    List<ChatMessage> all = memory.read("ann").messages();
    assertThat(all).hasSize(8);
    assertThat(all.get(0)).isEqualTo(UserMessage.from("first"));
    assertThat(all.get(4)).isEqualTo(UserMessage.from("second"));
    assertThat(asked.get(2).messages().subList(1, 5)).isEqualTo(all.subList(0, 4));
  }

  @Test
  void whatCanNotBeAnAgentIsRefusedAtOnce() {
    assertThatThrownBy(() -> over(Streamer.class, r -> AiMessage.from("x")).agent("s"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("stream");
    assertThatThrownBy(() -> over(Two.class, r -> AiMessage.from("x")).agent("t"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("2 methods");
    assertThat(over(Two.class, r -> AiMessage.from("x")).method("two").agent("t")).isNotNull();
    assertThatThrownBy(() -> over(Two.class, r -> AiMessage.from("x")).tools(new Object()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aWindowMemoryOfLangChain4jLiesInTheStore() {
    ConversationMemory memory = ConversationMemory.over(store).build();
    MessageWindowChatMemory one = window(memory);
    MessageWindowChatMemory other = window(ConversationMemory.over(store).build());
    one.add(UserMessage.from("a"));
    other.add(UserMessage.from("b"));
    one.add(UserMessage.from("c"));
    one.add(UserMessage.from("d"));
    assertThat(other.messages())
        .containsExactly(UserMessage.from("b"), UserMessage.from("c"), UserMessage.from("d"));
    other.clear();
    assertThat(memory.read("c").messages()).isEmpty();
  }

  private static MessageWindowChatMemory window(ConversationMemory memory) {
    return MessageWindowChatMemory.builder()
        .id("c")
        .maxMessages(3)
        .chatMemoryStore(memory.asChatMemoryStore())
        .build();
  }

  // agentic

  public interface Writer {
    @dev.langchain4j.service.UserMessage("Write about {{topic}}")
    @Agent(description = "writes", outputKey = "story")
    String write(@V("topic") String topic);
  }

  public interface Editor {
    @dev.langchain4j.service.UserMessage("Edit {{story}}")
    @Agent(description = "edits", outputKey = "story")
    String edit(@V("story") String story);
  }

  public interface Press {
    @Agent
    String print(@V("topic") String topic);
  }

  @Test
  void agentsOfTheAgenticModuleAreAgents() throws Exception {
    AtomicBoolean dies = new AtomicBoolean(true);
    CountDownLatch reached = new CountDownLatch(1);
    AgentDefinition.Builder<?, ?> press =
        AgenticAgents.over(
            "press",
            Press.class,
            context ->
                new JournaledModel(
                    context,
                    request -> {
                      asked.add(request);
                      String text = ((UserMessage) request.messages().get(0)).singleText();
                      if (text.startsWith("Write")) {
                        return AiMessage.from("a story");
                      }
                      if (dies.getAndSet(false)) {
                        reached.countDown();
                        try {
                          new CountDownLatch(1).await();
                        } catch (InterruptedException e) {
                          throw new IllegalStateException(e);
                        }
                      }
                      return AiMessage.from("edited: " + text);
                    }),
            model ->
                AgenticServices.sequenceBuilder(Press.class)
                    .subAgents(
                        AgenticServices.agentBuilder(Writer.class).chatModel(model).build(),
                        AgenticServices.agentBuilder(Editor.class).chatModel(model).build())
                    .outputKey("story")
                    .build());
    String id;
    try (AgentRuntime runtime = start(press)) {
      id = runtime.submit("press", "cats", String.class).id();
      assertThat(reached.await(20, TimeUnit.SECONDS)).isTrue();
    }
    try (AgentRuntime runtime = start(press)) {
      assertThat(runtime.handle(id, String.class).await()).isEqualTo("edited: Edit a story");
    }
    assertThat(asked).hasSize(3); // the writer was asked once
  }

  @Test
  void scopesOfTheAgenticModuleLieInTheStore() {
    StoredAgenticScopes scopes = new StoredAgenticScopes(store);
    AgenticScopeKey key = new AgenticScopeKey("press", "user-1");
    DefaultAgenticScope scope = DefaultAgenticScope.ephemeralAgenticScope();
    scope.writeState("topic", "cats");
    assertThat(scopes.save(key, scope)).isTrue();
    StoredAgenticScopes elsewhere = new StoredAgenticScopes(store);
    assertThat(elsewhere.load(key).orElseThrow().readState("topic")).isEqualTo("cats");
    assertThat(elsewhere.getAllKeys()).containsExactly(key);
    assertThat(elsewhere.load(new AgenticScopeKey("press", "user-2"))).isEmpty();
    assertThat(elsewhere.delete(key)).isTrue();
    assertThat(elsewhere.delete(key)).isFalse();
    assertThat(scopes.load(key)).isEmpty();
  }
}
