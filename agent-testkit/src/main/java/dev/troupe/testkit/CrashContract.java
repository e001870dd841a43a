package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.AgentException;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Step;
import dev.troupe.event.Delivery;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.EventTransport;
import dev.troupe.event.Position;
import dev.troupe.event.StoreTransport;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunHandle;
import dev.troupe.runtime.Submission;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Holds a store to what it is for: agents with everything that waits or undoes (step, child, timer,
 * signal, compensation) are crashed at every change of it, and end as if nothing had happened. See
 * {@link CrashEverywhere} for what is checked.
 *
 * <p>A subclass says how to make a store; JUnit runs it as a test.
 */
@Timeout(300)
public abstract class CrashContract {
  /** For subclasses. */
  protected CrashContract() {}

  /**
   * Makes a store. Called by several threads.
   *
   * @return a store of its own, empty
   */
  protected abstract StateStore newStore();

  /**
   * Gives the second process the data of the first, by default in the same object. Called by
   * several threads.
   *
   * @param store what {@link #newStore} gave
   * @return a store over the same data
   */
  protected StateStore reopen(StateStore store) {
    return store;
  }

  @Test
  @Tag("guarantee-1")
  @Tag("guarantee-2")
  @Tag("guarantee-4")
  void crashedAtEveryChangeOfItsStoreAnOrderEndsAsIfNothingHadHappened() {
    CrashEverywhere.Report report =
        CrashEverywhere.over(this::newStore)
            .reopening(this::reopen)
            .atOnce(16)
            .run(CrashContract::scenario);
    assertThat(report.calls()).isGreaterThan(20);
    assertThat(report.crashes()).isGreaterThanOrEqualTo(2 * report.calls());
  }

  @Test
  @Tag("guarantee-1")
  @Tag("guarantee-2")
  void crashedAtEveryChangeOfItsStoreARunPublishesAllItsEventsInTheirOrderAndNoOthers() {
    CrashEverywhere.Report report =
        CrashEverywhere.over(this::newStore)
            .reopening(this::reopen)
            .atOnce(16)
            .run(CrashContract::publishing);
    assertThat(report.calls()).isGreaterThan(8);
    assertThat(report.crashes()).isGreaterThanOrEqualTo(2 * report.calls());
  }

  private static List<String> publishing(AgentRuntime.Builder builder, StateStore store)
      throws InterruptedException {
    StoreTransport transport = StoreTransport.builder(store).build();
    EventBus bus =
        EventBus.builder(transport, store)
            .lease(Duration.ofMillis(500))
            .lookEvery(Duration.ofMillis(20))
            .build();
    try {
      bus.prepare(List.of(new EventTransport.Topic("tales", 1, Duration.ofHours(1))), true);
      builder
          .events(bus)
          .agent(
              AgentDefinition.of("teller", String.class, String.class, CrashContract::tell)
                  .build());
      try (AgentRuntime runtime = builder.start()) {
        submit(runtime, "teller", "tale").await();
        List<Event> told = List.of();
        while (told.isEmpty() || !told.get(told.size() - 1).type().equals("tale.ended")) {
          told = told(bus);
          LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
          if (Thread.currentThread().isInterrupted()) {
            throw new InterruptedException();
          }
        }
        // what a process told that died before it was journaled was told by nobody
        assertThat(told.stream().map(Event::id).distinct())
            .hasSameSizeAs(told.stream().map(Event::type).distinct().toList());
        // each once or more often, but first in their order
        return told.stream().map(Event::type).distinct().toList();
      }
    } finally {
      bus.close(Duration.ZERO);
      transport.close();
    }
  }

  private static List<Event> told(EventBus bus) {
    return bus.history("tales", Position.START, 1_000).items().stream()
        .map(found -> ((Delivery.Decoded) found.content()).event())
        .toList();
  }

  private static String tell(String of, AgentContext context) {
    tell(context, "begun");
    String thought = context.step("think", String.class, attempt -> of);
    tell(context, "thought");
    tell(context, "rests");
    context.sleep(Duration.ofMillis(5));
    tell(context, "ended");
    return thought;
  }

  /** Under an id that each execution makes anew. */
  private static void tell(AgentContext context, String what) {
    context.publish(
        "tales", Event.builder("tale." + what).id(UUID.randomUUID().toString()).key("k").build());
  }

  private static String order(String item, AgentContext context) {
    Step<String> reserve =
        Step.of("reserve", String.class)
            .compensate((reserved, attempt) -> assertThat(reserved).isEqualTo("seat for " + item))
            .build();
    String seat = context.step(reserve, attempt -> "seat for " + item);
    int price = context.call("price", item, Integer.class);
    context.sleep(Duration.ofMillis(10));
    String answer = context.awaitSignal("answer", String.class);
    if (!answer.equals("yes")) {
      throw new IllegalStateException("the answer was " + answer);
    }
    return context.step("book", String.class, attempt -> seat + " at " + price);
  }

  private static Integer price(String item, AgentContext context) {
    context.sleep(Duration.ofMillis(5));
    return context.step("look up", Integer.class, attempt -> item.length());
  }

  private static String scenario(AgentRuntime.Builder builder) throws InterruptedException {
    builder.agent(
        AgentDefinition.of("order", String.class, String.class, CrashContract::order).build());
    builder.agent(
        AgentDefinition.of("price", String.class, Integer.class, CrashContract::price).build());
    try (AgentRuntime runtime = builder.start()) {
      RunHandle<String> tea = submit(runtime, "order", "tea");
      RunHandle<String> ale = submit(runtime, "order", "ale");
      runtime.signal("tea", "answer", "1", "yes");
      runtime.signal("ale", "answer", "1", "no");
      return outcome(tea) + "; " + outcome(ale);
    }
  }

  private static RunHandle<String> submit(AgentRuntime runtime, String agent, String item) {
    return runtime.submit(Submission.of(agent, item, String.class).id(item).build());
  }

  private static String outcome(RunHandle<String> run) throws InterruptedException {
    try {
      return run.await();
    } catch (AgentException e) {
      return e.getMessage();
    }
  }
}
