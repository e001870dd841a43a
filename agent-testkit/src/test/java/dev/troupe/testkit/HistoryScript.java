package dev.troupe.testkit;

import dev.troupe.runtime.RunView;
import dev.troupe.testkit.HistoryEvent.Kind;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes the history that a test wants, event after event, with a clock that it moves. */
final class HistoryScript {
  private final Path folder;
  private final Map<String, ByteArrayOutputStream> files = new LinkedHashMap<>();
  private long ticket;
  private long millis;

  HistoryScript(Path folder) {
    this.folder = folder;
  }

  /** One process. */
  final class Process {
    private final String name;

    private Process(String name) {
      this.name = name;
    }

    Process submit(String run, String key) {
      return add(Kind.SUBMITTING, run, key).add(Kind.SUBMITTED, run);
    }

    Process submit(String run) {
      return submit(run, "");
    }

    Process submitting(String run, String key) {
      return add(Kind.SUBMITTING, run, key);
    }

    Process submitted(String run) {
      return add(Kind.SUBMITTED, run);
    }

    Process take(String run) {
      return add(Kind.TAKEN, run, "");
    }

    Process takeFor(String run, String parent) {
      return add(Kind.TAKEN, run, parent);
    }

    Process begin(String run, String path, int attempt) {
      return add(Kind.BEGIN, run, path, Integer.toString(attempt));
    }

    Process begin(String run, String path) {
      return begin(run, path, 1);
    }

    /** Begins it, makes it, and hears that it is journaled. */
    Process make(String run, String path) {
      return begin(run, path).add(Kind.END, run, path, "1").known(run, path + "#1");
    }

    Process known(String run, String path) {
      return add(Kind.KNOWN, run, path);
    }

    Process undo(String run, String path) {
      return begin(run, "undo/" + path, 1);
    }

    Process timer(String run, String due, String fired) {
      return add(Kind.TIMER, run, Instant.parse(due).toString(), Instant.parse(fired).toString());
    }

    Process end(String run, RunView.State state) {
      return add(Kind.ENDED, run, state.name());
    }

    Process end(String run) {
      return end(run, RunView.State.SUCCEEDED);
    }

    Process outcome(String run, RunView.State state) {
      return add(Kind.OUTCOME, run, state.name(), "");
    }

    Process outcomeOfChild(String run, RunView.State state, String parent) {
      return add(Kind.OUTCOME, run, state.name(), parent);
    }

    /** Goes on after it has stood still since an event. */
    Process wakes(long since, long still) {
      return add(Kind.STALLED, Long.toString(since), Long.toString(still));
    }

    private Process add(Kind kind, String... fields) {
      write(name, kind, fields);
      return this;
    }
  }

  Process on(String process) {
    if (!files.containsKey(process)) {
      files.put(process, new ByteArrayOutputStream());
      write(process, Kind.OPENED, process, Instant.EPOCH.toString());
    }
    return new Process(process);
  }

  private void write(String process, Kind kind, String... fields) {
    files.get(process).writeBytes(HistoryEvent.line(ticket++, millis, kind, fields));
  }

  /** The last event. */
  long now() {
    return ticket - 1;
  }

  HistoryScript pass(long duration) {
    millis += duration;
    return this;
  }

  List<Path> files() {
    List<Path> paths = new ArrayList<>();
    files.forEach(
        (process, lines) -> {
          try {
            Path file = folder.resolve(process + HistoryLog.SUFFIX);
            paths.add(Files.write(file, lines.toByteArray()));
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        });
    return paths;
  }

  HistoryReport check() {
    return History.check(files());
  }
}
