package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Subscription.Mode;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Requests that wait for their answers. Answers of all processes go through one topic, of which
 * everybody reads everything and picks his own.
 */
final class Replies implements AutoCloseable {
  static final String TOPIC = "troupe.replies";
  private static final String TO = "replyto";
  private static final String NAME = "replyid";

  private final EventBus bus;
  private final Map<String, CompletableFuture<Event>> waiting = new ConcurrentHashMap<>();
  private final AtomicReference<@Nullable Subscriber> listening = new AtomicReference<>();
  private final ReentrantLock lock = new ReentrantLock();

  Replies(EventBus bus) {
    this.bus = bus;
  }

  Event request(String topic, Event event, Duration atMost) {
    long end = System.nanoTime() + atMost.toNanos();
    listen();
    String name = UUID.randomUUID().toString();
    CompletableFuture<Event> answer = new CompletableFuture<>();
    waiting.put(name, answer);
    try {
      bus.publish(topic, event.toBuilder().extension(TO, TOPIC).extension(NAME, name).build());
      return answer.get(Math.max(1, end - System.nanoTime()), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new AgentException(
          ErrorCode.TIMEOUT,
          "no answer to %s on topic %s within %s".formatted(event, topic, atMost),
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AgentException(ErrorCode.TIMEOUT, "interrupted while waiting for an answer", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException("answers do not fail", e);
    } finally {
      waiting.remove(name);
    }
  }

  private void listen() {
    if (listening.get() != null) {
      return;
    }
    lock.lock();
    try {
      if (listening.get() == null) {
        listening.set(
            bus.subscribe(TOPIC, "replies").mode(Mode.EVERYONE).concurrency(1).start(this::take));
      }
    } finally {
      lock.unlock();
    }
  }

  private void take(Event answer, EventContext context) {
    CompletableFuture<Event> asked = waiting.get(answer.extension(NAME).orElse(""));
    if (asked != null) {
      asked.complete(answer);
    }
  }

  void reply(Event to, Event answer) {
    String topic = to.extension(TO).orElse("");
    String name = to.extension(NAME).orElse("");
    if (topic.isEmpty() || name.isEmpty()) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT, to + " asks for no answer; it was published, not requested");
    }
    bus.publish(List.of(new Outgoing(topic, answer.toBuilder().extension(NAME, name).build())));
  }

  @Override
  public void close() {
    Subscriber one = listening.getAndSet(null);
    if (one != null) {
      one.close(Duration.ZERO);
    }
  }
}
