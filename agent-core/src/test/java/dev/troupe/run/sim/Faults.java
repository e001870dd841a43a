package dev.troupe.run.sim;

import java.util.SplittableRandom;

/**
 * What goes wrong in one world, by its seed. Chances are per ten thousand calls of the store.
 *
 * @param until when all faults stop
 * @param lost the call is not done and fails
 * @param unanswered it is done and its answer is lost
 * @param delayed it comes after calls that were made later, perhaps after its caller gave up
 * @param dies the process dies around it
 * @param pauses the process pauses before it or after it
 * @param longestDelay how long a call may be under way
 * @param kills how many processes are killed at any time
 * @param pauseTimes how many processes are paused at any time
 * @param cuts how many processes are cut off from the store for a while
 * @param stalls how often the store stands still
 * @param smallJumps how often its clock jumps by less than the margin of a lease
 * @param bigJumps how often it jumps by more
 * @param closings how many processes are shut down in an orderly way
 */
record Faults(
    long until,
    int lost,
    int unanswered,
    int delayed,
    int dies,
    int pauses,
    long longestDelay,
    int kills,
    int pauseTimes,
    int cuts,
    int stalls,
    int smallJumps,
    int bigJumps,
    int closings) {
  /** After which time without a heartbeat a process is dead, in nanoseconds. */
  static final long EXPIRY = Timeline.millis(4_000);

  /** How much faster or slower the clock of a machine may run. */
  static final double DRIFT = 0.01;

  /** A world where nothing goes wrong. */
  static Faults none() {
    return new Faults(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  static Faults by(SplittableRandom random) {
    // a call that is under way for longer than this after a jump might be taken for lost
    boolean jumps = random.nextInt(5) == 0;
    long longest = jumps ? EXPIRY / 3 : EXPIRY * 3 / 4;
    return new Faults(
        Timeline.millis(8_000 + random.nextInt(14_000)),
        rate(random, 250),
        rate(random, 250),
        rate(random, 250),
        rate(random, 30),
        rate(random, 30),
        longest,
        random.nextInt(4),
        random.nextInt(4),
        random.nextInt(3),
        random.nextInt(3),
        random.nextInt(3),
        jumps ? 1 + random.nextInt(2) : 0,
        random.nextInt(3));
  }

  private static int rate(SplittableRandom random, int most) {
    return random.nextInt(3) == 0 ? 0 : random.nextInt(most + 1);
  }
}
