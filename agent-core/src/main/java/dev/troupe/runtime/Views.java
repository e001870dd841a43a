package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.agent.Failure;
import dev.troupe.run.Entry;
import dev.troupe.run.RunEnd;
import dev.troupe.run.RunHeader;
import dev.troupe.run.RunRecord;
import dev.troupe.run.Runs;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Makes views of stored runs. */
final class Views {
  private final Stored record;
  private final Codec codec;
  private final List<Written> lines = new ArrayList<>();
  private final List<Entry> executions = new ArrayList<>();
  private final List<String> unreadable = new ArrayList<>();
  private final Instant created;
  private @Nullable Failure failure;

  /** A line, and when what it records was over. */
  private record Written(String path, Entry entry, Instant over) {
    String branch() {
      return path.substring(0, path.lastIndexOf('/') + 1);
    }
  }

  private Views(Stored record, Codec codec) {
    this.record = record;
    this.codec = codec;
    this.created = RunRecord.decode(record).header().origin().created();
  }

  static @Nullable RunView read(StateStore store, Codec codec, String run) {
    RecordId id = RecordId.of(run, store.info().partitions());
    List<Stored> found = store.scan(Scan.whole(id)).items();
    return found.isEmpty() || !RuntimeCore.isRun(found.get(0)) ? null : of(found.get(0), codec);
  }

  static RunView of(Stored record, Codec codec) {
    return new Views(record, codec).view();
  }

  private RunView view() {
    RunRecord decoded = RunRecord.decode(record);
    RunHeader header = decoded.header();
    record.rows().forEach(this::take);
    RunEnd end = decoded.end();
    if (end != null && end.state() != RunEnd.State.SUCCEEDED) {
      failure = failure(end.payload());
    }
    lines.sort(Comparator.comparingLong(line -> line.entry.number()));
    executions.sort(Comparator.comparingLong(Entry::at));
    List<RunView.Line> journal = new ArrayList<>(lines.stream().map(this::line).toList());
    for (String row : unreadable) {
      journal.add(
          new RunView.Line(row, "unreadable", record.now(), 0, Duration.ZERO, -1, false, null));
    }
    return new RunView(
        header.id(),
        header.queue(),
        header.origin().parent(),
        state(end),
        header.origin().created(),
        end == null ? null : end.at(),
        failure,
        executions.stream().map(Views::execution).toList(),
        journal);
  }

  private Failure failure(byte[] payload) {
    return (Failure) Objects.requireNonNull(codec.decode(payload, Failure.class));
  }

  private void take(String row, byte[] value) {
    Entry entry;
    try {
      entry = Entry.decode(value, "row " + row + " of run " + record.id().key());
      if (entry.kind() == Entry.Kind.EXECUTED) {
        executions.add(entry);
      } else if (row.indexOf('#') >= 0) {
        lines.add(new Written(row, entry, over(row, entry)));
      } else if (entry.kind() == Entry.Kind.STOPPED) {
        failure = failure(entry.payload());
      }
    } catch (AgentException broken) {
      unreadable.add(row);
    }
  }

  /** When what a line records was over: a sleep at its due time, a call with its answer. */
  private Instant over(String row, Entry entry) {
    Instant at = Instant.ofEpochMilli(entry.at());
    if (entry.kind() == Entry.Kind.SLEEP) {
      Instant due = Instant.ofEpochMilli(entry.headNumber());
      return due.isAfter(at) ? due : at;
    }
    if (entry.kind() == Entry.Kind.CALL) {
      for (Stored.MailItem item : record.mail()) {
        if (item.name().equals("child/" + row)) {
          return Instant.ofEpochMilli(Entry.decode(item.value(), item.name()).at());
        }
      }
    }
    return at;
  }

  private RunView.Line line(Written line) {
    Entry entry = line.entry;
    int execution = executionOf(entry);
    Written before = before(line);
    Instant from = before == null ? created : before.over;
    boolean again = false;
    if (execution >= 0) {
      Entry executed = executions.get(execution);
      Instant since = Instant.ofEpochMilli(executed.at());
      if (since.isAfter(from)) {
        from = since;
      }
      boolean effect = entry.kind() == Entry.Kind.DONE || entry.kind() == Entry.Kind.FAILED;
      boolean first = before == null || before.entry.number() <= executed.number();
      again = effect && first && executed.attempts() > 1;
    }
    Duration took = Duration.between(from, line.over);
    return new RunView.Line(
        line.path,
        entry.kind().name().toLowerCase(Locale.ROOT).replace('_', ' '),
        Instant.ofEpochMilli(entry.at()),
        entry.attempts(),
        took.isNegative() ? Duration.ZERO : took,
        execution,
        again,
        entry.kind() == Entry.Kind.CALL ? entry.head() : null);
  }

  private int executionOf(Entry entry) {
    int index = -1;
    for (int i = 0; i < executions.size(); i++) {
      if (executions.get(i).number() < entry.number()) {
        index = i;
      }
    }
    return index;
  }

  /** What has to be over before a line's effect can begin: the last in its branch or around it. */
  private @Nullable Written before(Written line) {
    Written last = null;
    for (Written other : lines) {
      if (other.entry.number() >= line.entry.number()) {
        break;
      }
      boolean told = other.entry.kind() == Entry.Kind.PROGRESS; // no effect, and told again anyway
      if (!told
          && (line.branch().startsWith(other.branch())
              || other.branch().startsWith(line.branch()))) {
        last = other;
      }
    }
    return last;
  }

  private static RunView.Execution execution(Entry entry) {
    String[] who = new String(entry.payload(), StandardCharsets.UTF_8).split("\n", 2);
    return new RunView.Execution(
        who[0],
        who.length > 1 ? who[1] : "",
        Instant.ofEpochMilli(entry.at()),
        entry.attempts() > 1);
  }

  private RunView.State state(@Nullable RunEnd end) {
    if (end != null) {
      return RunView.State.valueOf(end.state().name());
    }
    if (Runs.isStopped(record)) {
      return RunView.State.STOPPED;
    }
    if (record.place() instanceof Place.Queued queued) {
      return queued.due().isAfter(record.now()) ? RunView.State.WAITING : RunView.State.QUEUED;
    }
    return RunView.State.RUNNING;
  }
}
