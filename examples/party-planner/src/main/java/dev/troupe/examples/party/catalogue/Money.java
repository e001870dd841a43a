package dev.troupe.examples.party.catalogue;

import java.math.BigDecimal;
import java.math.RoundingMode;

/**
 * An amount in euros. Whole cents, so sums are exact.
 *
 * @param cents the amount in cents, may be negative
 */
public record Money(long cents) implements Comparable<Money> {
  /** Nothing. */
  public static final Money ZERO = new Money(0);

  /**
   * Turns euros into an amount.
   *
   * @param euros the amount, rounded half up to cents
   * @return the amount
   */
  public static Money of(BigDecimal euros) {
    return new Money(euros.movePointRight(2).setScale(0, RoundingMode.HALF_UP).longValueExact());
  }

  /**
   * Turns whole euros into an amount.
   *
   * @param euros the amount
   * @return the amount
   */
  public static Money euros(long euros) {
    return new Money(Math.multiplyExact(euros, 100));
  }

  /**
   * Adds.
   *
   * @param other what to add
   * @return the sum
   */
  public Money plus(Money other) {
    return new Money(Math.addExact(cents, other.cents));
  }

  /**
   * Subtracts.
   *
   * @param other what to take away
   * @return the difference
   */
  public Money minus(Money other) {
    return new Money(Math.subtractExact(cents, other.cents));
  }

  /**
   * Multiplies.
   *
   * @param times how often
   * @return the product
   */
  public Money times(long times) {
    return new Money(Math.multiplyExact(cents, times));
  }

  /**
   * A part of this amount.
   *
   * @param part the part's weight
   * @param whole the weight of all parts, more than zero
   * @return this × part / whole, rounded down to cents
   */
  public Money share(long part, long whole) {
    return new Money(Math.floorDiv(Math.multiplyExact(cents, part), whole));
  }

  /**
   * Compares.
   *
   * @param other the other amount
   * @return true when this is more
   */
  public boolean moreThan(Money other) {
    return cents > other.cents;
  }

  @Override
  public int compareTo(Money other) {
    return Long.compare(cents, other.cents);
  }

  /** The amount as people write it, such as {@code 1,200.50 EUR}. */
  @Override
  public String toString() {
    String digits = Long.toString(Math.abs(cents / 100));
    StringBuilder out = new StringBuilder(cents < 0 ? "-" : "");
    for (int i = 0; i < digits.length(); i++) {
      if (i > 0 && (digits.length() - i) % 3 == 0) {
        out.append(',');
      }
      out.append(digits.charAt(i));
    }
    long rest = Math.abs(cents % 100);
    return out.append(rest < 10 ? ".0" : ".").append(rest).append(" EUR").toString();
  }
}
