package dev.troupe.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.agent.AgentDefinition;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunHandle;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.RedisServer;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a step costs over Redis, counted. */
@Timeout(120)
class CostOfAStepTest {
  private static final int STEPS = 600;

  private static RedisServer server;

  @BeforeAll
  static void startServer() {
    server = RedisServer.start();
  }

  @AfterAll
  static void stopServer() {
    server.close();
  }

  private static void run(StateStore store, int runs) throws InterruptedException {
    try (AgentRuntime runtime =
        AgentRuntime.builder()
            .store(store)
            .retention(null)
            .pollInterval(Duration.ofSeconds(5))
            .expiry(Duration.ofMinutes(1))
            .agent(
                AgentDefinition.of(
                        "steps",
                        Integer.class,
                        Integer.class,
                        (in, context) -> {
                          for (int i = 0; i < STEPS; i++) {
                            context.step("step", Integer.class, attempt -> 1);
                          }
                          return in;
                        })
                    .build())
            .start()) {
      List<RunHandle<Integer>> handles = new ArrayList<>();
      for (int i = 0; i < runs; i++) {
        handles.add(runtime.submit("steps", i, Integer.class));
      }
      for (RunHandle<Integer> handle : handles) {
        handle.await();
      }
    }
  }

  @Test
  void aStepOfALoneRunIsOneRoundTrip() throws Exception {
    try (CountingProxy proxy = new CountingProxy(server.port());
        RedisStateStore store =
            RedisStateStore.builder().host("127.0.0.1").port(proxy.port()).open()) {
      proxy.trips();
      run(store, 1);
      // joining, submitting, claiming, ending, leaving, heartbeats and looks for mail are in it
      double trips = (double) proxy.trips() / STEPS;
      System.out.printf("1 run on Redis: %.3f round trips a step%n", trips);
      assertThat(trips).isLessThanOrEqualTo(1.05);
    }
  }

  @Test
  void sixtyFourRunsShareTheirFlushes() throws Exception {
    AtomicLong flushes = new AtomicLong();
    try (RedisStateStore redis = RedisStateStore.builder().uri(server.uri().toString()).open()) {
      run(counting(redis, flushes), 64);
      double each = (double) flushes.get() / (64 * STEPS);
      System.out.printf("64 runs on Redis: %.3f flushes a step%n", each);
      assertThat(each).isLessThanOrEqualTo(0.25);
    }
  }

  private static StateStore counting(StateStore store, AtomicLong flushes) {
    return (StateStore)
        Proxy.newProxyInstance(
            StateStore.class.getClassLoader(),
            new Class<?>[] {StateStore.class},
            (proxy, method, args) -> {
              if (method.getName().equals("apply")) {
                flushes.incrementAndGet();
              }
              try {
                return method.invoke(store, args);
              } catch (InvocationTargetException e) {
                throw e.getTargetException();
              }
            });
  }
}
