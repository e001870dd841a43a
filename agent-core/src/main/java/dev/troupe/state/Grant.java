package dev.troupe.state;

import java.util.Objects;

/**
 * A right to write a record, used once and never given out again. Whoever is handed records by a
 * claim holds them under the claim's grant until they are released, queued again or claimed by
 * another.
 *
 * @param holder the incarnation of the process, unique for ever
 * @param number the holder's own count of its claims
 */
public record Grant(String holder, long number) {
  public Grant {
    Objects.requireNonNull(holder, "holder");
    if (holder.isEmpty()) {
      throw new IllegalArgumentException("a grant needs the name of its holder");
    }
  }
}
