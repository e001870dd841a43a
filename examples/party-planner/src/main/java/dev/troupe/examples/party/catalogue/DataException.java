package dev.troupe.examples.party.catalogue;

/** A data file is missing or wrong; the message names file, entry and field. */
public final class DataException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates the error.
   *
   * @param message file, entry, field, and what is wrong
   */
  public DataException(String message) {
    super(message);
  }
}
