package dev.troupe.run;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * What a run sends to a partition that is not its own. It lies beside the run, written in the same
 * change as its cause, until somebody has relayed it: as mail, or as a run created under an id that
 * was fixed beforehand. Both do nothing when they are done again, so a relay that dies half way
 * costs nothing. What goes to one target goes in order, through a lane.
 *
 * <p>Stored as text lines, then bytes: {@code 1 mail}, the target, the mail's name, the mail's
 * value; or {@code 1 create}, the new run's id, the value of its record.
 */
public final class Outbox {
  /** The queue in which outbox records wait for a relay. */
  public static final String QUEUE = "$outbox";

  private static final String NAME = "/$out-";
  private static final String EVENT = "/$event-";
  private static final String MAIL = "1 mail";
  private static final String CREATE = "1 create";

  private Outbox() {}

  static String key(String run, String unique) {
    return run + NAME + unique;
  }

  static String eventKey(String run, String unique) {
    return run + EVENT + unique;
  }

  /**
   * Whether a record is an event that goes out.
   *
   * @param key its key
   * @return true for one that a bus publishes
   */
  public static boolean isEvent(String key) {
    return key.contains(EVENT);
  }

  /**
   * Whether a record is one to relay.
   *
   * @param key its key
   * @return true for an outbox record
   */
  public static boolean isOutbox(String key) {
    return key.contains(NAME);
  }

  static List<Edit> mail(String key, String target, String row, byte[] value) {
    return put(key, target, Entry.text(MAIL + "\n" + target + "\n" + row, value));
  }

  static List<Edit> create(String key, RunHeader run) {
    byte[] record = new RunRecord(run, null).put().value();
    return put(key, run.id(), Entry.text(CREATE + "\n" + run.id(), record));
  }

  private static List<Edit> put(String key, String target, byte[] value) {
    return List.of(new Edit.Put(key, value, Map.of(), null), queue(key, target));
  }

  private static Edit queue(String key, String target) {
    return new Edit.Queue(key, QUEUE, 0, Instant.EPOCH, "$out/" + target, Long.MAX_VALUE);
  }

  /**
   * Puts an outbox record back into its queue.
   *
   * @param record the record, held
   * @return the edit
   */
  public static Edit requeue(Stored record) {
    return queue(record.id().key(), lines(record)[1]);
  }

  /**
   * What has to be done in the target's partition.
   *
   * @param changeId the change's id
   * @param record the outbox record
   * @param partitions the store's number of partitions
   * @return the change; when it is refused, it was done before
   * @throws AgentException with {@link ErrorCode#UNDECODABLE}
   */
  public static Change deliver(String changeId, Stored record, int partitions) {
    String[] lines = lines(record);
    RecordId target = RecordId.of(lines[1], partitions);
    List<Edit> edits;
    if (lines[0].equals(MAIL)) {
      edits = List.of(new Edit.Mail(lines[1], lines[2], rest(record, 3), true));
    } else {
      RunHeader header = RunRecord.decode(rest(record, 2), record.id().key()).header();
      edits = Runs.submit(changeId, partitions, header).edits();
    }
    return new Change(changeId, target.partition(), edits);
  }

  /**
   * Removes an outbox record that was delivered.
   *
   * @param changeId the change's id
   * @param record the record, held
   * @return the change; refused when another relay has it by now
   */
  public static Change delivered(String changeId, Stored record) {
    String key = record.id().key();
    return new Change(
        changeId,
        record.id().partition(),
        List.of(new Edit.Held(key, ((Place.Held) record.place()).grant()), new Edit.Delete(key)));
  }

  private static String[] lines(Stored record) {
    String[] lines = new String(record.value(), StandardCharsets.UTF_8).split("\n", 4);
    if (lines.length < 3 || !(lines[0].equals(MAIL) || lines[0].equals(CREATE))) {
      throw new AgentException(
          ErrorCode.UNDECODABLE,
          "outbox record " + record.id().key() + " is not of a form that this version knows");
    }
    return lines;
  }

  /** The bytes after so many lines. */
  private static byte[] rest(Stored record, int lines) {
    byte[] value = record.value();
    int from = 0;
    for (int i = 0; i < lines; i++) {
      while (value[from] != '\n') {
        from++;
      }
      from++;
    }
    return Arrays.copyOfRange(value, from, value.length);
  }
}
