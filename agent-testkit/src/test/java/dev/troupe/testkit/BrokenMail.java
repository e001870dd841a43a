package dev.troupe.testkit;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Stored;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Mistakes with mail: sentences 4 and 5. */
final class BrokenMail {
  private BrokenMail() {}

  static final class DroppedMailTakesANumber extends TamperedStore {
    private static final String GAP = "gap-";
    private final Map<String, Integer> dropped = new HashMap<>();

    DroppedMailTakesANumber(MovableClock clock) {
      super(clock);
    }

    @Override
    List<Edit> lines(Change change, Edit edit) {
      List<Edit> lines = new ArrayList<>();
      if (edit instanceof Edit.Mail) {
        for (int i = 0; i < dropped.getOrDefault(edit.key(), 0); i++) {
          lines.add(new Edit.Mail(edit.key(), GAP + next(), new byte[0], false));
        }
      }
      lines.add(edit);
      return lines;
    }

    @Override
    void afterDone(Change change, Outcome.Done done) {
      for (Outcome.Seen seen : done.seen()) {
        if (seen.mailAccepted()) {
          if (seen.mail() > 0) {
            dropped.remove(seen.key());
          }
        } else {
          dropped.merge(seen.key(), 1, Integer::sum);
        }
      }
    }

    @Override
    Stored shown(Stored s) {
      List<Stored.MailItem> mail =
          s.mail().stream().filter(item -> !item.name().startsWith(GAP)).toList();
      return copy(s, s.now()).mail(s.mailNumber(), mail).build();
    }
  }

  static final class CallsDroppedMailAccepted extends TamperedStore {
    CallsDroppedMailAccepted(MovableClock clock) {
      super(clock);
    }

    @Override
    Outcome.Seen shown(Change change, Outcome.Seen seen) {
      return new Outcome.Seen(seen.key(), seen.version(), seen.mail(), true, seen.holder());
    }
  }

  static final class KnowsMailByItsChange extends TamperedStore {
    private final Map<String, String> acceptedFrom = new HashMap<>();

    KnowsMailByItsChange(MovableClock clock) {
      super(clock);
    }

    @Override
    Edit line(Change change, Edit edit) {
      if (edit instanceof Edit.Mail mail) {
        Stored before = peek(mail.key());
        boolean known =
            before != null && before.mail().stream().anyMatch(m -> m.name().equals(mail.row()));
        String from = acceptedFrom.put(mail.key() + " " + mail.row(), change.id());
        if (known && !change.id().equals(from)) {
          return new Edit.Mail(mail.key(), mail.row() + "~" + next(), mail.value(), mail.urgent());
        }
      }
      return edit;
    }

    @Override
    Stored shown(Stored s) {
      List<Stored.MailItem> mail =
          s.mail().stream()
              .map(m -> new Stored.MailItem(m.number(), m.name().split("~")[0], m.value()))
              .toList();
      return copy(s, s.now()).mail(s.mailNumber(), mail).build();
    }
  }

  static final class ShowsMailByName extends TamperedStore {
    ShowsMailByName(MovableClock clock) {
      super(clock);
    }

    @Override
    Stored shown(Stored s) {
      List<Stored.MailItem> mail =
          s.mail().stream().sorted(Comparator.comparing(Stored.MailItem::name)).toList();
      return copy(s, s.now()).mail(s.mailNumber(), mail).build();
    }
  }

  /** Sends all mail as urgent or none. */
  static final class OneUrgency extends TamperedStore {
    private final boolean urgent;

    OneUrgency(MovableClock clock, boolean urgent) {
      super(clock);
      this.urgent = urgent;
    }

    @Override
    Edit line(Change change, Edit edit) {
      return edit instanceof Edit.Mail mail
          ? new Edit.Mail(mail.key(), mail.row(), mail.value(), urgent)
          : edit;
    }
  }

  /** Wakes so many mails later than asked. */
  static final class WakesLate extends TamperedStore {
    private final long late;

    WakesLate(MovableClock clock, long late) {
      super(clock);
      this.late = late;
    }

    @Override
    Edit line(Change change, Edit edit) {
      if (edit instanceof Edit.Queue q && q.wakeAtMail() < Long.MAX_VALUE - late) {
        long wake = q.wakeAtMail() + late;
        return new Edit.Queue(q.key(), q.queue(), q.priority(), q.due(), q.lane(), wake);
      }
      return edit;
    }
  }
}
