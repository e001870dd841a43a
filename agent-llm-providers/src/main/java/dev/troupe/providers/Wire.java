package dev.troupe.providers;

import com.fasterxml.jackson.databind.JsonNode;
import dev.langchain4j.http.client.HttpClient;
import dev.langchain4j.http.client.HttpRequest;
import dev.langchain4j.http.client.SuccessfulHttpResponse;
import dev.langchain4j.http.client.sse.ServerSentEvent;
import dev.langchain4j.http.client.sse.ServerSentEventContext;
import dev.langchain4j.http.client.sse.ServerSentEventListener;
import dev.langchain4j.http.client.sse.ServerSentEventParser;
import dev.langchain4j.http.client.sse.ServerSentEventParsingHandle;
import dev.troupe.llm.CallLimits;
import java.net.URI;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The HTTP beneath LangChain4j's models. Everything happens on the thread that called the model: it
 * sends, reads, cuts into events, checks each and hands it to LangChain4j, so that when a model's
 * method returns, the exchange is over, one way or the other. Nothing is sent twice.
 */
final class Wire implements HttpClient {
  /** LangChain4j calls us on the thread that called it, so the thread tells which call it is. */
  private static final ThreadLocal<@Nullable Call> CURRENT = new ThreadLocal<>();

  private final Dialect dialect;
  private final Reading reading;
  private final Key key;
  private final Map<String, String> extra;
  private final java.net.http.HttpClient client;

  /** With one pool of connections, which lives as long as this. */
  Wire(Dialect dialect, Key key, Map<String, String> extra, Duration connectTimeout) {
    this.dialect = dialect;
    this.reading = new Reading(dialect);
    this.key = key;
    this.extra = extra;
    this.client = java.net.http.HttpClient.newBuilder().connectTimeout(connectTimeout).build();
  }

  /** How many bytes so many characters may take as JSON, escaped at worst. */
  static long mostBytes(CallLimits limits) {
    return Math.min(limits.maxCharacters(), Integer.MAX_VALUE / 16) * 6 + 64 * 1024;
  }

  /** Asks a model; the requests that it makes are the call's. A sink may ask another model. */
  static void during(Call call, Runnable asking) {
    Call outer = CURRENT.get();
    CURRENT.set(call);
    try {
      asking.run();
    } finally {
      if (outer == null) {
        CURRENT.remove();
      } else {
        CURRENT.set(outer);
      }
    }
  }

  /** The call that this thread makes. */
  static Call call() {
    Call call = CURRENT.get();
    if (call == null) {
      throw new IllegalStateException("a model asked outside a call of its provider");
    }
    return call;
  }

  private java.net.http.HttpRequest.Builder request(HttpRequest asked, Call call) {
    call.asks();
    URI uri = URI.create(asked.url());
    java.net.http.HttpRequest.Builder request = java.net.http.HttpRequest.newBuilder(uri);
    if ("http".equalsIgnoreCase(uri.getScheme())) {
      // The JDK would ask to upgrade to HTTP/2, which confuses servers that speak HTTP/1.1 only.
      request.version(java.net.http.HttpClient.Version.HTTP_1_1);
    }
    asked
        .headers()
        .forEach(
            (name, values) -> {
              if (values != null && !Key.carries(name)) {
                values.forEach(value -> request.header(name, value));
              }
            });
    extra.forEach(request::setHeader);
    key.write(request, call);
    String body = asked.body() == null ? "" : asked.body();
    return request.method(asked.method().name(), BodyPublishers.ofString(body));
  }

  @Override
  public SuccessfulHttpResponse execute(HttpRequest asked) {
    Call call = call();
    try (Exchange exchange = new Exchange(client, request(asked, call), call)) {
      if (!exchange.successful()) {
        throw call.refused(Reading.text(exchange.page()));
      }
      String body = Reading.text(exchange.whole(mostBytes(call.limits())));
      JsonNode json = reading.whole(call, body);
      return SuccessfulHttpResponse.builder()
          .statusCode(exchange.status())
          .body(new Rewording(dialect, call).of(body, json))
          .build();
    } catch (InterruptedException e) {
      throw new Ended(call.fail(e));
    }
  }

  @Override
  public void execute(
      HttpRequest asked, ServerSentEventParser parser, ServerSentEventListener listener) {
    Call call = call();
    try (Exchange exchange = new Exchange(client, request(asked, call), call)) {
      if (!exchange.successful()) {
        throw call.refused(Reading.text(exchange.page()));
      }
      if (exchange.is("/json") && !dialect.lines()) {
        throw Reading.stray(call, exchange, "");
      }
      listener.onOpen(
          SuccessfulHttpResponse.builder().statusCode(exchange.status()).body("").build());
      pump(call, exchange, listener);
    } catch (InterruptedException e) {
      throw new Ended(call.fail(e));
    }
  }

  private void pump(Call call, Exchange exchange, ServerSentEventListener listener)
      throws InterruptedException {
    Events events = new Events(exchange, dialect.lines(), call);
    Rewording rewording = new Rewording(dialect, call);
    boolean marked = false;
    try {
      ServerSentEvent event = events.next();
      while (event != null && !marked) {
        marked = take(call, exchange, listener, rewording, event);
        if (!marked) {
          event = events.next();
        }
      }
    } catch (Events.Stray e) {
      throw Reading.stray(call, exchange, e.text() + events.rest());
    }
    if (call.finish() == null) {
      throw call.broken(
          exchange.hasBegun(),
          exchange.hasBegun()
              ? "ended its answer without saying that it is whole"
              : "answered with nothing. Check endpoint and proxy",
          null);
    }
    if (!marked && dialect == Dialect.MISTRAL) {
      // LangChain4j waits for the mark, and the reason says as much.
      deliver(call, listener, new ServerSentEvent(null, "[DONE]"));
    }
    listener.onClose();
    if (marked) {
      exchange.drain();
    }
  }

  /** Hands on an event. True when it is the last. */
  private boolean take(
      Call call,
      Exchange exchange,
      ServerSentEventListener listener,
      Rewording rewording,
      ServerSentEvent event)
      throws InterruptedException, Events.Stray {
    if (event.data().equals("[DONE]")) {
      deliver(call, listener, event);
      return true;
    }
    JsonNode json = Reading.parsed(event.data());
    if (json == null) {
      if (!exchange.hasBegun()) {
        throw new Events.Stray(event.data());
      }
      throw call.incomplete("sent an event that is not JSON");
    }
    if (InBand.isError(json) || "error".equals(event.event())) {
      throw call.refused(event.data());
    }
    exchange.begun();
    reading.note(call, json);
    if (dialect.concerns(json)) {
      String data = rewording.of(event.data(), json);
      deliver(call, listener, new ServerSentEvent(event.event(), data));
    }
    return dialect.last(json);
  }

  private static void deliver(Call call, ServerSentEventListener listener, ServerSentEvent event) {
    try {
      listener.onEvent(event, new ServerSentEventContext(new Stopping(call)));
    } catch (RuntimeException e) {
      call.damaged(e);
    }
    if (call.failed()) {
      throw new Ended(call.failure());
    }
  }

  /** Lets LangChain4j's handlers stop a stream. */
  private record Stopping(Call call) implements ServerSentEventParsingHandle {
    @Override
    public void cancel() {
      call.incomplete("was stopped by a handler");
    }

    @Override
    public boolean isCancelled() {
      return call.failed();
    }
  }

  /** Carries the end of a call through LangChain4j. Why it ended stands in the call. */
  static final class Ended extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Ended(@Nullable Throwable why) {
      super("the call has ended", why, false, false);
    }
  }
}
