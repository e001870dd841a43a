package dev.troupe.redis;

import dev.troupe.testkit.RedisServer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;

/** The bus over Redis alone keeps the contract over Redis 6.2, the oldest it takes. */
@Tag("matrix")
class Redis62BusTest extends RedisBusContract {
  private static RedisServer server;

  @BeforeAll
  static void startServer() {
    server = RedisServer.builder().version("6.2").start();
  }

  @AfterAll
  static void stopServer() {
    server.close();
  }

  @Override
  RedisServer server() {
    return server;
  }
}
