package dev.troupe.providers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.event.DeadLetter;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.jdbc.SqliteStateStore;
import dev.troupe.llm.Budget;
import dev.troupe.llm.BudgetScope;
import dev.troupe.llm.Budgets;
import dev.troupe.llm.CallOptions;
import dev.troupe.llm.GovernedModel;
import dev.troupe.llm.GovernedModelBuilder;
import dev.troupe.llm.LlmProvider;
import dev.troupe.llm.OutputFormat;
import dev.troupe.llm.Partial;
import dev.troupe.llm.PriceTable;
import dev.troupe.llm.agent.AgentTool;
import dev.troupe.llm.agent.LlmAgent;
import dev.troupe.llm.log.LogPage;
import dev.troupe.llm.log.RunLog;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.EventTriggers;
import dev.troupe.runtime.RunHandle;
import dev.troupe.runtime.RunView;
import dev.troupe.runtime.Submission;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The whole system with canaries in it: key, header, prompt, answer, tool arguments and result. The
 * key turns up nowhere; the others only where they belong, in the store's journal and in what the
 * caller gets.
 */
@Timeout(120)
class NothingLeaksTest {
  private static final Duration SOON = Duration.ofSeconds(60);

  /** What the provider does with each request, all in the same run. */
  private enum Fault {
    NONE,
    TOOL,
    TOOL_THROWS,
    DENIED,
    LIMITED,
    FAILED,
    FAILED_AFTER_TOOL,
    CUT,
    ERROR_AFTER_PART,
    MALFORMED,
    MALFORMED_IN_STREAM,
    PAGE,
    BAD_ARGUMENTS,
    NO_RECORD
  }

  /** For an answer that does not fit. */
  record Bird(int age) {}

  /** An input that text does not fit. */
  record Numbers(int one, int other) {}

  @TempDir Path folder;

  static Stream<Arguments> everywhere() {
    List<Arguments> all = new ArrayList<>();
    for (Spoken spoken : Spoken.values()) {
      all.add(Arguments.of(spoken, false));
    }
    all.add(Arguments.of(Spoken.OPEN_AI, true));
    all.add(Arguments.of(Spoken.BEDROCK, true));
    return all.stream();
  }

  @ParameterizedTest(name = "{0}, in a file: {1}")
  @MethodSource("everywhere")
  void keysAndWhatIsSaidAreInNoLogMetricMessageOrView(Spoken spoken, boolean durable)
      throws Exception {
    MeterRegistry meters = new SimpleMeterRegistry();
    try (Canaries canaries = new Canaries();
        StateStore store =
            durable ? SqliteStateStore.open(folder.resolve("s.db")) : new MemoryStateStore();
        RunLog log = RunLog.over(store);
        EventBus bus = EventBus.over(store)) {
      for (Fault fault : Fault.values()) {
        try (RawPeer peer = peer(spoken, fault);
            LlmProvider provider = provider(spoken, peer, canaries);
            GovernedModel model = governed(provider, meters).build()) {
          canaries.show("model", model);
          agents(fault, model, store, log, meters, canaries);
          directly(fault, model, canaries);
          assertThat(peer.requests).as(fault.name()).isNotEmpty();
        }
      }
      refusedByItsBudget(spoken, store, meters, canaries);
      deadLetters(spoken, store, bus, meters, canaries);
      canaries.show(meters);
      canaries.show("problems of the bus", bus.problems());
      assertThat(canaries.linesLogged()).as("lines that were logged").isPositive();
      canaries.areNowhere();
    }
  }

  private static LlmProvider provider(Spoken spoken, RawPeer peer, Canaries canaries) {
    Preset preset =
        spoken.preset(peer.at(spoken.path())).apiKey(Canaries.KEY).header("x-way", Canaries.HEADER);
    canaries.show("preset", preset);
    return canaries.show("provider", preset.build());
  }

  private static GovernedModelBuilder governed(LlmProvider provider, MeterRegistry meters) {
    return GovernedModel.builder(provider)
        .retry(RetryPolicy.none())
        .durableRetry(RetryPolicy.none())
        .prices(PriceTable.bundled())
        .meterRegistry(meters);
  }

  // what the provider does

  private static RawPeer peer(Spoken spoken, Fault fault) {
    return new RawPeer((request, reply) -> answer(spoken, fault, request, reply));
  }

  /** As gateways do that were built by somebody in a hurry: with everything that they know. */
  private static String told(String sent) {
    String key = Canaries.KEY;
    byte[] bytes = ("user:" + key).getBytes(StandardCharsets.UTF_8);
    return String.join(
        " ; ",
        "no: Bearer " + key,
        "in base64 " + Base64.getEncoder().encodeToString(key.getBytes(StandardCharsets.UTF_8)),
        "Basic " + Base64.getEncoder().encodeToString(bytes),
        "k=" + URLEncoder.encode(key, StandardCharsets.UTF_8),
        Canaries.PROMPT,
        sent.contains(Canaries.ARGUMENT) ? Canaries.ARGUMENT : "",
        sent.contains(Canaries.RESULT) ? Canaries.RESULT : "");
  }

  private static void refuse(
      RawPeer.Reply reply, RawPeer.Request request, int status, String... headers)
      throws IOException {
    String body =
        new ObjectMapper()
            .createObjectNode()
            .put("message", told(request.body()))
            .set(
                "error",
                new ObjectMapper()
                    .createObjectNode()
                    .put("type", "x")
                    .put("message", told(request.body())))
            .toString();
    reply.whole(status, "application/json", body, headers);
  }

  private static void answer(
      Spoken spoken, Fault fault, RawPeer.Request request, RawPeer.Reply reply) throws IOException {
    boolean toolWasCalled =
        request.body().contains("hawfinch") || request.body().contains("the shop is closed");
    switch (fault) {
      case DENIED -> refuse(reply, request, 401);
      case LIMITED -> refuse(reply, request, 429, "Retry-After: 3600");
      case FAILED -> refuse(reply, request, 500);
      case PAGE ->
          reply.whole(
              200,
              "text/html",
              "<html>" + told(request.body()) + " " + Canaries.ANSWER + "</html>");
      case MALFORMED ->
          reply.whole(200, "application/json", "{\"choices\":[\"" + Canaries.ANSWER + "\",}");
      case CUT, ERROR_AFTER_PART, MALFORMED_IN_STREAM -> broken(spoken, fault, request, reply);
      case TOOL, TOOL_THROWS, FAILED_AFTER_TOOL -> {
        if (!toolWasCalled) {
          say(reply, request, spoken, true, "{\"thing\":\"" + Canaries.ARGUMENT + "\"}");
        } else if (fault == Fault.FAILED_AFTER_TOOL) {
          refuse(reply, request, 400);
        } else {
          say(reply, request, spoken, false, Canaries.ANSWER);
        }
      }
      case BAD_ARGUMENTS ->
          say(reply, request, spoken, true, "{\"nothing\":\"" + Canaries.ARGUMENT + "\"}");
      case NO_RECORD -> say(reply, request, spoken, false, "{\"age\":\"" + Canaries.ANSWER + "\"}");
      case NONE -> say(reply, request, spoken, false, Canaries.ANSWER);
    }
  }

  private static void say(
      RawPeer.Reply reply, RawPeer.Request request, Spoken spoken, boolean tool, String what)
      throws IOException {
    if (!request.stream()) {
      String body = tool ? spoken.wholeTool("buy", what) : spoken.whole(what, "stop");
      reply.whole(200, "application/json", body);
      return;
    }
    reply.begin(200, spoken.type());
    for (String event : spoken.begin()) {
      reply.part(spoken.bytes(event));
    }
    reply.part(spoken.bytes(tool ? spoken.tool("buy", what) : spoken.part(what)));
    for (String event : spoken.end(tool ? "tool_calls" : "stop")) {
      reply.part(spoken.bytes(event));
    }
    reply.end();
  }

  private static void broken(
      Spoken spoken, Fault fault, RawPeer.Request request, RawPeer.Reply reply) throws IOException {
    if (!request.stream()) {
      reply.begin(200, "application/json");
      String whole = spoken.whole(Canaries.ANSWER, "stop");
      reply.part(whole.substring(0, whole.length() - 20));
      reply.cut();
      return;
    }
    reply.begin(200, spoken.type());
    for (String event : spoken.begin()) {
      reply.part(spoken.bytes(event));
    }
    reply.part(spoken.bytes(spoken.part(Canaries.ANSWER)));
    switch (fault) {
      case CUT -> reply.cut();
      case ERROR_AFTER_PART -> {
        reply.part(
            spoken.bytes(spoken.error("api_error", told(request.body()) + " " + Canaries.ANSWER)));
        reply.end();
      }
      default -> {
        reply.part("data: {\"choices\":[" + Canaries.ANSWER + "}\n\n");
        reply.end();
      }
    }
  }

  // who asks

  /** An agent with a tool, asked and watched as a host does. */
  private static void agents(
      Fault fault,
      GovernedModel model,
      StateStore store,
      RunLog log,
      MeterRegistry meters,
      Canaries canaries)
      throws Exception {
    AgentTool tool =
        AgentTool.of(
                "buy",
                "Buys a thing",
                Bought.class,
                call -> {
                  canaries.show("a tool's call", call);
                  canaries.show("a proposed call", call.proposed());
                  if (fault == Fault.TOOL_THROWS) {
                    throw new IllegalStateException("the shop is closed");
                  }
                  return Canaries.RESULT;
                })
            .build();
    canaries.show("tool", tool);
    boolean streamed =
        Set.of(Fault.CUT, Fault.ERROR_AFTER_PART, Fault.MALFORMED_IN_STREAM).contains(fault);
    LlmAgent.Builder<String, String> agent =
        LlmAgent.of(model, String.class, String.class)
            .instructions("Be brief.")
            .options(CallOptions.builder().agent("clerk").tenant("acme").build())
            .tools(tool);
    if (streamed) {
      agent.tokens(log::sink);
    }
    AgentDefinition<String, String> clerk =
        AgentDefinition.of("clerk", String.class, String.class, agent.build()).build();
    canaries.show("definition", clerk);
    try (AgentRuntime runtime =
        AgentRuntime.builder()
            .store(store)
            .agent(clerk)
            .listener(log)
            .listener(event -> canaries.show("a run's event", event))
            .meterRegistry(meters)
            .pollInterval(Duration.ofMillis(20))
            .start()) {
      Submission<String> submission =
          Submission.of("clerk", Canaries.PROMPT, String.class).id("run-" + fault).build();
      canaries.show("submission", submission);
      RunHandle<String> run = canaries.show("handle", runtime.submit(submission));
      Throwable failure = catchThrowable(() -> run.await(SOON));
      assertThat(failure == null)
          .as("%s: %s", fault, failure)
          .isEqualTo(
              Set.of(Fault.NONE, Fault.TOOL, Fault.TOOL_THROWS, Fault.NO_RECORD).contains(fault));
      if (failure != null) {
        canaries.show("failure of a run, " + fault, failure);
      }
      view(runtime, run.id(), canaries);
      LogPage page = log.read(run.id(), 0);
      canaries.show("log for people", page);
      page.entries().forEach(entry -> canaries.show("entry of a log for people", entry));
    }
  }

  /** The tool's input. */
  record Bought(String thing) {}

  private static void view(AgentRuntime runtime, String run, Canaries canaries) {
    RunView view = runtime.run(run).orElseThrow();
    canaries.show("view", view);
    canaries.show("page of a view", view.page());
    canaries.show("processes", runtime.processes());
    canaries.show("health", runtime.health());
  }

  /** The model itself, asked by a host's own code. */
  private static void directly(Fault fault, GovernedModel model, Canaries canaries) {
    ChatRequest request = ChatRequest.builder().messages(UserMessage.from(Canaries.PROMPT)).build();
    Throwable whole = catchThrowable(() -> canaries.show("response", model.generate(request)));
    Throwable parts =
        catchThrowable(
            () ->
                canaries.show(
                    "part of a response",
                    model.stream(
                        request,
                        canaries.show(
                            "options", CallOptions.builder().partial(Partial.KEEP).build()),
                        part -> {})));
    Throwable record =
        catchThrowable(() -> canaries.show("record", model.generate(request, Bird.class)));
    for (Throwable failure : new Throwable[] {whole, parts, record}) {
      if (failure != null) {
        canaries.show("failure of a call, " + fault, failure);
      }
    }
    canaries.show(
        "reading", OutputFormat.of(Bird.class).read("{\"age\":\"" + Canaries.ANSWER + "\"}"));
  }

  private static void refusedByItsBudget(
      Spoken spoken, StateStore store, MeterRegistry meters, Canaries canaries) throws Exception {
    try (RawPeer peer = peer(spoken, Fault.NONE);
        LlmProvider provider = provider(spoken, peer, canaries);
        Budgets budgets = Budgets.over(store).perRun(Budget.ofTokens(1)).build();
        GovernedModel model = governed(provider, meters).budgets(budgets).build();
        AgentRuntime runtime =
            AgentRuntime.builder()
                .store(store)
                .agent(
                    AgentDefinition.of(
                            "spender",
                            String.class,
                            String.class,
                            LlmAgent.of(model, String.class, String.class).build())
                        .build())
                .meterRegistry(meters)
                .start()) {
      String run =
          runtime
              .submit(Submission.of("spender", Canaries.PROMPT, String.class).id("spent").build())
              .id();
      Awaitility.await()
          .atMost(SOON)
          .until(
              () ->
                  runtime
                      .run(run)
                      .filter(view -> view.state() == RunView.State.STOPPED)
                      .isPresent());
      assertThat(peer.requests).isEmpty();
      view(runtime, run, canaries);
      canaries.show("budget", budgets.state(BudgetScope.run(run)));
    }
  }

  /** Events that nobody could handle, as an operator sees them. */
  private static void deadLetters(
      Spoken spoken, StateStore store, EventBus bus, MeterRegistry meters, Canaries canaries)
      throws Exception {
    try (RawPeer peer = peer(spoken, Fault.DENIED);
        LlmProvider provider = provider(spoken, peer, canaries);
        GovernedModel model = governed(provider, meters).build();
        AgentRuntime runtime =
            AgentRuntime.builder()
                .store(store)
                .agent(
                    AgentDefinition.of("adds", Numbers.class, Integer.class, (in, context) -> 1)
                        .build())
                .start()) {
      bus.subscribe("asked", "agents")
          .retry(RetryPolicy.none())
          .start(EventTriggers.start(runtime, "adds", Numbers.class));
      bus.subscribe("asked", "hands")
          .retry(RetryPolicy.none())
          .start(
              (event, context) ->
                  model.generate(
                      ChatRequest.builder()
                          .messages(UserMessage.from(String.valueOf(event.data(String.class))))
                          .build()));
      bus.publish("asked", canaries.show("event", Event.of("question", Canaries.PROMPT)));
      for (String group : List.of("agents", "hands")) {
        Awaitility.await()
            .atMost(SOON)
            .until(() -> !bus.deadLetters().list(group, null, 10).items().isEmpty());
        DeadLetter letter = bus.deadLetters().list(group, null, 10).items().get(0);
        canaries.show("dead letter", letter);
        canaries.show("error of a dead letter", letter.error());
        canaries.show("event of a dead letter", letter.event());
      }
    }
  }
}
