package dev.troupe.llm.agent;

import dev.troupe.agent.StepAttempt;
import dev.troupe.llm.guard.ProposedCall;
import java.util.Objects;

/** One attempt at a tool call, as the tool sees it. Safe for use by many threads. */
public final class ToolCall {
  private final ProposedCall proposed;
  private final StepAttempt attempt;

  /**
   * An attempt.
   *
   * @param proposed what the model asked for
   * @param attempt the step's attempt
   */
  public ToolCall(ProposedCall proposed, StepAttempt attempt) {
    this.proposed = Objects.requireNonNull(proposed, "proposed");
    this.attempt = Objects.requireNonNull(attempt, "attempt");
  }

  /**
   * What the model asked for, after guards.
   *
   * @return tool, arguments, run and tenant
   */
  public ProposedCall proposed() {
    return proposed;
  }

  /**
   * The arguments as they are.
   *
   * @return JSON, an object that fits the tool's schema
   */
  public String arguments() {
    return proposed.arguments();
  }

  /**
   * The arguments as a value.
   *
   * @param type a record with the schema's properties, which may be {@code Optional}, or a map
   * @return the value
   * @throws dev.troupe.AgentException with {@code INVALID_INPUT} when they do not fit the type
   */
  public <T> T arguments(Class<T> type) {
    return type.cast(Binding.read(proposed.arguments(), type));
  }

  /**
   * A key for services that recognise a repeated request by it: the same for every attempt at this
   * call, also after a crash, and different for every other call of every run.
   *
   * @return a UUID in text form
   */
  public String idempotencyKey() {
    return attempt.idempotencyKey();
  }

  /**
   * Which attempt this is.
   *
   * @return from 1
   */
  public int attempt() {
    return attempt.number();
  }
}
