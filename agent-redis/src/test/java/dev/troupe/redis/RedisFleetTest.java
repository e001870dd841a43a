package dev.troupe.redis;

import dev.troupe.state.StateStore;
import dev.troupe.testkit.FleetServerContract;
import dev.troupe.testkit.RedisServer;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** A fleet over a Redis that keeps what it has answered. */
class RedisFleetTest extends FleetServerContract {
  private static final AtomicLong COUNT = new AtomicLong();
  private static RedisServer server;

  private final String prefix = "fleet-" + COUNT.incrementAndGet();

  /** Understands {@code uri prefix}. */
  static final class AtPrefix implements Opener {
    @Override
    public StateStore open(String address) {
      String[] parts = address.split(" ", -1);
      return RedisStateStore.builder().uri(parts[0]).prefix(parts[1]).open();
    }
  }

  @BeforeAll
  static void startServer() {
    server = RedisServer.builder().appendOnly("always").start();
  }

  @AfterAll
  static void stopServer() {
    server.close();
  }

  @Override
  protected Class<? extends Opener> opener() {
    return AtPrefix.class;
  }

  @Override
  protected InetSocketAddress server() {
    return new InetSocketAddress("127.0.0.1", server.port());
  }

  @Override
  protected String address(InetSocketAddress at) {
    return "redis://127.0.0.1:" + at.getPort() + " " + prefix;
  }

  @Override
  protected void killServer() {
    server.kill();
  }

  @Override
  protected void restartServer() {
    server.restart();
  }
}
