package dev.troupe.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.troupe.agent.AgentDefinition;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A process that submits and forgets keeps nothing; one that waits misses nothing. */
@Timeout(60)
class HandlesTest {
  private final AgentRuntime runtime =
      AgentRuntime.builder()
          .hotWait(Duration.ZERO)
          .agent(
              AgentDefinition.of(
                      "patient",
                      String.class,
                      String.class,
                      (in, context) -> context.awaitSignal("go", String.class))
                  .build())
          .start();

  private static void collect(WeakReference<?> reference) {
    await()
        .atMost(Duration.ofSeconds(20))
        .until(
            () -> {
              System.gc();
              return reference.get() == null;
            });
  }

  @Test
  void aHandleThatNobodyHasIsForgottenWhileItsRunWaits() throws Exception {
    try (runtime) {
      AtomicReference<RunHandle<String>> handle =
          new AtomicReference<>(runtime.submit("patient", "a", String.class));
      String run = handle.get().id();
      WeakReference<?> reference = new WeakReference<>(handle.getAndSet(null));
      collect(reference);

      runtime.signal(run, "go", "1", "yes");
      assertThat(runtime.handle(run, String.class).await()).isEqualTo("yes");
    }
  }

  @Test
  void whoHasOnlyTheStageHearsOfTheEnd() throws Exception {
    try (runtime) {
      AtomicReference<RunHandle<String>> handle =
          new AtomicReference<>(runtime.submit("patient", "a", String.class));
      String run = handle.get().id();
      CompletableFuture<String> told = new CompletableFuture<>();
      var unused = handle.get().completion().thenAccept(told::complete);
      handle.set(null);
      System.gc();

      runtime.signal(run, "go", "1", "yes");
      assertThat(told.get(20, TimeUnit.SECONDS)).isEqualTo("yes");
    }
  }
}
