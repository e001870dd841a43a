package dev.troupe.examples.party.plan;

/**
 * Something worth knowing.
 *
 * @param label what it is about
 * @param value what is so
 */
public record Fact(String label, String value) {}
