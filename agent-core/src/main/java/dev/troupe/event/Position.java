package dev.troupe.event;

import java.time.Instant;
import java.util.Objects;

/** A place in the history of a topic. */
public sealed interface Position {
  /** Before the first event that is kept. */
  Position START = new Start();

  /** Behind the last event that there is. */
  Position END = new End();

  /**
   * Before the first event that was appended at a time or later, by the transport's clock.
   *
   * @param time the time
   * @return the place
   */
  static Position since(Instant time) {
    return new Since(time);
  }

  /**
   * Where a page ended.
   *
   * @param cursor the page's {@code next}
   * @return the place
   */
  static Position at(String cursor) {
    return new At(cursor);
  }

  /** Before the first event that is kept. */
  record Start() implements Position {}

  /** Behind the last event that there is. */
  record End() implements Position {}

  /**
   * Before the first event of a time.
   *
   * @param time the time, by the transport's clock
   */
  record Since(Instant time) implements Position {
    public Since {
      Objects.requireNonNull(time, "time");
    }
  }

  /**
   * Where a page ended.
   *
   * @param cursor the page's {@code next}
   */
  record At(String cursor) implements Position {
    public At {
      Objects.requireNonNull(cursor, "cursor");
    }
  }
}
