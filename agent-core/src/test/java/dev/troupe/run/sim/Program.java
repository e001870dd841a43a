package dev.troupe.run.sim;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * What an agent does, as data. The results that it folds into its own do not depend on time, so
 * every execution that nobody ends from outside gives what {@link Reference} says.
 *
 * @param number its place in the list of programs; the input of its runs
 * @param agent the agent whose queue its runs wait in
 * @param ops what is done one after another
 */
record Program(int number, String agent, List<Op> ops) {
  static final List<String> AGENTS = List.of("blue", "red");

  /** One thing that an agent does. */
  sealed interface Op {}

  /** What is done about an attempt whose outcome nobody knows. */
  enum Unknown {
    REPEAT,
    NEVER,
    RECONCILE,
    ASK
  }

  /**
   * A step.
   *
   * @param failures how many attempts fail
   * @param attempts how many are made at most
   * @param undo whether it is undone when the run fails
   * @param caught whether the agent goes on when it fails for good
   */
  record Act(
      String name,
      int failures,
      int attempts,
      Unknown unknown,
      boolean undo,
      boolean caught,
      int millis)
      implements Op {}

  /** A sleep. */
  record Sleep(int millis) implements Op {}

  /** A wait for a signal; a limit of 0 is none. */
  record Await(String signal, int limit) implements Op {}

  /** A child. With a key it goes to another partition; with a limit its result is not used. */
  record Call(String name, Program child, String key, int limit, boolean caught) implements Op {}

  /** Branches; of 'any' no branch fails. */
  record Group(String name, boolean any, int atMost, List<List<Op>> branches) implements Op {}

  /** Progress. */
  record Tell() implements Op {}

  /** The agent computes for a while. */
  record Think(int millis) implements Op {}

  /** Where in the code an effect stands. */
  static final class Paths {
    final String prefix;
    private final Map<String, Integer> occurrences = new HashMap<>();
    private int told;

    Paths(String prefix) {
      this.prefix = prefix;
    }

    String next(String name) {
      return prefix + name + "#" + occurrences.merge(name, 1, Integer::sum);
    }

    String told() {
      return prefix + "#" + ++told;
    }
  }

  /** Makes programs by chance. */
  static final class Writer {
    private static final List<String> NAMES = List.of("a", "b", "c", "d");
    private static final List<String> SIGNALS = List.of("go", "yes");

    private final SplittableRandom random;
    final List<Program> programs = new ArrayList<>();
    private int left;

    Writer(SplittableRandom random) {
      this.random = random;
    }

    private boolean chance(int percent) {
      return random.nextInt(100) < percent;
    }

    private <T> T pick(List<T> list) {
      return list.get(random.nextInt(list.size()));
    }

    /** A program whose whole tree has about so many ops. */
    Program root(int size) {
      left = size;
      return program(0, false);
    }

    private Program program(int depth, boolean safe) {
      List<Op> ops = ops(depth, safe, 1 + random.nextInt(6));
      Program made = new Program(programs.size(), pick(AGENTS), ops);
      programs.add(made);
      return made;
    }

    /** What is safe does not fail. */
    private List<Op> ops(int depth, boolean safe, int many) {
      List<Op> ops = new ArrayList<>();
      for (int i = 0; i < many && left > 0; i++) {
        left--;
        ops.add(op(depth, safe));
      }
      return ops;
    }

    private Op op(int depth, boolean safe) {
      int dice = random.nextInt(100);
      if (dice < 45 || depth >= 3) {
        return act(safe);
      } else if (dice < 55) {
        return new Sleep(chance(70) ? 1 + random.nextInt(900) : 1_000 + random.nextInt(6_000));
      } else if (dice < 64) {
        return new Await(pick(SIGNALS), chance(50) ? 0 : 1 + random.nextInt(4_000));
      } else if (dice < 79) {
        boolean limited = chance(20);
        boolean caught = safe || limited || chance(60);
        return new Call(
            "call",
            program(depth + 1, false),
            chance(35) ? "key" + depth + random.nextInt(3) : "", // no two can wait for each other
            limited ? 100 + random.nextInt(4_000) : 0,
            caught);
      } else if (dice < 92) {
        boolean any = chance(45);
        List<List<Op>> branches = new ArrayList<>();
        for (int i = 2 + random.nextInt(2); i > 0; i--) {
          branches.add(ops(depth + 1, safe || any, 1 + random.nextInt(2)));
        }
        return new Group(any ? "any" : "all", any, 1 + random.nextInt(3), branches);
      }
      return chance(50) ? new Tell() : new Think(1 + random.nextInt(600));
    }

    private Act act(boolean safe) {
      int failures = chance(70) ? 0 : 1 + random.nextInt(3);
      Unknown unknown = chance(75) ? Unknown.REPEAT : pick(List.of(Unknown.values()));
      boolean sure = safe || unknown == Unknown.NEVER || chance(70);
      int attempts = failures == 0 ? 1 + random.nextInt(3) : failures + (chance(75) ? 1 : 0);
      boolean caught = sure && (attempts <= failures || unknown == Unknown.NEVER);
      int millis = chance(90) ? random.nextInt(120) : random.nextInt(3_000);
      return new Act(pick(NAMES), failures, attempts, unknown, chance(45), caught, millis);
    }
  }
}
