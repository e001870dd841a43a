package dev.troupe.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A real PostgreSQL server for tests, on a free port of the loopback interface: started, killed,
 * paused and started again at will.
 *
 * <p>Its programs and data lie in a temporary folder that {@link #close()} removes. It ends with
 * this JVM however that ends. PostgreSQL refuses to run as root; under root it runs as {@code
 * nobody}. A server that can't start fails the test with the last lines of its log.
 *
 * <p>Safe for use by many threads.
 */
public final class PostgresServer implements AutoCloseable {
  /** The superuser of every server. */
  public static final String USER = "postgres";

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** Starts one server at the first use; it lives as long as the JVM. */
  private static final class Shared {
    static final PostgresServer SERVER = builder().start();
  }

  private final ReentrantLock lock = new ReentrantLock();
  private final AtomicInteger databases = new AtomicInteger();
  private final String password = UUID.randomUUID().toString();
  private final Map<String, String> settings;
  private final PostgresFiles files;
  private final Thread atExit = new Thread(this::stop, "postgres-at-exit");
  private final int port;
  private @Nullable Process postmaster;
  private @Nullable EndWatch watch;

  private PostgresServer(Map<String, String> settings) {
    this.settings = Map.copyOf(settings);
    files = PostgresFiles.unpack(password);
    Runtime.getRuntime().addShutdownHook(atExit);
    port = LoopbackPorts.free();
    boolean up = false;
    try {
      launch();
      up = true;
    } finally {
      if (!up) {
        close();
      }
    }
  }

  /**
   * The server that the tests of this JVM share. Use a database or a schema of your own in it, and
   * don't stop it.
   *
   * @return the server, started by the first call; with {@code fsync} off
   */
  public static PostgresServer shared() {
    return Shared.SERVER;
  }

  /**
   * Starts a server with the defaults.
   *
   * @return a server of your own, to be closed
   */
  public static PostgresServer start() {
    return builder().start();
  }

  /**
   * Begins to describe a server.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /** The settings of a server. Not safe for several threads. */
  public static final class Builder {
    private final Map<String, String> settings = new LinkedHashMap<>();

    private Builder() {
      settings.put("fsync", "off");
      settings.put("max_connections", "100");
      settings.put("shared_buffers", "64MB");
    }

    /**
     * Sets a parameter of the server, as in {@code postgresql.conf}.
     *
     * @param name its name, such as {@code fsync}, which is off unless set here
     * @param value its value
     * @return this
     */
    public Builder setting(String name, String value) {
      settings.put(name, value);
      return this;
    }

    /**
     * Starts the server and waits until it takes connections.
     *
     * @return the server
     * @throws IllegalStateException with the end of its log, when it does not start
     */
    public PostgresServer start() {
      return new PostgresServer(settings);
    }
  }

  /**
   * The port on the loopback interface; stays the same over {@link #restart()}.
   *
   * @return its number
   */
  public int port() {
    return port;
  }

  /**
   * The postmaster's process id.
   *
   * @return its number, of the last one started
   */
  public long pid() {
    return running().pid();
  }

  /**
   * The password of {@link #USER}.
   *
   * @return a random one, so that a test can look for it where it must not be
   */
  public String password() {
    return password;
  }

  /**
   * The address of the database that every server has.
   *
   * @return a JDBC URL without user and password
   */
  public String url() {
    return url("postgres");
  }

  /**
   * The address of a database.
   *
   * @param database its name
   * @return a JDBC URL without user and password
   */
  public String url(String database) {
    return "jdbc:postgresql://127.0.0.1:" + port + "/" + database;
  }

  /**
   * Connections to the database that every server has.
   *
   * @return a source that opens a new connection each time
   */
  public DataSource dataSource() {
    return dataSource("postgres");
  }

  /**
   * Connections to a database.
   *
   * @param database its name
   * @return a source that opens a new connection each time
   */
  public DataSource dataSource(String database) {
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl(url(database));
    source.setUser(USER);
    source.setPassword(password);
    return source;
  }

  /**
   * Creates an empty database, so that tests do not see each other.
   *
   * @return its name
   */
  public String freshDatabase() {
    String name = "test_" + databases.incrementAndGet();
    try (Connection connection = dataSource().getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + name);
      return name;
    } catch (SQLException e) {
      throw new IllegalStateException("no database could be created", e);
    }
  }

  /** Kills the whole server at once, as {@code kill -9} does: nobody gets to say goodbye. */
  public void kill() {
    lock.lock();
    try {
      Process process = running();
      List<ProcessHandle> all = new ArrayList<>(process.toHandle().descendants().toList());
      process.toHandle().destroyForcibly();
      // those born between the two lines above
      all.addAll(process.toHandle().descendants().toList());
      all.forEach(ProcessHandle::destroyForcibly);
      ProcessStates.awaitEnd(process);
      for (ProcessHandle child : all) {
        PostgresFiles.until(() -> !child.isAlive(), "a process of the server did not die");
      }
    } finally {
      lock.unlock();
    }
  }

  /** Stops every process of the server where it stands, until {@link #resume()}. */
  public void pause() {
    signalAll("-STOP");
  }

  /** Lets a paused server go on. */
  public void resume() {
    signalAll("-CONT");
  }

  /**
   * Starts the server again over the same data, on the same port; one that still runs is shut down
   * first, cutting its connections.
   *
   * @throws IllegalStateException with the end of its log, when it does not start
   */
  public void restart() {
    lock.lock();
    try {
      shutDown();
      launch();
    } finally {
      lock.unlock();
    }
  }

  /** Stops the server and removes its files. May be called more than once. */
  @Override
  public void close() {
    stop();
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException e) {
      return; // the JVM ends, and the hook does the rest
    }
  }

  private void stop() {
    lock.lock();
    try {
      shutDown();
      files.remove();
    } finally {
      lock.unlock();
    }
  }

  private Process running() {
    lock.lock();
    try {
      return Objects.requireNonNull(postmaster, "the server was closed");
    } finally {
      lock.unlock();
    }
  }

  private void signalAll(String signal) {
    lock.lock();
    try {
      ProcessHandle process = running().toHandle();
      List<String> command = new ArrayList<>(List.of("kill", signal, "" + process.pid()));
      process.descendants().forEach(child -> command.add("" + child.pid()));
      PostgresFiles.run(command);
    } finally {
      lock.unlock();
    }
  }

  private void launch() {
    List<String> command = new ArrayList<>(files.program("postgres"));
    command.addAll(List.of("-D", files.data().toString(), "-p", "" + port));
    Map<String, String> all = new LinkedHashMap<>();
    all.put("listen_addresses", "127.0.0.1");
    all.put("unix_socket_directories", "");
    // so that nothing is left in shared memory when it is killed
    all.put("dynamic_shared_memory_type", "mmap");
    all.putAll(settings);
    all.forEach((name, value) -> command.addAll(List.of("-c", name + "=" + value)));
    try {
      Process process = PostgresFiles.builder(command, files.log()).start();
      postmaster = process;
      watch = EndWatch.over(process, files.folder());
      PostgresFiles.until(
          () -> !process.isAlive() || files.isReady(process.pid()),
          () -> "the server does not get ready\n" + files.lastLines());
      if (!process.isAlive()) {
        throw new IllegalStateException("the server did not start\n" + files.lastLines());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void shutDown() {
    Process process = postmaster;
    if (process == null) {
      return;
    }
    if (process.isAlive()) {
      List<ProcessHandle> all = process.toHandle().descendants().toList();
      try {
        PostgresFiles.run(List.of("kill", "-CONT", "" + process.pid()));
        PostgresFiles.run(List.of("kill", "-INT", "" + process.pid()));
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
          process.toHandle().destroyForcibly();
        }
      } catch (InterruptedException e) {
        process.toHandle().destroyForcibly();
        Thread.currentThread().interrupt();
      }
      all.forEach(ProcessHandle::destroyForcibly);
    }
    ProcessStates.awaitEnd(process);
    EndWatch waiting = watch;
    if (waiting != null) {
      waiting.end();
    }
    postmaster = null;
    watch = null;
  }

  /** How long anything may take. */
  static long deadline() {
    return System.nanoTime() + PATIENCE.toNanos();
  }

  /** A moment between two looks. */
  static void breathe() {
    LockSupport.parkNanos(2_000_000);
  }
}
