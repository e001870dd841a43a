package dev.troupe.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A TCP proxy on loopback that does to a connection what networks do. A client connects to {@link
 * #port} instead of its server.
 *
 * <p>Faults are switched at run time, each by one call that takes effect at once and as a whole,
 * for connections that are open and those to come, and stay until {@link #heal}. Several hold
 * together: a byte is delayed, then swallowed or changed, then cut into slices. Bytes keep their
 * order. Where there is chance, the same seed gives the same: whether a byte is changed depends on
 * the seed, the connection's number, the way and the byte's place in it, not on timing.
 *
 * <p>There are one thread and, for each connection, two more, all of them daemons; at most 256
 * connections are open at a time, the next are closed at once. {@link #close} leaves none behind.
 *
 * <p>Safe for use by many threads.
 */
public final class FaultProxy implements AutoCloseable {
  private static final int MOST_CONNECTIONS = 256;

  /** The way that bytes take. */
  public enum Way {
    /** From client to server. */
    REQUESTS(0),
    /** From server to client. */
    ANSWERS(1);

    final int index;

    Way(int index) {
      this.index = index;
    }
  }

  final FaultSwitches switches = new FaultSwitches();
  final InetSocketAddress server;
  final long seed;
  private final InetSocketAddress own;

  /** Bound to the port and never listening, so that nobody else is given it while we don't. */
  private final Socket reserved;

  private final ReentrantLock lock = new ReentrantLock();
  private final Set<ProxyConnection> connections = ConcurrentHashMap.newKeySet();
  private final AtomicLong accepted = new AtomicLong();
  private final LongAdder[] received = {new LongAdder(), new LongAdder()};
  private final LongAdder[] forwarded = {new LongAdder(), new LongAdder()};
  private final LongAdder[] writes = {new LongAdder(), new LongAdder()};
  private @Nullable Listener listener;
  private boolean closed;

  private FaultProxy(InetSocketAddress server, long seed) throws IOException {
    this.server = server;
    this.seed = seed;
    Socket keeper = new Socket();
    Listener first;
    try {
      keeper.setReuseAddress(true);
      keeper.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      first = new Listener(keeper.getLocalSocketAddress());
    } catch (IOException notHere) {
      ProxyConnection.closeQuietly(keeper);
      first = new Listener(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }
    this.reserved = keeper;
    this.own = new InetSocketAddress(InetAddress.getLoopbackAddress(), first.port());
    this.listener = first;
    first.start();
  }

  /**
   * A proxy in front of a server, without faults so far.
   *
   * @param host where the server listens; connected to when a client comes, not before
   * @param port its port
   * @return the proxy, listening on a free port
   * @throws UncheckedIOException when there is none
   */
  public static FaultProxy to(String host, int port) {
    return to(host, port, 0);
  }

  /**
   * A proxy in front of a server, without faults so far.
   *
   * @param host where the server listens; connected to when a client comes, not before
   * @param port its port
   * @param seed for all that is left to chance
   * @return the proxy, listening on a free port
   * @throws UncheckedIOException when there is none
   */
  public static FaultProxy to(String host, int port, long seed) {
    try {
      return new FaultProxy(new InetSocketAddress(host, port), seed);
    } catch (IOException e) {
      throw new UncheckedIOException("no proxy to " + host + ":" + port, e);
    }
  }

  /**
   * Where clients connect to.
   *
   * @return the port on loopback, the same for the life of the proxy
   */
  public int port() {
    return own.getPort();
  }

  // faults

  /**
   * Holds back what goes one way. A piece of up to 16 KiB is handed on when the delay has passed
   * since it came, and the next is taken only then, so long streams also get slower.
   *
   * @param way which way
   * @param delay how long, zero for not at all
   */
  public void delay(Way way, Duration delay) {
    if (delay.isNegative()) {
      throw new IllegalArgumentException("delay " + delay + " is negative");
    }
    switches.change(way, faults -> faults.delay(delay.toNanos()));
  }

  /**
   * Hands on what goes one way in small writes. Each is a packet of its own; what the reader reads
   * at once is up to its system.
   *
   * @param way which way
   * @param bytes at most so many in a write, at least 1
   */
  public void slice(Way way, int bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("slices of " + bytes + " bytes");
    }
    switches.change(way, faults -> faults.slice(bytes));
  }

  /**
   * Changes bytes that go one way.
   *
   * @param way which way
   * @param probability for each byte, from 0 to 1, that it becomes another one
   */
  public void corrupt(Way way, double probability) {
    if (!(probability >= 0 && probability <= 1)) {
      throw new IllegalArgumentException("probability " + probability + " is not from 0 to 1");
    }
    switches.change(way, faults -> faults.corrupt(probability));
  }

  /**
   * Takes what comes one way and never hands it on, nor that the sender has closed: a black hole.
   * The other way goes on.
   *
   * @param way which way
   */
  public void swallow(Way way) {
    switches.change(way, faults -> faults.swallow(true));
  }

  /**
   * Hands requests on and drops their answers: what was asked for is done, and the client never
   * knows. The same as {@code swallow(Way.ANSWERS)}.
   */
  public void swallowAnswers() {
    swallow(Way.ANSWERS);
  }

  /**
   * Closes all open connections now, on both sides, as the system does for a killed peer. What was
   * held back is lost. New ones are welcome.
   */
  public void cut() {
    connections.forEach(ProxyConnection::cut);
  }

  /**
   * Closes all open connections as {@link #cut} does, once, when more bytes have been handed on one
   * way; not one byte more is. After that, all is as before.
   *
   * @param way which way
   * @param bytes how many from now on, over all connections; with 0 the next byte is the one that
   *     does not get through
   */
  public void cutAfter(Way way, long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("after " + bytes + " bytes");
    }
    switches.cutAfter(way, bytes);
  }

  /** Refuses new connections, as a port does that nobody listens on. Open ones go on. */
  public void refuse() {
    lock.lock();
    try {
      Listener before = listener;
      listener = null;
      if (before != null) {
        before.end();
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Ends all faults. What is held back goes on at once. A connection of which bytes were swallowed
   * is cut, because a stream with a hole is nothing that a network makes.
   *
   * @throws UncheckedIOException when connections were refused and somebody else has taken the port
   */
  public void heal() {
    switches.heal();
    connections.stream().filter(ProxyConnection::hasHole).forEach(ProxyConnection::cut);
    lock.lock();
    try {
      if (listener == null && !closed) {
        Listener next = new Listener(own);
        listener = next;
        next.start();
      }
    } catch (IOException e) {
      throw new UncheckedIOException("port " + port() + " can't be listened on again", e);
    } finally {
      lock.unlock();
    }
  }

  // counters

  /**
   * How many connections were accepted so far.
   *
   * @return the number; those refused are not in it
   */
  public long connections() {
    return accepted.get();
  }

  /**
   * How many connections are open now.
   *
   * @return the number
   */
  public int open() {
    return connections.size();
  }

  /**
   * How many bytes have come one way, swallowed ones too.
   *
   * @param way which way
   * @return the number
   */
  public long received(Way way) {
    return received[way.index].sum();
  }

  /**
   * How many bytes were handed on one way.
   *
   * @param way which way
   * @return the number
   */
  public long forwarded(Way way) {
    return forwarded[way.index].sum();
  }

  /**
   * In how many writes they were handed on.
   *
   * @param way which way
   * @return the number
   */
  public long writes(Way way) {
    return writes[way.index].sum();
  }

  void came(Way way, int bytes) {
    received[way.index].add(bytes);
  }

  void went(Way way, int bytes) {
    forwarded[way.index].add(bytes);
    writes[way.index].increment();
  }

  void ended(ProxyConnection connection) {
    connections.remove(connection);
  }

  /** Closes the port and all connections, and waits until all threads are gone. Again, nothing. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
    } finally {
      lock.unlock();
    }
    refuse();
    ProxyConnection.closeQuietly(reserved);
    boolean interrupted = Thread.interrupted();
    long until = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    for (ProxyConnection connection : connections) {
      connection.cut();
      interrupted |= !connection.awaitEnd(until);
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Accepts connections on a thread of its own until it is ended. */
  private final class Listener {
    private final ServerSocket socket = new ServerSocket();
    private final Thread thread;

    Listener(SocketAddress address) throws IOException {
      try {
        socket.setReuseAddress(true);
        socket.bind(address, MOST_CONNECTIONS);
      } catch (IOException e) {
        socket.close();
        throw e;
      }
      thread = new Thread(this::accept, "fault-proxy-" + socket.getLocalPort());
      thread.setDaemon(true);
    }

    int port() {
      return socket.getLocalPort();
    }

    void start() {
      thread.start();
    }

    private void accept() {
      while (!socket.isClosed()) {
        Socket client = null;
        try {
          client = socket.accept();
          if (connections.size() >= MOST_CONNECTIONS) {
            client.close();
            continue;
          }
          long number = accepted.incrementAndGet();
          ProxyConnection connection = new ProxyConnection(FaultProxy.this, client, number);
          connections.add(connection);
          connection.start();
        } catch (IOException e) {
          if (client != null) {
            ProxyConnection.closeQuietly(client);
          }
          LockSupport.parkNanos(1_000_000); // too many open files don't go away by asking faster
        }
      }
    }

    void end() {
      boolean interrupted = Thread.interrupted();
      try {
        socket.close();
        thread.join();
      } catch (IOException e) {
        throw new UncheckedIOException("port " + port() + " can't be closed", e);
      } catch (InterruptedException e) {
        interrupted = true;
      } finally {
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }
  }
}
