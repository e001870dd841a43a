package dev.troupe.examples.party.request;

/**
 * What is sent to the planner.
 *
 * @param text the request in free text
 * @param options how to plan
 */
public record PartyRequest(String text, Options options) {}
