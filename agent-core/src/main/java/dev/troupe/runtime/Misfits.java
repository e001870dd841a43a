package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.agent.Failure;
import dev.troupe.run.Entry;
import dev.troupe.run.Runs;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Place;
import dev.troupe.state.Stored;
import java.util.List;
import java.util.Objects;

/** Records that a claim handed out and that can't be executed. */
final class Misfits {
  private Misfits() {}

  private static Edit.Held fence(Stored record) {
    return new Edit.Held(record.id().key(), ((Place.Held) record.place()).grant());
  }

  /** Stops a run that can't be read; its rows stay as they are. */
  static void stop(RuntimeCore core, Stored record, AgentException why) {
    core.log.error("{} The run was stopped and nothing was lost.", why.getMessage());
    String key = record.id().key();
    byte[] failure = core.encode(Failure.of(why));
    Entry entry = new Entry(Entry.Kind.STOPPED, 0, record.now().toEpochMilli(), 1, failure);
    List<Edit> edits =
        List.of(
            fence(record),
            new Edit.Row(key, "$stop", entry.encode()),
            new Edit.Queue(
                key,
                Runs.STOPPED,
                0,
                Runs.NEVER,
                ((Place.Held) record.place()).lane(),
                Long.MAX_VALUE));
    core.access.write(new Change(RunIds.random(), record.id().partition(), edits));
    core.handles.stopped(key, why);
  }

  /** Puts a record back where it came from. */
  static void putBack(RuntimeCore core, Stored record) {
    core.access.write(back(record));
  }

  /** The change that puts a record back where it came from. */
  static Change back(Stored record) {
    Edit edit =
        Objects.requireNonNullElseGet(
            Control.requeue(record), () -> new Edit.Release(record.id().key()));
    return new Change(RunIds.random(), record.id().partition(), List.of(fence(record), edit));
  }
}
