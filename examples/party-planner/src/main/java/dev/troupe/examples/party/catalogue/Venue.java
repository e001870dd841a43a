package dev.troupe.examples.party.catalogue;

import java.time.DayOfWeek;
import java.util.List;

/**
 * A venue of the sample catalogue.
 *
 * @param id its name in the data
 * @param name its name for people
 * @param type what it is, such as {@code park pavilion}
 * @param setting inside or outside
 * @param admission who may come, and when
 * @param price hire once, and for each guest
 * @param amenities what it has
 * @param rating in tenths, 34 to 49
 */
public record Venue(
    String id,
    String name,
    String type,
    Setting setting,
    Admission admission,
    Price price,
    List<String> amenities,
    int rating) {
  /** Copies the list. */
  public Venue {
    amenities = List.copyOf(amenities);
  }

  /**
   * Who may come to a venue, and when.
   *
   * @param capacity how many guests it holds
   * @param ages for whom it is
   * @param adultsFrom the hour from which only adults may stay, 0 for never
   * @param kidFriendly whether children are welcome
   * @param accessible whether there are no steps
   * @param closed weekdays on which it is closed
   */
  public record Admission(
      int capacity,
      Ages ages,
      int adultsFrom,
      boolean kidFriendly,
      boolean accessible,
      List<DayOfWeek> closed) {
    /** Copies the list. */
    public Admission {
      closed = List.copyOf(closed);
    }
  }
}
