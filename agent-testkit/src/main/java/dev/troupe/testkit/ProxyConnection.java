package dev.troupe.testkit;

import dev.troupe.testkit.FaultProxy.Way;
import dev.troupe.testkit.FaultSwitches.Faults;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** One client of a proxy and its server, with a thread for each way. */
final class ProxyConnection {
  private static final int PIECE = 16 * 1024;
  private static final int CONNECT_MILLIS = 10_000;

  private final FaultProxy proxy;
  private final Socket client;
  private final Socket server = new Socket();
  private final long number;
  private final Thread requests;
  private final Thread answers;
  private final AtomicInteger under = new AtomicInteger(2);
  private volatile boolean over;
  private volatile boolean hole;

  ProxyConnection(FaultProxy proxy, Socket client, long number) {
    this.proxy = proxy;
    this.client = client;
    this.number = number;
    String name = "fault-proxy-" + proxy.port() + "-" + number;
    requests = new Thread(this::begin, name + "-requests");
    answers = new Thread(() -> pump(Way.ANSWERS, server, client), name + "-answers");
    requests.setDaemon(true);
    answers.setDaemon(true);
  }

  void start() {
    requests.start();
  }

  private void begin() {
    try {
      server.connect(proxy.server, CONNECT_MILLIS);
      client.setTcpNoDelay(true);
      server.setTcpNoDelay(true);
    } catch (IOException refused) {
      cut();
    }
    answers.start();
    pump(Way.REQUESTS, client, server);
  }

  /** Closes both sides; the threads end soon. */
  void cut() {
    over = true;
    closeQuietly(client);
    closeQuietly(server);
    proxy.switches.wake();
  }

  boolean hasHole() {
    return hole;
  }

  /** Waits for both threads; false when interrupted meanwhile. */
  boolean awaitEnd(long until) {
    try {
      // the first one starts the second
      for (Thread thread : new Thread[] {requests, answers}) {
        thread.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime())));
      }
      return true;
    } catch (InterruptedException e) {
      return false;
    }
  }

  private void pump(Way way, Socket from, Socket to) {
    try {
      if (!over) {
        carry(way, from, to);
      }
    } catch (IOException broken) {
      cut(); // one side is gone without a farewell
    } catch (InterruptedException wanted) {
      Thread.currentThread().interrupt();
      cut();
    } finally {
      if (under.decrementAndGet() == 0) {
        cut();
        proxy.ended(this);
      }
    }
  }

  private void carry(Way way, Socket from, Socket to) throws IOException, InterruptedException {
    InputStream in = from.getInputStream();
    OutputStream out = to.getOutputStream();
    byte[] piece = new byte[PIECE];
    long place = 0;
    boolean swallowed = false;
    for (int length = in.read(piece); length >= 0; length = in.read(piece)) {
      proxy.came(way, length);
      Faults faults = proxy.switches.await(way, System.nanoTime(), () -> over);
      if (over) {
        return;
      }
      if (faults.swallow()) {
        swallowed = true;
        hole = true;
      } else if (swallowed) {
        cut(); // healed just now; this must not be seen behind a hole
        return;
      } else {
        corrupt(way, faults.corrupt(), piece, length, place);
        if (!write(way, out, piece, length, faults.slice())) {
          proxy.cut();
          return;
        }
      }
      place += length;
    }
    proxy.switches.await(way, System.nanoTime(), () -> over);
    proxy.switches.awaitUnswallowed(way, () -> over);
    if (!over) {
      to.shutdownOutput();
    }
  }

  /** False when everything is to be cut now. */
  private boolean write(Way way, OutputStream out, byte[] piece, int length, int slice)
      throws IOException {
    for (int done = 0; done < length; ) {
      int pass = proxy.switches.pass(way, Math.min(slice, length - done));
      int bytes = pass < 0 ? ~pass : pass;
      if (bytes > 0) {
        out.write(piece, done, bytes);
        proxy.went(way, bytes);
      }
      if (pass < 0) {
        return false;
      }
      done += bytes;
      if (done < length) {
        LockSupport.parkNanos(1_000); // so that a reader who waits gets it as it comes
      }
    }
    return true;
  }

  private void corrupt(Way way, double probability, byte[] piece, int length, long place) {
    if (probability == 0) {
      return;
    }
    long stream = mix(proxy.seed ^ mix(2 * number + way.index));
    for (int i = 0; i < length; i++) {
      long chance = mix(stream + place + i);
      if ((chance >>> 11) * 0x1.0p-53 < probability) {
        piece[i] ^= (byte) (1 + Math.floorMod(mix(chance), 255)); // never by 0
      }
    }
  }

  /** Spreads a number over all bits: the finisher of SplittableRandom. */
  private static long mix(long number) {
    long z = number + 0x9e3779b97f4a7c15L;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  static void closeQuietly(Closeable closeable) {
    try {
      closeable.close();
    } catch (IOException e) {
      // it is gone either way
    }
  }
}
