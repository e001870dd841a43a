package dev.troupe.providers;

import dev.troupe.llm.LlmException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One request and its answer, read by the calling thread as fast as it likes: what it does not ask
 * for stays in the socket. Closing it at any moment, also before the answer's first byte, closes
 * the connection unless the answer was read to its end.
 */
final class Exchange implements AutoCloseable {
  /** As much of a refusal as is worth reading. */
  private static final int PAGE = 64 * 1024;

  private final Call call;
  private final Body body = new Body();
  private final HttpHeaders headers;
  private final int status;
  private final String type;
  private boolean begun;

  /** Sends, and waits for the head of the answer. */
  Exchange(HttpClient client, HttpRequest.Builder asked, Call call) throws InterruptedException {
    this.call = call;
    if (!call.streaming()) {
      asked.timeout(Duration.ofNanos(call.patienceNanos()));
    }
    HttpRequest request = asked.build();
    HttpResponse<Body> response = null;
    try {
      response = call.streaming() ? patiently(client, request) : client.send(request, head -> body);
    } catch (HttpConnectTimeoutException e) {
      throw unreachable(request, e);
    } catch (HttpTimeoutException | TimeoutException e) {
      throw call.impatient();
    } catch (IOException e) {
      throw unreachable(request, e);
    } finally {
      if (response == null) {
        close();
      }
    }
    this.status = response.statusCode();
    this.headers = response.headers();
    this.type = headers.firstValue("content-type").orElse("");
    call.head(status, headers);
  }

  /**
   * Waits no longer than for what comes next in a stream. A request's own time limit would not do:
   * from JDK 26 on it covers the body too. It is the limit of a whole answer, which may so be sent
   * and read with the fewest changes of thread.
   */
  private HttpResponse<Body> patiently(HttpClient client, HttpRequest request)
      throws IOException, TimeoutException, InterruptedException {
    CompletableFuture<HttpResponse<Body>> future = client.sendAsync(request, head -> body);
    boolean came = false;
    try {
      HttpResponse<Body> response = future.get(call.patienceNanos(), TimeUnit.NANOSECONDS);
      came = true;
      return response;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException why) {
        throw why;
      }
      throw new IOException(e.getCause() == null ? e : e.getCause());
    } finally {
      if (!came) {
        future.cancel(true);
      }
    }
  }

  private LlmException unreachable(HttpRequest request, IOException why) {
    String where = request.uri().getScheme() + "://" + request.uri().getRawAuthority();
    return call.broken(
        false, "can't be reached at " + where + ": " + named(why) + ". Check the endpoint", why);
  }

  private static String named(Throwable why) {
    String message = why.getMessage();
    return why.getClass().getSimpleName() + (message == null ? "" : ", " + message);
  }

  boolean successful() {
    return status >= 200 && status < 300;
  }

  int status() {
    return status;
  }

  HttpHeaders headers() {
    return headers;
  }

  /** Whether the answer says that it is of such a type. */
  boolean is(String part) {
    return type.contains(part);
  }

  /** A part of a model's answer came: what breaks from now on is an answer cut off. */
  void begun() {
    begun = true;
  }

  boolean hasBegun() {
    return begun;
  }

  /** The next bytes; null at the end. */
  byte @Nullable [] next() throws InterruptedException {
    try {
      return body.next(call.patienceNanos());
    } catch (TimeoutException e) {
      throw call.impatient();
    } catch (IOException e) {
      throw call.broken(begun, "closed the connection before its answer's end: " + named(e), e);
    }
  }

  /** Reads to the end. */
  byte[] whole(long most) throws InterruptedException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    begun();
    for (byte[] some = next(); some != null; some = next()) {
      if (bytes.size() + (long) some.length > most) {
        throw call.tooLarge();
      }
      bytes.writeBytes(some);
    }
    return bytes.toByteArray();
  }

  /** Reads what comes, for a message: neither its length nor how it ends matters. */
  byte[] page() throws InterruptedException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      byte[] some = body.next(call.patienceNanos());
      while (some != null && bytes.size() < PAGE) {
        bytes.write(some, 0, Math.min(some.length, PAGE));
        some = body.next(call.patienceNanos());
      }
    } catch (TimeoutException | IOException e) {
      return bytes.toByteArray();
    }
    return bytes.toByteArray();
  }

  /**
   * The answer is whole, though its end was not read: if it comes at once the connection can be
   * used again.
   */
  void drain() throws InterruptedException {
    try {
      long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(100);
      for (int parts = 0; parts < 16; parts++) {
        if (body.next(Math.max(1, until - System.nanoTime())) == null) {
          return;
        }
      }
    } catch (TimeoutException | IOException e) {
      return;
    }
  }

  @Override
  public void close() {
    body.cancel();
  }
}
