package dev.troupe.examples.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A provider that counts the requests that arrive in every sliding window, and bans the key for
 * good at the first one over the limit. A request is a byte; so is the answer.
 */
final class GovernorPeer implements AutoCloseable {
  static final int SERVED = 'y';
  private static final int BANNED = 'b';

  private final int limit;
  private final long window;
  private final ServerSocket listener;
  private final List<Socket> open = new CopyOnWriteArrayList<>();
  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<Long> recent = new ArrayDeque<>();
  private final List<Long> all = new ArrayList<>();
  private int fullest;
  private long over;

  GovernorPeer(int limit, long windowMillis) throws IOException {
    this.limit = limit;
    this.window = windowMillis * 1_000_000;
    this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    thread(this::accept);
  }

  private interface Task {
    void run() throws IOException;
  }

  private static void thread(Task task) {
    Thread thread =
        new Thread(
            () -> {
              try {
                task.run();
              } catch (IOException e) {
                // closed
              }
            },
            "peer");
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() throws IOException {
    while (true) {
      Socket socket = listener.accept();
      socket.setTcpNoDelay(true);
      open.add(socket);
      thread(() -> answer(socket));
    }
  }

  private void answer(Socket socket) throws IOException {
    InputStream in = socket.getInputStream();
    OutputStream out = socket.getOutputStream();
    while (in.read() >= 0) {
      out.write(count() ? SERVED : BANNED);
      out.flush();
    }
  }

  private boolean count() {
    lock.lock();
    try {
      long now = System.nanoTime();
      while (!recent.isEmpty() && now - recent.peekFirst() >= window) {
        recent.removeFirst();
      }
      recent.addLast(now);
      all.add(now);
      fullest = Math.max(fullest, recent.size());
      if (recent.size() > limit) {
        over++;
      }
      return over == 0;
    } finally {
      lock.unlock();
    }
  }

  int port() {
    return listener.getLocalPort();
  }

  /** How many arrived in the fullest window. */
  int fullest() {
    lock.lock();
    try {
      return fullest;
    } finally {
      lock.unlock();
    }
  }

  /** When requests came, in nanoseconds. */
  List<Long> arrivals() {
    lock.lock();
    try {
      return List.copyOf(all);
    } finally {
      lock.unlock();
    }
  }

  /** How many were over the limit. */
  long over() {
    lock.lock();
    try {
      return over;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (Socket socket : open) {
      socket.close();
    }
  }
}
