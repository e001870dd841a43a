package dev.troupe.testkit;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** Sends back what it gets. */
final class EchoServer implements AutoCloseable {
  private final ServerSocket socket = new ServerSocket(0, 512, InetAddress.getLoopbackAddress());
  private final Set<Socket> clients = ConcurrentHashMap.newKeySet();
  private final AtomicLong got = new AtomicLong();

  EchoServer() throws IOException {
    daemon(this::accept);
  }

  int port() {
    return socket.getLocalPort();
  }

  /** How many bytes it got. */
  long got() {
    return got.get();
  }

  private void accept() {
    try {
      while (true) {
        Socket client = socket.accept();
        clients.add(client);
        daemon(() -> echo(client));
      }
    } catch (IOException closed) {
      // the test is over
    }
  }

  private void echo(Socket client) {
    try (client) {
      byte[] piece = new byte[8192];
      for (int n = client.getInputStream().read(piece);
          n >= 0;
          n = client.getInputStream().read(piece)) {
        got.addAndGet(n);
        client.getOutputStream().write(piece, 0, n);
      }
    } catch (IOException cut) {
      // the proxy does that
    } finally {
      clients.remove(client);
    }
  }

  private static void daemon(Runnable work) {
    Thread thread = new Thread(work, "echo");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() throws IOException {
    socket.close();
    for (Socket client : clients) {
      client.close();
    }
  }
}
