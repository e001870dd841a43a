/**
 * What a host writes against: agents and what they may do. Begin with {@link
 * dev.troupe.agent.Agent} and {@link dev.troupe.agent.AgentContext}; {@link
 * dev.troupe.agent.AgentDefinition} gives an agent its name, types and limits.
 */
@NullMarked
package dev.troupe.agent;

import org.jspecify.annotations.NullMarked;
