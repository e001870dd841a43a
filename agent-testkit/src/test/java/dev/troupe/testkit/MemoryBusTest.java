package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.DeadLetter;
import dev.troupe.event.EventBus;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** The bus inside a process. */
class MemoryBusTest extends StoreBusContract {
  @Override
  protected StateStore openStore() {
    return new MemoryStateStore();
  }

  /** As for what is delivered, so for what waits in the store for its next attempt. */
  @Test
  void whatKillsWhenItIsTriedAgainIsADeadLetterAndWhatWasBesideItIsNot() {
    ConcurrentLinkedQueue<String> through = new ConcurrentLinkedQueue<>();
    AtomicInteger deaths = new AtomicInteger();
    AtomicReference<EventBus> last = new AtomicReference<>(another());
    AtomicInteger processes = new AtomicInteger(1);
    failsFirst(last.get(), through, deaths);
    List<String> ids = publish(12, i -> i == 5 ? "poison" : "k" + i);
    until(
        "it is dead and the others are through",
        () -> {
          if (deaths.get() == processes.get()) {
            processes.incrementAndGet();
            last.set(another());
            failsFirst(last.get(), through, deaths);
          }
          return !letters("g").isEmpty() && Set.copyOf(through).size() == 11;
        });
    assertThat(letters("g")).hasSize(1);
    assertThat(letters("g").get(0).reason()).isEqualTo(DeadLetter.Reason.POISON);
    assertThat(letters("g").get(0).event().id()).isEqualTo(ids.get(5));
    assertThat(deaths.get()).isBetween(3, 6);
  }

  private void failsFirst(EventBus bus, ConcurrentLinkedQueue<String> through, AtomicInteger dead) {
    bus.subscribe(topic(), "g")
        .concurrency(12)
        .maxDeliveries(3)
        .hotDelay(Duration.ZERO)
        .retry(RetryPolicy.fixed(5, Duration.ofMillis(50)))
        .start(
            (event, context) -> {
              if (context.attempt() == 1) {
                throw new IllegalStateException("not at first");
              }
              if (event.key().orElseThrow().equals("poison")) {
                TimeUnit.MILLISECONDS.sleep(30); // all others have begun
                dies(bus);
                dead.incrementAndGet();
                throw new InterruptedException();
              }
              TimeUnit.MILLISECONDS.sleep(60);
              through.add(event.id());
            });
  }
}
