package dev.troupe.run;

import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.RecordId;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;

/**
 * How a run reaches others: in its own change where they share its route, hence its partition, else
 * by an outbox record in that change.
 */
final class Post {
  private final String run;
  private final String seed;
  private int sent;

  Post(String run, Grant grant) {
    this.run = run;
    this.seed = grant.holder() + " " + grant.number() + " " + run + " ";
  }

  /** Goes on numbering where another of the same grant was. */
  void after(Post other) {
    sent = other.sent;
  }

  boolean isNear(String target) {
    return RecordId.route(target).equals(RecordId.route(run));
  }

  List<Edit> mail(String target, String row, byte[] value) {
    return isNear(target)
        ? List.of(new Edit.Mail(target, row, value, true))
        : Outbox.mail(outboxKey(), target, row, value);
  }

  List<Edit> create(RunHeader child) {
    return isNear(child.id()) ? Runs.create(child) : Outbox.create(outboxKey(), child);
  }

  /** Where an event lies until it is published. */
  String eventKey() {
    return Outbox.eventKey(run, unique());
  }

  private String outboxKey() {
    return Outbox.key(run, unique());
  }

  /** Unique for ever, since a grant is. */
  private String unique() {
    byte[] name = (seed + ++sent).getBytes(StandardCharsets.UTF_8);
    long bits = UUID.nameUUIDFromBytes(name).getLeastSignificantBits() & Long.MAX_VALUE;
    return Long.toString(bits, 36);
  }
}
