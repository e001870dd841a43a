package dev.troupe.run.sim;

import dev.troupe.run.Entry;
import dev.troupe.run.Journal;
import dev.troupe.run.Outbox;
import dev.troupe.run.RunEnd;
import dev.troupe.run.RunRecord;
import dev.troupe.run.sim.Program.Act;
import dev.troupe.run.sim.Program.Group;
import dev.troupe.run.sim.Program.Op;
import dev.troupe.run.sim.Reference.Expected;
import dev.troupe.state.Place;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Looks at what lies in the store when everything should be over. */
final class Inspection {
  private final World world;

  Inspection(World world) {
    this.world = world;
  }

  private List<Stored> records() {
    List<Stored> all = new ArrayList<>();
    for (int i = 0; i < Network.PARTITIONS; i++) {
      all.addAll(
          world.network.store.scan(new Scan.Records(i, "", null, true, Integer.MAX_VALUE)).items());
    }
    return all;
  }

  /** What of the store keeps the world from being over. */
  private @Nullable Stored unfinished(Collection<SimProcess> living) {
    Set<String> alive = new HashSet<>();
    living.forEach(process -> alive.add(process.member().id().key()));
    for (Stored record : records()) {
      String key = record.id().key();
      boolean idle = SimUpkeep.isRun(record) && record.place() instanceof Place.None;
      if (!idle && !(alive.contains(key) && record.place() instanceof Place.Queued)) {
        return record;
      }
    }
    return null;
  }

  boolean isOver(Clients clients, Collection<SimProcess> living) {
    return clients.areDone()
        && !living.isEmpty()
        && living.stream().allMatch(process -> process.fleet.mayBegin())
        && unfinished(living) == null;
  }

  Truth.Violation whatIsLeft(Clients clients, Collection<SimProcess> living) {
    Stored left = unfinished(living);
    if (left == null) {
      return Truth.violation("", "clients are not done: %s", clients.areDone());
    }
    String key = left.id().key();
    int box = key.indexOf("/$out");
    return Truth.violation(
        Outbox.isOutbox(key) ? key.substring(0, box) : key,
        "long after the last fault %s is not over, its place is %s",
        key,
        left.place());
  }

  /** Everything has come to an end: was it the right one? */
  void checkEnds() {
    boolean poisoned = false;
    Map<String, RunRecord> runs = new TreeMap<>();
    for (Stored record : records()) {
      String key = record.id().key();
      if (key.startsWith("process-")) {
        continue; // one that was not sure whether it held something; the next process looks
      }
      if (!SimUpkeep.isRun(record) || !(record.place() instanceof Place.None)) {
        throw Truth.violation(key, "is left when all processes have left: %s", record.place());
      }
      RunRecord run = RunRecord.decode(record);
      RunEnd end = run.end();
      if (end == null) {
        throw Truth.violation(key, "has no outcome and no place");
      }
      runs.put(key, run);
      if (text(end.payload()).equals("POISONED")) {
        poisoned = true;
        if (world.truth.timesTakenUp(key) < SimUpkeep.MAX_TAKE_OVERS) {
          throw Truth.violation(key, "was given up after %d deaths", world.truth.timesTakenUp(key));
        }
      }
      Map<String, Entry> entries = entries(record);
      checkMail(record, entries);
      checkUndone(key, program(run), end, entries);
    }
    if (!poisoned) {
      world.expected().forEach((id, expected) -> checkResult(id, expected, runs.get(id)));
    }
  }

  private Program program(RunRecord run) {
    return world.program(Integer.parseInt(text(run.header().input())));
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private void checkResult(String id, Expected expected, @Nullable RunRecord run) {
    if (!expected.certain()) {
      return;
    }
    RunEnd end = run == null ? null : run.end();
    if (end == null) {
      // nobody called it, because its parent had failed before
      return;
    }
    boolean succeeds = !expected.result().equals(Reference.FAILED);
    String result = end.state() == RunEnd.State.SUCCEEDED ? text(end.payload()) : Reference.FAILED;
    if (!result.equals(expected.result())) {
      throw Truth.violation(
          id,
          "came to %s %s, without faults it %s",
          end.state(),
          text(end.payload()),
          succeeds ? "succeeds with " + expected.result() : "fails");
    }
  }

  private void checkMail(Stored record, Map<String, Entry> entries) {
    Map<String, String> contents = new HashMap<>();
    record.mail().forEach(mail -> contents.put(mail.name(), text(mail.value())));
    Set<String> received = new HashSet<>();
    entries.forEach(
        (path, entry) -> {
          if (entry.kind() == Entry.Kind.SIGNAL && !beaten(path, entries)) {
            String content = contents.get(text(entry.payload()));
            if (content == null || !received.add(content)) {
              throw Truth.violation(
                  record.id().key(), "signal '%s' was received twice, or was never sent", content);
            }
          }
        });
  }

  /** What is finished in a run's journal, by its path. */
  private static Map<String, Entry> entries(Stored record) {
    Map<String, Entry> entries = new TreeMap<>();
    record
        .rows()
        .forEach(
            (row, value) -> {
              if (row.indexOf('#') >= 0 && !row.startsWith("$")) {
                entries.put(row, Entry.decode(value, row));
              }
            });
    return entries;
  }

  // compensation

  private void checkUndone(String run, Program program, RunEnd end, Map<String, Entry> entries) {
    List<String> undone = new ArrayList<>(world.truth.undone(run));
    if (end.state() == RunEnd.State.SUCCEEDED) {
      if (!undone.isEmpty()) {
        throw Truth.violation(run, "succeeded and undid %s", undone);
      }
      return;
    }
    TreeMap<Long, String> undoable = new TreeMap<>();
    Map<String, Act> acts = new HashMap<>();
    acts(program.ops(), new Program.Paths(""), acts);
    entries.forEach(
        (path, entry) -> {
          Act act = acts.get(path);
          boolean done = act != null && act.undo() && entry.kind() == Entry.Kind.DONE;
          if (done && !beaten(path, entries)) {
            undoable.put(-entry.number(), Journal.undo(path));
          }
        });
    acts.forEach(
        (path, act) -> {
          // it was made, and its result never came to the store: undoing it is right
          if (!entries.containsKey(path) && world.truth.wasPerformed(run, path)) {
            undone.remove(Journal.undo(path));
          }
        });
    List<String> wanted = List.copyOf(undoable.values());
    if (!wanted.equals(undone)) {
      throw Truth.violation(
          run, "ended %s and undid %s instead of %s", end.state(), undone, wanted);
    }
    for (String path : wanted) {
      if (!entries.containsKey(path)) {
        throw Truth.violation(run, "%s was begun and is not journaled", path);
      }
    }
  }

  /** Whether an effect is in a branch that another one has beaten. */
  private static boolean beaten(String path, Map<String, Entry> entries) {
    for (Map.Entry<String, Entry> entry : entries.entrySet()) {
      boolean group = entry.getValue().kind() == Entry.Kind.WINNER;
      String prefix = entry.getKey() + "/";
      if (group
          && path.startsWith(prefix)
          && !path.startsWith(prefix + text(entry.getValue().payload()) + "/")) {
        return true;
      }
    }
    return false;
  }

  private static void acts(List<Op> ops, Program.Paths paths, Map<String, Act> found) {
    for (Op op : ops) {
      if (op instanceof Act act) {
        found.put(paths.next(act.name()), act);
      } else if (op instanceof Group group) {
        String path = paths.next(group.name());
        for (int i = 0; i < group.branches().size(); i++) {
          acts(group.branches().get(i), new Program.Paths(path + "/" + i + "/"), found);
        }
      }
    }
  }
}
