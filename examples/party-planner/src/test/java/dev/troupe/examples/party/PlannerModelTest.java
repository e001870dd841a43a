package dev.troupe.examples.party;

import static dev.troupe.testkit.RawHttpAnswer.openAiError;
import static dev.troupe.testkit.RawHttpAnswer.openAiText;
import static dev.troupe.testkit.RawHttpAnswer.status;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.examples.party.agents.AskedModel;
import dev.troupe.examples.party.catalogue.DataFiles;
import dev.troupe.examples.party.page.JsonPage;
import dev.troupe.examples.party.page.TextPage;
import dev.troupe.examples.party.plan.PartyPlan;
import dev.troupe.examples.party.plan.Recommenders;
import dev.troupe.examples.party.request.Options;
import dev.troupe.examples.party.request.PartyRequest;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.GovernedModel;
import dev.troupe.llm.LlmProvider;
import dev.troupe.providers.OpenAi;
import dev.troupe.runtime.RunHandle;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.testkit.RawHttpAnswer;
import dev.troupe.testkit.RawHttpStub;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The planner with a model of OpenAI's kind behind a real wire. */
@Timeout(300)
class PlannerModelTest {
  private static final String REQUEST =
      "something with ships for our 12 kids on 6 June in Lisbon, 600 euros, one is allergic to"
          + " nuts";
  private static final String KIND =
      "{\"occasion\":\"birthday\",\"themes\":[\"pirate\"],\"avoid\":[\"milk\"],\"diets\":[]}";
  private static final String WORDS = "Ahoy! Come aboard and celebrate with us.";
  private static final int PLANS = 100;

  /** Every way of failing that a wire and a provider know; a pause of a second is as long. */
  private static final List<Supplier<RawHttpAnswer>> FAILURES =
      List.of(
          () -> openAiError(429, "rate_limit_exceeded", "slow down").header("retry-after", "1"),
          () -> openAiError(429, "rate_limit_exceeded", "slow down"),
          () -> openAiError(500, "server_error", "failed"),
          () -> openAiError(502, "bad_gateway", "failed"),
          () -> openAiError(503, "overloaded", "later").header("retry-after", "0"),
          () -> openAiError(529, "overloaded_error", "later"),
          () -> openAiError(408, "timeout", "late"),
          () -> status(200).header("content-type", "text/html").part("<html>a proxy</html>"),
          () -> status(200).header("content-type", "application/json").part("{}"),
          () -> status(200).header("content-type", "application/json").part(""),
          () -> openAiText(KIND).cutAtByte(150),
          () -> openAiText(KIND).resetAtByte(200),
          () -> RawHttpAnswer.raw().cut(),
          () -> RawHttpAnswer.raw().reset(),
          () -> openAiText(KIND).after(Duration.ofSeconds(4)),
          () -> openAiText("I would say that this is a party."));

  private final RawHttpStub stub = RawHttpStub.start();
  private final AtomicInteger failed = new AtomicInteger();

  @AfterEach
  void close() {
    stub.close();
  }

  private static RawHttpAnswer right(RawHttpStub.Request request) {
    return openAiText(request.body().contains("invitation") ? WORDS : KIND);
  }

  private LlmProvider provider() {
    return OpenAi.model("gpt-4o-mini").endpoint(stub.uri("/v1")).apiKey("sk-test").build();
  }

  private static Planner start(GovernedModel model) {
    PlannerAgents agents = PlannerAgents.load(DataFiles.bundled(), Recommenders.standard());
    return Planner.start(
        agents.model(new AskedModel(model, agents.rules(), agents.catalogue())),
        new MemoryStateStore(),
        event -> {});
  }

  private static RunHandle<PartyPlan> submit(Planner planner, String id) {
    return planner.submit(id, new PartyRequest(REQUEST, Parties.options("best-fit")));
  }

  @Test
  void aModelSaysWhatKindOfPartyItIsAndWordsThePlan() throws Exception {
    stub.otherwise(PlannerModelTest::right);
    try (LlmProvider provider = provider();
        GovernedModel model = GovernedModel.builder(provider).build();
        Planner planner = start(model)) {
      PartyPlan plan = submit(planner, "p").await(Duration.ofSeconds(30));
      assertThat(Parties.chosen(plan.sheets().get(0), "theme").id()).isEqualTo("pirate");
      assertThat(plan.sheets().get(0).brief().food().avoid())
          .as("what the rules found and what the model found")
          .contains("nuts", "peanuts", "milk");
      assertThat(TextPage.write(plan, false)).contains(WORDS);
      assertThat(stub.requests()).as("one to classify, one to word").hasSize(2);
      assertThat(plan.notes()).noneMatch(note -> note.contains("model"));
    }
  }

  @Test
  void aModelThatRefusesLeavesThePlanToTheRules() throws Exception {
    stub.otherwise(request -> openAiError(401, "invalid_api_key", "Incorrect API key: sk-test"));
    try (LlmProvider provider = provider();
        GovernedModel model = GovernedModel.builder(provider).build();
        Planner planner = start(model)) {
      PartyPlan plan = submit(planner, "p").await(Duration.ofSeconds(30));
      assertThat(plan.complete()).isTrue();
      assertThat(plan.notes()).anyMatch(note -> note.contains("so the rules did"));
      assertThat(JsonPage.write(plan)).doesNotContain("sk-test");
      assertThat(stub.requests()).as("a wrong key is not tried again").hasSize(2);
    }
  }

  @Test
  void aProviderThatFailsThirtyPercentOfItsCallsGivesAHundredRightPlans() throws Exception {
    long seed = 20_261_122L;
    Map<String, AtomicInteger> asked = new ConcurrentHashMap<>();
    AtomicInteger calls = new AtomicInteger();
    stub.otherwise(
        request -> {
          SplittableRandom random = new SplittableRandom(seed + calls.getAndIncrement());
          random.nextInt();
          if (random.nextInt(100) >= 30) {
            return right(request);
          }
          int which = random.nextInt(FAILURES.size());
          if (which == FAILURES.size() - 1 && request.body().contains("invitation")) {
            which = 2; // any text is an invitation
          }
          failed.incrementAndGet();
          asked.computeIfAbsent("failure " + which, w -> new AtomicInteger()).incrementAndGet();
          return FAILURES.get(which).get();
        });
    CallLimits limits = new CallLimits(Duration.ofSeconds(2), Duration.ofSeconds(2), 10_000);
    try (LlmProvider provider = provider();
        GovernedModel model =
            GovernedModel.builder(provider)
                .limits(limits)
                // of 30 % failures, half of twenty calls fail now and then, and the breaker opens
                .breakerSettings(
                    usual -> usual.openTime(Duration.ofSeconds(1)).growth(1, Duration.ofSeconds(1)))
                .build();
        Planner planner = start(model)) {
      List<RunHandle<PartyPlan>> plans = new ArrayList<>();
      for (int i = 0; i < PLANS; i++) {
        plans.add(submit(planner, "p-" + i));
      }
      int right = 0;
      for (RunHandle<PartyPlan> handle : plans) {
        PartyPlan plan = handle.await(Duration.ofMinutes(4));
        assertThat(plan.notes()).noneMatch(note -> note.contains("model"));
        assertThat(plan.sheets().get(0).wording()).isEqualTo(WORDS);
        assertThat(Parties.chosen(plan.sheets().get(0), "theme").id()).isEqualTo("pirate");
        assertThat(plan.sheets().get(0).brief().food().avoid()).contains("nuts", "milk");
        right++;
      }
      System.out.println(
          "%d right plans out of %d; %d of %d calls failed: %s"
              .formatted(right, PLANS, failed.get(), calls.get(), asked));
      assertThat(failed.get()).isGreaterThan(calls.get() / 5);
      assertThat(asked.size()).as("ways of failing that came up").isGreaterThan(10);
    }
  }

  @Test
  void withoutAModelThePlanIsAsBefore() throws Exception {
    try (Planner planner =
        Planner.start(
            PlannerAgents.load(DataFiles.bundled(), Recommenders.standard()),
            new MemoryStateStore(),
            event -> {})) {
      Options options = Parties.options("best-fit");
      PartyPlan plan =
          planner.submit("p", new PartyRequest(REQUEST, options)).await(Duration.ofSeconds(30));
      assertThat(plan.sheets().get(0).wording()).isNull();
      assertThat(stub.requests()).isEmpty();
    }
  }
}
