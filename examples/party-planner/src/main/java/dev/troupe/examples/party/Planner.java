package dev.troupe.examples.party;

import dev.troupe.agent.AgentDefinition;
import dev.troupe.examples.party.agents.PartyPlanner;
import dev.troupe.examples.party.plan.PartyPlan;
import dev.troupe.examples.party.request.PartyRequest;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunHandle;
import dev.troupe.runtime.RunListener;
import dev.troupe.runtime.Submission;
import dev.troupe.state.StateStore;
import java.time.Duration;

/** The agents on a runtime. The one place that knows both; closes both runtime and store. */
public final class Planner implements AutoCloseable {
  private final StateStore store;
  private final AgentRuntime runtime;

  private Planner(StateStore store, AgentRuntime runtime) {
    this.store = store;
    this.runtime = runtime;
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
    AgentRuntime.Builder builder =
        AgentRuntime.builder().store(store).listener(listener).expiry(Duration.ofSeconds(5));
    for (AgentDefinition<?, ?> definition : agents.definitions()) {
      builder.agent(definition);
    }
    return new Planner(store, builder.start());
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
      store.close();
    }
  }
}
