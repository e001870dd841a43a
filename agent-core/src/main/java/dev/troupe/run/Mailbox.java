package dev.troupe.run;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Stored;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The mail of one run: results of children, signals, cancel, answers about unknown outcomes. */
final class Mailbox {
  static final String CHILD = "child/";
  static final String SIGNAL = "signal/";
  static final String CANCEL = "cancel";
  static final String OUTCOME = "outcome/";

  private final Map<String, byte[]> children = new HashMap<>();
  private final Map<String, byte[]> outcomes = new HashMap<>();
  private final Map<String, byte[]> signals = new HashMap<>();
  // of each name, those that no wait has received, oldest first
  private final Map<String, Map<String, Stored.MailItem>> waiting = new HashMap<>();
  private long seen;
  private boolean cancelled;

  void accept(Stored.MailItem item) {
    if (item.number() <= seen) {
      return;
    }
    seen = item.number();
    String name = item.name();
    if (name.startsWith(CHILD)) {
      children.put(name.substring(CHILD.length()), item.value());
    } else if (name.startsWith(OUTCOME)) {
      outcomes.put(name, item.value());
    } else if (isSignal(name)) {
      signals.put(name, item.value());
      waiting.computeIfAbsent(signalOf(name), n -> new LinkedHashMap<>()).put(name, item);
    } else if (name.startsWith(CANCEL)) {
      cancelled = true;
    }
  }

  private static boolean isSignal(String mail) {
    return mail.startsWith(SIGNAL) && mail.indexOf('/', SIGNAL.length()) > 0;
  }

  private static String signalOf(String mail) {
    return mail.substring(SIGNAL.length(), mail.indexOf('/', SIGNAL.length()));
  }

  long seen() {
    return seen;
  }

  boolean cancelled() {
    return cancelled;
  }

  byte @Nullable [] childResult(String path) {
    return children.get(path);
  }

  /** What somebody said of an attempt whose outcome was unknown. */
  byte @Nullable [] outcome(String path, int attempt) {
    return outcomes.get(outcomeOf(path, attempt));
  }

  static String outcomeOf(String path, int attempt) {
    return OUTCOME + attempt + "/" + path;
  }

  Stored.@Nullable MailItem nextSignal(String name) {
    Map<String, Stored.MailItem> queue = waiting.get(name);
    return queue == null || queue.isEmpty() ? null : queue.values().iterator().next();
  }

  /** Takes a signal out of those that wait; its content stays for replays. */
  byte[] take(String mail) {
    byte[] content = signals.get(mail);
    if (content == null) {
      throw new AgentException(ErrorCode.UNDECODABLE, "mail " + mail + " is not in the record");
    }
    Map<String, Stored.MailItem> queue = waiting.get(signalOf(mail));
    if (queue != null) {
      queue.remove(mail);
    }
    return content;
  }
}
