package dev.troupe.run;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** What the journal says of an effect that the agent's code has reached. */
public sealed interface Look {
  /**
   * It is finished; this is what came of it.
   *
   * @param entry the result or failure
   */
  record Finished(Entry entry) implements Look {}

  /**
   * It is under way and goes on later.
   *
   * @param due when at the latest, null for when something comes
   */
  record Later(@Nullable Instant due) implements Look {}

  /**
   * It may begin.
   *
   * @param attempt the number of the attempt
   */
  record Begin(int attempt) implements Look {}

  /**
   * It was begun before, and nobody knows what became of it.
   *
   * @param attempt the number of the attempt
   * @param begun when it began, on the store's clock
   */
  record Unknown(int attempt, Instant begun) implements Look {}
}
