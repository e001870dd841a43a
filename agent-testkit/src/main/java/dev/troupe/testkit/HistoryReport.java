package dev.troupe.testkit;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What a check of a {@link History} found: sentences about what was wrong, and numbers.
 *
 * <p>Immutable; safe for use by many threads.
 */
public final class HistoryReport {
  private static final int SHOWN = 20;

  private final List<Violation> violations;
  private final Map<Count, Long> counts;

  /** What must hold. */
  public enum Rule {
    /** Every accepted run reaches one end, and it is the one that the store holds. */
    ONE_END("every accepted run reaches exactly one end"),
    /** The store holds one outcome for each run. */
    ONE_OUTCOME("the store holds one outcome for each run"),
    /** Runs of one key start in the order in which they were submitted. */
    LANE_ORDER("runs of one key start in the order of their submission"),
    /** A process that lost a run to another changes nothing any more and begins nothing. */
    ONE_HOLDER("a run is executed by one process at a time"),
    /** What is in the journal is never made again. */
    EFFECT_ONCE("an effect whose result was journaled is never made again"),
    /** Accepted is ended or still alive, and nothing else is there. */
    NOTHING_LOST("accepted = ended + alive"),
    /** No timer fires early. */
    TIMER("no timer fires before it is due"),
    /** What is undone was done, in reverse order, and only when the run did not succeed. */
    COMPENSATION("runs that fail undo what they did, in reverse order"),
    /** The record itself has a hole: what writes it must be mended before it means something. */
    RECORD("the record is whole");

    private final String words;

    Rule(String words) {
      this.words = words;
    }
  }

  /** What is counted. */
  public enum Count {
    /** Files read, one for each life of a process. */
    PROCESSES("processes"),
    /** Files whose last line was torn by a kill. */
    TORN("torn last lines"),
    /** How often a process stood still. */
    STALLS("times a process stood still"),
    /** Runs that were accepted or seen. */
    RUNS("runs"),
    /** Submissions that were begun, whose answer nobody heard and of which nothing was seen. */
    IN_DOUBT("submissions in doubt"),
    /** Runs that succeeded. */
    SUCCEEDED("runs succeeded"),
    /** Runs that failed. */
    FAILED("runs failed"),
    /** Runs that were cancelled. */
    CANCELLED("runs cancelled"),
    /** Runs without an end so far. */
    ALIVE("runs alive"),
    /** How often a run was stopped because its journal and code did not fit. */
    STOPPED("stops for a misfit of code and journal"),
    /** How often a process began to execute a run. */
    TAKEN("executions"),
    /** Different effects: a path of a run, compensations too. */
    EFFECTS("effects"),
    /** How often an effect was begun. */
    BEGUN("effects begun"),
    /** How often an effect was made to its end. */
    MADE("effects made"),
    /** Begun again by another execution, allowed because the result was not journaled. */
    REPEATED("effects repeated that were in flight"),
    /** Begun by a process that had decided so before it stood still. See {@link History}. */
    LATE("effects begun late after standing still"),
    /** Begun to undo. */
    UNDONE("compensations begun"),
    /** Timers that fired. */
    TIMERS("timers fired");

    private final String words;

    Count(String words) {
      this.words = words;
    }
  }

  /**
   * Something that must not be.
   *
   * @param rule what is broken
   * @param run the run it is about
   * @param sentence what happened, for people
   */
  public record Violation(Rule rule, String run, String sentence) {}

  HistoryReport(List<Violation> violations, Map<Count, Long> counts) {
    this.violations = List.copyOf(violations);
    this.counts = new EnumMap<>(Count.class);
    this.counts.putAll(counts);
  }

  /**
   * Everything that was wrong.
   *
   * @return in the order of the events, then what only the end shows
   */
  public List<Violation> violations() {
    return violations;
  }

  /**
   * What was wrong with one rule.
   *
   * @param rule the rule
   * @return in the same order
   */
  public List<Violation> violations(Rule rule) {
    return violations.stream().filter(violation -> violation.rule == rule).toList();
  }

  /**
   * A number.
   *
   * @param count of what
   * @return 0 or more
   */
  public long count(Count count) {
    return counts.getOrDefault(count, 0L);
  }

  /**
   * Fails a test unless everything holds.
   *
   * @return this report
   * @throws AssertionError with the whole report when something was wrong
   */
  public HistoryReport assertHolds() {
    if (!violations.isEmpty()) {
      throw new AssertionError(this);
    }
    return this;
  }

  /**
   * The report for people: rules, numbers, and the first 20 violations.
   *
   * @return Markdown
   */
  public String toMarkdown() {
    StringBuilder out = new StringBuilder("| rule | violations |\n| --- | ---: |\n");
    for (Rule rule : Rule.values()) {
      row(out, rule.words, violations(rule).size());
    }
    out.append("\n| count | |\n| --- | ---: |\n");
    for (Count count : Count.values()) {
      row(out, count.words, count(count));
    }
    out.append('\n');
    sentences(out);
    return out.toString();
  }

  private static void row(StringBuilder out, String words, long number) {
    out.append("| ").append(words).append(" | ").append(number).append(" |\n");
  }

  private void sentences(StringBuilder out) {
    for (Violation violation : violations.subList(0, Math.min(SHOWN, violations.size()))) {
      out.append("- ").append(violation.rule).append(": ").append(violation.sentence).append('\n');
    }
    if (violations.size() > SHOWN) {
      out.append("- and ").append(violations.size() - SHOWN).append(" more\n");
    }
  }

  /** The first 20 violations and the numbers, without tables. */
  @Override
  public String toString() {
    StringBuilder out = new StringBuilder();
    out.append(violations.isEmpty() ? "everything holds" : violations.size() + " violations");
    String parting = ": ";
    for (Count count : Count.values()) {
      if (count(count) != 0) {
        out.append(parting).append(count(count)).append(' ').append(count.words);
        parting = ", ";
      }
    }
    out.append('\n');
    sentences(out);
    return out.toString();
  }
}
