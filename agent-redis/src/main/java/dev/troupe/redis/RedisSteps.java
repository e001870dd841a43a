package dev.troupe.redis;

import static dev.troupe.redis.RedisNames.ascii;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** The short way for what is written most: rows set under a grant. Safe for use by many threads. */
final class RedisSteps {
  private static final byte[] YES = ascii("1");
  private static final byte[] NO = ascii("0");

  private final RedisKeys keys;
  private final RedisClock clock;

  RedisSteps(RedisKeys keys, RedisClock clock) {
    this.keys = keys;
    this.clock = clock;
  }

  /** Whether a change is of that kind: one record, its fence, and rows with values. */
  static boolean fits(Change change) {
    List<Edit> edits = change.edits();
    if (edits.size() < 2 || !(edits.get(0) instanceof Edit.Held held)) {
      return false;
    }
    for (int i = 1; i < edits.size(); i++) {
      if (!(edits.get(i) instanceof Edit.Row row)
          || row.value() == null
          || !row.key().equals(held.key())) {
        return false;
      }
    }
    return true;
  }

  RedisLink.Call call(int partition, List<Change> changes) {
    List<byte[]> touched = new ArrayList<>(1 + changes.size());
    touched.add(keys.head(partition));
    List<byte[]> words = new ArrayList<>(2 + 4 * changes.size());
    words.add(clock.offset());
    words.add(clock.trails(partition) ? YES : NO);
    for (Change change : changes) {
      List<Edit> edits = change.edits();
      Edit.Held held = (Edit.Held) edits.get(0);
      touched.add(keys.record(partition, RedisNames.encode(held.key())));
      byte[] place = ascii(Integer.toString(touched.size()));
      byte[] grant = RedisKeys.grant(held.grant());
      for (int i = 1; i < edits.size(); i++) {
        Edit.Row row = (Edit.Row) edits.get(i);
        words.add(place);
        words.add(grant);
        words.add(RedisNames.with("r:", RedisNames.encode(row.row())));
        words.add(Objects.requireNonNull(row.value()));
      }
    }
    return new RedisLink.Call(RedisScript.STEP, touched, words);
  }

  /** Reads a text of numbers parted by spaces, with a list of the records that refused. */
  List<Outcome> outcomes(int partition, List<Change> changes, Object answer) {
    List<?> both = answer instanceof List<?> list ? list : List.of(answer, List.of());
    RedisNumbers numbers = new RedisNumbers((byte[]) both.get(0));
    List<?> refused = (List<?>) both.get(1);
    Instant now = clock.shown(numbers.next());
    int refusals = 0;
    List<Outcome> outcomes = new ArrayList<>(changes.size());
    for (Change change : changes) {
      Edit.Held held = (Edit.Held) change.edits().get(0);
      long version = numbers.next();
      long mail = numbers.next();
      int rows = change.edits().size() - 1;
      // every row was asked for the same and answered the same
      for (int i = 1; i < rows; i++) {
        numbers.next();
        numbers.next();
      }
      if (version >= 0) {
        outcomes.add(
            new Outcome.Done(
                now, List.of(new Outcome.Seen(held.key(), version, mail, true, held.grant()))));
      } else {
        List<?> found = (List<?>) refused.get(refusals);
        refusals += rows;
        RecordId id = new RecordId(partition, held.key());
        Stored shown = found.isEmpty() ? null : RedisRecord.head(found).head(id, now);
        outcomes.add(new Outcome.Refused(now, held, shown));
      }
    }
    return outcomes;
  }
}
