package dev.troupe.state;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What a store is and what it refuses. Constant while the store is open.
 *
 * @param name for messages, such as {@code memory} or {@code sqlite}; no address, no secret
 * @param partitions how many there are; fixed when the store was created
 * @param sharing who may use it at the same time
 * @param survives what acknowledged changes outlive
 * @param findLag how far {@link StateStore#find} may trail
 */
public record StoreInfo(
    String name, int partitions, Sharing sharing, Durability survives, Duration findLag) {
  /** The most edits in one change. */
  public static final int MAX_EDITS = 256;

  /** The most bytes in a row, a mail or a record's value: 256 KiB. */
  public static final int MAX_BYTES = 256 * 1024;

  /** The most UTF-16 code units in a key, a row's name, a queue, a lane, or a tag's value. */
  public static final int MAX_NAME = 500;

  /** The most tags of a record. */
  public static final int MAX_TAGS = 16;

  /** Who may use a store at the same time. */
  public enum Sharing {
    /**
     * One process: whatever another one held may be taken over as soon as this one has opened it.
     */
    ONE_PROCESS,
    /** Many processes. */
    FLEET
  }

  /** What acknowledged changes outlive, weakest first. */
  public enum Durability {
    /** Nothing: they die with the process. */
    NOTHING,
    /** The death of a process, but not a failure of the machine or of the store's server. */
    PROCESS,
    /** Loss of power: they were forced to disk before the answer. */
    MACHINE
  }

  public StoreInfo {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(sharing, "sharing");
    Objects.requireNonNull(survives, "survives");
    Objects.requireNonNull(findLag, "findLag");
    if (partitions < 1 || partitions > 4096) {
      throw new IllegalArgumentException("a store has 1 to 4096 partitions, not " + partitions);
    }
  }

  /**
   * The numbers of all partitions.
   *
   * @return 0 to {@link #partitions()} - 1
   */
  public Set<Integer> all() {
    return IntStream.range(0, partitions).boxed().collect(Collectors.toUnmodifiableSet());
  }

  /**
   * Refuses what every store refuses, before anything is done: a change that names two partitions,
   * passes a limit, or adds to a counter without a {@link Edit.NoRow} guard for a row it sets.
   * Adapters call it first in {@link StateStore#apply}.
   *
   * @param changes what is about to be done
   * @throws AgentException with {@link ErrorCode#INVALID_INPUT} or {@link
   *     ErrorCode#LIMIT_EXCEEDED}; the message names the change, the record and the limit
   */
  public void check(List<Change> changes) {
    for (Change change : changes) {
      check(change);
    }
  }

  /**
   * As {@link #check(List)}, for one change.
   *
   * @param change what is about to be done
   */
  public void check(Change change) {
    List<Edit> edits = change.edits();
    if (edits.isEmpty()) {
      throw refuse(ErrorCode.INVALID_INPUT, change, "has no edits");
    }
    if (edits.size() > MAX_EDITS) {
      throw refuse(
          ErrorCode.LIMIT_EXCEEDED,
          change,
          "has " + edits.size() + " edits, the limit is " + MAX_EDITS);
    }
    String checked = "";
    for (int i = 0; i < edits.size(); i++) {
      Edit edit = edits.get(i);
      if (i == 0 || !edit.key().equals(checked)) {
        checked = edit.key();
        checkName(change, "key", checked);
        int partition = RecordId.partitionOf(checked, partitions);
        if (partition != change.partition()) {
          throw refuse(
              ErrorCode.INVALID_INPUT,
              change,
              "is for partition %d but names record %s of partition %d; only records of one route can change together"
                  .formatted(change.partition(), checked, partition));
        }
      }
      if (edit instanceof Edit.Row row) {
        checkName(change, "row", row.row());
        if (row.value() != null) {
          checkBytes(change, "row", row.row(), row.value());
        }
      } else if (edit instanceof Edit.Mail mail) {
        checkName(change, "mail", mail.row());
        checkBytes(change, "mail", mail.row(), mail.value());
      } else if (edit instanceof Edit.Put put) {
        checkPut(change, put);
      } else if (edit instanceof Edit.Queue queue) {
        checkName(change, "queue", queue.queue());
        if (queue.lane() != null) {
          checkName(change, "lane", queue.lane());
        }
      } else if (edit instanceof Edit.Add add) {
        checkName(change, "counter", add.counter());
        if (!hasFreshRow(edits)) {
          throw refuse(
              ErrorCode.INVALID_INPUT,
              change,
              "adds to counter %s without a NoRow guard for a row that it sets"
                  .formatted(add.counter()));
        }
      }
    }
  }

  private static void checkPut(Change change, Edit.Put put) {
    checkBytes(change, "value of", put.key(), put.value());
    if (put.tags().size() > MAX_TAGS) {
      throw refuse(
          ErrorCode.LIMIT_EXCEEDED,
          change,
          "gives %s %d tags, the limit is %d".formatted(put.key(), put.tags().size(), MAX_TAGS));
    }
    put.tags()
        .forEach(
            (name, value) -> {
              checkName(change, "tag", name);
              if (value.length() > MAX_NAME) {
                throw refuse(
                    ErrorCode.LIMIT_EXCEEDED,
                    change,
                    "has a value of tag %s longer than %d characters".formatted(name, MAX_NAME));
              }
              checkText(change, "value of tag " + name, value);
            });
  }

  private static boolean hasFreshRow(List<Edit> edits) {
    for (Edit guard : edits) {
      if (guard instanceof Edit.NoRow fresh) {
        for (Edit edit : edits) {
          if (edit instanceof Edit.Row row
              && row.value() != null
              && row.key().equals(fresh.key())
              && row.row().equals(fresh.row())) {
            return true;
          }
        }
      }
    }
    return false;
  }

  private static void checkName(Change change, String what, String name) {
    if (name.isEmpty() || name.length() > MAX_NAME) {
      throw refuse(
          name.isEmpty() ? ErrorCode.INVALID_INPUT : ErrorCode.LIMIT_EXCEEDED,
          change,
          "has a %s of %d characters, 1 to %d are allowed"
              .formatted(what, name.length(), MAX_NAME));
    }
    checkText(change, what, name);
  }

  /** Not every store keeps the character NUL, nor halves of a surrogate pair apart. */
  private static void checkText(Change change, String what, String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean pair =
          Character.isHighSurrogate(c)
              && i + 1 < text.length()
              && Character.isLowSurrogate(text.charAt(i + 1));
      if (c == 0 || (Character.isSurrogate(c) && !pair)) {
        throw refuse(
            ErrorCode.INVALID_INPUT,
            change,
            "has a %s with the character U+%04X at place %d".formatted(what, (int) c, i));
      }
      if (pair) {
        i++;
      }
    }
  }

  private static void checkBytes(Change change, String what, String name, byte[] bytes) {
    if (bytes.length > MAX_BYTES) {
      throw refuse(
          ErrorCode.LIMIT_EXCEEDED,
          change,
          "has %d bytes in %s %s, the limit is %d (256 KiB)"
              .formatted(bytes.length, what, name, MAX_BYTES));
    }
  }

  private static AgentException refuse(ErrorCode code, Change change, String why) {
    return new AgentException(code, "change " + change.id() + " " + why);
  }
}
