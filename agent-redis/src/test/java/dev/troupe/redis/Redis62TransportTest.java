package dev.troupe.redis;

import dev.troupe.testkit.RedisServer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Events over Redis Streams keep the contract over Redis 6.2, the oldest they take. */
class Redis62TransportTest extends RedisTransportContract {
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
