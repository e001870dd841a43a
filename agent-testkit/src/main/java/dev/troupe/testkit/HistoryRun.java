package dev.troupe.testkit;

import dev.troupe.runtime.RunView;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a history says of one run, up to some event. Holds facts; the checker judges them. */
final class HistoryRun {
  static final String UNDO = "undo/";
  static final long NEVER = -1;

  /** An end as a process told it. */
  record End(RunView.State state, String process, long ticket) {}

  /** What the store was seen to hold. */
  record Outcome(RunView.State state, long ticket) {}

  /** One effect, by its path. */
  static final class Effect {
    final String path;
    int index = -1;
    long begun = NEVER;
    long known = NEVER;
    String knower = "";
    long holding = NEVER;
    long attempt;

    Effect(String path) {
      this.path = path;
    }
  }

  /** What makes a result known to be in the journal. */
  record Proof(long ticket, String words) {}

  final String id;
  String key = "";
  long submitting = NEVER;
  long submitted = NEVER;
  boolean hasParent;
  long firstTaken = NEVER;
  long undoing = NEVER;
  @Nullable End end;
  final List<Outcome> outcomes = new ArrayList<>();

  /** Who executes the run, with the ticket since when; several where it can't be told. */
  final Map<String, Long> holders = new HashMap<>();

  private final Map<String, Long> taken = new HashMap<>();
  private final Map<String, Map<String, Long>> acts = new HashMap<>();
  private final Map<String, Effect> effects = new HashMap<>();
  private final Map<String, List<Effect>> branches = new HashMap<>();
  private long forgotten = NEVER;

  HistoryRun(String id) {
    this.id = id;
  }

  /** The path as the journal has it: the first use of a name may be given without its number. */
  static String canonical(String path) {
    return path.indexOf('#', path.lastIndexOf('/') + 1) < 0 ? path + "#1" : path;
  }

  /** Effects of one branch are made one after another; so is everything that is undone. */
  static String branch(String path) {
    return path.startsWith(UNDO) ? UNDO : path.substring(0, path.lastIndexOf('/') + 1);
  }

  void take(String process, long ticket) {
    taken.put(process, ticket);
    if (firstTaken == NEVER) {
      firstTaken = ticket;
    }
  }

  /** Since when a process has executed the run, last; {@link #NEVER} when it never began to. */
  long takenBy(String process) {
    return taken.getOrDefault(process, NEVER);
  }

  boolean seen() {
    return firstTaken != NEVER || end != null || !outcomes.isEmpty();
  }

  int effects() {
    return branches.values().stream().mapToInt(List::size).sum();
  }

  Effect effect(String path) {
    return effects.computeIfAbsent(path, Effect::new);
  }

  @Nullable Effect begun(String path) {
    Effect effect = effects.get(path);
    return effect == null || effect.begun == NEVER ? null : effect;
  }

  /** Gives an effect its place in its branch when it begins for the first time. */
  void begin(Effect effect, long ticket) {
    if (effect.begun == NEVER) {
      List<Effect> branch = branches.computeIfAbsent(branch(effect.path), b -> new ArrayList<>());
      effect.index = branch.size();
      effect.begun = ticket;
      branch.add(effect);
    }
  }

  void know(Effect effect, String process, long ticket) {
    if (effect.known <= forgotten) {
      effect.known = ticket;
      effect.knower = process;
    }
  }

  /** What proves that an effect's result is in the journal, null while nothing does. */
  @Nullable Proof proof(Effect effect) {
    Proof proof = null;
    if (effect.known > forgotten) {
      proof = new Proof(effect.known, "process " + effect.knower + " was told so by the store");
    }
    List<Effect> branch = branches.getOrDefault(branch(effect.path), List.of());
    if (effect.index >= 0 && effect.index + 1 < branch.size()) {
      Effect next = branch.get(effect.index + 1);
      if (next.begun > forgotten && (proof == null || next.begun < proof.ticket)) {
        proof = new Proof(next.begun, "'" + next.path + "', which comes after it, had begun");
      }
    }
    return proof;
  }

  /** After a stop the code may have been changed and what did not fit put aside. */
  void forget(long ticket) {
    forgotten = ticket;
  }

  void act(String process, String branch, long ticket) {
    acts.computeIfAbsent(process, p -> new HashMap<>()).put(branch, ticket);
  }

  /** The last thing that a process did in a branch, or taking the run. */
  long lastAct(String process, String branch) {
    long act = acts.getOrDefault(process, Map.of()).getOrDefault(branch, NEVER);
    return Math.max(act, takenBy(process));
  }

  /** The last thing that a process did in the run. */
  long lastAct(String process) {
    long last = takenBy(process);
    for (long act : acts.getOrDefault(process, Map.of()).values()) {
      last = Math.max(last, act);
    }
    return last;
  }

  /** Whether something later in the branch is undone already, as it has to be; else its path. */
  @Nullable String undoneBefore(Effect effect) {
    for (Effect other : branches.getOrDefault(UNDO, List.of())) {
      Effect done = begun(other.path.substring(UNDO.length()));
      if (done != null
          && branch(done.path).equals(branch(effect.path))
          && done.index < effect.index) {
        return done.path;
      }
    }
    return null;
  }
}
