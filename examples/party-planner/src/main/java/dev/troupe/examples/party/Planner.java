package dev.troupe.examples.party;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.event.EventBus;
import dev.troupe.event.EventTransport;
import dev.troupe.event.EventTransport.Problem;
import dev.troupe.event.EventTransport.Topic;
import dev.troupe.examples.party.agents.PartyPlanner;
import dev.troupe.examples.party.plan.PartyPlan;
import dev.troupe.examples.party.request.PartyRequest;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RemoteAgents;
import dev.troupe.runtime.RunHandle;
import dev.troupe.runtime.RunListener;
import dev.troupe.runtime.Submission;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The agents on a runtime. The one place that knows both; closes all that it was given. */
public final class Planner implements AutoCloseable {
  private final StateStore store;
  private final AgentRuntime runtime;
  private final @Nullable EventTransport transport;
  private final @Nullable EventBus bus;

  private Planner(
      StateStore store,
      AgentRuntime runtime,
      @Nullable EventTransport transport,
      @Nullable EventBus bus) {
    this.store = store;
    this.runtime = runtime;
    this.transport = transport;
    this.bus = bus;
  }

  /**
   * Starts the agents.
   *
   * @param agents the agents
   * @param store where plans live; closed with the planner
   * @param listener is told what happens
   * @return the running planner
   */
  public static Planner start(PlannerAgents agents, StateStore store, RunListener listener) {
    AgentRuntime.Builder builder = builder(store, listener);
    for (AgentDefinition<?, ?> definition : agents.definitions()) {
      builder.agent(definition);
    }
    return new Planner(store, builder.start(), null, null);
  }

  /**
   * Starts the agents, and lets the planner call all others by events, as if they were hosted
   * elsewhere.
   *
   * @param agents the agents
   * @param store where plans live; closed with the planner
   * @param listener is told what happens
   * @param transport carries the events; closed with the planner
   * @return the running planner
   */
  public static Planner start(
      PlannerAgents agents, StateStore store, RunListener listener, EventTransport transport) {
    EventBus bus =
        EventBus.builder(transport, store)
            .lease(Duration.ofSeconds(5))
            .lookEvery(Duration.ofMillis(100))
            .build();
    RemoteAgents remote = RemoteAgents.over(bus, PartyPlanner.NAME);
    AgentRuntime.Builder builder =
        builder(
                store,
                event -> {
                  if (event.agent().indexOf('.') < 0) { // those that serve stand behind the others
                    listener.on(event);
                  }
                })
            .events(bus);
    List<AgentDefinition<?, ?>> others = new ArrayList<>();
    List<Topic> topics = new ArrayList<>(List.of(topic(remote.answersTopic())));
    for (AgentDefinition<?, ?> definition : agents.definitions()) {
      if (definition.name().equals(PartyPlanner.NAME)) {
        builder.agent(definition);
      } else {
        others.add(definition);
        builder.agent(remote.agent(definition.name(), definition.input(), definition.output()));
        topics.add(topic(RemoteAgents.callsTopic(definition.name())));
      }
    }
    List<Problem> problems = bus.prepare(topics, true);
    if (!problems.isEmpty()) {
      throw new AgentException(ErrorCode.INVALID_INPUT, "the events: " + problems.get(0));
    }
    AgentRuntime runtime = builder.start();
    remote.listen(runtime);
    others.forEach(definition -> remote.serve(runtime, definition));
    return new Planner(store, runtime, transport, bus);
  }

  private static Topic topic(String name) {
    return new Topic(name, 2, Duration.ofDays(1));
  }

  private static AgentRuntime.Builder builder(StateStore store, RunListener listener) {
    return AgentRuntime.builder().store(store).listener(listener).expiry(Duration.ofSeconds(5));
  }

  /**
   * Asks for a plan. The same id again gives the same plan and begins nothing new.
   *
   * @param id the plan's id
   * @param request what is wanted
   * @return the plan to come
   */
  public RunHandle<PartyPlan> submit(String id, PartyRequest request) {
    Submission.Builder<PartyPlan> submission =
        Submission.of(PartyPlanner.NAME, request, PartyPlan.class).id(id);
    if (request.options().deadline() != null) {
      submission.deadline(request.options().deadline());
    }
    return runtime.submit(submission.build());
  }

  @Override
  public void close() {
    try {
      runtime.close();
    } finally {
      try {
        closeEvents();
      } finally {
        store.close();
      }
    }
  }

  private void closeEvents() {
    if (bus != null) {
      bus.close();
    }
    if (transport != null) {
      transport.close();
    }
  }
}
