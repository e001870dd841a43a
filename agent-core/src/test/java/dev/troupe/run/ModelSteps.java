package dev.troupe.run;

import dev.troupe.run.ModelState.Harm;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import java.util.ArrayList;
import java.util.List;

/** The steps that lead on from one state, as they are found. */
final class ModelSteps {
  /**
   * One step.
   *
   * @param words what happens
   * @param own whether it happens without the environment's doing, sooner or later
   * @param next the state after it
   * @param fault what is wrong with it, null when nothing is
   */
  record Step(String words, boolean own, ModelState next, String fault) {}

  final ModelState from;
  final List<Step> found = new ArrayList<>();
  private final boolean forgets;

  ModelSteps(ModelState from, boolean forgets) {
    this.from = from;
    this.forgets = forgets;
  }

  void own(String words, ModelState next) {
    found.add(new Step(words, true, next.normal(forgets), null));
  }

  void harm(Harm harm, String words, ModelState next) {
    found.add(new Step(words, false, next.spend(harm).normal(forgets), null));
  }

  /** What the environment may do without its being counted. */
  void maybe(String words, ModelState next) {
    found.add(new Step(words, false, next.normal(forgets), null));
  }

  void fault(String words, ModelState next, String fault) {
    found.add(new Step(words, true, next.normal(forgets), fault));
  }

  /** Makes a change; a run that ends a second time is a fault. */
  ModelStore.Applied apply(String words, Change change) {
    ModelStore.Applied applied = from.store().apply(change);
    if (applied.done()) {
      for (Edit edit : change.edits()) {
        ModelRecord before = from.store().get(edit.key());
        if (edit instanceof Edit.Put && before != null && before.hasEnded()) {
          fault(words, from.with(applied.after()), "run " + edit.key() + " had ended before");
        }
      }
    }
    return applied;
  }
}
