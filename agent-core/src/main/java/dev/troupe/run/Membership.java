package dev.troupe.run;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * One incarnation of a process in its fleet: announces itself by heartbeats, knows until when it
 * may begin effects, and when it may judge others.
 *
 * <p>A process is a record that waits in the queue {@link #FLEET}, due when its last heartbeat
 * expires. Whoever is handed that record by a claim has the verdict: the process is dead, and the
 * one that has the record takes over what it held. A claim hands it to exactly one, so there is no
 * leader and no vote. The dead process's own next heartbeat is refused because the record's version
 * has changed; it then begins again as another incarnation.
 *
 * <p>The lease is the local side of the same thing. It ends at the monotonic time at which the last
 * successful heartbeat was sent plus what the store granted, so it ends before the store can hand
 * the record to anybody. Grants protect the store whatever the clocks do; the lease only keeps a
 * process from beginning effects that another one may be repeating.
 *
 * <p>Pure: times come in, changes go out. Not safe for several threads.
 */
public final class Membership {
  /** The queue in which records of processes wait; a due one is that of a dead process. */
  public static final String FLEET = "$fleet";

  /** The value of the tag {@link RunRecord#KIND} on records of processes. */
  public static final String PROCESS = "process";

  private static final String PREFIX = PROCESS + "-";
  private static final String GONE = "gone";

  /** What an answer to a heartbeat means. */
  public enum Standing {
    /** The process is a member. */
    MEMBER,
    /** An earlier heartbeat was done though its answer was lost: send another at once. */
    UNSURE,
    /** It was declared dead; what it held is being taken over. */
    DEAD
  }

  private final String incarnation;
  private final RecordId id;
  private final long expiry;
  private final Set<String> unanswered = new HashSet<>();
  private long version;
  private boolean member;
  private long leaseEnd;
  private long lastSent;
  private long lastReceived;
  private long steadySince;
  private long storeMillis;

  /**
   * A process that has not joined yet.
   *
   * @param incarnation unique for ever
   * @param partitions the store's number of partitions
   * @param expiry how long after a heartbeat others consider it dead
   */
  public Membership(String incarnation, int partitions, Duration expiry) {
    this.incarnation = incarnation;
    this.id = RecordId.of(PREFIX + incarnation, partitions);
    this.expiry = expiry.toNanos();
  }

  /**
   * The incarnation whose record this is.
   *
   * @param process a record of kind {@link #PROCESS}
   * @return the holder in its grants
   */
  public static String incarnation(RecordId process) {
    return process.key().substring(PREFIX.length());
  }

  /**
   * Who this is.
   *
   * @return the holder in this incarnation's grants
   */
  public String incarnation() {
    return incarnation;
  }

  /**
   * Where its record lies.
   *
   * @return the record's id
   */
  public RecordId id() {
    return id;
  }

  /**
   * Joins, or says again that it is alive.
   *
   * @param changeId the change's id
   * @param value what it tells of itself
   * @param now the store's time as this process knows it
   * @return the change; its answer goes to {@link #answered}
   */
  public Change beat(String changeId, byte[] value, Instant now) {
    unanswered.add(changeId);
    List<Edit> edits = new ArrayList<>(3);
    edits.add(version == 0 ? new Edit.Absent(id.key()) : new Edit.AtVersion(id.key(), version));
    edits.add(new Edit.Put(id.key(), value, Map.of(RunRecord.KIND, PROCESS), null));
    edits.add(new Edit.Queue(id.key(), FLEET, 0, due(now), null, Long.MAX_VALUE));
    return new Change(changeId, id.partition(), edits);
  }

  private Instant due(Instant now) {
    return Runs.after(now, Duration.ofNanos(expiry));
  }

  /**
   * Takes in the answer to a heartbeat.
   *
   * @param outcome the answer
   * @param now the time given to {@link #beat}
   * @param sent the monotonic time before the heartbeat was sent
   * @param received the monotonic time after the answer came
   * @return what it means
   */
  public Standing answered(Outcome outcome, Instant now, long sent, long received) {
    if (outcome instanceof Outcome.Refused refused) {
      Stored found = refused.found();
      // while somebody holds the record it is judged, though its last change is still the heartbeat
      if (found != null
          && unanswered.contains(found.lastChange())
          && found.place() instanceof Place.Queued) {
        version = found.version();
        return Standing.UNSURE;
      }
      member = false;
      return Standing.DEAD;
    }
    Outcome.Done done = (Outcome.Done) outcome;
    for (Outcome.Seen seen : done.seen()) {
      if (seen.key().equals(id.key())) {
        version = seen.version();
      }
    }
    unanswered.clear();
    // the store hands the record out at due(now) on its clock, and its clock stood at done.now()
    // some time after the heartbeat was sent
    Duration granted = Duration.between(done.now(), due(now));
    long was = storeMillis;
    storeMillis = done.now().toEpochMilli();
    boolean gap = !member || received - lastSent > expiry / 2;
    if (gap || jumped(was, sent - lastReceived, received - lastSent)) {
      steadySince = received;
    }
    member = true;
    lastSent = sent;
    lastReceived = received;
    boolean less = granted.compareTo(Duration.ofNanos(expiry)) < 0;
    leaseEnd = sent + (less ? granted.toNanos() : expiry);
    return Standing.MEMBER;
  }

  /** Whether the store's clock went on by clearly more or less than this process's. */
  private boolean jumped(long before, long atLeast, long atMost) {
    long passed = TimeUnit.MILLISECONDS.toNanos(storeMillis - before);
    long tolerance = expiry / 4;
    return passed < atLeast - tolerance || passed > atMost + tolerance;
  }

  /**
   * Until when effects may begin: a fifth of the expiry is kept as a margin to notice the end of
   * the lease.
   *
   * @return a monotonic time
   */
  public long beginsUntil() {
    return leaseEnd - expiry / 5;
  }

  /**
   * Until when the lease lasts. After that, effects under way have to be interrupted.
   *
   * @return a monotonic time
   */
  public long leaseUntil() {
    return leaseEnd;
  }

  /**
   * Whether it may ask for the records of the dead: only after its own heartbeats went through
   * without a gap for one whole expiry. A store that stood still lets everybody look dead; this
   * gives the others the time to speak up first.
   *
   * @param nanos the monotonic time
   * @return true when it may
   */
  public boolean mayJudge(long nanos) {
    return member && nanos - steadySince >= expiry && nanos - lastSent < expiry / 2;
  }

  /**
   * Leaves the fleet.
   *
   * @param changeId the change's id
   * @param empty whether it holds nothing any more; otherwise others take over at once
   * @param now the store's time
   * @return the change; refused when it was declared dead before
   */
  public Change leave(String changeId, boolean empty, Instant now) {
    Edit last =
        empty
            ? new Edit.Delete(id.key())
            : new Edit.Queue(id.key(), FLEET, 0, now, null, Long.MAX_VALUE);
    return new Change(
        changeId, id.partition(), List.of(new Edit.AtVersion(id.key(), version), last));
  }

  // what whoever has the verdict does with the dead process's record

  /**
   * The end of a take-over. The first time the record is only put back for one more expiry, because
   * a claim of the dead process may still be on its way to the store; the second time it is
   * deleted.
   *
   * @param changeId the change's id
   * @param process the dead process's record, held
   * @param grant under which it is held
   * @param now the store's time
   * @return the change
   */
  public Change takenOver(String changeId, Stored process, Grant grant, Instant now) {
    if (isGone(process)) {
      return forget(changeId, process, grant);
    }
    String key = process.id().key();
    return new Change(
        changeId,
        process.id().partition(),
        List.of(
            new Edit.Held(key, grant),
            new Edit.Put(key, gone(process.value(), now), process.tags(), null),
            new Edit.Queue(key, FLEET, 0, due(now), null, Long.MAX_VALUE)));
  }

  /**
   * The end of a take-over when no claim of the dead process can be on its way.
   *
   * @param changeId the change's id
   * @param process the dead process's record, held
   * @param grant under which it is held
   * @return the change
   */
  public static Change forget(String changeId, Stored process, Grant grant) {
    String key = process.id().key();
    return new Change(
        changeId,
        process.id().partition(),
        List.of(new Edit.Held(key, grant), new Edit.Delete(key)));
  }

  /**
   * Whether a process was taken over before.
   *
   * @param process its record
   * @return true when only late claims are looked for
   */
  public static boolean isGone(Stored process) {
    return told(process.value()).containsKey(GONE);
  }

  private static byte[] gone(byte[] value, Instant now) {
    String told = new String(value, StandardCharsets.UTF_8);
    return Entry.text(told + "\n" + GONE + " " + now.toEpochMilli());
  }

  /**
   * What a process tells of itself.
   *
   * @param value the record's value
   * @return its lines, {@code name value}
   */
  public static Map<String, String> told(byte[] value) {
    Map<String, String> told = new LinkedHashMap<>();
    for (String line : new String(value, StandardCharsets.UTF_8).split("\n", -1)) {
      int space = line.indexOf(' ');
      if (space > 0) {
        told.put(line.substring(0, space), line.substring(space + 1));
      }
    }
    return told;
  }
}
