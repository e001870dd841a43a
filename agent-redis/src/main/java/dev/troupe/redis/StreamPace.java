package dev.troupe.redis;

import dev.troupe.event.Delivery;
import java.util.List;

/** Reads fewer entries together the larger they are, so that an answer is not too large. */
final class StreamPace {
  private static final double BUDGET = 2 << 20;
  private static final double SMOOTHING = 0.1;

  private double size = 4_096;

  void saw(List<Delivery> some) {
    for (Delivery one : some) {
      double bytes =
          one.content() instanceof Delivery.Decoded decoded
              ? decoded.event().data().length
              : ((Delivery.Raw) one.content()).data().length;
      // quick to shrink, slow to grow
      size = Math.max(bytes, size + SMOOTHING * (bytes - size));
    }
  }

  int most(int wanted) {
    return (int) Math.max(1, Math.min(wanted, BUDGET / Math.max(256, size)));
  }
}
