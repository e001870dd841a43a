package dev.troupe.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A real Redis server on this machine, for tests. A child process on a free port of the loopback
 * address, with its data in a folder of its own; both are gone after {@link #close()}, and at the
 * latest when this JVM ends.
 *
 * <p>The program comes from the class path: version 7.0 from {@code org.signal:embedded-redis},
 * version 6.2 from {@code com.github.codemonstur:embedded-redis}. Of those jars only the binary is
 * used. The one of 7.0 is static; the one of 6.2 for Linux needs glibc, {@code libssl.so.3} and
 * {@code libcrypto.so.3}. A server that can't be started is an error, never a skipped test.
 *
 * <p>Not safe for several threads, except {@link #close()}.
 */
public final class RedisServer implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final Builder settings;
  private final Path folder;
  private final Thread hook = new Thread(this::destroy, "redis-server-end");
  private final int port;
  private volatile int bus;
  private volatile Process process;
  private volatile boolean closed;

  private RedisServer(Builder settings) {
    this.settings = settings;
    try {
      folder = Files.createTempDirectory("troupe-redis-");
      if (!settings.file.isEmpty()) {
        Files.write(folder.resolve("redis.conf"), settings.file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Runtime.getRuntime().addShutdownHook(hook);
    for (int attempt = 1; ; attempt++) {
      int free = LoopbackPorts.free();
      bus = settings.clustered ? LoopbackPorts.free() : 0;
      Process started = launch(free);
      process = started;
      String trouble = trouble(started, free);
      if (trouble == null) {
        port = free;
        return;
      }
      String log = end(log(), 12);
      ProcessStates.end(started);
      // another process may have taken the port in the meantime
      if (attempt == 5 || !log.contains("Address already in use")) {
        close();
        throw new IllegalStateException("redis-server " + trouble + "; its log ends:\n" + log);
      }
    }
  }

  /**
   * A server of version 7.0 that keeps nothing on disk.
   *
   * @return the server, running
   */
  public static RedisServer start() {
    return builder().start();
  }

  /**
   * Starts with the defaults: version 7.0, nothing kept on disk.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Where the server listens, with the password if there is one.
   *
   * @return such as {@code redis://127.0.0.1:6379}
   */
  public URI uri() {
    String password = settings.password == null ? "" : ":" + settings.password + "@";
    return URI.create("redis://" + password + "127.0.0.1:" + port);
  }

  /**
   * The port, the same after {@link #restart()}.
   *
   * @return on the loopback address
   */
  public int port() {
    return port;
  }

  /**
   * The child's process id.
   *
   * @return that of the last start
   */
  public long pid() {
    return process.pid();
  }

  /** Ends the server in order: it writes what it is configured to keep. */
  public void stop() {
    command("SHUTDOWN");
    ProcessStates.awaitEnd(process);
  }

  /** Ends the server at once, as {@code kill -9} does. */
  public void kill() {
    ProcessStates.end(process);
  }

  /** Starts the server again with the same port and data, after ending it if it runs. */
  public void restart() {
    if (process.isAlive()) {
      stop();
    }
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      Process started = launch(port);
      process = started;
      String trouble = trouble(started, port);
      if (trouble == null) {
        return;
      }
      ProcessStates.end(started);
      if (System.nanoTime() - deadline > 0) {
        throw new IllegalStateException(
            "redis-server " + trouble + "; its log ends:\n" + end(log(), 12));
      }
    }
  }

  /** Stops the process without ending it: connections stay open and nobody answers. */
  public void pause() {
    ProcessStates.signal("STOP", pid());
  }

  /** Lets a paused process go on. */
  public void resume() {
    ProcessStates.signal("CONT", pid());
  }

  /** Ends the server and deletes its files. May be called more than once. */
  @Override
  public void close() {
    destroy();
    if (!closed) {
      closed = true;
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        // the JVM is ending and the hook runs
      }
    }
  }

  private void destroy() {
    Process last = process;
    if (last != null) {
      ProcessStates.end(last);
    }
    RedisProgram.delete(folder);
  }

  /**
   * Sends one command on a connection of its own.
   *
   * @param words the command and its arguments, without line breaks
   * @return the first line of the answer; empty when the server closed the connection
   */
  public String command(String... words) {
    try (RedisWire wire = new RedisWire(port, settings.password, PATIENCE)) {
      return wire.firstLine(words);
    } catch (IOException e) {
      throw new UncheckedIOException("redis-server on port " + port, e);
    }
  }

  /** The whole answer to one command. */
  @Nullable Object ask(String... words) throws IOException {
    try (RedisWire wire = new RedisWire(port, settings.password, Duration.ofSeconds(2))) {
      return wire.call(words);
    }
  }

  /** The port on which nodes of a cluster talk to one another. */
  int bus() {
    return bus;
  }

  boolean alive() {
    return process.isAlive();
  }

  private Process launch(int at) {
    List<String> line = new ArrayList<>(List.of(RedisProgram.of(settings.version).toString()));
    if (!settings.file.isEmpty()) {
      line.add(folder.resolve("redis.conf").toString());
    }
    line.addAll(List.of("--port", "" + at, "--bind", "127.0.0.1", "--dir", folder.toString()));
    line.addAll(List.of("--save", "", "--daemonize", "no", "--logfile", "server.log"));
    if (settings.password != null) {
      line.addAll(List.of("--requirepass", settings.password));
    }
    if (settings.clustered) {
      line.addAll(List.of("--cluster-enabled", "yes", "--cluster-port", "" + bus));
    }
    line.addAll(settings.arguments);
    try {
      return new ProcessBuilder(line)
          .redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("server.log").toFile()))
          .start();
    } catch (IOException e) {
      throw new UncheckedIOException("can't start " + line.get(0), e);
    }
  }

  /** Waits for PONG; null when it came. */
  private @Nullable String trouble(Process started, int at) {
    long begun = System.nanoTime();
    while (System.nanoTime() - begun < PATIENCE.toNanos()) {
      if (!started.isAlive()) {
        return "ended with " + started.exitValue();
      }
      try (RedisWire wire = new RedisWire(at, null, Duration.ofSeconds(1))) {
        String answer = wire.firstLine("PING");
        if ((answer.startsWith("+PONG") || answer.startsWith("-NOAUTH")) && started.isAlive()) {
          return null;
        }
      } catch (IOException e) {
        // not yet
      }
      LockSupport.parkNanos(5_000_000);
    }
    return "did not answer for " + PATIENCE.toSeconds() + " s";
  }

  private String log() {
    try {
      return new String(Files.readAllBytes(folder.resolve("server.log")), UTF_8);
    } catch (IOException e) {
      return "(no log: " + e + ")";
    }
  }

  private static String end(String text, int lines) {
    List<String> all = text.lines().toList();
    return String.join("\n", all.subList(Math.max(0, all.size() - lines), all.size()));
  }

  /** How to start a server. Not safe for several threads. */
  public static final class Builder {
    private String version = "7.0";
    private @Nullable String password;
    private final List<String> arguments = new ArrayList<>();
    private List<String> file = List.of();
    private boolean clustered;

    private Builder() {}

    /**
     * Sets which Redis to start.
     *
     * @param version {@code 7.0}, the default, or {@code 6.2}
     * @return this
     */
    public Builder version(String version) {
      if (!version.equals("7.0") && !version.equals("6.2")) {
        throw new IllegalArgumentException("there are 7.0 and 6.2, not " + version);
      }
      this.version = version;
      return this;
    }

    /**
     * Keeps every write in an append-only file.
     *
     * @param fsync {@code always}, {@code everysec} or {@code no}
     * @return this
     */
    public Builder appendOnly(String fsync) {
      return argument("--appendonly", "yes").argument("--appendfsync", fsync);
    }

    /**
     * Bounds the memory for data.
     *
     * @param size as Redis writes it, such as {@code 8mb}
     * @param policy what happens beyond, such as {@code noeviction}
     * @return this
     */
    public Builder maxMemory(String size, String policy) {
      return argument("--maxmemory", size).argument("--maxmemory-policy", policy);
    }

    /**
     * Demands a password of clients.
     *
     * @param password without spaces
     * @return this
     */
    public Builder password(String password) {
      this.password = Objects.requireNonNull(password, "password");
      return this;
    }

    /**
     * Adds arguments of the command line.
     *
     * @param words such as {@code --cluster-enabled} and {@code yes}
     * @return this
     */
    public Builder argument(String... words) {
      arguments.addAll(List.of(words));
      return this;
    }

    /** Gives it a file of settings, in which it may write what it learns. */
    Builder file(List<String> lines) {
      file = List.copyOf(lines);
      return this;
    }

    /** Makes it a node of a cluster, with a port for its bus. */
    Builder clustered() {
      clustered = true;
      return this;
    }

    /**
     * Starts the server and waits until it answers.
     *
     * @return the server
     * @throws IllegalStateException when it does not start; the message has the end of its log
     */
    public RedisServer start() {
      return new RedisServer(this);
    }
  }
}
