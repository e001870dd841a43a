package dev.troupe.run.sim;

import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Plays worlds and tells what does not hold in them. */
final class Simulator {
  /** How many events are shown of a world that fails. */
  private static final int SHOWN = 60;

  /** What came of a world. */
  record Played(long seed, long hash, long events, World world, Truth.@Nullable Violation broken) {}

  private Simulator() {}

  static Played play(long seed, boolean faulty, Mutation mutation, boolean keeping) {
    World world = new World(seed, faulty, mutation, keeping);
    Truth.Violation broken = null;
    try {
      world.play();
    } catch (Truth.Violation violation) {
      broken = violation;
    }
    return new Played(seed, world.time.hash(), world.time.count(), world, broken);
  }

  /** Plays a world that failed once more and describes how it failed. */
  static String describe(Played failed, boolean faulty, Mutation mutation) {
    Played again = play(failed.seed(), faulty, mutation, true);
    Truth.Violation broken = again.broken();
    if (broken == null || again.hash() != failed.hash()) {
      return "seed %d failed and does not fail again: the simulator is not deterministic"
          .formatted(failed.seed());
    }
    String trace =
        again.world().time.last(broken.run, SHOWN).stream()
            .map(Timeline.Line::toString)
            .collect(Collectors.joining("\n"));
    return "seed %d: run '%s' %s%nits last events:%n%s%nreplay with -Dtroupe.sim.seed=%d"
        .formatted(failed.seed(), broken.run, broken.getMessage(), trace, failed.seed());
  }
}
