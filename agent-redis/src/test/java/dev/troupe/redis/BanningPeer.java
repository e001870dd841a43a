package dev.troupe.redis;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A provider that counts requests in every sliding window, by the times of their arrival, and bans
 * the key for good at the first one over the limit. A request is a byte; so is the answer: {@code
 * y}, or {@code b} for banned.
 */
final class BanningPeer implements AutoCloseable {
  private final int limit;
  private final long window;
  private final ServerSocket listener;
  private final List<Closeable> open = new CopyOnWriteArrayList<>();
  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<Long> arrived = new ArrayDeque<>();
  private int fullest;
  private long requests;
  private long banned;

  BanningPeer(int limit, long windowMillis) throws IOException {
    this.limit = limit;
    this.window = windowMillis * 1_000_000;
    this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    start(this::accept);
  }

  int port() {
    return listener.getLocalPort();
  }

  private interface Task {
    void run() throws IOException;
  }

  private static void start(Task task) {
    Thread thread =
        new Thread(
            () -> {
              try {
                task.run();
              } catch (IOException e) {
                // closed
              }
            },
            "banning-peer");
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() throws IOException {
    while (true) {
      Socket socket = listener.accept();
      socket.setTcpNoDelay(true);
      open.add(socket);
      start(() -> answer(socket));
    }
  }

  private void answer(Socket socket) throws IOException {
    InputStream in = socket.getInputStream();
    OutputStream out = socket.getOutputStream();
    while (in.read() >= 0) {
      out.write(count() ? 'y' : 'b');
      out.flush();
    }
  }

  private boolean count() {
    lock.lock();
    try {
      long now = System.nanoTime();
      while (!arrived.isEmpty() && now - arrived.peekFirst() >= window) {
        arrived.removeFirst();
      }
      arrived.addLast(now);
      requests++;
      fullest = Math.max(fullest, arrived.size());
      if (arrived.size() > limit) {
        banned++;
      }
      return banned == 0;
    } finally {
      lock.unlock();
    }
  }

  /** How many requests there were in the fullest window. */
  int fullest() {
    lock.lock();
    try {
      return fullest;
    } finally {
      lock.unlock();
    }
  }

  /** How many requests there were. */
  long requests() {
    lock.lock();
    try {
      return requests;
    } finally {
      lock.unlock();
    }
  }

  /** How many requests were over the limit. */
  long banned() {
    lock.lock();
    try {
      return banned;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (Closeable one : open) {
      one.close();
    }
  }
}
