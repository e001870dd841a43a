package dev.troupe.resilience;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.BreakerRecord.Opening;
import dev.troupe.resilience.BreakerRecord.Probe;
import dev.troupe.resilience.CircuitBreaker.Mode;
import dev.troupe.resilience.CircuitBreaker.Permit;
import dev.troupe.resilience.CircuitBreaker.Ruling;
import dev.troupe.resilience.CircuitBreaker.State;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.ForwardingStore;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Breakers of one process; what several do together is in {@code CircuitBreakerContract}. */
@Timeout(60)
class CircuitBreakersTest {
  private static final Duration LOOK = Duration.ofMillis(40);

  private final MemoryStateStore store = new MemoryStateStore();

  private static CircuitBreakers over(StateStore store) {
    return CircuitBreakers.builder(store).name("one").lookEvery(LOOK).start();
  }

  private static void fails(Permit permit) {
    permit.failed(new IllegalStateException("no answer"));
  }

  private void put(String key, String value) {
    Edit put = new Edit.Put(key, value.getBytes(UTF_8), Map.of(), null);
    int partition = RecordId.of(key, 64).partition();
    Outcome outcome = store.apply(List.of(new Change("test", partition, List.of(put)))).get(0);
    assertThat(outcome).isInstanceOf(Outcome.Done.class);
  }

  private String value(String key) {
    List<Stored> found = store.scan(Scan.whole(RecordId.of(key, 64))).items();
    return found.isEmpty() ? "" : new String(found.get(0).value(), UTF_8);
  }

  @Test
  void aRecordHasItsDocumentedForm() {
    BreakerRecord record =
        new BreakerRecord(
            new Opening(1_700_000_000_000L, 3, "one, two", "9 of the last 10 calls failed"),
            new Probe("id/1", 1_700_000_060_000L),
            new Ruling(Mode.AUTOMATIC, "ada", "a b", Instant.ofEpochMilli(1_600_000_000_000L)));
    String form =
        """
        open 1700000000000 3
        by one, two
        why 9 of the last 10 calls failed
        probe 1700000060000 id/1
        ruling AUTOMATIC 1600000000000
        ruled-by ada
        ruled-why a b
        """;
    assertThat(new String(record.encode(), UTF_8)).isEqualTo(form);
    assertThat(BreakerRecord.decode("x", ("later 1 2 3\n" + form).getBytes(UTF_8)))
        .isEqualTo(record);
    assertThat(BreakerRecord.decode("x", BreakerRecord.CLOSED.encode()))
        .isEqualTo(BreakerRecord.CLOSED);
    assertThat(record.expires(0)).isEqualTo(Instant.ofEpochMilli(1_700_086_400_000L));
    Ruling forced = new Ruling(Mode.FORCED_OPEN, "ada", "a", Instant.EPOCH);
    assertThat(record.ruled(forced).expires(0)).isNull();
  }

  @Test
  void aRecordThatCantBeReadCountsAsClosedAndIsMended() {
    put("$breaker/provider", "open tomorrow 1\n");
    try (CircuitBreakers breakers = over(store)) {
      CircuitBreaker breaker = breakers.breaker("provider");
      assertThat(breaker.state()).isEqualTo(State.CLOSED);
      assertThat(breakers.storeAway()).isFalse();
      breaker.override(Mode.FORCED_OPEN, "ada", "line one\nline two\u0085" + "x".repeat(600));
      assertThat(breaker.state()).isEqualTo(State.OPEN);
      assertThat(value("$breaker/provider")).startsWith("ruling FORCED_OPEN ");
      assertThat(breaker.status().ruling().reason()).startsWith("line one line two x").hasSize(500);
    }
  }

  @Test
  void aProcessAnnouncesWhatItUsesAndTakesThatBack() {
    AtomicReference<String> key = new AtomicReference<>("");
    StateStore seen =
        new ForwardingStore(store) {
          @Override
          public List<Outcome> apply(List<Change> changes) {
            changes.get(0).edits().stream()
                .filter(edit -> edit instanceof Edit.Put)
                .forEach(put -> key.set(put.key()));
            return super.apply(changes);
          }
        };
    try (CircuitBreakers breakers = over(seen)) {
      breakers.breaker("bad");
      breakers.breaker("good");
      assertThat(key.get()).startsWith("$breaker/$in/");
      assertThat(value(key.get())).isEqualTo("process one\nclosed bad\nclosed good\n");
    }
    assertThat(value(key.get())).isEmpty();
  }

  @Test
  void oneScanALookServesAllBreakers() {
    AtomicInteger scans = new AtomicInteger();
    AtomicInteger changes = new AtomicInteger();
    StateStore counted =
        new ForwardingStore(store) {
          @Override
          public Page<Stored> scan(Scan scan) {
            scans.incrementAndGet();
            return super.scan(scan);
          }

          @Override
          public List<Outcome> apply(List<Change> some) {
            changes.incrementAndGet();
            return super.apply(some);
          }
        };
    try (CircuitBreakers breakers =
        CircuitBreakers.builder(counted).lookEvery(Duration.ofMillis(100)).start()) {
      for (int i = 0; i < 50; i++) {
        breakers.breaker("breaker " + i);
      }
      int before = scans.get();
      int changesBefore = changes.get();
      long began = System.nanoTime();
      Awaitility.await().until(() -> scans.get() >= before + 10);
      long millis = (System.nanoTime() - began) / 1_000_000;
      assertThat(millis).as("ten looks, 50 ms apart at least").isGreaterThan(400);
      assertThat(changes.get() - changesBefore).as("announcements").isLessThanOrEqualTo(5);
    }
  }

  @Test
  void metersTellWhatHappens() throws Exception {
    SimpleMeterRegistry meters = new SimpleMeterRegistry();
    try (CircuitBreakers breakers =
        CircuitBreakers.builder(store).lookEvery(LOOK).meterRegistry(meters).start()) {
      CircuitBreaker breaker = breakers.breaker("provider");
      assertThat(meters.get("troupe.breaker.state").gauge().value()).isZero();
      breaker.open(Duration.ofMinutes(1), "quota");
      assertThatThrownBy(breaker::acquire).isInstanceOf(CircuitOpenException.class);
      assertThat(meters.get("troupe.breaker.state").tag("breaker", "provider").gauge().value())
          .isEqualTo(2);
      assertThat(meters.get("troupe.breaker.opened").functionCounter().count()).isEqualTo(1);
      assertThat(meters.get("troupe.breaker.refused").functionCounter().count()).isEqualTo(1);
      assertThat(meters.get("troupe.breaker.store.away").gauge().value()).isZero();
    }
    assertThat(meters.getMeters()).isEmpty();
  }

  @Test
  void aPermitCountsWhatItIsToldFirst() throws Exception {
    try (CircuitBreakers breakers = over(store)) {
      BreakerSettings settings = BreakerSettings.builder().window(4).minimumCalls(4).build();
      CircuitBreaker breaker = breakers.breaker("provider", settings);
      for (int i = 0; i < 3; i++) {
        Permit permit = breaker.acquire();
        assertThat(permit.probes()).isFalse();
        fails(permit);
        fails(permit);
        permit.close();
      }
      breaker.acquire().close();
      Permit interrupted = breaker.acquire();
      interrupted.failed(new InterruptedException());
      assertThat(breaker.state()).isEqualTo(State.CLOSED);
      fails(breaker.acquire());
      assertThat(breaker.state()).isEqualTo(State.OPEN);
    }
  }

  @Test
  void slowCallsOpenItAndASlowProbeFails() throws Exception {
    try (CircuitBreakers breakers = over(store)) {
      BreakerSettings settings =
          BreakerSettings.builder()
              .window(2)
              .minimumCalls(2)
              .slowCalls(Duration.ofMillis(1), 1)
              .openTime(Duration.ofMillis(20))
              .build();
      CircuitBreaker breaker = breakers.breaker("provider", settings);
      for (int i = 0; i < 2; i++) {
        Permit slow = breaker.acquire();
        passes(5);
        slow.succeeded();
      }
      assertThat(breaker.state()).isEqualTo(State.OPEN);
      passes(30);
      Permit probe = breaker.acquire();
      assertThat(probe.probes()).isTrue();
      passes(5);
      probe.succeeded();
      assertThat(breaker.state()).isEqualTo(State.OPEN);
      assertThat(breaker.status().reason()).contains("slow");
    }
  }

  private static void passes(long millis) {
    long until = System.nanoTime() + millis * 1_000_000;
    Awaitility.await().until(() -> System.nanoTime() - until > 0);
  }

  @Test
  void whoWaitsToProbeCanBeInterrupted() throws Exception {
    CountDownLatch healed = new CountDownLatch(1);
    AtomicInteger hanging = new AtomicInteger();
    StateStore hangs =
        new ForwardingStore(store) {
          @Override
          public Page<Stored> scan(Scan scan) {
            if (hanging.get() > 0) {
              hanging.incrementAndGet();
              try {
                healed.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            }
            return super.scan(scan);
          }
        };
    try (CircuitBreakers breakers = over(hangs)) {
      CircuitBreaker breaker = breakers.breaker("provider");
      breaker.open(Duration.ofMillis(500), "quota");
      Awaitility.await()
          .pollInterval(Duration.ofMillis(1))
          .until(() -> breaker.status().shared() && breaker.status().left().isZero());
      hanging.set(1);
      AtomicReference<Throwable> thrown = new AtomicReference<>();
      Thread caller =
          new Thread(
              () -> {
                Thread.currentThread().interrupt();
                try {
                  breaker.acquire();
                } catch (Throwable t) {
                  thrown.set(t);
                }
              });
      caller.start();
      caller.join();
      assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
      healed.countDown();
      Awaitility.await()
          .ignoreException(CircuitOpenException.class)
          .until(() -> breaker.call(() -> true));
    }
  }

  @Test
  void namesNumbersAndSettingsAreChecked() {
    CircuitBreakers breakers = over(store);
    for (String bad : List.of("", "$x", "a\nb", "x".repeat(201), "half \ud83d")) {
      assertThatThrownBy(() -> breakers.breaker(bad)).isInstanceOf(IllegalArgumentException.class);
    }
    CircuitBreaker first = breakers.breaker("a/b c");
    assertThat(breakers.breaker("a/b c")).isSameAs(first);
    assertThat(first.name()).isEqualTo("a/b c");
    assertThatThrownBy(() -> first.open(Duration.ZERO, "x"))
        .isInstanceOf(IllegalArgumentException.class);
    breakers.close();
    breakers.close();
    assertThat(breakers.storeAway()).isTrue();
    assertThat(breakers.breaker("a/b c")).isSameAs(first);
    assertThatThrownBy(() -> breakers.breaker("new"))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CLOSED));

    BreakerSettings.Builder settings = BreakerSettings.builder();
    assertThatThrownBy(() -> settings.failureRate(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> settings.slowCalls(Duration.ofSeconds(1), 1.1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> settings.window(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> settings.quorum(-1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> settings.growth(0.5, Duration.ofDays(1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> settings.probeTime(Duration.ofDays(32)))
        .isInstanceOf(IllegalArgumentException.class);
    BreakerSettings grown =
        settings.openTime(Duration.ofSeconds(1)).growth(3, Duration.ofSeconds(20)).build();
    assertThat(
            List.of(grown.openTime(1), grown.openTime(2), grown.openTime(4), grown.openTime(900)))
        .extracting(Duration::toSeconds)
        .containsExactly(1L, 3L, 20L, 20L);
  }

  @Test
  void aProcessUsesFourHundredBreakersAtMost() {
    try (CircuitBreakers breakers = over(store)) {
      for (int i = 0; i < 400; i++) {
        breakers.breaker("\u20ac".repeat(190) + i);
      }
      assertThat(breakers.storeAway()).isFalse();
      assertThatThrownBy(() -> breakers.breaker("one more"))
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.LIMIT_EXCEEDED));
    }
  }
}
