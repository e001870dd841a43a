package dev.troupe.state;

import org.jspecify.annotations.Nullable;

/** What to read of one partition. */
public sealed interface Scan {
  /**
   * Records in the order of their keys, by UTF-16 code unit.
   *
   * @param partition where to look
   * @param prefix only keys that start so; empty for all
   * @param after only keys after this one, null for from the start; a page's {@code next}
   * @param rows whether to show rows, mail and counters too
   * @param limit the most records in the answer
   */
  record Records(int partition, String prefix, @Nullable String after, boolean rows, int limit)
      implements Scan {
    public Records {
      if (limit < 1) {
        throw new IllegalArgumentException("limit must be at least 1: " + limit);
      }
    }
  }

  /**
   * One record with its counters, its rows from a row on, and its mail after a number.
   *
   * @param id the record
   * @param after only rows after this one, null for from the start; a page's {@code next}
   * @param mailAfter only mail with a higher number
   * @param limit the most rows in the answer; mail is not counted
   */
  record Rows(RecordId id, @Nullable String after, long mailAfter, int limit) implements Scan {
    public Rows {
      if (limit < 0) {
        throw new IllegalArgumentException("limit must not be negative: " + limit);
      }
    }
  }

  /**
   * One record with everything that belongs to it.
   *
   * @param id the record
   * @return the scan
   */
  static Scan whole(RecordId id) {
    return new Rows(id, null, 0, Integer.MAX_VALUE);
  }

  /**
   * The mail of one record after a number, without its rows.
   *
   * @param id the record
   * @param number the last number already seen
   * @return the scan
   */
  static Scan mailAfter(RecordId id, long number) {
    return new Rows(id, null, number, 0);
  }
}
