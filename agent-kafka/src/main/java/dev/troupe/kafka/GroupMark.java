package dev.troupe.kafka;

import dev.troupe.event.Subscription.Mode;
import java.util.Locale;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.jspecify.annotations.Nullable;

/**
 * What a commit's metadata says: the group's mode and a semicolon, then what is done behind the
 * offset. To Kafka both modes are one kind of group; joined in two modes, it would keep no order.
 */
final class GroupMark {
  private GroupMark() {}

  static OffsetAndMetadata of(Mode mode, OffsetAndMetadata mark, int mostChars) {
    String prefix = prefix(mode);
    return prefix.length() > mostChars
        ? mark
        : new OffsetAndMetadata(mark.offset(), prefix + mark.metadata());
  }

  /** How many characters there are beside the mode. */
  static int left(Mode mode, int mostChars) {
    return Math.max(0, mostChars - prefix(mode).length());
  }

  private static String prefix(Mode mode) {
    return mode.name().toLowerCase(Locale.ROOT) + ";";
  }

  /** The mode, null when somebody else made the commit. */
  static @Nullable Mode mode(OffsetAndMetadata mark) {
    for (Mode one : Mode.values()) {
      if (mark.metadata().startsWith(prefix(one))) {
        return one;
      }
    }
    return null;
  }

  static DoneRanges done(OffsetAndMetadata mark) {
    Mode mode = mode(mark);
    String text = mark.metadata().substring(mode == null ? 0 : prefix(mode).length());
    return DoneRanges.decode(mark.offset(), text);
  }
}
