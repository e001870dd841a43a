package dev.troupe.kafka;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.troupe.Codec;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The part of a schema registry's REST API that is used, over real HTTP on the loopback address.
 */
final class LocalRegistry implements AutoCloseable {
  private final Map<Integer, Map<String, Object>> schemas = new ConcurrentHashMap<>();
  private final Map<String, Integer> latest = new ConcurrentHashMap<>();
  final List<String> asked = new CopyOnWriteArrayList<>();
  volatile String token = "";
  private final int port;
  private HttpServer server;

  LocalRegistry() throws IOException {
    server = listen(0);
    port = server.getAddress().getPort();
  }

  URI address() {
    return URI.create("http://127.0.0.1:" + port);
  }

  int register(String subject, String type, String schema) {
    int id = schemas.size() + 1;
    schemas.put(
        id,
        type.equals("AVRO")
            ? Map.of("schema", schema)
            : Map.of("schema", schema, "schemaType", type));
    latest.put(subject, id);
    return id;
  }

  private HttpServer listen(int at) throws IOException {
    HttpServer made =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), at), 0);
    made.createContext("/", this::answer);
    made.start();
    return made;
  }

  private void answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    asked.add(path);
    String given = exchange.getRequestHeaders().getFirst("Authorization");
    if (!token.isEmpty() && !token.equals(given)) {
      send(exchange, 401, Map.of("error_code", 40101, "message", "no"));
    } else if (path.startsWith("/schemas/ids/")) {
      Map<String, Object> found = schemas.get(Integer.valueOf(path.substring(13)));
      if (found == null) {
        send(exchange, 404, Map.of("error_code", 40403, "message", "Schema not found"));
      } else {
        send(exchange, 200, found);
      }
    } else if (path.matches("/subjects/[^/]+/versions/latest")) {
      Integer id = latest.get(path.split("/")[2]);
      if (id == null) {
        send(exchange, 404, Map.of("error_code", 40401, "message", "Subject not found"));
      } else {
        Map<String, Object> all = new HashMap<>(schemas.get(id));
        all.put("id", id);
        send(exchange, 200, all);
      }
    } else {
      send(exchange, 404, Map.of());
    }
  }

  private static void send(HttpExchange exchange, int status, Map<String, ?> body)
      throws IOException {
    byte[] bytes = Codec.json().encode(body, Map.class);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  void stop() {
    server.stop(0);
  }

  void restart() throws IOException {
    server = listen(port);
  }

  @Override
  public void close() {
    stop();
  }
}
