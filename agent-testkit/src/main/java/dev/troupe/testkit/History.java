package dev.troupe.testkit;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.runtime.RunEvent;
import dev.troupe.runtime.RunListener;
import dev.troupe.runtime.RunView;
import dev.troupe.testkit.HistoryEvent.Kind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What several processes did to runs, as they noted it themselves, and a check of it. Made for
 * tests that kill and stop real processes: each writes a file of its own into one folder, and when
 * all is over the test reads them together.
 *
 * <pre>{@code
 * // in each process
 * History.Writer history = History.Writer.open(folder, "worker-1");
 * AgentRuntime runtime = AgentRuntime.builder().listener(history.listener())....start();
 * // in the agent
 * context.step("book", String.class, attempt -> {
 *   history.begin(context.runId(), "book", attempt.number());
 *   String booking = bookings.book();
 *   history.end(context.runId(), "book", attempt.number());
 *   return booking;
 * });
 * // in the test, at the end
 * History.check(History.files(folder)).assertHolds();
 * }</pre>
 *
 * <h2>What a file survives</h2>
 *
 * <p>Each event is one line and one call of the operating system, without fsync: {@code kill -9}
 * leaves what was written in the page cache, and tears at most the last line, which is then left
 * out. Anything else that can't be read is an error. The failure of the machine is not covered.
 *
 * <h2>How events of several processes are ordered</h2>
 *
 * <p>Not by clocks, which tests fake. A number in a file that all processes map into memory is
 * counted up with each event. An event that was noted before another began to be noted has the
 * lower number, whatever the processes. So all processes run on one machine, over one local folder.
 *
 * <h2>When an effect was made though it must not be</h2>
 *
 * <p>The rule is that an effect whose result was journaled is never made again, while one that was
 * in flight at a crash may be. An effect that began twice breaks the rule only if its result was in
 * the journal before the second time. From outside this is known in three ways, each a proof:
 *
 * <ul>
 *   <li>A process was told by the store that the result was written ({@link Writer#known}, which
 *       the {@linkplain Writer#listener() listener} notes).
 *   <li>An effect that comes later <i>in the same branch</i> began, in any process. Code is
 *       deterministic and a step returns only when its result is in the journal, so whoever got as
 *       far as the later effect had the result of the earlier one. The order in a branch is the
 *       order in which its effects began for the first time. Effects of other branches prove
 *       nothing: branches run side by side, and losers of a race never finish. A path's branch is
 *       what stands before its last {@code /}.
 *   <li>The run ended. Then nothing of it begins at all, whatever was journaled.
 * </ul>
 *
 * <p>{@link Writer#end} proves nothing: a process may die between the effect and its record. So an
 * effect that begins again without proof is counted as {@linkplain HistoryReport.Count#REPEATED
 * repeated}, and the test says how many there may be: for each kill at most those in flight. Within
 * one execution it is wrong without any proof unless its attempt has a higher number.
 *
 * <p>No violation is missed for want of a proof while the listener is used, except where a process
 * died between the store's answer and its note and no later effect of that branch began before the
 * repetition. Kills at other places of the same test find what that one could not see.
 *
 * <h2>Late is not wrong</h2>
 *
 * <p>A process may decide that an effect begins, stand still for longer than its lease, by {@code
 * SIGSTOP} or because the machine was busy, and note and make the effect when it goes on, though
 * another process has taken the run over and made it. Troupe does not promise otherwise: a process
 * without its grant may still be inside an effect. From outside that looks the same as a process
 * that ignores its lease. What tells them apart is that it happens once: after it went on the
 * process looks at its lease before whatever it begins next. The writer notes when its process
 * stood still for 100 ms or more. An event is excused, and an effect counted as {@linkplain
 * HistoryReport.Count#LATE late}, when
 *
 * <ul>
 *   <li>its process stood still, and what forbids the event happened after that began;
 *   <li>it is the first thing that the process did in that branch since, and
 *   <li>it was noted within a second after the process went on.
 * </ul>
 *
 * <p>The same holds for a write that the store accepted before the process stood still and that was
 * noted after it. A process that took the run again after the proof had the result before its eyes
 * and is never excused.
 *
 * <h2>Who holds a run</h2>
 *
 * <p>The process that last noted that it executes it ({@link Writer#taken}). An effect, a result or
 * an end by another one is an old grant that still counts for something, unless it is late. Whoever
 * stood still while another took the run, and notes only then that it executes it, may have taken
 * it before or after; then the one that holds it is the one that does the next thing in it and is
 * not late with that. When the one that had no right does something and the other dies before it
 * does anything, nobody can tell, and nothing is reported.
 *
 * <h2>What a stop does</h2>
 *
 * <p>A run that is stopped for a misfit may go on with other code, and what did not fit is put
 * aside. Proofs from before the stop count no longer.
 *
 * <p>Safe for use by many threads.
 */
public final class History {
  private History() {}

  /**
   * The files of a folder.
   *
   * @param folder where writers write
   * @return one for each life of a process, sorted by name
   * @throws UncheckedIOException when the folder can't be read
   */
  public static List<Path> files(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(f -> f.toString().endsWith(HistoryLog.SUFFIX)).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException("can't list " + folder, e);
    }
  }

  /**
   * Checks a history in which everything is over: a run without an end is wrong.
   *
   * @param files all that were written into one folder
   * @return what was found
   * @throws AgentException with {@link ErrorCode#UNDECODABLE} when a line other than a torn last
   *     one can't be read, or files of different folders are mixed
   * @throws UncheckedIOException when a file can't be read
   */
  public static HistoryReport check(Collection<Path> files) {
    return check(files, true);
  }

  /**
   * Checks a history in which runs may still be alive. Writers may live, but write nothing
   * meanwhile: of what is read at different times causes can be missing.
   *
   * @param files all that were written into one folder
   * @return what was found
   * @throws AgentException with {@link ErrorCode#UNDECODABLE} when a line other than a torn last
   *     one can't be read, or files of different folders are mixed
   * @throws UncheckedIOException when a file can't be read
   */
  public static HistoryReport checkSoFar(Collection<Path> files) {
    return check(files, false);
  }

  private static HistoryReport check(Collection<Path> files, boolean complete) {
    List<HistoryEvent> events = new ArrayList<>();
    Set<String> processes = new HashSet<>();
    int torn = 0;
    for (Path file : files) {
      HistoryEvent.Read read = HistoryEvent.read(file);
      torn += read.torn() ? 1 : 0;
      if (!read.events().isEmpty() && !processes.add(read.events().get(0).process())) {
        throw mixed("process " + read.events().get(0).process());
      }
      events.addAll(read.events());
    }
    events.sort(Comparator.comparingLong(HistoryEvent::ticket));
    HistoryChecker checker = new HistoryChecker();
    long last = -1;
    for (HistoryEvent event : events) {
      if (event.ticket() == last) {
        throw mixed("event " + last);
      }
      last = event.ticket();
      checker.add(event);
    }
    return checker.finish(complete, torn);
  }

  private static AgentException mixed(String what) {
    return new AgentException(
        ErrorCode.UNDECODABLE,
        what + " is there twice: all files of a history come from one folder, each once");
  }

  /**
   * Notes what one process does. A process opens one and keeps it for its life.
   *
   * <p>Paths are those of the journal: {@code name#occurrence}, behind {@code
   * group#occurrence/branch/} for each group of branches around it. The name alone is its first
   * occurrence, so for most steps outside of branches it is the step's name.
   *
   * <p>Safe for use by many threads. A method that returns has written its event; one that throws
   * {@link UncheckedIOException} closes the writer, since nothing can be read behind a torn line.
   * On a closed writer every method throws {@link IllegalStateException}. Interrupting a thread
   * does no harm.
   */
  public static final class Writer implements AutoCloseable {
    private final HistoryLog log;

    private Writer(HistoryLog log) {
      this.log = log;
    }

    /**
     * Opens a new file, which is this life of the process.
     *
     * @param folder one for all processes of the history, on a local disk; is created
     * @param process a name for people, of letters, digits, {@code .}, {@code _} and {@code -}; the
     *     process id and a random number are added to it
     * @return the writer; it has a daemon thread until it is closed
     * @throws UncheckedIOException when the file can't be created
     */
    public static Writer open(Path folder, String process) {
      if (!process.matches("[A-Za-z0-9._-]{1,100}")) {
        throw new IllegalArgumentException("'" + process + "' can't be part of a file's name");
      }
      int chance = ThreadLocalRandom.current().nextInt() & 0xffffff;
      String life = "%s-%d-%06x".formatted(process, ProcessHandle.current().pid(), chance);
      return new Writer(new HistoryLog(folder, life));
    }

    /**
     * A run is about to be submitted. Note it before, and {@link #submitted} when it was accepted;
     * what happens between the two is in doubt.
     *
     * @param run its id
     * @param key its key, when runs of that key go one after another; null for none
     */
    public void submitting(String run, @Nullable String key) {
      log.append(Kind.SUBMITTING, run, key == null ? "" : key);
    }

    /**
     * A run was accepted: from now on it must not be lost. May be noted several times.
     *
     * @param run its id
     */
    public void submitted(String run) {
      log.append(Kind.SUBMITTED, run);
    }

    /**
     * This process begins to execute a run, anew or again. Comes before anything else that it does
     * in the run.
     *
     * @param run its id
     * @param parent the run that called it, null for none
     */
    public void taken(String run, @Nullable String parent) {
      log.append(Kind.TAKEN, run, parent == null ? "" : parent);
    }

    /**
     * An effect begins. Note it in the step's action, before anything is done, once an attempt and
     * under the step's own path: a second effect of the same action would pass for a later step,
     * and prove what is not so.
     *
     * @param run the run
     * @param path the effect's path
     * @param attempt the attempt's number, from 1
     */
    public void begin(String run, String path, int attempt) {
      log.append(Kind.BEGIN, run, path, Integer.toString(attempt));
    }

    /**
     * An effect was made. Note it as the last thing in the step's action.
     *
     * @param run the run
     * @param path the effect's path
     * @param attempt the attempt's number, from 1
     */
    public void end(String run, String path, int attempt) {
      log.append(Kind.END, run, path, Integer.toString(attempt));
    }

    /**
     * The store has acknowledged the result of an effect, or that it has failed for good. The
     * {@link #listener} notes it.
     *
     * @param run the run
     * @param path the effect's path
     */
    public void known(String run, String path) {
      log.append(Kind.KNOWN, run, path);
    }

    /**
     * An effect begins to be undone. Note it in the compensation, before anything is done. It is an
     * effect of its own, of the path {@code undo/} and the path of what it undoes.
     *
     * @param run the run
     * @param path the path of the effect that is undone
     * @param attempt the attempt's number, from 1
     */
    public void compensation(String run, String path, int attempt) {
      begin(run, HistoryRun.UNDO + path, attempt);
    }

    /**
     * A timer fired.
     *
     * @param run the run that waited
     * @param due when it was due, on the store's clock
     * @param fired when it fired, on the store's clock
     */
    public void timer(String run, Instant due, Instant fired) {
      log.append(Kind.TIMER, run, due.toString(), fired.toString());
    }

    /**
     * This process has ended a run, or stopped it, and the store has acknowledged that. Noted only
     * by the process that did it; what others find in the store is an {@link #outcome}.
     *
     * @param run the run
     * @param state succeeded, failed, cancelled or stopped
     */
    public void ended(String run, RunView.State state) {
      if (!state.ended() && state != RunView.State.STOPPED) {
        throw new IllegalArgumentException(state + " is not the end of a run");
      }
      log.append(Kind.ENDED, run, state.name());
    }

    /**
     * What the store holds of a run. Noted when all is over, by whoever reads the whole store, once
     * for each record found. Without any such note the check does not look for lost runs and double
     * outcomes, and knows no end that its process could not note any more.
     *
     * @param run the run
     * @param state where it stands
     * @param parent the run that called it, null for none
     */
    public void outcome(String run, RunView.State state, @Nullable String parent) {
      log.append(Kind.OUTCOME, run, state.name(), parent == null ? "" : parent);
    }

    /**
     * Notes what the runtime tells: runs taken, called and ended, results acknowledged. It does not
     * note effects; they do that themselves, so that the record does not rest on what is tested.
     *
     * @return a listener for {@code AgentRuntime.Builder.listener}
     */
    public RunListener listener() {
      return event -> {
        if (event instanceof RunEvent.Started started) {
          taken(started.run(), started.parent());
        } else if (event instanceof RunEvent.StepFinished finished) {
          known(finished.run(), finished.path());
        } else if (event instanceof RunEvent.StepFailed failed && failed.retryIn() == null) {
          known(failed.run(), failed.path());
        } else if (event instanceof RunEvent.Called called) {
          submitted(called.child());
        } else if (event instanceof RunEvent.Ended ended) {
          ended(ended.run(), ended.state());
        }
      };
    }

    /**
     * Where this process writes.
     *
     * @return the file
     */
    public Path file() {
      return log.file();
    }

    /** Ends the writer and its thread. Again, it does nothing. */
    @Override
    public void close() {
      log.close();
    }
  }
}
