package dev.troupe.examples.party.plan;

/**
 * Something that was wanted and is not in the plan.
 *
 * @param agent the agent that had to bring it
 * @param reason why it is missing
 */
public record Missing(String agent, String reason) {}
