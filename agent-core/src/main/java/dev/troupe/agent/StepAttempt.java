package dev.troupe.agent;

/**
 * One attempt at a step.
 *
 * @param number from 1; attempts before a crash are counted when their failure was journaled
 * @param idempotencyKey the same for every attempt at this step, also after a crash, and different
 *     for every other step of every run; for services that recognise a repeated request by it
 */
public record StepAttempt(int number, String idempotencyKey) {}
