package dev.troupe.agent;

import dev.troupe.ErrorCode;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What is known by now of a step whose process died while its action was under way. Immutable.
 *
 * @param <T> the result of the step
 */
public final class Resolution<T extends @Nullable Object> {
  private final @Nullable T result;
  private final @Nullable Failure failure;
  private final boolean done;

  private Resolution(boolean done, @Nullable T result, @Nullable Failure failure) {
    this.done = done;
    this.result = result;
    this.failure = failure;
  }

  /**
   * The action had no effect, or one that may be made again: the step is tried again.
   *
   * @return the resolution
   */
  public static <T extends @Nullable Object> Resolution<T> repeat() {
    return new Resolution<>(false, null, null);
  }

  /**
   * The action had its effect; this is what it gave.
   *
   * @param result the step's result
   * @return the resolution
   */
  public static <T extends @Nullable Object> Resolution<T> done(T result) {
    return new Resolution<>(true, result, null);
  }

  /**
   * The step is to fail.
   *
   * @param why for people
   * @return the resolution
   */
  public static <T extends @Nullable Object> Resolution<T> failed(String why) {
    Objects.requireNonNull(why, "why");
    return new Resolution<>(false, null, new Failure(ErrorCode.OUTCOME_UNKNOWN.name(), why, false));
  }

  /**
   * Whether the action had its effect.
   *
   * @return true after {@link #done}
   */
  public boolean isDone() {
    return done;
  }

  /**
   * What the action gave.
   *
   * @return null unless {@link #isDone}
   */
  public @Nullable T result() {
    return result;
  }

  /**
   * Why the step is to fail.
   *
   * @return the failure, empty when it is not to fail
   */
  public Optional<Failure> failure() {
    return Optional.ofNullable(failure);
  }
}
