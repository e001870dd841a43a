package dev.troupe.examples.party.catalogue;

/**
 * A range of ages.
 *
 * @param min the youngest, in years
 * @param max the oldest, included
 */
public record Ages(int min, int max) {
  /** From birth to any age. */
  public static final Ages ALL = new Ages(0, 120);

  /** Checks the order. */
  public Ages {
    if (min < 0 || max < min) {
      throw new IllegalArgumentException(
          "ages must not be negative or run backwards: " + min + "-" + max);
    }
  }

  /**
   * How much of the other range lies in this one.
   *
   * @param other the range wanted
   * @return 0 for nothing to 100 for all of it
   */
  public int covers(Ages other) {
    int common = Math.min(max, other.max) - Math.max(min, other.min) + 1;
    return common <= 0 ? 0 : 100 * common / (other.max - other.min + 1);
  }

  /**
   * The range as people say it.
   *
   * @return such as {@code age 7} or {@code ages 4-12}
   */
  public String inWords() {
    return (min == max ? "age " : "ages ") + this;
  }

  @Override
  public String toString() {
    if (max >= 99) {
      return min + "+";
    }
    return min == max ? Integer.toString(min) : min + "-" + max;
  }
}
