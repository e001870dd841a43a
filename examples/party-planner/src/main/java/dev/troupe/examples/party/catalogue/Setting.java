package dev.troupe.examples.party.catalogue;

/** Under a roof or under the sky. */
public enum Setting {
  /** Under a roof. */
  INDOOR,
  /** Under the sky. */
  OUTDOOR,
  /** Either. */
  ANY;

  /**
   * Whether both can be had at one place.
   *
   * @param other what is wanted
   * @return false when one is inside and the other outside
   */
  public boolean fits(Setting other) {
    return this == ANY || other == ANY || this == other;
  }
}
