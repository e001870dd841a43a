package dev.troupe.event;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Events whose bytes this process has lately put into a store of its own, which gives the very same
 * array back: they need not be read again. An event that is not here any more is read from its
 * bytes. Safe for use by many threads.
 */
final class KnownEvents {
  private static final int PLACES = 8_192; // a power of two

  private final AtomicReferenceArray<@Nullable Known> places = new AtomicReferenceArray<>(PLACES);

  private record Known(byte[] bytes, Event event) {}

  private static int place(byte[] bytes) {
    int hash = System.identityHashCode(bytes);
    return (hash ^ hash >>> 15) & (PLACES - 1);
  }

  void put(byte[] bytes, Event event) {
    places.lazySet(place(bytes), new Known(bytes, event));
  }

  @Nullable Event get(byte[] bytes) {
    Known known = places.get(place(bytes));
    return known != null && known.bytes == bytes ? known.event : null;
  }
}
