/**
 * The party planner, an example of agents that survive. Begin with {@link
 * dev.troupe.examples.party.PlannerCommand}, the command line, and {@link
 * dev.troupe.examples.party.PlannerAgents}, which names the agents; only {@link
 * dev.troupe.examples.party.Planner} touches the runtime.
 */
@NullMarked
package dev.troupe.examples.party;

import org.jspecify.annotations.NullMarked;
