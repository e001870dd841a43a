/**
 * The agents. Begin with {@link dev.troupe.examples.party.agents.PartyPlanner}, which calls the
 * others; {@link dev.troupe.examples.party.agents.CatalogueAgent} is what those that look something
 * up have in common. Written against {@link dev.troupe.agent.Agent} and {@link
 * dev.troupe.agent.AgentContext} alone.
 */
@NullMarked
package dev.troupe.examples.party.agents;

import org.jspecify.annotations.NullMarked;
