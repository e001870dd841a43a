package dev.troupe.examples.party.catalogue;

/**
 * A price in two parts.
 *
 * @param once what is paid once
 * @param perGuest what is paid for each guest
 */
public record Price(Money once, Money perGuest) {
  /**
   * The price for a number of guests.
   *
   * @param guests how many
   * @return the sum
   */
  public Money forGuests(int guests) {
    return once.plus(perGuest.times(guests));
  }
}
