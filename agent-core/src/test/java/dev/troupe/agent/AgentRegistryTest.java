package dev.troupe.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class AgentRegistryTest {
  private final AgentRegistry registry = new AgentRegistry();

  private static AgentDefinition<String, String> agent(
      String name, String version, String... capabilities) {
    return AgentDefinition.of(name, String.class, String.class, (in, context) -> in)
        .version(version)
        .capabilities(List.of(capabilities))
        .build();
  }

  private AgentDefinition<String, String> add(String name, String version, String... capabilities) {
    AgentDefinition<String, String> agent = agent(name, version, capabilities);
    registry.register(agent);
    return agent;
  }

  @Test
  void anEmptyRegistryHasNothing() {
    assertThat(registry.all()).isEmpty();
    assertThat(registry.names()).isEmpty();
    assertThat(registry.byCapability("x")).isEmpty();
    assertThat(registry.get("x", "1")).isEmpty();
    assertThatThrownBy(() -> registry.resolve("x")).hasMessageContaining("registered are []");
  }

  @Test
  void theSameNameAndVersionTwiceIsRefusedAndNamed() {
    AgentDefinition<String, String> first = add("a", "1");
    assertThatThrownBy(() -> add("a", "1"))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.DUPLICATE_AGENT))
        .hasMessageContaining("a@1");
    assertThat(registry.all()).containsExactly(first);
  }

  @Test
  void anUnknownNameIsRefusedWithTheNamesThereAre() {
    add("writer", "1");
    add("editor", "1");
    for (String method : List.of("get", "resolve")) {
      assertThatThrownBy(
              () -> {
                if (method.equals("get")) {
                  registry.get("reader");
                } else {
                  registry.resolve("reader");
                }
              })
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNKNOWN_AGENT))
          .hasMessageContaining("'reader'")
          .hasMessageContaining("[editor, writer]");
    }
  }

  @Test
  void ofSeveralVersionsTheOneRegisteredLastIsForNewRuns() {
    AgentDefinition<String, String> two = add("a", "2");
    AgentDefinition<String, String> one = add("a", "1");
    assertThat(registry.get("a")).isSameAs(one);
    assertThat(registry.resolve("a")).isSameAs(one);
    assertThat(registry.get("a", "2").orElseThrow()).isSameAs(two);
    assertThat(registry.get("a", "1").orElseThrow()).isSameAs(one);
    assertThat(registry.get("a", "3")).isEmpty();
    assertThat(registry.names()).containsExactly("a");
  }

  @Test
  void aNameGoesBeforeACapabilityAndTheLastRegisteredBeforeEarlierOnes() {
    AgentDefinition<String, String> named = add("translate", "1");
    AgentDefinition<String, String> able = add("b", "1", "translate", "summarise");
    AgentDefinition<String, String> alsoAble = add("c", "1", "summarise");
    assertThat(registry.resolve("translate")).isSameAs(named);
    assertThat(registry.resolve("summarise")).isSameAs(alsoAble);
    assertThat(registry.byCapability("translate")).isEqualTo(List.of(named, able));
    assertThat(registry.byCapability("summarise")).isEqualTo(List.of(able, alsoAble));
    assertThat(registry.byCapability("c")).isEqualTo(List.of(alsoAble));
    assertThatThrownBy(() -> registry.get("summarise")).isInstanceOf(AgentException.class);
  }

  @Test
  void listsAreSnapshots() {
    add("a", "1", "x");
    List<AgentDefinition<?, ?>> all = registry.all();
    List<AgentDefinition<?, ?>> able = registry.byCapability("x");
    SortedSet<String> names = registry.names();
    add("b", "1", "x");
    assertThat(all).hasSize(1);
    assertThat(able).hasSize(1);
    assertThat(names).containsExactly("a");
    assertThat(registry.all()).extracting(AgentDefinition::name).containsExactly("a", "b");
  }

  @Test
  void ofThreadsThatRegisterTheSameAgentExactlyOneSucceeds() throws Exception {
    int threads = 8;
    int agents = 100;
    AtomicInteger added = new AtomicInteger();
    AtomicInteger refused = new AtomicInteger();
    CountDownLatch start = new CountDownLatch(1);
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    List<Future<?>> done = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      done.add(
          pool.submit(
              () -> {
                start.await();
                for (int i = 0; i < agents; i++) {
                  try {
                    add("agent" + i, "1", "all");
                    added.incrementAndGet();
                  } catch (AgentException duplicate) {
                    refused.incrementAndGet();
                  }
                  assertThat(registry.get("agent" + i, "1")).isPresent();
                }
                return null;
              }));
    }
    start.countDown();
    for (Future<?> one : done) {
      one.get(20, TimeUnit.SECONDS);
    }
    pool.shutdown();
    assertThat(added).hasValue(agents);
    assertThat(refused).hasValue(agents * (threads - 1));
    assertThat(registry.all()).hasSize(agents);
    assertThat(registry.byCapability("all")).hasSize(agents);
    assertThat(registry.names()).hasSize(agents);
  }
}
