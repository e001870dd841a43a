package dev.troupe.run;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.RecordId;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes the changes of one holder of a run: guarded by its grant, under ids that are never used
 * twice, and with what was to ride along.
 */
final class Changes {
  /** Edits that go with the next change. */
  final List<Edit> riders = new ArrayList<>();

  private final RecordId id;
  private final Grant grant;
  private final String prefix;
  private int made;

  Changes(RecordId id, Grant grant) {
    this.id = id;
    this.grant = grant;
    this.prefix =
        grant.holder()
            + "-"
            + grant.number()
            + "-"
            + Integer.toHexString(id.key().hashCode())
            + "-";
  }

  /** Goes on numbering where another of the same grant was. */
  void after(Changes other) {
    made = other.made;
  }

  Change next(List<Edit> edits) {
    Edit held = new Edit.Held(id.key(), grant);
    List<Edit> all;
    if (riders.isEmpty() && edits.size() == 1) {
      all = List.of(held, edits.get(0)); // a step
    } else {
      all = new ArrayList<>(1 + riders.size() + edits.size());
      all.add(held);
      all.addAll(riders);
      all.addAll(edits);
      riders.clear();
    }
    return new Change(prefix + ++made, id.partition(), all);
  }
}
