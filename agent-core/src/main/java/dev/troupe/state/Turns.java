package dev.troupe.state;

/**
 * Turns that come around evenly, and also when only every second, third … of them is looked at:
 * multiples of the golden ratio, modulo 1 (a Weyl sequence). With a plain counter two callers who
 * alternate would each see the same half of the turns for ever.
 */
final class Turns {
  private static final int GOLDEN = 0x9E3779B9;

  private Turns() {}

  /** Which of {@code many} is first at this turn. */
  static int of(int turn, int many) {
    return (int) ((Integer.toUnsignedLong(turn * GOLDEN) * many) >>> 32);
  }

  /** Whether the last of {@code many} has this turn: one turn in so many. */
  static boolean isLast(int turn, int many) {
    return of(turn, many) == many - 1;
  }
}
