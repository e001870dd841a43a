package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.agent.Agent;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.AgentFailedException;
import dev.troupe.agent.Call;
import dev.troupe.agent.Failure;
import dev.troupe.agent.StepFailedException;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.Position;
import dev.troupe.event.Subscriber;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Calls of agents that another service hosts, over its own store: call and answer are events on a
 * bus that both share. The caller's agents call as ever, by {@link AgentContext#call}; what they
 * call is a stand-in, which publishes the call in one change with its run and waits for the answer,
 * in the store and without a thread, for as long as it takes. Over there the call starts a run.
 *
 * <ul>
 *   <li>Any process on either side may die at any time; a call is executed once, as a run, however
 *       often its event comes, and answered once, as a signal.
 *   <li>A failure comes back with its kind and message.
 *   <li>A deadline of the call goes along, as a time: the clocks of the two stores should agree as
 *       closely as deadlines matter. A call that is given up goes on over there.
 *   <li>Inputs and results travel as JSON, at most 100 KiB each.
 * </ul>
 *
 * <p>Calls of an agent go to the topic {@code calls.<agent>}, answers to {@code answers.<service>}.
 * A call is an event of type {@code dev.troupe.call} with the input as data, the caller's run as
 * {@code correlationid}, the topic for the answer as {@code answerto} and perhaps {@code deadline};
 * its answer, of type {@code dev.troupe.answer}, has the same correlation and as data an object
 * with {@code result}, JSON in a text, or {@code failure}. So any program may call or answer.
 *
 * <p>Safe for use by many threads.
 */
public final class RemoteAgents {
  private static final String SIGNAL = "answer";
  private static final String CALL = "dev.troupe.call";
  private static final String ANSWER = "dev.troupe.answer";
  private static final String ANSWER_TO = "answerto";
  private static final String DEADLINE = "deadline";
  private static final int MOST_BYTES = 100 * 1024;

  private final EventBus bus;
  private final String service;

  private RemoteAgents(EventBus bus, String service) {
    this.bus = Objects.requireNonNull(bus, "bus");
    this.service = Objects.requireNonNull(service, "service");
  }

  /** What comes back. */
  record Answer(@Nullable String result, @Nullable Failure failure) {}

  /** A call as the run that answers it keeps it. */
  record Served(String input, String caller, String answerTo, @Nullable Instant deadline) {}

  /**
   * Calls and answers over a bus.
   *
   * @param bus the same that the runtime has, see {@link AgentRuntime.Builder#events}
   * @param service this service's name: letters, digits, dots, dashes and underscores; all
   *     processes over one store have the same, other services have others
   * @return calls and answers
   */
  public static RemoteAgents over(EventBus bus, String service) {
    return new RemoteAgents(bus, service);
  }

  /**
   * Where calls of an agent go.
   *
   * @param agent its name
   * @return the topic, which has to exist where topics are not made by themselves
   */
  public static String callsTopic(String agent) {
    return "calls." + agent;
  }

  /**
   * Where this service's answers come back.
   *
   * @return the topic, which has to exist where topics are not made by themselves
   */
  public String answersTopic() {
    return "answers." + service;
  }

  /**
   * A stand-in for an agent that another service hosts, to be registered here in its place. Have
   * {@link #listen} called, too.
   *
   * @param name the agent's name over there
   * @param input the type of its input
   * @param output the type of its result
   * @return the stand-in's definition
   */
  public <I, O extends @Nullable Object> AgentDefinition<I, O> agent(
      String name, Class<I> input, Class<O> output) {
    return AgentDefinition.of(name, input, output, standIn(name, output)).build();
  }

  private <I, O extends @Nullable Object> Agent<I, O> standIn(String name, Class<O> output) {
    return (input, context) -> {
      String id = context.newId();
      Event.Builder call =
          Event.builder(CALL)
              .id(id)
              .correlationId(context.runId())
              .extension(ANSWER_TO, answersTopic())
              .json(input);
      context.deadline().ifPresent(due -> call.extension(DEADLINE, due.toString()));
      context.publish(callsTopic(name), small("the input of agent '" + name + "'", call.build()));
      return result(context.awaitSignal(SIGNAL, Answer.class), output);
    };
  }

  @SuppressWarnings({"unchecked", "NullAway"}) // decoded by the type asked for
  private static <O extends @Nullable Object> O result(Answer answer, Class<O> output) {
    Failure failure = answer.failure();
    if (failure != null) {
      throw new AgentFailedException(failure);
    }
    String result = Objects.requireNonNullElse(answer.result(), "null");
    return (O) Codec.json().decode(result.getBytes(StandardCharsets.UTF_8), output);
  }

  private static Event small(String what, Event event) {
    if (event.data().length > MOST_BYTES) {
      throw new AgentException(
          ErrorCode.LIMIT_EXCEEDED,
          "%s has %d bytes, and %d go over events; lay what is large elsewhere and send where it lies"
              .formatted(what, event.data().length, MOST_BYTES));
    }
    return event;
  }

  /**
   * Takes answers for this service's runs.
   *
   * @param runtime the service's runtime, or any over its store
   * @return the subscription; closed with the bus
   */
  public Subscriber listen(AgentRuntime runtime) {
    return bus.subscribe(answersTopic(), service)
        .types(ANSWER)
        .from(Position.START)
        .start(EventTriggers.signal(runtime, SIGNAL, Answer.class));
  }

  /**
   * Hosts an agent for other services. Its runs have its name behind {@code serve.}, those that
   * answer behind {@code answer.}; neither is in the way of an agent of the same name here.
   *
   * @param runtime hosts it; was given the bus, see {@link AgentRuntime.Builder#events}
   * @param agent the agent
   * @return the subscription; closed with the bus
   * @throws AgentException with {@link ErrorCode#DUPLICATE_AGENT} when it is served already
   */
  public Subscriber serve(AgentRuntime runtime, AgentDefinition<?, ?> agent) {
    AgentDefinition<?, ?> served = named("serve." + agent.name(), agent);
    String answering = "answer." + agent.name();
    runtime.registry().register(served);
    runtime
        .registry()
        .register(
            AgentDefinition.of(
                    answering,
                    Served.class,
                    String.class,
                    (call, context) -> {
                      answer(call, context, served);
                      return call.answerTo();
                    })
                .version(agent.version())
                .build());
    return bus.subscribe(callsTopic(agent.name()), "serve." + agent.name())
        .types(CALL)
        .from(Position.START) // also what was called before anybody served it
        .start(EventTriggers.start(runtime, event -> submission(answering, event)));
  }

  private static Submission.Builder<String> submission(String answering, Event event) {
    String input = new String(event.data(), StandardCharsets.UTF_8);
    Served call =
        new Served(
            input,
            event.correlationId().orElseThrow(() -> lacks(event, "correlationid")),
            event.extension(ANSWER_TO).orElseThrow(() -> lacks(event, ANSWER_TO)),
            event.extension(DEADLINE).map(due -> time(event, due)).orElse(null));
    return Submission.of(answering, call, String.class);
  }

  private static Instant time(Event event, String text) {
    try {
      return Instant.parse(text);
    } catch (DateTimeException e) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT, event + " has a deadline that is no time of ISO 8601", e);
    }
  }

  private static AgentException lacks(Event event, String what) {
    return new AgentException(
        ErrorCode.INVALID_INPUT, event + " calls an agent and has no " + what + " to answer to");
  }

  private static void answer(Served call, AgentContext context, AgentDefinition<?, ?> served) {
    Answer answer;
    try {
      answer = new Answer(result(call, context, served), null);
    } catch (StepFailedException e) {
      answer = new Answer(null, e.failure());
    } catch (AgentException e) {
      if (e.code() != ErrorCode.UNDECODABLE && e.code() != ErrorCode.LIMIT_EXCEEDED) {
        throw e; // the run ends or leaves
      }
      answer = new Answer(null, Failure.of(e));
    }
    context.publish(
        call.answerTo(),
        Event.builder(ANSWER)
            .id(context.newId())
            .correlationId(call.caller())
            .json(answer)
            .build());
  }

  private static String result(Served call, AgentContext context, AgentDefinition<?, ?> served) {
    Object input =
        Codec.json().decode(call.input().getBytes(StandardCharsets.UTF_8), served.input());
    if (input == null) {
      throw new AgentException(ErrorCode.UNDECODABLE, "the call has no input");
    }
    Call.Builder<?> inner = Call.of(served.name(), input, served.output()).name("serve");
    Instant deadline = call.deadline();
    if (deadline != null) {
      Duration left = Duration.between(context.now(), deadline);
      inner.timeLimit(left.compareTo(Duration.ofMillis(1)) < 0 ? Duration.ofMillis(1) : left);
    }
    Object result = context.call(inner.build());
    byte[] json = Codec.json().encode(result, Objects.requireNonNullElse(result, "").getClass());
    if (json.length > MOST_BYTES) {
      throw new AgentException(
          ErrorCode.LIMIT_EXCEEDED,
          "the result has %d bytes, and %d go over events; lay what is large elsewhere and answer where it lies"
              .formatted(json.length, MOST_BYTES));
    }
    return new String(json, StandardCharsets.UTF_8);
  }

  private static <I, O extends @Nullable Object> AgentDefinition<I, O> named(
      String name, AgentDefinition<I, O> agent) {
    AgentDefinition.Builder<I, O> copy =
        AgentDefinition.of(name, agent.input(), agent.output(), agent.agent())
            .version(agent.version())
            .retry(agent.retry())
            .concurrency(agent.concurrency());
    agent.deadline().ifPresent(copy::deadline);
    agent.stuckAfter().ifPresent(copy::stuckAfter);
    return copy.build();
  }
}
