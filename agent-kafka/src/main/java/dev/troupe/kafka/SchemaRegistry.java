package dev.troupe.kafka;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** What a registry says about schemas, remembered. Safe for use by many threads. */
final class SchemaRegistry {
  private static final long PAUSE = TimeUnit.SECONDS.toNanos(1);

  private final HttpClient client;
  private final String address;
  private final Map<String, String> headers;
  private final Duration timeout;
  private final long refresh;
  private final Map<Integer, Schema> byId = new ConcurrentHashMap<>();
  private final Map<String, Latest> bySubject = new ConcurrentHashMap<>();
  private final AtomicReference<@Nullable Failure> failure = new AtomicReference<>();

  /**
   * A schema.
   *
   * @param id its id
   * @param type {@code AVRO}, {@code JSON} or {@code PROTOBUF}
   */
  record Schema(int id, String type) {}

  private record Latest(Schema schema, long askedAt) {}

  private record Failure(String what, long at) {}

  SchemaRegistry(
      HttpClient client,
      URI address,
      Map<String, String> headers,
      Duration timeout,
      Duration refresh) {
    this.client = client;
    String text = address.toString();
    this.address = text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
    this.headers = Map.copyOf(headers);
    this.timeout = timeout;
    this.refresh = refresh.toNanos();
  }

  /** Where a schema is found by its id. */
  String address(int id) {
    return address + "/schemas/ids/" + id;
  }

  Schema schema(int id) {
    Schema known = byId.get(id);
    if (known != null) {
      return known;
    }
    Map<?, ?> answer = ask(address(id));
    if (answer == null) {
      throw new AgentException(
          ErrorCode.UNDECODABLE, "the registry does not know its schema " + id);
    }
    Schema found = new Schema(id, type(answer));
    byId.put(id, found);
    return found;
  }

  Schema latest(String subject) {
    Latest known = bySubject.get(subject);
    if (known != null && System.nanoTime() - known.askedAt < refresh) {
      return known.schema;
    }
    long now = System.nanoTime();
    String name = URLEncoder.encode(subject, StandardCharsets.UTF_8).replace("+", "%20");
    Map<?, ?> answer;
    try {
      answer = ask(address + "/subjects/" + name + "/versions/latest");
    } catch (AgentException e) {
      if (known != null) {
        return known.schema; // what was the latest a while ago is a good one still
      }
      throw e;
    }
    if (answer == null) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "the registry has no schema under subject " + subject + "; register one");
    }
    if (!(answer.get("id") instanceof Number id)) {
      throw failed("answers without a schema's id");
    }
    Schema found = new Schema(id.intValue(), type(answer));
    bySubject.put(subject, new Latest(found, now));
    return found;
  }

  /** Registries leave out the type of Avro schemas, which were there first. */
  private static String type(Map<?, ?> answer) {
    return answer.get("schemaType") instanceof String type ? type : "AVRO";
  }

  /** The answer; null when the registry says that it has no such thing. */
  private @Nullable Map<?, ?> ask(String where) {
    Failure last = failure.get();
    if (last != null && System.nanoTime() - last.at < PAUSE) {
      throw unavailable(last.what);
    }
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(where))
            .timeout(timeout)
            .header("Accept", "application/vnd.schemaregistry.v1+json, application/json");
    headers.forEach(request::setHeader);
    HttpResponse<byte[]> response;
    try {
      response = client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    } catch (IOException e) {
      throw failed("does not answer (" + e.getClass().getSimpleName() + ")");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unavailable("was not waited for: the thread was interrupted");
    }
    Map<?, ?> body = body(response.body());
    int status = response.statusCode();
    // anything may answer 404 at a wrong address; only a registry has a code for what it lacks
    if (status == 404 && body != null && code(body) / 100 == 404) {
      return null;
    }
    if (status != 200 || body == null) {
      throw failed("answers with status " + status + "; look at its address and at access to it");
    }
    failure.set(null);
    return body;
  }

  private static @Nullable Map<?, ?> body(byte[] bytes) {
    try {
      return Codec.json().decode(bytes, Object.class) instanceof Map<?, ?> map ? map : null;
    } catch (AgentException e) {
      return null;
    }
  }

  private static int code(Map<?, ?> body) {
    return body.get("error_code") instanceof Number code ? code.intValue() : 0;
  }

  private AgentException failed(String what) {
    failure.set(new Failure(what, System.nanoTime()));
    return unavailable(what);
  }

  private static AgentException unavailable(String what) {
    return new AgentException(ErrorCode.TRANSPORT_UNAVAILABLE, "the schema registry " + what);
  }
}
