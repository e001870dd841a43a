package dev.troupe.run.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Worlds decided by seeds, in which everything goes wrong that may go wrong. {@code
 * -Dtroupe.sim.seeds} says how many are played, {@code -Dtroupe.sim.seed} plays a single one again.
 */
@Timeout(value = 30, unit = TimeUnit.MINUTES)
class SimulatorTest {
  private static final int SEEDS = Integer.getInteger("troupe.sim.seeds", 300);
  private static final int MANY = 10_000;
  private static final int TOLD = 1_000;
  private static final int THREADS = 2;

  /** How many worlds at most it takes to find a mistake. */
  private static final int ENOUGH = 1_000;

  private static final int ENOUGH_FOR_RARE = 20_000;

  @Test
  void nothingIsLostOrDoneTwiceWhateverGoesWrong() throws Exception {
    Long seed = Long.getLong("troupe.sim.seed");
    if (seed == null) {
      playAll(0, SEEDS, true);
    } else {
      playAll(seed, seed + 1, true);
    }
  }

  @Test
  @Tag("chaos")
  void nothingIsLostOrDoneTwiceInManyWorlds() throws Exception {
    for (long from = 0; from < MANY; from += TOLD) {
      playAll(from, from + TOLD, true);
      System.out.printf("%d of %d worlds played%n", from + TOLD, MANY);
    }
  }

  @Test
  void withoutFaultsAllComesToWhatTheReferenceSays() throws Exception {
    playAll(0, SEEDS / 10, false);
  }

  @Test
  void aSeedPlayedAgainIsTheSameWorld() {
    List<Simulator.Played> once = LongStream.range(0, 5).mapToObj(SimulatorTest::play).toList();
    List<Simulator.Played> again = LongStream.range(0, 5).mapToObj(SimulatorTest::play).toList();

    assertThat(again)
        .extracting(Simulator.Played::hash)
        .containsExactlyElementsOf(once.stream().map(Simulator.Played::hash).toList());
    assertThat(once).extracting(Simulator.Played::hash).doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @MethodSource
  void aMistakeIsFound(Mutation mutation) {
    find(mutation, ENOUGH);
  }

  static Stream<Mutation> aMistakeIsFound() {
    return Stream.of(Mutation.values()).filter(m -> m != Mutation.NONE && !m.isRare());
  }

  @ParameterizedTest
  @MethodSource
  @Tag("chaos")
  void aMistakeThatRarelyMattersIsFound(Mutation mutation) {
    find(mutation, ENOUGH_FOR_RARE);
  }

  static Stream<Mutation> aMistakeThatRarelyMattersIsFound() {
    return Stream.of(Mutation.values()).filter(Mutation::isRare);
  }

  private static Simulator.Played play(long seed) {
    return Simulator.play(seed, true, Mutation.NONE, false);
  }

  private static void find(Mutation mutation, int atMost) {
    for (long seed = 0; seed < atMost; seed++) {
      Simulator.Played played = Simulator.play(seed, true, mutation, false);
      if (played.broken() != null) {
        System.out.printf("%s is found in world %d%n", mutation, seed);
        return;
      }
    }
    fail("%s is not found in %d worlds", mutation, atMost);
  }

  /** Plays worlds on several threads; they have nothing in common. */
  private static void playAll(long from, long to, boolean faulty) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    try {
      List<Future<String>> worlds = new ArrayList<>();
      for (long seed = from; seed < to; seed++) {
        long mine = seed;
        worlds.add(threads.submit(() -> whatIsWrong(mine, faulty)));
      }
      for (Future<String> world : worlds) {
        assertThat(world.get()).isEmpty();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static String whatIsWrong(long seed, boolean faulty) {
    try {
      Simulator.Played played = Simulator.play(seed, faulty, Mutation.NONE, false);
      return played.broken() == null ? "" : Simulator.describe(played, faulty, Mutation.NONE);
    } catch (RuntimeException unexpected) {
      throw new IllegalStateException("seed " + seed + " breaks the simulator", unexpected);
    }
  }
}
