package dev.troupe.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Call;
import dev.troupe.agent.StepFailedException;
import dev.troupe.event.DeadLetter;
import dev.troupe.event.Delivery;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.Position;
import dev.troupe.event.StoreTransport;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.state.MemoryStateStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two services, each with a store of its own, and what carries events between them. */
@Timeout(60)
final class RemoteAgentsTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  private final MemoryStateStore between = new MemoryStateStore();
  private final StoreTransport transport = StoreTransport.builder(between).build();
  private final MemoryStateStore shopStore = new MemoryStateStore();
  private final MemoryStateStore bakeryStore = new MemoryStateStore();
  private final EventBus shopBus = bus(shopStore);
  private final EventBus bakeryBus = bus(bakeryStore);
  private final AtomicInteger baked = new AtomicInteger();

  private final AgentDefinition<String, String> bake =
      AgentDefinition.of(
              "bake",
              String.class,
              String.class,
              (cake, context) -> {
                baked.incrementAndGet();
                if (cake.equals("salt")) {
                  throw new IllegalStateException("nobody eats " + cake);
                }
                if (cake.equals("slow")) {
                  context.awaitSignal("never", String.class);
                }
                return cake.equals("none") ? null : cake + " cake";
              })
          .retry(RetryPolicy.none())
          .build();

  private final RemoteAgents shop = RemoteAgents.over(shopBus, "shop");
  private final AgentRuntime seller =
      AgentRuntime.builder()
          .store(shopStore)
          .events(shopBus)
          .agent(shop.agent("bake", String.class, String.class))
          .agent(
              AgentDefinition.of(
                      "sell",
                      String.class,
                      String.class,
                      (cake, context) -> {
                        try {
                          return "sold: "
                              + context.call(
                                  Call.of("bake", cake, String.class)
                                      .timeLimit(Duration.ofSeconds(3))
                                      .build());
                        } catch (StepFailedException e) {
                          return e.failure().kind() + ": " + e.failure().message();
                        }
                      })
                  .build())
          .start();
  private final AgentRuntime baker =
      AgentRuntime.builder().store(bakeryStore).events(bakeryBus).start();

  private EventBus bus(MemoryStateStore store) {
    return EventBus.builder(transport, store).lookEvery(Duration.ofMillis(10)).build();
  }

  @AfterEach
  void close() {
    shopBus.close(Duration.ofSeconds(1));
    bakeryBus.close(Duration.ofSeconds(1));
    seller.close();
    baker.close();
    transport.close();
  }

  private void serve() {
    shop.listen(seller);
    RemoteAgents.over(bakeryBus, "bakery").serve(baker, bake);
  }

  private String sell(String cake) throws Exception {
    return seller.submit("sell", cake, String.class).await(SOON);
  }

  @Test
  void anAgentOfAnotherServiceIsCalledLikeOneOfThisOne() throws Exception {
    serve();
    assertThat(sell("plum")).isEqualTo("sold: plum cake");
    assertThat(sell("none")).isEqualTo("sold: null");
    assertThat(baked).hasValue(2);
  }

  @Test
  void itsFailureComesBackAsItIs() throws Exception {
    serve();
    assertThat(sell("salt"))
        .isEqualTo(IllegalStateException.class.getName() + ": nobody eats salt");
  }

  @Test
  void aCallWaitsForWhoeverServesItAndItsLimitHolds() throws Exception {
    shop.listen(seller);
    RunHandle<String> early =
        seller.submit(Submission.of("sell", "plum", String.class).id("early").build());
    Awaitility.await().until(() -> !calls().isEmpty());
    RemoteAgents.over(bakeryBus, "bakery").serve(baker, bake);
    assertThat(early.await(SOON)).isEqualTo("sold: plum cake");
    assertThat(sell("slow")).startsWith(ErrorCode.TIMEOUT.name());
  }

  private List<Event> calls() {
    try {
      return shopBus.history(RemoteAgents.callsTopic("bake"), Position.START, 100).items().stream()
          .map(found -> ((Delivery.Decoded) found.content()).event())
          .toList();
    } catch (dev.troupe.AgentException noTopicYet) {
      return List.of();
    }
  }

  @Test
  void aCallThatComesTwiceIsExecutedOnce() throws Exception {
    serve();
    sell("plum");
    Event call = calls().get(0);
    bakeryBus.publish(RemoteAgents.callsTopic("bake"), call);
    bakeryBus.publish(
        RemoteAgents.callsTopic("bake"),
        call.toBuilder().id("other").correlationId("nobody").build());
    Awaitility.await().until(() -> baked.get() == 2);
    assertThat(sell("pear")).isEqualTo("sold: pear cake");
    assertThat(baked).hasValue(3);
  }

  @Test
  void whatIsNoCallIsADeadLetterAndWhatDoesNotFitIsAnsweredSo() throws Exception {
    serve();
    Event.Builder call = Event.builder("dev.troupe.call").json("plum");
    bakeryBus.publish(RemoteAgents.callsTopic("bake"), call.build());
    Awaitility.await()
        .until(() -> !bakeryBus.deadLetters().list("serve.bake", null, 9).items().isEmpty());
    DeadLetter dead = bakeryBus.deadLetters().list("serve.bake", null, 9).items().get(0);
    assertThat(dead.error()).contains("has no correlationid to answer to");

    bakeryBus.publish(
        RemoteAgents.callsTopic("bake"),
        Event.builder("dev.troupe.call")
            .correlationId("me")
            .extension("answerto", "answers.me")
            .json(Map.of("not", "a text"))
            .build());
    Awaitility.await()
        .ignoreExceptions()
        .until(() -> !bakeryBus.history("answers.me", Position.START, 9).items().isEmpty());
    Event answer =
        ((Delivery.Decoded)
                bakeryBus.history("answers.me", Position.START, 9).items().get(0).content())
            .event();
    assertThat(answer.correlationId()).contains("me");
    assertThat(answer.data(RemoteAgents.Answer.class).failure().kind())
        .isEqualTo(ErrorCode.UNDECODABLE.name());
  }

  @Test
  void whatIsTooLargeForEventsFailsWhereItIsSaid() throws Exception {
    serve();
    assertThat(sell("x".repeat(105_000)))
        .startsWith(ErrorCode.LIMIT_EXCEEDED.name())
        .contains("lay what is large elsewhere");
    assertThat(baked).hasValue(0);
  }

  @Test
  void anAgentIsServedOnce() {
    serve();
    assertThatThrownBy(this::serve).hasMessageContaining("serve.bake");
  }
}
