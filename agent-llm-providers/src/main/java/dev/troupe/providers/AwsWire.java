package dev.troupe.providers;

import dev.troupe.llm.LlmException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpFullResponse;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.SdkHttpResponse;
import software.amazon.awssdk.http.async.AsyncExecuteRequest;
import software.amazon.awssdk.http.async.SdkAsyncHttpClient;
import software.amazon.awssdk.http.async.SdkAsyncHttpResponseHandler;

/**
 * The HTTP beneath the AWS SDK. Both of its clients are served by the thread that called, from the
 * first byte to the last, so that an answer cut off is seen when it happens: the SDK's own clients
 * never tell LangChain4j.
 */
final class AwsWire implements SdkHttpClient, SdkAsyncHttpClient {
  private static final String EVENTS = "vnd.amazon.eventstream";

  /** Set by the JDK's client. */
  private static final List<String> NOT_OURS =
      List.of("host", "content-length", "connection", "expect", "transfer-encoding", "upgrade");

  private final Reading reading = new Reading(Dialect.BEDROCK);
  private final Key key;
  private final Map<String, String> extra;
  private final HttpClient client;

  /** With one pool of connections, which lives as long as this. */
  AwsWire(Preset preset, Key key) {
    this.key = key;
    this.extra = preset.headers();
    this.client = HttpClient.newBuilder().connectTimeout(preset.connectTimeout()).build();
  }

  @Override
  public String clientName() {
    return "Troupe";
  }

  @Override
  public void close() {}

  private HttpRequest.Builder request(SdkHttpRequest asked, byte[] body, Call call) {
    call.asks();
    HttpRequest.Builder request = HttpRequest.newBuilder(asked.getUri());
    if (asked.protocol().equalsIgnoreCase("http")) {
      request.version(HttpClient.Version.HTTP_1_1);
    }
    asked.forEachHeader(
        (name, values) -> {
          if (!NOT_OURS.contains(name.toLowerCase(Locale.ROOT))) {
            values.forEach(value -> request.header(name, value));
          }
        });
    extra.forEach(request::setHeader);
    key.write(request, call);
    return request.method(asked.method().name(), BodyPublishers.ofByteArray(body));
  }

  private static SdkHttpResponse head(Exchange exchange) {
    return SdkHttpFullResponse.builder()
        .statusCode(exchange.status())
        .headers(exchange.headers().map())
        .build();
  }

  @Override
  public ExecutableHttpRequest prepareRequest(HttpExecuteRequest asked) {
    return new ExecutableHttpRequest() {
      @Override
      public HttpExecuteResponse call() throws IOException {
        return whole(asked);
      }

      @Override
      public void abort() {}
    };
  }

  private HttpExecuteResponse whole(HttpExecuteRequest asked) throws IOException {
    Call call = Wire.call();
    HttpRequest.Builder request = request(asked.httpRequest(), content(asked), call);
    try (Exchange exchange = new Exchange(client, request, call)) {
      if (!exchange.successful()) {
        throw call.refused(Reading.text(exchange.page()));
      }
      byte[] body = exchange.whole(Wire.mostBytes(call.limits()));
      reading.whole(call, Reading.text(body));
      return HttpExecuteResponse.builder()
          .response(head(exchange))
          .responseBody(AbortableInputStream.create(new ByteArrayInputStream(body)))
          .build();
    } catch (LlmException e) {
      // the call holds it; the SDK would log its words before we took the prompt out of them
      throw new Wire.Ended(null);
    } catch (InterruptedException e) {
      throw new Wire.Ended(call.fail(e));
    }
  }

  private static byte[] content(HttpExecuteRequest asked) throws IOException {
    if (asked.contentStreamProvider().isEmpty()) {
      return new byte[0];
    }
    try (InputStream stream = asked.contentStreamProvider().get().newStream()) {
      return stream.readAllBytes();
    }
  }

  @Override
  public CompletableFuture<Void> execute(AsyncExecuteRequest asked) {
    Call call = Wire.call();
    SdkAsyncHttpResponseHandler handler = asked.responseHandler();
    try {
      Content content = new Content();
      asked.requestContentPublisher().subscribe(content);
      HttpRequest.Builder request = request(asked.request(), content.bytes.toByteArray(), call);
      stream(request, handler, call);
      return CompletableFuture.completedFuture(null);
    } catch (LlmException e) {
      return failed(new Wire.Ended(null), handler);
    } catch (InterruptedException e) {
      return failed(call.fail(e), handler);
    } catch (RuntimeException e) {
      call.damaged(e);
      return failed(e, handler);
    }
  }

  private static CompletableFuture<Void> failed(
      Throwable why, SdkAsyncHttpResponseHandler handler) {
    handler.onError(why);
    return CompletableFuture.failedFuture(why);
  }

  private void stream(HttpRequest.Builder request, SdkAsyncHttpResponseHandler handler, Call call)
      throws InterruptedException {
    try (Exchange exchange = new Exchange(client, request, call)) {
      if (!exchange.successful()) {
        throw call.refused(Reading.text(exchange.page()));
      }
      if (!exchange.is(EVENTS)) {
        throw Reading.stray(call, exchange, "");
      }
      handler.onHeaders(head(exchange));
      Feed feed = new Feed();
      handler.onStream(feed);
      feed.run(exchange, call);
    }
  }

  /** Hands bytes on as they come, and are asked for. */
  private static final class Feed implements Publisher<ByteBuffer>, Subscription {
    private Subscriber<? super ByteBuffer> to = new Content();
    private long asked;
    private boolean cancelled;

    @Override
    public void subscribe(Subscriber<? super ByteBuffer> subscriber) {
      to = subscriber;
      subscriber.onSubscribe(this);
    }

    @Override
    public void request(long n) {
      asked = asked + n < 0 ? Long.MAX_VALUE : asked + n;
    }

    @Override
    public void cancel() {
      cancelled = true;
    }

    void run(Exchange exchange, Call call) throws InterruptedException {
      while (!cancelled && asked > 0) {
        byte[] bytes = exchange.next();
        if (bytes == null && !exchange.hasBegun()) {
          throw call.broken(false, "answered with nothing. Check endpoint and proxy", null);
        }
        if (bytes == null) {
          call.finished(Finish.WHOLE);
          to.onComplete();
          return;
        }
        exchange.begun();
        asked--;
        to.onNext(ByteBuffer.wrap(bytes));
        if (call.failed()) {
          throw new Wire.Ended(call.failure());
        }
      }
      throw call.incomplete("sent an answer that the SDK did not read to its end");
    }
  }

  /** Gathers what is to be sent. */
  private static final class Content implements Subscriber<ByteBuffer> {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    @Override
    public void onSubscribe(Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(ByteBuffer buffer) {
      byte[] part = new byte[buffer.remaining()];
      buffer.get(part);
      bytes.writeBytes(part);
    }

    @Override
    public void onError(Throwable failure) {
      throw new IllegalStateException("the request could not be written", failure);
    }

    @Override
    public void onComplete() {}
  }
}
