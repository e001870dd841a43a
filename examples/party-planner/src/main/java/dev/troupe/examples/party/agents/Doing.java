package dev.troupe.examples.party.agents;

/**
 * What an agent tells while it works.
 *
 * @param what a few words, such as {@code looking for a venue in Lisbon}
 */
public record Doing(String what) {}
