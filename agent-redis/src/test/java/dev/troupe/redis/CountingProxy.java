package dev.troupe.redis;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Stands between client and server and counts how often the client waits for an answer. Holds
 * answers back until the client has been silent for a moment, so that what it sends in one go
 * counts as one, however long it is.
 */
final class CountingProxy implements AutoCloseable {
  private static final long QUIET = 10_000_000;

  private final ServerSocket listener;
  private final int target;
  private final AtomicLong trips = new AtomicLong();
  private volatile long lastAsked;
  private final List<Closeable> open = new CopyOnWriteArrayList<>();

  CountingProxy(int target) throws IOException {
    this.target = target;
    listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    start("accept", this::accept);
  }

  int port() {
    return listener.getLocalPort();
  }

  /** Round trips since the last call. */
  long trips() {
    return trips.getAndSet(0);
  }

  private interface Task {
    void run() throws IOException;
  }

  private void start(String name, Task task) {
    Thread thread =
        new Thread(
            () -> {
              try {
                task.run();
              } catch (IOException e) {
                // closed
              }
            },
            "proxy-" + name);
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() throws IOException {
    while (true) {
      Socket client = listener.accept();
      Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
      client.setTcpNoDelay(true);
      server.setTcpNoDelay(true);
      open.add(client);
      open.add(server);
      AtomicBoolean asking = new AtomicBoolean();
      start("out", () -> copy(client, server, asking, true));
      start("back", () -> copy(server, client, asking, false));
    }
  }

  private void copy(Socket from, Socket to, AtomicBoolean asking, boolean asks) throws IOException {
    byte[] buffer = new byte[1 << 20];
    InputStream in = from.getInputStream();
    OutputStream out = to.getOutputStream();
    for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
      if (asks) {
        lastAsked = System.nanoTime();
      } else {
        for (long rest = QUIET; rest > 0; rest = lastAsked + QUIET - System.nanoTime()) {
          LockSupport.parkNanos(rest);
        }
      }
      // a trip begins with the first byte after an answer
      if (asking.getAndSet(asks) != asks && asks) {
        trips.incrementAndGet();
      }
      out.write(buffer, 0, n);
      out.flush();
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (Closeable socket : open) {
      socket.close();
    }
  }
}
