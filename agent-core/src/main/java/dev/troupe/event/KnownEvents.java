package dev.troupe.event;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Events whose bytes this process has lately put into a store of its own, which gives the very same
 * array back: they need not be read again. An event that is not here any more is read from its
 * bytes. Safe for use by many threads.
 */
final class KnownEvents {
  /** A power of two. Two neighbours serve one hash, so that few go before they were asked for. */
  private static final int PLACES = 16_384;

  /** Larger ones are read anew: what is here stays until others come. */
  private static final int LARGEST = 2_048;

  private final AtomicReferenceArray<@Nullable Known> places = new AtomicReferenceArray<>(PLACES);

  private record Known(byte[] bytes, Event event) {}

  private static int place(byte[] bytes) {
    int hash = System.identityHashCode(bytes);
    return (hash ^ hash >>> 15) & (PLACES - 2);
  }

  void put(byte[] bytes, Event event) {
    if (bytes.length <= LARGEST) {
      int place = place(bytes);
      places.lazySet(place + 1, places.get(place)); // the younger of the two moves on
      places.lazySet(place, new Known(bytes, event));
    }
  }

  @Nullable Event get(byte[] bytes) {
    int place = place(bytes);
    Event first = event(places.get(place), bytes);
    return first != null ? first : event(places.get(place + 1), bytes);
  }

  private static @Nullable Event event(@Nullable Known known, byte[] bytes) {
    return known != null && known.bytes == bytes ? known.event : null;
  }
}
