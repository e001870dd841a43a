package dev.troupe.state;

import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A store's time between its answers: its latest answer's, plus what has passed since that answer
 * was heard. It is behind the store by as long as the answer was under way, and not ahead of it, as
 * far as this machine's monotonic clock runs no faster than the store's. It may go back a little
 * when a later answer took longer. Safe for use by many threads.
 */
public final class StoreTime {
  private static final long LONGEST_CALL = TimeUnit.SECONDS.toNanos(10);

  private final LongSupplier nanos;
  private final AtomicReference<@Nullable Heard> latest = new AtomicReference<>();

  private record Heard(long millis, long nanos) {
    /** What is older than something heard long ago was not overtaken: the store's clock was set. */
    boolean overtakenBy(Heard other) {
      return millis < other.millis && nanos - other.nanos < LONGEST_CALL;
    }
  }

  /** Knows nothing yet. */
  public StoreTime() {
    this(System::nanoTime);
  }

  StoreTime(LongSupplier nanos) {
    this.nanos = nanos;
  }

  /**
   * Notes the time of an answer that has just come. One that the store gave before another, which
   * overtook it, changes nothing.
   *
   * @param answer the {@code now} of an outcome or a record
   */
  public void heard(Instant answer) {
    Heard newer = new Heard(answer.toEpochMilli(), nanos.getAsLong());
    Heard known = latest.get();
    while ((known == null || !newer.overtakenBy(known)) && !latest.compareAndSet(known, newer)) {
      known = latest.get();
    }
  }

  /**
   * Asks the store, by a change that can't be done, when nothing was heard yet.
   *
   * @param store whose time it is
   * @param about any record's place, whether the record is there or not
   * @throws dev.troupe.AgentException when the store does not answer
   */
  public void learn(StateStore store, RecordId about) {
    if (!isKnown()) {
      List<Edit> never =
          List.of(new Edit.AtVersion(about.key(), Long.MAX_VALUE), new Edit.Delete(about.key()));
      Change change = new Change(UUID.randomUUID().toString(), about.partition(), never);
      heard(store.apply(List.of(change)).get(0).now());
    }
  }

  /**
   * Whether anything was heard.
   *
   * @return false until the first answer
   */
  public boolean isKnown() {
    return latest.get() != null;
  }

  /**
   * The store's time now.
   *
   * @return milliseconds since 1970
   * @throws IllegalStateException when nothing was heard yet
   */
  public long millis() {
    return millisAt(nanos.getAsLong());
  }

  /**
   * The store's time at a moment, for those who also need the moment.
   *
   * @param nanoTime what {@link System#nanoTime} says or said
   * @return milliseconds since 1970
   * @throws IllegalStateException when nothing was heard yet
   */
  public long millisAt(long nanoTime) {
    Heard known = latest.get();
    if (known == null) {
      throw new IllegalStateException("the store was not asked anything yet");
    }
    return known.millis + TimeUnit.NANOSECONDS.toMillis(nanoTime - known.nanos);
  }
}
