package dev.troupe.llm.log;

import dev.troupe.llm.LlmSink;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;

/**
 * Writes what a model says into a run's log, under the name of one source. Made by {@link
 * RunLog#sink}; for one execution of a run. Used by one thread at a time.
 *
 * <p>Nothing waits for the store here, unless more than a quarter of a MiB waits to be written. A
 * process that has lost the run is told so by an error of code {@code CLOSED}.
 */
public final class LogSink implements LlmSink {
  /** The most characters of an entry. */
  static final int MAX_PART = 16 * 1024;

  private final LogWriters writers;
  private final LogWriters.Owner owner;
  private final String source;
  private final Set<Integer> named = new HashSet<>();

  LogSink(LogWriters writers, LogWriters.Owner owner, String source) {
    this.writers = writers;
    this.owner = owner;
    this.source = source;
  }

  @Override
  public void text(String part) {
    inParts(Told.What.TEXT, part);
  }

  @Override
  public void thinking(String part) {
    inParts(Told.What.THINKING, part);
  }

  /** Tells which tool is called, once; arguments are not shown. */
  @Override
  public void toolCall(int index, String name, String part) {
    if (!name.isEmpty() && named.add(index)) {
      tell(Told.What.TOOL, name);
    }
  }

  @Override
  public void restarted(String why) {
    named.clear();
    tell(Told.What.RESTARTED, why);
  }

  @Override
  public void replayed(String thinking, String text) {
    named.clear();
    inParts(Told.What.REPLAYED_THINKING, thinking);
    inParts(Told.What.REPLAYED, text);
  }

  /**
   * Tells how far a tool is.
   *
   * @param words what to show
   */
  public void progress(String words) {
    tell(Told.What.TOOL, Objects.requireNonNull(words, "words"));
  }

  /**
   * This source says no more. Only matters where an answer is made anew after a crash and is
   * shorter than what was shown of it before.
   */
  public void finished() {
    named.clear();
    tell(Told.What.FINISHED, "");
  }

  private void inParts(Told.What what, String text) {
    int from = 0;
    while (text.length() - from > MAX_PART) {
      int to = from + MAX_PART;
      if (Character.isHighSurrogate(text.charAt(to - 1))) {
        to--; // both halves of a character into one entry
      }
      tell(what, text.substring(from, to));
      from = to;
    }
    tell(what, text.substring(from));
  }

  private void tell(Told.What what, String text) {
    writers.tell(owner, new Told(what, source, text));
  }
}
