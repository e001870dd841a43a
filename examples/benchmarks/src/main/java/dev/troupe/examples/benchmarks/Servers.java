package dev.troupe.examples.benchmarks;

import dev.troupe.testkit.PostgresServer;
import dev.troupe.testkit.RedisServer;
import java.net.URI;

/** A server of this program's own, and the address of a store on it. */
final class Servers implements AutoCloseable {
  private final Runnable end;
  private final int port;
  private final String form;

  private Servers(Runnable end, int port, String form) {
    this.end = end;
    this.port = port;
    this.form = form;
  }

  /** Starts {@code redis} with AOF everysec, or {@code postgres} as it comes. */
  static Servers start(String kind) {
    if (kind.equals("redis")) {
      RedisServer redis = RedisServer.builder().appendOnly("everysec").start();
      return new Servers(redis::close, redis.port(), "redis://127.0.0.1:%d");
    }
    PostgresServer postgres = PostgresServer.start();
    String path = URI.create(postgres.url().substring("jdbc:".length())).getPath();
    String form =
        "jdbc:postgresql://127.0.0.1:%d"
            + path
            + "?user="
            + PostgresServer.USER
            + "&password="
            + postgres.password();
    return new Servers(postgres::close, postgres.port(), form);
  }

  int port() {
    return port;
  }

  String address() {
    return address(port);
  }

  /** The same store, through a proxy at another port. */
  String address(int through) {
    return form.formatted(through);
  }

  @Override
  public void close() {
    end.run();
  }
}
