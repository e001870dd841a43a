package dev.troupe.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.EventTransport.Topic;
import dev.troupe.resilience.LeasedRateLimiter;
import dev.troupe.resilience.Limit;
import dev.troupe.resilience.MeteredRateLimiter;
import dev.troupe.resilience.RateLimiter;
import dev.troupe.resilience.RateLimiter.Demand;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.Submission;
import dev.troupe.testkit.RedisSentinel;
import dev.troupe.testkit.RedisServer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The code about Redis that the documents show. */
@Timeout(60)
class RedisSnippetsTest {
  private final AgentDefinition<String, String> greeter =
      AgentDefinition.of(
              "greeter",
              String.class,
              String.class,
              (name, context) -> context.step("greet", String.class, attempt -> "Hello " + name))
          .build();

  @Test
  void runsOutliveTheProcess() throws Exception {
    try (RedisServer server = RedisServer.start()) {
      String address = server.uri().toString();
      // snippet: redis
      try (RedisStateStore store = RedisStateStore.connect(address); // redis://host:6379
          AgentRuntime runtime = AgentRuntime.builder().store(store).agent(greeter).start()) {
        runtime.submit(Submission.of("greeter", "Ada", String.class).id("hello-1").build()).await();
      }
      // end
      try (RedisStateStore store = RedisStateStore.connect(address);
          AgentRuntime runtime = AgentRuntime.builder().store(store).agent(greeter).start()) {
        assertThat(runtime.handle("hello-1", String.class).await()).isEqualTo("Hello Ada");
      }
    }
  }

  @Test
  @Tag("matrix")
  void aStoreThatSentinelsKnow() {
    try (RedisSentinel set = RedisSentinel.start()) {
      String name = RedisSentinel.NAME;
      String one = set.sentinels().get(0).uri().toString();
      String two = set.sentinels().get(1).uri().toString();
      String three = set.sentinels().get(2).uri().toString();
      // snippet: redis-sentinels
      RedisStateStore store =
          RedisStateStore.builder()
              .sentinels(name, one, two, three) // redis://host:26379
              .open();
      // end
      try (store) {
        RedisFixture.done(store, RedisFixture.put("r/a", "v"));
      }
    }
  }

  @Test
  void limitsOfAllWhoUseAServer() throws Exception {
    try (RedisServer server = RedisServer.start()) {
      String address = server.uri().toString();
      // snippet: limits-redis
      try (RateLimiter limiter = RedisRateLimiter.connect(address)) { // redis://host:6379
        Limit calls = Limit.inFlight(8, Duration.ofMinutes(5));
        if (limiter.tryAcquire("model", calls, 1) instanceof RateLimiter.Decision.Granted granted) {
          callTheModel();
          limiter.settle(List.of(granted.reservation().used()));
        }
      }
      // end
      // snippet: limits-leased
      Limit requests = Limit.rate(60_000, Duration.ofMinutes(1));
      try (RateLimiter leased =
          new LeasedRateLimiter(RedisRateLimiter.connect(address), 100, Duration.ofSeconds(1))) {
        leased.acquire(Demand.of("api", "requests", requests, 1), Duration.ofSeconds(5));
      }
      // end
      try (RateLimiter limiter = RedisRateLimiter.connect(address)) {
        assertThat(limiter.tryAcquire("model", Limit.inFlight(8, Duration.ofMinutes(5)), 8))
            .isInstanceOf(RateLimiter.Decision.Granted.class);
        assertThat(limiter.reserve(Demand.of("api", "requests", requests, 5_900)).granted())
            .as("what was leased and not used was given back")
            .isTrue();
      }
    }
  }

  @Test
  void limitsWhileRedisIsAway() {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    try (RedisServer server = RedisServer.start()) {
      String address = server.uri().toString();
      server.stop();
      // snippet: limits-away
      RateLimiter shared =
          new MeteredRateLimiter(
              RedisRateLimiter.builder().uri(address).lazy(true).open(), "model", registry);
      RateLimiter own = RateLimiter.inMemory();
      RateLimiter.Decision decision;
      try {
        decision = shared.tryAcquire("model", Limit.rate(6_000, Duration.ofMinutes(1)), 1);
      } catch (AgentException e) {
        if (e.code() != ErrorCode.STORE_UNAVAILABLE) {
          throw e;
        }
        Limit part = Limit.rate(600, Duration.ofMinutes(1)); // there are 10 processes
        decision = own.tryAcquire("model", part, 1);
      }
      // end
      assertThat(decision.granted()).isTrue();
      assertThat(registry.get("troupe.limiter.store.away").gauge().value()).isEqualTo(1);
      shared.close();
    }
  }

  private void callTheModel() {
    assertThat(greeter).isNotNull();
  }

  @Test
  void eventsGoThroughStreams() {
    CountDownLatch packed = new CountDownLatch(1);
    try (RedisServer server = RedisServer.start()) {
      String address = server.uri().toString();
      // snippet: events-redis
      try (RedisStateStore store = RedisStateStore.connect(address); // redis://host:6379
          RedisTransport transport = RedisTransport.connect(address);
          EventBus bus = EventBus.builder(transport, store).build()) {
        bus.prepare(List.of(new Topic("orders", 16, Duration.ofDays(1))), true)
            .forEach(problem -> System.err.println(problem));
        bus.subscribe("orders", "warehouse")
            .start(
                (event, context) -> {
                  if (event.type().equals("order.paid")) {
                    packed.countDown();
                  }
                });
        bus.publish("orders", Event.builder("order.paid").key("order-7").json(12.5).build());
        packed.await();
      }
      // end
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    assertThat(packed.getCount()).isZero();
  }
}
