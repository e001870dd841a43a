package dev.troupe.providers;

import java.io.IOException;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** The bytes of an answer, asked for one piece at a time: no more than one waits in memory. */
final class Body implements BodySubscriber<Body> {
  /** Bytes, a failure, or neither: the end. */
  private record Piece(@Nullable List<ByteBuffer> bytes, @Nullable Throwable failure) {}

  private static final Flow.Subscription CANCELLED =
      new Flow.Subscription() {
        @Override
        public void request(long n) {}

        @Override
        public void cancel() {}
      };

  private final LinkedBlockingQueue<Piece> pieces = new LinkedBlockingQueue<>();
  private final AtomicReference<Flow.@Nullable Subscription> subscription = new AtomicReference<>();
  private @Nullable Piece last;

  @Override
  public CompletionStage<Body> getBody() {
    return CompletableFuture.completedFuture(this);
  }

  @Override
  public void onSubscribe(Flow.Subscription to) {
    if (subscription.compareAndSet(null, to)) {
      to.request(1);
    } else {
      to.cancel();
    }
  }

  @Override
  public void onNext(List<ByteBuffer> bytes) {
    pieces.add(new Piece(bytes, null));
  }

  @Override
  public void onError(Throwable failure) {
    pieces.add(new Piece(null, failure));
  }

  @Override
  public void onComplete() {
    pieces.add(new Piece(null, null));
  }

  /** The next bytes, maybe none in it; null at the end. For one thread. */
  byte @Nullable [] next(long nanos) throws IOException, TimeoutException, InterruptedException {
    Piece piece = last != null ? last : pieces.poll(nanos, TimeUnit.NANOSECONDS);
    if (piece == null) {
      throw new TimeoutException();
    }
    if (piece.bytes() == null) {
      last = piece;
      if (piece.failure() != null) {
        throw new IOException(
            Optional.ofNullable(piece.failure().getMessage()).orElse("no reason given"),
            piece.failure());
      }
      return null;
    }
    Flow.Subscription from = subscription.get();
    if (from != null) {
      from.request(1);
    }
    return flat(piece.bytes());
  }

  private static byte[] flat(List<ByteBuffer> buffers) {
    int length = 0;
    for (ByteBuffer buffer : buffers) {
      length += buffer.remaining();
    }
    byte[] bytes = new byte[length];
    int at = 0;
    for (ByteBuffer buffer : buffers) {
      int size = buffer.remaining();
      buffer.get(bytes, at, size);
      at += size;
    }
    return bytes;
  }

  /** Wants no more; the connection closes unless the end was there. */
  void cancel() {
    Flow.Subscription from = subscription.getAndSet(CANCELLED);
    if (from != null) {
      from.cancel();
    }
  }
}
