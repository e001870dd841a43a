package dev.troupe.runtime;

import org.jspecify.annotations.Nullable;

/** One line of execution of a run: the agent's own, or a branch. Guarded by the run's lock. */
final class Strand {
  final @Nullable Strand parent;

  /** Another branch won: whatever this one still does is of no consequence. */
  boolean lost;

  /** The thread that is inside a step's action now and may be interrupted. */
  @Nullable Thread acting;

  /** When it last began or ended an action, or asked its context for something. */
  long lastSign = System.nanoTime();

  /** Whether it undoes steps of a run that is ending. */
  final boolean undoes;

  Strand(@Nullable Strand parent, boolean undoes) {
    this.parent = parent;
    this.undoes = undoes;
  }

  boolean isLost() {
    for (Strand s = this; s != null; s = s.parent) {
      if (s.lost) {
        return true;
      }
    }
    return false;
  }
}
