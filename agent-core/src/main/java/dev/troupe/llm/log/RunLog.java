package dev.troupe.llm.log;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentContext;
import dev.troupe.run.RunEnd;
import dev.troupe.run.RunRecord;
import dev.troupe.runtime.RunEvent;
import dev.troupe.runtime.RunListener;
import dev.troupe.state.Grant;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * The logs of runs: what people are shown while a run goes on. Numbered entries in the store, so
 * that a client that lost its connection goes on at any process from the last number it saw, with
 * no entry twice and none left out.
 *
 * <p>One instance serves a process. Given to {@code AgentRuntime.builder().listener(log)} it also
 * tells of steps, of progress and of the end of those runs that asked for a {@link #sink}.
 *
 * <ul>
 *   <li>Numbers begin with 1 and have no gaps; none is given twice, also after a crash.
 *   <li>What is told is collected for at most 100 ms or 4 KiB and written by one row; what a
 *       process told in its last 100 ms may die with it.
 *   <li>An execution that has lost its run can write until its successor writes first, never after.
 *   <li>What a run tells again after a crash is not entered again: only what goes beyond it. Where
 *       it differs, a {@link LogEntry.Kind#RESTARTED} goes before all that the source tells anew.
 *   <li>A log keeps 2,000 entries and 1 MiB; the oldest go, and readers are told how many.
 *   <li>A log is removed with its run, when the runtime's retention is over.
 * </ul>
 *
 * <p>Safe for use by many threads.
 */
public final class RunLog implements RunListener, AutoCloseable {
  private static final long SHORTEST_PAUSE = TimeUnit.MILLISECONDS.toNanos(20);
  private static final long LONGEST_PAUSE = TimeUnit.MILLISECONDS.toNanos(150);
  private static final long LOOK_AT_RUN = TimeUnit.SECONDS.toNanos(1);

  /** How long after a run's end its last words may come; who writes them gives up sooner. */
  private static final Duration LAST_WORDS = Duration.ofSeconds(10);

  private final StateStore store;
  private final LogRows rows;
  private final LogWriters writers;

  private RunLog(Builder b) {
    this.store = b.store;
    this.rows = new LogRows(b.store, b.codec);
    this.writers =
        new LogWriters(b.store, rows, new LogBounds(b.maxEntries, b.maxBytes, b.collect));
  }

  /**
   * The logs of the runs of a store.
   *
   * @param store the store of the runtime; not closed by this
   * @return the logs
   */
  public static RunLog over(StateStore store) {
    return builder(store).build();
  }

  /**
   * Starts logs with options.
   *
   * @param store the store of the runtime; not closed by this
   * @return a builder
   */
  public static Builder builder(StateStore store) {
    return new Builder(store);
  }

  /**
   * A sink for what a model says in a run, without a source's name.
   *
   * @param context of the run's execution
   * @return the sink, for this execution
   */
  public LogSink sink(AgentContext context) {
    return sink(context, "");
  }

  /**
   * A sink for what a model says in a run. Sources that speak at the same time, as parallel
   * branches do, need names of their own, the same in each execution.
   *
   * @param context of the run's execution
   * @param source who speaks, at most 200 characters
   * @return the sink, for this execution
   */
  public LogSink sink(AgentContext context, String source) {
    return sink(context.runId(), context.grant(), source);
  }

  LogSink sink(String run, Grant grant, String source) {
    if (source.length() > 200) {
      throw new IllegalArgumentException(
          "a source's name has at most 200 characters, not " + source.length());
    }
    return new LogSink(writers, writers.open(run, grant), source);
  }

  /**
   * What the log has behind a number.
   *
   * @param run the run
   * @param after the last number that the reader saw, 0 for none
   * @return some entries, none when there are no others yet, or no log
   */
  public LogPage read(String run, long after) {
    LogRows.Found found = rows.after(run, after);
    List<LogEntry> entries = new ArrayList<>();
    for (LogRows.Row row : found.rows()) {
      for (LogEntry entry : row.entries()) {
        if (entry.number() > after) {
          entries.add(entry);
        }
      }
    }
    long missing = entries.isEmpty() ? 0 : entries.get(0).number() - Math.max(0, after) - 1;
    return new LogPage(entries, missing, found.more());
  }

  /**
   * Shows a log as it grows, until the run is over and all was shown. When nobody wrote its end, as
   * after a crash, that is ten seconds after it. To stop earlier, interrupt the thread.
   *
   * @param run the run, of this process or another
   * @param after the last number that the reader saw, 0 for none
   * @param listener is given all behind it, in order, by this thread
   * @throws InterruptedException when the thread was interrupted
   * @throws AgentException with {@link ErrorCode#RUN_NOT_FOUND} when there is no such run, {@link
   *     ErrorCode#CLOSED} when this was closed
   */
  public void follow(String run, long after, LogListener listener) throws InterruptedException {
    long seen = Math.max(0, after);
    long pause = SHORTEST_PAUSE;
    long looked = System.nanoTime() - LOOK_AT_RUN;
    boolean over = false;
    while (true) {
      long turns = writers.turns();
      LogPage page = read(run, seen);
      if (page.missing() > 0) {
        listener.missing(seen + 1, seen + page.missing());
      }
      boolean ended = false;
      for (LogEntry entry : page.entries()) {
        listener.entry(entry);
        seen = entry.number();
        ended = entry.kind() == LogEntry.Kind.ENDED;
      }
      if (!page.entries().isEmpty()) {
        if (ended && !page.more()) {
          return;
        }
        pause = SHORTEST_PAUSE;
        over = false;
        if (page.more()) {
          continue;
        }
      } else if (System.nanoTime() - looked >= LOOK_AT_RUN) {
        if (over) {
          return; // its last words were not written, or it has none
        }
        over = isOver(run);
        looked = System.nanoTime();
      }
      writers.await(turns, pause);
      pause = Math.min(LONGEST_PAUSE, pause * 3 / 2);
    }
  }

  /**
   * Shows a log as it grows, as {@link #follow} does, by another thread.
   *
   * @param run the run, of this process or another
   * @param after the last number that the reader saw, 0 for none
   * @param listener is given all behind it, in order, by one thread at a time
   * @param executor whose thread follows the log; one is taken until the run is over or the
   *     subscription closed, so virtual threads are best
   * @return the subscription, to be closed by the caller
   * @throws java.util.concurrent.RejectedExecutionException when the executor takes nothing more
   */
  public LogSubscription subscribe(
      String run, long after, LogListener listener, Executor executor) {
    return new LogSubscription(this, run, after, listener).start(executor);
  }

  /** Whether nothing more is to come. */
  private boolean isOver(String run) {
    RecordId id = RecordId.of(run, store.info().partitions());
    List<Stored> found = store.scan(Scan.mailAfter(id, Long.MAX_VALUE)).items();
    if (found.isEmpty()) {
      throw new AgentException(
          ErrorCode.RUN_NOT_FOUND,
          "there is no run %s, or it ended so long ago that it was removed".formatted(run));
    }
    Stored record = found.get(0);
    RunEnd end = RunRecord.decode(record).end();
    return end != null && end.at().plus(LAST_WORDS).isBefore(record.now());
  }

  /** Notes what happens to runs of this process that write a log. */
  @Override
  public void on(RunEvent event) {
    String run = event.run();
    if (event instanceof RunEvent.StepStarted step) {
      tell(run, Told.What.STEP_STARTED, step.path(), Integer.toString(step.attempt()));
    } else if (event instanceof RunEvent.StepFinished step) {
      tell(run, Told.What.STEP_FINISHED, step.path(), "");
    } else if (event instanceof RunEvent.StepFailed step) {
      tell(run, Told.What.STEP_FAILED, step.path(), step.failure().kind());
    } else if (event instanceof RunEvent.Progress progress) {
      tell(run, Told.What.PROGRESS, "", words(progress.progress()));
    } else if (event instanceof RunEvent.Ended ended) {
      Told last = new Told(Told.What.ENDED, "", ended.state().name());
      writers.happened(run, last, true);
    } else if (event instanceof RunEvent.Parked || event instanceof RunEvent.LetGo) {
      writers.happened(run, null, true);
    }
  }

  private void tell(String run, Told.What what, String source, String text) {
    writers.happened(run, new Told(what, source, text), false);
  }

  private static String words(Object progress) {
    if (progress instanceof CharSequence text) {
      return text.toString();
    }
    byte[] json = Codec.json().encode(progress, progress.getClass());
    return new String(json, StandardCharsets.UTF_8);
  }

  /** Writes what waits, for some seconds at the most; ends what follows. */
  @Override
  public void close() {
    writers.close();
  }

  /** Collects options. Not safe for several threads. */
  public static final class Builder {
    private final StateStore store;
    private Codec codec = Codec.json();
    private int maxEntries = 2_000;
    private long maxBytes = 1 << 20;
    private Duration collect = Duration.ofMillis(100);

    private Builder(StateStore store) {
      this.store = Objects.requireNonNull(store, "store");
    }

    /**
     * Sets what entries are encoded by; the same for all that read and write.
     *
     * @param codec the codec, {@link Codec#json} unless another is given
     * @return this
     */
    public Builder codec(Codec codec) {
      this.codec = Objects.requireNonNull(codec, "codec");
      return this;
    }

    /**
     * Sets how many entries a log keeps.
     *
     * @param maxEntries at least 1
     * @return this
     */
    public Builder maxEntries(int maxEntries) {
      if (maxEntries < 1) {
        throw new IllegalArgumentException("maxEntries must be at least 1: " + maxEntries);
      }
      this.maxEntries = maxEntries;
      return this;
    }

    /**
     * Sets how many bytes a log keeps, as they are encoded. The newest row is always kept.
     *
     * @param maxBytes at least 1
     * @return this
     */
    public Builder maxBytes(long maxBytes) {
      if (maxBytes < 1) {
        throw new IllegalArgumentException("maxBytes must be at least 1: " + maxBytes);
      }
      this.maxBytes = maxBytes;
      return this;
    }

    /**
     * Sets how long entries are collected before they are written.
     *
     * @param collect more than zero
     * @return this
     */
    public Builder collect(Duration collect) {
      if (collect.isNegative() || collect.isZero()) {
        throw new IllegalArgumentException("collect must be more than zero: " + collect);
      }
      this.collect = collect;
      return this;
    }

    /**
     * Builds the logs.
     *
     * @return the logs
     */
    public RunLog build() {
      return new RunLog(this);
    }
  }
}
