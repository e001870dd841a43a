package dev.troupe.testkit;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.StateStore;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A store that writes other bytes into the next mail than it is told, behind the line of its time.
 */
final class MailTampered extends ForwardingStore {
  private final AtomicReference<byte @Nullable []> next = new AtomicReference<>();

  MailTampered(StateStore inner) {
    super(inner);
  }

  void insteadOfTheNext(byte[] bytes) {
    next.set(bytes);
  }

  @Override
  public List<Outcome> apply(List<Change> changes) {
    if (changes.stream().flatMap(c -> c.edits().stream()).noneMatch(Edit.Mail.class::isInstance)) {
      return super.apply(changes);
    }
    byte[] bytes = next.getAndSet(null);
    if (bytes == null) {
      return super.apply(changes);
    }
    List<Change> others = new ArrayList<>();
    for (Change change : changes) {
      List<Edit> edits = new ArrayList<>();
      for (Edit edit : change.edits()) {
        edits.add(
            edit instanceof Edit.Mail mail
                ? new Edit.Mail(mail.key(), mail.row(), raw(mail.value(), bytes), mail.urgent())
                : edit);
      }
      others.add(new Change(change.id(), change.partition(), edits));
    }
    return super.apply(others);
  }

  private static byte[] raw(byte[] value, byte[] bytes) {
    int head = 0;
    while (value[head] != '\n') {
      head++;
    }
    byte[] all = new byte[head + 1 + bytes.length];
    System.arraycopy(value, 0, all, 0, head + 1);
    System.arraycopy(bytes, 0, all, head + 1, bytes.length);
    return all;
  }
}
