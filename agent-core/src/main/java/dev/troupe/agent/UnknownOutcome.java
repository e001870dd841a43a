package dev.troupe.agent;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What to do with a step whose outcome is unknown: its action was begun, and the process died, was
 * cut off or shut down before the result was journaled. Immutable.
 *
 * <p>All policies but {@link #repeat()} cost one more write to the store: the step's intent is
 * journaled before its action begins. An action that threw is not unknown, it failed.
 *
 * @param <T> the result of the step
 */
public final class UnknownOutcome<T extends @Nullable Object> {
  /**
   * Finds out what became of an action.
   *
   * @param <T> the result of the step
   */
  @FunctionalInterface
  public interface Reconciliation<T extends @Nullable Object> {
    /**
     * Finds out. Called once the step's time limit has passed since the action began, so that an
     * action that is still on its way somewhere has had its time; at once when it has none. May be
     * called more than once.
     *
     * @param lost the attempt whose outcome is unknown; its key is that of the action
     * @return what is known
     * @throws Exception when it can't be found out now; tried again by the step's retry policy, and
     *     when that stops, the step fails
     */
    Resolution<T> find(StepAttempt lost) throws Exception;
  }

  private enum Kind {
    REPEAT,
    FAIL,
    RECONCILE,
    ASK
  }

  private final Kind kind;
  private final @Nullable Reconciliation<T> reconciliation;

  private UnknownOutcome(Kind kind, @Nullable Reconciliation<T> reconciliation) {
    this.kind = kind;
    this.reconciliation = reconciliation;
  }

  /**
   * The action is made again. The default: right for what has no effect, or can be told apart by
   * {@link StepAttempt#idempotencyKey()}.
   *
   * @return the policy
   */
  public static <T extends @Nullable Object> UnknownOutcome<T> repeat() {
    return new UnknownOutcome<>(Kind.REPEAT, null);
  }

  /**
   * The action is never made again: the step fails with kind {@code OUTCOME_UNKNOWN}.
   *
   * @return the policy
   */
  public static <T extends @Nullable Object> UnknownOutcome<T> fail() {
    return new UnknownOutcome<>(Kind.FAIL, null);
  }

  /**
   * A function finds out what became of it.
   *
   * @param reconciliation the function
   * @return the policy
   */
  public static <T extends @Nullable Object> UnknownOutcome<T> reconcile(
      Reconciliation<T> reconciliation) {
    return new UnknownOutcome<>(
        Kind.RECONCILE, Objects.requireNonNull(reconciliation, "reconciliation"));
  }

  /**
   * The run waits until somebody who knows says so, with the runtime's {@code resolve}.
   *
   * @return the policy
   */
  public static <T extends @Nullable Object> UnknownOutcome<T> ask() {
    return new UnknownOutcome<>(Kind.ASK, null);
  }

  /**
   * Whether the step's intent has to be journaled before its action begins.
   *
   * @return false for {@link #repeat()}
   */
  public boolean needsIntent() {
    return kind != Kind.REPEAT;
  }

  /**
   * Whether the run waits for somebody's answer.
   *
   * @return true for {@link #ask()}
   */
  public boolean asks() {
    return kind == Kind.ASK;
  }

  /**
   * The function that finds out.
   *
   * @return empty unless {@link #reconcile}
   */
  public Optional<Reconciliation<T>> reconciliation() {
    return Optional.ofNullable(reconciliation);
  }
}
