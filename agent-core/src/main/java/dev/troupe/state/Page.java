package dev.troupe.state;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A part of an answer.
 *
 * @param items what was found
 * @param next where the next page begins, null when this was the last
 * @param <T> what a page lists
 */
public record Page<T>(List<T> items, @Nullable String next) {
  public Page {
    items = List.copyOf(items);
  }
}
