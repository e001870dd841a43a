package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Event;
import dev.troupe.event.EventHandler;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Handlers for {@link dev.troupe.event.EventBus#subscribe} that start and signal runs. An event is
 * settled when its run, or the run's mail, is stored; the work itself is the run's and waits for
 * nothing here. An event that comes again starts no second run and is received once as a signal, so
 * these subscribers need no {@code dedupe}. A run that an event starts goes on in the event's
 * trace, as do the runs that it calls; a run that is signalled stays in its own.
 */
public final class EventTriggers {
  private static final int ID_BYTES = 16;

  private EventTriggers() {}

  /**
   * Starts a run for each event, with the event's data as input.
   *
   * @param runtime where runs are submitted; the agent may be hosted elsewhere
   * @param capability what the agent can do, or its name
   * @param input the agent's input, decoded from JSON
   * @return the handler
   */
  public static EventHandler start(AgentRuntime runtime, String capability, Class<?> input) {
    return start(runtime, event -> Submission.of(capability, value(event, input), Object.class));
  }

  /**
   * Starts a run for each event as a function says. The run's id is {@link #runId}, whatever the
   * function sets; a key that it sets stands before it. The run goes on in the event's trace unless
   * the function sets another.
   *
   * @param runtime where runs are submitted
   * @param submission which agent, with what; the same for the same event
   * @return the handler
   */
  public static EventHandler start(
      AgentRuntime runtime, Function<Event, Submission.Builder<?>> submission) {
    return (event, context) -> {
      try {
        Submission.Builder<?> run = submission.apply(event).id(runId(event));
        if (!run.hasTrace()) {
          run.trace(event.trace().orElse(null));
        }
        runtime.submit(run.build());
      } catch (AgentException e) {
        if (e.code() != ErrorCode.RUN_EXPIRED) { // it ran, and is forgotten by now
          throw e;
        }
      }
    };
  }

  /**
   * Sends each event as a signal to the run that its {@code correlationid} names, which receives it
   * by {@link dev.troupe.agent.AgentContext#awaitSignal}. A run that has ended hears no more, and
   * the event is settled. One that does not exist yet may be started by an event that comes later,
   * so the subscriber's retry policy tries again; when it gives up the event is a dead letter. A
   * run that ended and was removed counts as one that does not exist.
   *
   * @param runtime any runtime of the fleet
   * @param signal the signal's name
   * @param payload what the wait returns, decoded from JSON
   * @return the handler
   */
  public static EventHandler signal(AgentRuntime runtime, String signal, Class<?> payload) {
    return (event, context) -> {
      String run =
          event
              .correlationId()
              .orElseThrow(
                  () ->
                      new AgentException(
                          ErrorCode.INVALID_INPUT,
                          event + " has no correlationid that names a run to signal"));
      try {
        runtime.signal(run, signal, runId(event), value(event, payload));
      } catch (AgentException e) {
        throw e.code() == ErrorCode.RUN_NOT_FOUND ? new NotThereYetException(e) : e;
      }
    };
  }

  /** The event that starts the run may come a little later than the one that signals it. */
  private static final class NotThereYetException extends AgentException {
    private static final long serialVersionUID = 1L;

    NotThereYetException(AgentException e) {
      super(e.code(), String.valueOf(e.getMessage()), e);
    }

    @Override
    public boolean retryable() {
      return true;
    }
  }

  private static Object value(Event event, Class<?> type) {
    @Nullable Object value = event.data(type);
    if (value == null) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT, event + " has no data for a " + type.getName());
    }
    return value;
  }

  /**
   * The id of the run that an event starts, before which stands the key if it has one.
   *
   * @param event the event
   * @return made of its source and id alone
   */
  public static String runId(Event event) {
    try {
      byte[] name = (event.source() + " " + event.id()).getBytes(StandardCharsets.UTF_8);
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(name);
      return "event-" + HexFormat.of().formatHex(hash, 0, ID_BYTES);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
