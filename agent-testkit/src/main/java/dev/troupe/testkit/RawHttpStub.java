package dev.troupe.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP/1.1 server on loopback that answers request after request from a script of bytes, pauses
 * and cuts: for tests of what a client makes of a broken wire.
 *
 * <p>A request is given the next answer of the script, then what {@link #otherwise} gives. One
 * beyond that gets a status of 500 that says so, and {@link #verifyDone} fails. Connections are
 * kept alive as long as their answers let them. There are one thread and one more for each
 * connection, all of them daemons; {@link #close} leaves none behind.
 *
 * <p>Safe for use by many threads.
 */
public final class RawHttpStub implements AutoCloseable {
  /**
   * What a client asked.
   *
   * @param connection the number of its connection, from 1
   * @param method GET, POST, …
   * @param path with the query
   * @param headers names in lower case; several values of one name are joined by a comma
   * @param body in UTF-8
   */
  public record Request(
      int connection, String method, String path, Map<String, String> headers, String body) {
    /** Copies. */
    public Request {
      headers = Map.copyOf(headers);
    }
  }

  private final ServerSocket server;
  private final Thread accepting;
  private final Set<RawHttpConnection> connections = ConcurrentHashMap.newKeySet();
  private final AtomicInteger accepted = new AtomicInteger();
  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<RawHttpAnswer> script = new ArrayDeque<>();
  private final List<Request> requests = new ArrayList<>();
  private final List<String> beyond = new ArrayList<>();
  private @Nullable Function<Request, @Nullable RawHttpAnswer> otherwise;

  private RawHttpStub() throws IOException {
    server = new ServerSocket(0, 256, InetAddress.getLoopbackAddress());
    accepting = new Thread(this::accept, "raw-http-stub-" + server.getLocalPort());
    accepting.setDaemon(true);
    accepting.start();
  }

  /**
   * Starts a server with an empty script on a free port.
   *
   * @return the server
   * @throws UncheckedIOException when there is no port
   */
  public static RawHttpStub start() {
    try {
      return new RawHttpStub();
    } catch (IOException e) {
      throw new UncheckedIOException("no port on loopback for a stub", e);
    }
  }

  /**
   * Where it listens.
   *
   * @return the port on loopback
   */
  public int port() {
    return server.getLocalPort();
  }

  /**
   * Where it listens, for a client's options.
   *
   * @param path with a leading slash, or empty text
   * @return the address
   */
  public URI uri(String path) {
    String host = server.getInetAddress().getHostAddress();
    return URI.create(
        "http://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + port() + path);
  }

  /**
   * Appends answers to the script.
   *
   * @param answers for the next requests, in their order
   * @return this
   */
  public RawHttpStub answer(RawHttpAnswer... answers) {
    locked(() -> script.addAll(List.of(answers)));
    return this;
  }

  /**
   * What answers requests that the script has nothing for.
   *
   * @param answer gives an answer, or null for none; called by the connection's thread
   * @return this
   */
  public RawHttpStub otherwise(Function<Request, @Nullable RawHttpAnswer> answer) {
    locked(() -> otherwise = answer);
    return this;
  }

  /**
   * What was asked so far, in its order: requests that came as a whole.
   *
   * @return the requests; the list does not change
   */
  public List<Request> requests() {
    lock.lock();
    try {
      return List.copyOf(requests);
    } finally {
      lock.unlock();
    }
  }

  /**
   * How many connections were opened so far.
   *
   * @return the number
   */
  public int connections() {
    return accepted.get();
  }

  /**
   * How many connections are open. One that the client closed counts until the stub sees it, which
   * it does at once while it waits, pauses or stalls.
   *
   * @return the number
   */
  public int open() {
    return connections.size();
  }

  /**
   * Checks that the script was followed.
   *
   * @throws AssertionError when answers were not asked for, or requests came beyond the script;
   *     names all of them
   */
  public void verifyDone() {
    List<String> wrong = new ArrayList<>();
    locked(
        () -> {
          wrong.addAll(beyond);
          script.forEach(answer -> wrong.add("an answer was not asked for: " + answer));
        });
    if (!wrong.isEmpty()) {
      throw new AssertionError(
          "after " + requests().size() + " requests:\n  " + String.join("\n  ", wrong));
    }
  }

  RawHttpAnswer answerTo(Request request) {
    RawHttpAnswer answer;
    Function<Request, @Nullable RawHttpAnswer> function;
    lock.lock();
    try {
      requests.add(request);
      answer = script.poll();
      function = otherwise;
    } finally {
      lock.unlock();
    }
    if (answer == null && function != null) {
      answer = function.apply(request);
    }
    if (answer != null) {
      return answer;
    }
    String what = request.method() + " " + request.path() + " is beyond the stub's script";
    locked(() -> beyond.add(what));
    return RawHttpAnswer.status(500).header("content-type", "text/plain").part(what);
  }

  private void locked(Runnable action) {
    lock.lock();
    try {
      action.run();
    } finally {
      lock.unlock();
    }
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        RawHttpConnection connection =
            new RawHttpConnection(this, socket, accepted.incrementAndGet());
        connections.add(connection);
        connection.start();
      } catch (IOException e) {
        LockSupport.parkNanos(1_000_000); // too many open files don't go away by asking faster
      }
    }
  }

  void ended(RawHttpConnection connection) {
    connections.remove(connection);
  }

  /** Closes the port and all connections, and waits until all threads are gone. Again, nothing. */
  @Override
  public void close() {
    boolean interrupted = Thread.interrupted();
    try {
      server.close();
      accepting.join();
    } catch (IOException e) {
      throw new UncheckedIOException("port " + port() + " can't be closed", e);
    } catch (InterruptedException e) {
      interrupted = true;
    }
    long until = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    for (RawHttpConnection connection : connections) {
      interrupted |= !connection.end(until);
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
