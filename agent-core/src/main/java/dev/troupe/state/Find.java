package dev.troupe.state;

import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A search over all partitions.
 *
 * @param tags every one must be present with this value; empty finds all
 * @param from only records created at this instant or later, null for no bound
 * @param to only records created before this instant, null for no bound
 * @param cursor where the page before ended, null for the first page
 * @param limit the most records in the answer
 */
public record Find(
    Map<String, String> tags,
    @Nullable Instant from,
    @Nullable Instant to,
    @Nullable String cursor,
    int limit) {
  public Find {
    tags = Map.copyOf(tags);
    if (limit < 1) {
      throw new IllegalArgumentException("limit must be at least 1: " + limit);
    }
  }

  /**
   * The newest records with one tag.
   *
   * @param tag the tag's name
   * @param value its value
   * @param limit the most records
   * @return the search
   */
  public static Find tagged(String tag, String value, int limit) {
    return new Find(Map.of(tag, value), null, null, null, limit);
  }
}
