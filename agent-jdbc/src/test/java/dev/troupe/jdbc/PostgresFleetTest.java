package dev.troupe.jdbc;

import dev.troupe.state.StateStore;
import dev.troupe.testkit.FleetServerContract;
import dev.troupe.testkit.PostgresServer;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** A fleet over a PostgreSQL server. */
class PostgresFleetTest extends FleetServerContract {
  private static final AtomicLong COUNT = new AtomicLong();
  private static PostgresServer server;

  private final String schema = "fleet_" + COUNT.incrementAndGet();

  /** Understands {@code url password schema}. */
  static final class AtSchema implements Opener {
    @Override
    public StateStore open(String address) {
      String[] parts = address.split(" ", -1);
      return PostgresStateStore.builder(parts[0], PostgresServer.USER, parts[1])
          .schema(parts[2])
          .migrate(true)
          .open();
    }
  }

  @BeforeAll
  static void startServer() {
    server = PostgresServer.start();
  }

  @AfterAll
  static void stopServer() {
    server.close();
  }

  @Override
  protected Class<? extends Opener> opener() {
    return AtSchema.class;
  }

  @Override
  protected InetSocketAddress server() {
    return new InetSocketAddress("127.0.0.1", server.port());
  }

  @Override
  protected String address(InetSocketAddress at) {
    String url = "jdbc:postgresql://127.0.0.1:" + at.getPort() + "/postgres";
    return String.join(" ", url, server.password(), schema);
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
