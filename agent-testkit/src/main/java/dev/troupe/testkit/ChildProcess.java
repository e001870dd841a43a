package dev.troupe.testkit;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A main class in a JVM of its own, to be killed, stopped and continued: with the Java and the
 * class path of this JVM. Its output and errors are read together, line by line, as UTF-8.
 *
 * <pre>{@code
 * try (ChildProcess worker = ChildProcess.of(Worker.class).jvm("-Xmx128m").args("--db", db).start()) {
 *   worker.awaitLine("ready", Duration.ofSeconds(20));
 *   worker.kill();
 * }
 * }</pre>
 *
 * <p>No child outlives this JVM when that ends in order: a shutdown hook kills it. {@link #close}
 * kills it too, with the processes that it has started and that were its own when it was killed,
 * terminated or closed. For Linux and macOS.
 *
 * <p>What was expected and did not happen is an {@link AssertionError} that shows the child's last
 * lines. Waiting honours interruption: it ends with an {@link AgentException} of code {@link
 * ErrorCode#CLOSED}, and the thread stays interrupted.
 *
 * <p>Safe for use by many threads.
 */
public final class ChildProcess implements AutoCloseable {
  private static final Duration SOON = Duration.ofSeconds(10);

  private final String name;
  private final Process process;
  private final ChildOutput output;
  private final Writer input;
  private final Thread hook;
  private final Set<ProcessHandle> offspring = ConcurrentHashMap.newKeySet();

  private ChildProcess(String name, Process process) {
    this.name = name;
    this.process = process;
    this.hook = new Thread(() -> process.toHandle().destroyForcibly(), "end-of-" + name);
    Runtime.getRuntime().addShutdownHook(hook);
    this.input = process.outputWriter(StandardCharsets.UTF_8);
    BufferedReader lines = process.inputReader(StandardCharsets.UTF_8);
    this.output = new ChildOutput(lines, "output-of-" + name);
  }

  /**
   * A child that runs a main class.
   *
   * @param main has a public static main method, and is on this JVM's class path
   * @return its options
   */
  public static Builder of(Class<?> main) {
    return new Builder(main);
  }

  // what it says

  /**
   * Every line so far, output and errors in the order in which they came.
   *
   * @return the lines, the last 100,000 of them if there were more
   */
  public List<String> lines() {
    return output.lines();
  }

  /**
   * Waits for a line; one that came already counts.
   *
   * @param regex is found somewhere in the line
   * @param atMost how long to wait
   * @return the first such line
   * @throws AssertionError when the time is over, or the child has ended without saying it
   */
  public String awaitLine(String regex, Duration atMost) {
    return awaitLines(matching(regex), 1, atMost, "/" + regex + "/").get(0);
  }

  /**
   * Waits for a line; one that came already counts.
   *
   * @param wanted says which line
   * @param atMost how long to wait
   * @return the first such line
   * @throws AssertionError when the time is over, or the child has ended without saying it
   */
  public String awaitLine(Predicate<String> wanted, Duration atMost) {
    return awaitLines(wanted, 1, atMost, "the line").get(0);
  }

  /**
   * Waits until a line came several times; those that came already count.
   *
   * @param regex is found somewhere in the line
   * @param count how many, at least 1
   * @param atMost how long to wait
   * @return the first such lines, as many as were asked for
   * @throws AssertionError when the time is over, or the child has ended without saying it
   */
  public List<String> awaitLines(String regex, int count, Duration atMost) {
    return awaitLines(matching(regex), count, atMost, count + " lines of /" + regex + "/");
  }

  private static Predicate<String> matching(String regex) {
    return Pattern.compile(regex).asPredicate();
  }

  private List<String> awaitLines(
      Predicate<String> wanted, int count, Duration atMost, String words) {
    List<String> found = interruptibly(() -> output.await(wanted, count, atMost));
    if (found.size() >= count) {
      return found;
    }
    if (!output.isOver()) {
      throw failed(words + " did not come", atMost);
    }
    interruptibly(() -> process.waitFor(1, TimeUnit.SECONDS)); // its exit code comes just behind
    throw failed("ended without " + words);
  }

  /**
   * Writes a line to the child's standard input.
   *
   * @param line without its end
   * @throws UncheckedIOException when the child does not read any more
   */
  public void send(String line) {
    try {
      input.write(line + "\n"); // the writer has a lock of its own
      input.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(failed("does not read any more").getMessage(), e);
    }
  }

  // its life

  /**
   * The child's process id.
   *
   * @return the id
   */
  public long pid() {
    return process.pid();
  }

  /**
   * Whether the child lives; one that is paused does.
   *
   * @return false once it has ended
   */
  public boolean alive() {
    return process.isAlive();
  }

  /** Kills it with SIGKILL and waits until it is gone. Does nothing when it has ended. */
  public void kill() {
    process.descendants().forEach(offspring::add);
    process.toHandle().destroyForcibly(); // that of the process would also drop its last output
    awaitExit(SOON);
  }

  /** Asks it to end, with SIGTERM, and does not wait. Does nothing when it has ended. */
  public void terminate() {
    process.descendants().forEach(offspring::add);
    process.toHandle().destroy();
  }

  /**
   * Stops it with SIGSTOP and waits until every thread of it stands still. It lives on and notices
   * nothing until {@link #resume}.
   *
   * @throws AssertionError when it has ended, or does not stop
   */
  public void pause() {
    signal("STOP");
    long until = System.nanoTime() + SOON.toNanos();
    while (!ProcessStates.stopped(pid())) {
      if (!alive()) {
        throw failed("ended while it was to be paused");
      }
      if (System.nanoTime() - until > 0) {
        throw failed("did not stop", SOON);
      }
      interruptibly(() -> process.waitFor(2, TimeUnit.MILLISECONDS));
    }
  }

  /**
   * Lets it go on with SIGCONT. Does nothing when it was not paused.
   *
   * @throws AssertionError when it has ended
   */
  public void resume() {
    signal("CONT");
  }

  private void signal(String signal) {
    int answer = alive() ? interruptibly(() -> ProcessStates.kill(signal, pid())) : -1;
    if (answer != 0) {
      throw failed("could not be sent SIG" + signal);
    }
  }

  /**
   * Waits until it has ended and all that it said was read.
   *
   * @param atMost how long to wait
   * @return its exit code; 128 and the signal's number when a signal ended it, so 137 after {@link
   *     #kill}
   * @throws AssertionError when it lives on
   */
  public int awaitExit(Duration atMost) {
    if (!interruptibly(() -> process.waitFor(atMost.toNanos(), TimeUnit.NANOSECONDS))) {
      throw failed("did not end", atMost);
    }
    // what it has started may keep its output open
    interruptibly(() -> output.awaitEnd(Duration.ofSeconds(1)));
    return process.exitValue();
  }

  /** Kills it and what it has started, and waits until nothing of it is left. */
  @Override
  public void close() {
    boolean interrupted = Thread.interrupted(); // nothing may be left, whoever closes
    try {
      kill();
      for (ProcessHandle handle : offspring) {
        handle.destroyForcibly();
      }
      if (!output.awaitEnd(SOON)) {
        throw failed("is gone, but something keeps its output open");
      }
      input.close();
    } catch (IOException gone) {
      // a line that could not be written before it was killed
    } catch (InterruptedException e) {
      interrupted = true;
    } finally {
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException shuttingDown) {
        // the hook runs, and has nothing left to do
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  // errors

  private interface Waiting<T> {
    T run() throws InterruptedException;
  }

  private <T> T interruptibly(Waiting<T> waiting) {
    try {
      return waiting.run();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AgentException(ErrorCode.CLOSED, "interrupted while waiting for " + this, e);
    }
  }

  private AssertionError failed(String what, Duration after) {
    return failed(what + " within " + after.toMillis() + " ms");
  }

  private AssertionError failed(String what) {
    String end = process.isAlive() ? "" : ", exit code " + process.exitValue();
    return new AssertionError("%s%s: %s%n%s".formatted(this, end, what, output.last()));
  }

  /** Its name and process id. */
  @Override
  public String toString() {
    return name + " (process " + process.pid() + ")";
  }

  /** What a child is started with. Belongs to one thread. */
  public static final class Builder {
    private final Class<?> main;
    private final List<String> jvm = new ArrayList<>(List.of("-XX:TieredStopAtLevel=1"));
    private final List<String> args = new ArrayList<>();
    private final Map<String, String> environment = new LinkedHashMap<>();
    private @Nullable Path directory;
    private String name;

    private Builder(Class<?> main) {
      this.main = main;
      this.name = main.getSimpleName();
    }

    /**
     * Adds options of the JVM. The child starts with {@code -XX:TieredStopAtLevel=1}, since most
     * live for seconds; a later option overrides it.
     *
     * @param options such as {@code -Xmx128m}
     * @return this
     */
    public Builder jvm(String... options) {
      jvm.addAll(List.of(options));
      return this;
    }

    /**
     * Sets a system property.
     *
     * @param key its name
     * @param value its value
     * @return this
     */
    public Builder property(String key, String value) {
      jvm.add("-D" + key + "=" + value);
      return this;
    }

    /**
     * Sets a variable of the environment; the rest is that of this JVM.
     *
     * @param key its name
     * @param value its value
     * @return this
     */
    public Builder environment(String key, String value) {
      environment.put(key, value);
      return this;
    }

    /**
     * Adds arguments of the main class.
     *
     * @param arguments what main is given
     * @return this
     */
    public Builder args(Object... arguments) {
      Arrays.stream(arguments).map(Objects::toString).forEach(args::add);
      return this;
    }

    /**
     * Sets the working directory; by default it is that of this JVM.
     *
     * @param directory an existing one
     * @return this
     */
    public Builder directory(Path directory) {
      this.directory = directory;
      return this;
    }

    /**
     * Sets a name for messages and threads; by default it is that of the main class.
     *
     * @param name for people
     * @return this
     */
    public Builder name(String name) {
      this.name = name;
      return this;
    }

    /**
     * Starts the child. Each call starts another one.
     *
     * @return the child; close it
     * @throws UncheckedIOException when the system does not start it
     */
    public ChildProcess start() {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(jvm);
      command.addAll(List.of("-cp", classPath(), main.getName()));
      command.addAll(args);
      ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
      builder.environment().putAll(environment);
      Path where = directory;
      if (where != null) {
        builder.directory(where.toFile());
      }
      try {
        return new ChildProcess(name, builder.start());
      } catch (IOException e) {
        throw new UncheckedIOException(name + " can't be started", e);
      }
    }

    /** Absolute, so that it holds in any working directory. */
    private static String classPath() {
      return String.join(
          File.pathSeparator,
          Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
              .filter(entry -> !entry.isBlank())
              .map(entry -> Path.of(entry).toAbsolutePath().toString())
              .toList());
    }
  }
}
