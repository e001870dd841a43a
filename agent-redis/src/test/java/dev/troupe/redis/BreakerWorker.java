package dev.troupe.redis;

import dev.troupe.resilience.BreakerSettings;
import dev.troupe.resilience.CircuitBreaker;
import dev.troupe.resilience.CircuitBreaker.Permit;
import dev.troupe.resilience.CircuitBreakers;
import dev.troupe.resilience.CircuitOpenException;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * A process that calls a provider all the time through a shared breaker, and tells what it sees:
 * {@code <millis> CLOSED}, {@code <millis> OPEN here}, {@code <millis> OPEN for all} and {@code
 * <millis> probe}. The provider fails for it between the lines {@code fail} and {@code answer}.
 */
final class BreakerWorker {
  private BreakerWorker() {}

  /** Takes the address of the server and the open time in milliseconds. */
  public static void main(String[] args) throws Exception {
    AtomicBoolean failing = new AtomicBoolean();
    BreakerSettings settings =
        BreakerSettings.builder()
            .window(20)
            .minimumCalls(10)
            .quorum(2)
            .openTime(Duration.ofMillis(Long.parseLong(args[1])))
            .growth(1, Duration.ofMinutes(1))
            .build();
    try (RedisStateStore store = RedisStateStore.builder().uri(URI.create(args[0])).open();
        CircuitBreakers breakers = CircuitBreakers.builder(store).start()) {
      CircuitBreaker breaker = breakers.breaker("provider", settings);
      Thread caller = new Thread(() -> call(breaker, failing), "caller");
      caller.setDaemon(true);
      caller.start();
      BufferedReader in =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        failing.set(line.equals("fail"));
      }
    }
  }

  private static void call(CircuitBreaker breaker, AtomicBoolean failing) {
    String last = "";
    while (true) {
      CircuitBreaker.Status status = breaker.status();
      String now =
          switch (status.state()) {
            case CLOSED -> "CLOSED";
            case OPEN -> status.shared() ? "OPEN for all" : "OPEN here";
            case HALF_OPEN -> last;
          };
      if (!now.equals(last)) {
        last = now;
        tell(now);
      }
      try (Permit permit = breaker.acquire()) {
        if (permit.probes()) {
          tell(status.shared() ? "probe" : "probe here");
          LockSupport.parkNanos(200_000_000);
        }
        if (failing.get()) {
          permit.failed(new IllegalStateException("no answer"));
        } else {
          permit.succeeded();
        }
      } catch (CircuitOpenException e) {
        LockSupport.parkNanos(1_000_000);
      } catch (InterruptedException e) {
        return;
      }
      LockSupport.parkNanos(5_000_000);
    }
  }

  private static void tell(String what) {
    System.out.println(System.currentTimeMillis() + " " + what);
  }
}
