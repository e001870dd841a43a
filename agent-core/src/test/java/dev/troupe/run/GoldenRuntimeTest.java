package dev.troupe.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Call;
import dev.troupe.agent.Step;
import dev.troupe.agent.StepFailedException;
import dev.troupe.agent.UnknownOutcome;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.state.Find;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A whole runtime over a store that golden files filled: the paths at which an agent's code looks
 * for its effects are part of the format, too. See {@link GoldenFormatTest}.
 */
@Timeout(60)
class GoldenRuntimeTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  private final GoldenWorld world = new GoldenWorld();
  private final EventBus bus = EventBus.over(world.store);

  /** What was really done, and not taken from a journal. */
  private final ConcurrentLinkedQueue<String> effects = new ConcurrentLinkedQueue<>();

  @AfterEach
  void close() {
    bus.close(Duration.ZERO);
  }

  private AgentRuntime start() {
    return AgentRuntime.builder()
        .store(world.store)
        .events(bus)
        .retention(null)
        .pollInterval(Duration.ofMillis(20))
        .agent(
            AgentDefinition.of("shop", Map.class, String.class, this::execute)
                .capabilities(List.of("sell"))
                .build())
        .start();
  }

  private <T> T effect(AgentContext context, String what, T result) {
    effects.add(context.runId() + " " + what);
    return result;
  }

  private String execute(Map<?, ?> input, AgentContext context) {
    return switch (context.runId()) {
      case "r" -> waits(input, context);
      case "t" -> pays(context);
      case "f" -> fails(context);
      case "s" ->
          context.step("reserve", Boolean.class, a -> effect(context, "reserve", true))
              + " "
              + context.step("book", Boolean.class, a -> effect(context, "book", true));
      default -> context.step("reserve", String.class, a -> effect(context, "reserve", "sold"));
    };
  }

  private String waits(Map<?, ?> input, AgentContext context) {
    context.publish("begun");
    Map<?, ?> reserved = context.step("reserve", Map.class, a -> effect(context, "1", Map.of()));
    Throwable none =
        catchThrowable(() -> context.step("discount", Long.class, a -> effect(context, "2", 0L)));
    context.sleep(Duration.ofSeconds(2));
    String approval = context.awaitSignal("approval", String.class);
    var hurry = context.awaitSignal("hurry", String.class, Duration.ofSeconds(1));
    double price =
        context.<Double>any(
            "offers",
            2,
            List.of(
                one -> one.step("price", Double.class, a -> effect(context, "3", 0.0)),
                other -> other.call(Call.of("sell", input, Double.class).name("ask").build())));
    Call<String> ship =
        Call.of("sell", input, String.class).name("ship").timeLimit(Duration.ofSeconds(60)).build();
    Throwable lost = catchThrowable(() -> context.call(ship));
    Call<String> pay = Call.of("sell", input, String.class).name("pay").key("customer-5").build();
    List<String> both =
        context.<String>all(
            "both",
            3,
            List.of(
                one -> one.call(pay),
                two -> two.step("charge", String.class, a -> effect(context, "charge", "charged")),
                three ->
                    three
                        .awaitSignal("answer", String.class, Duration.ofMinutes(5))
                        .orElse("no answer")));
    rethrowUnlessAStepFailed(none);
    rethrowUnlessAStepFailed(lost);
    return reserved.get("reserved") + approval + hurry.isPresent() + price + both;
  }

  private static void rethrowUnlessAStepFailed(Throwable thrown) {
    assertThat(thrown).isInstanceOf(StepFailedException.class);
  }

  private String pays(AgentContext context) {
    context.step("greet", String.class, a -> effect(context, "greet", ""));
    context.step("reserve", Boolean.class, a -> effect(context, "reserve", true));
    Step<String> pay =
        Step.of("pay", String.class).whenUnknown(UnknownOutcome.<String>ask()).build();
    return context.step(pay, a -> effect(context, "pay", "again"));
  }

  private String fails(AgentContext context) {
    Step<Integer> reserve =
        Step.of("reserve", Integer.class)
            .compensate((number, attempt) -> effects.add("f undo " + number))
            .build();
    context.step(reserve, a -> effect(context, "reserve", 0));
    context.step(reserve, a -> effect(context, "reserve", 0));
    context.publish("sold", Event.builder("sold.out").build());
    throw new IllegalStateException("sold out");
  }

  /** With this result, or with a failure that says this. */
  private static void ends(AgentRuntime runtime, String run, String file, String words) {
    AtomicReference<String> said = new AtomicReference<>("");
    Throwable thrown =
        catchThrowable(() -> said.set(runtime.handle(run, String.class).await(SOON)));
    assertThat(thrown == null ? said.get() : thrown.getMessage())
        .as("golden file %s: %s", file, GoldenFormatTest.CHANGED)
        .contains(words);
  }

  private void load(String file) {
    GoldenFormatTest.golden(file).load(world.store);
  }

  @Test
  void aRuntimeGoesOnWithWhatTheFilesHold() {
    load("run-waiting.txt");
    load("run-cancelled.txt");
    load("run-taken-over.txt");
    load("run-failing.txt");
    load("run-stopped.txt");
    load("run-queued.txt");
    load("outbox-mail.txt");
    load("process.txt");
    world.named("p1", "order-17/7"); // what the process of the file held when it died
    world.tick(70_000);
    world.letTimePass();
    try (AgentRuntime runtime = start()) {
      runtime.resume("s");
      runtime.signal("r", "answer", "s-3", "yes");
      ends(runtime, "r", "run-waiting.txt", "ä\nyesfalse12.5[paid, charged, yes]");
      ends(runtime, "t", "run-taken-over.txt", "paid");
      ends(runtime, "f", "run-failing.txt", "sold out");
      ends(runtime, "s", "run-stopped.txt", "true true");
      ends(runtime, "order-17/7", "run-queued.txt", "sold");
      ends(runtime, "r/offers#1/1/ask#1", "run-cancelled.txt", "was cancelled");
    }
    assertThat(effects)
        .as("what no journal held: %s", GoldenFormatTest.CHANGED)
        .containsExactlyInAnyOrder("r charge", "f undo 1", "s book", "order-17/7 reserve");
    assertThat(world.has("process-p1")).as("the dead process").isFalse();
  }

  @Test
  void aProcessTellsOfItselfWhatTheFileHolds() {
    try (AgentRuntime runtime = start()) {
      assertThat(runtime.processes()).hasSize(1);
      Stored process =
          world.store.find(Find.tagged(RunRecord.KIND, Membership.PROCESS, 10)).items().get(0);
      assertThat(Membership.told(world.store.scan(Scan.whole(process.id())).items().get(0).value()))
          .containsOnlyKeys(
              Membership.told(GoldenFormatTest.golden("process.txt").value()).keySet());
      assertThat(GoldenFile.of(process, null).text().lines().filter(l -> l.startsWith("  ")))
          .extracting(line -> line.strip().split(" ", 2)[0])
          .containsExactly(
              "pid", "host", "since", "running", "capacity", "draining", "formats", "agents");
    }
  }
}
