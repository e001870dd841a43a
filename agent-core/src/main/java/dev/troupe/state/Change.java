package dev.troupe.state;

import java.util.List;
import java.util.Objects;

/**
 * Edits to the records of one partition that happen together or not at all.
 *
 * @param id unique for ever; shown as the last change of the records whose version it raised, so
 *     that a change sent again after a lost answer is recognised
 * @param partition the partition of all its records
 * @param edits guards and edits, in order; at most {@link StoreInfo#MAX_EDITS}
 */
public record Change(String id, int partition, List<Edit> edits) {
  public Change {
    Objects.requireNonNull(id, "id");
    edits = List.copyOf(edits);
  }
}
