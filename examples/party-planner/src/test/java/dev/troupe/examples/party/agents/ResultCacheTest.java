package dev.troupe.examples.party.agents;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ResultCacheTest {
  private final AtomicLong nanos = new AtomicLong();
  private final ResultCache<String> cache = new ResultCache<>(2, Duration.ofSeconds(1), nanos::get);

  @Test
  void theLeastRecentlyUsedGoesFirst() {
    cache.put("a", "A");
    cache.put("b", "B");
    cache.get("a");
    cache.put("c", "C");
    assertThat(cache.get("a")).isEqualTo("A");
    assertThat(cache.get("b")).isNull();
    assertThat(cache.get("c")).isEqualTo("C");
  }

  @Test
  void oldResultsAreForgotten() {
    cache.put("a", "A");
    nanos.addAndGet(999_999_999);
    assertThat(cache.get("a")).isEqualTo("A");
    nanos.addAndGet(1);
    assertThat(cache.get("a")).isNull();
  }
}
