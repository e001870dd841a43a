package dev.troupe.examples.benchmarks;

import dev.troupe.event.DeadLetter;
import dev.troupe.event.DeadLetter.Reason;
import dev.troupe.event.Delivery;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Judges a history of events: nothing lost, order kept, nothing handled again without a cause, and
 * dead letters that say what they should. Used by one thread.
 */
final class ChaosChecker {
  private static final int MOST_SHOWN = 20;
  private static final int MOST_LINES = 40;

  private final List<ChaosLine> lines;
  private final ChaosFaults faults;
  private final Map<Long, Published> published = new TreeMap<>();
  private final Map<String, Published> byPlace = new HashMap<>();
  private final Map<Long, int[]> rubbish = new TreeMap<>();
  private final List<String> violations = new ArrayList<>();
  private final Map<String, Integer> figures = new LinkedHashMap<>();

  /** Events handled again, by group and the last fault before that. */
  private final Map<String, Map<Long, Integer>> again = new HashMap<>();

  /** An event that somebody published, and what became of it in each group. */
  private static final class Published {
    final long number;
    final String key;
    final long place;
    boolean acked;
    int doubts;
    final Map<String, Handled> by = new HashMap<>();

    Published(ChaosLine sent) {
      number = sent.number(0);
      key = sent.words().get(1);
      place = sent.number(2);
    }

    Handled by(String group) {
      return by.computeIfAbsent(group, g -> new Handled());
    }

    boolean over(String group) {
      Handled handled = by(group);
      boolean failed = ChaosRules.poison(number) && handled.fails >= ChaosRules.ATTEMPTS;
      return handled.firstEnd != null || failed;
    }
  }

  private static final class Handled {
    @Nullable ChaosLine firstBegin;
    @Nullable ChaosLine firstEnd;
    int ends;
    int fails;
    int letters;
  }

  ChaosChecker(List<ChaosLine> lines) {
    this.lines = lines;
    this.faults = new ChaosFaults(lines);
    for (ChaosLine line : lines) {
      take(line);
    }
  }

  /** Acknowledged events that a group neither handled nor failed at often enough. */
  int missing() {
    int missing = 0;
    for (Published one : published.values()) {
      for (String group : ChaosRules.GROUPS) {
        missing += one.acked && !one.over(group) ? 1 : 0;
      }
    }
    return missing;
  }

  /** What is wrong, with the lines that show it. */
  List<String> check(List<DeadLetter> letters) {
    letters.forEach(this::take);
    for (Published one : published.values()) {
      ChaosRules.GROUPS.forEach(group -> checkEnd(group, one));
    }
    rubbish.forEach(this::checkRubbish);
    again.forEach((group, counts) -> counts.forEach((fault, n) -> checkAgain(group, fault, n)));
    count();
    return violations;
  }

  /** What was counted, by name; complete after the check. */
  Map<String, Integer> figures() {
    return figures;
  }

  ChaosFaults faults() {
    return faults;
  }

  // the history

  private void take(ChaosLine line) {
    switch (line.kind()) {
      case ChaosLine.SENT -> {
        Published one = new Published(line);
        published.put(one.number, one);
        byPlace.put(one.key + " " + one.place, one);
      }
      case ChaosLine.ACKED -> of(line, 0).acked = true;
      case ChaosLine.DOUBT -> of(line, 0).doubts++;
      case ChaosLine.RAW_SENT -> rubbish.put(line.number(0), new int[2 + ChaosRules.GROUPS.size()]);
      case ChaosLine.RAW_ACKED -> raw(line.number(0))[0]++;
      case ChaosLine.RAW_DOUBT -> raw(line.number(0))[1]++;
      case ChaosLine.BEGIN -> begin(line, of(line, 1), line.words().get(0));
      case ChaosLine.END -> end(line, of(line, 1).by(line.words().get(0)));
      case ChaosLine.FAIL -> of(line, 1).by(line.words().get(0)).fails++;
      default -> {
        // about processes
      }
    }
  }

  private Published of(ChaosLine line, int word) {
    Published one = published.get(line.number(word));
    if (one == null) {
      throw new IllegalStateException("nobody published what this is about: " + line);
    }
    return one;
  }

  private int[] raw(long number) {
    int[] counts = rubbish.get(number);
    if (counts == null) {
      throw new IllegalStateException("nobody wrote these bytes: " + number);
    }
    return counts;
  }

  private void begin(ChaosLine line, Published one, String group) {
    Handled handled = one.by(group);
    ChaosLine before = handled.firstEnd;
    if (before != null) {
      Long fault = faults.last(line);
      again
          .computeIfAbsent(group, g -> new TreeMap<>())
          .merge(fault == null ? -1 : fault, 1, Integer::sum);
      if (one.doubts == 0
          && faults.calmFor(ChaosRules.SETTLED.toMillis(), before.millis(), line.millis())) {
        violation(
            "event %d of key %s was handled by group %s, and again after a time without faults",
            one, null, group);
      }
    }
    if (handled.firstBegin == null) {
      handled.firstBegin = line;
      Published previous = byPlace.get(one.key + " " + (one.place - 1));
      if (group.equals(ChaosRules.ORDERED) && previous != null && !previous.over(group)) {
        violation(
            "event %d of key %s was begun by group %s before the one before it was over",
            one, previous, group);
      }
    }
  }

  private void end(ChaosLine line, Handled handled) {
    handled.ends++;
    if (handled.firstEnd == null) {
      handled.firstEnd = line;
    }
  }

  // dead letters

  private void take(DeadLetter letter) {
    if (letter.content() instanceof Delivery.Raw raw) {
      int group = ChaosRules.GROUPS.indexOf(letter.group());
      rubbish.forEach(
          (number, counts) -> {
            if (Arrays.equals(raw.data(), ChaosRules.rubbish(number))) {
              counts[2 + group]++;
            }
          });
      boolean known = letter.reason() == Reason.UNDECODABLE && !letter.error().isEmpty();
      boolean written =
          rubbish.keySet().stream()
              .anyMatch(number -> Arrays.equals(raw.data(), ChaosRules.rubbish(number)));
      if (!known || !written) {
        violations.add("bytes that nobody wrote, or without a reason: " + letter);
      }
      return;
    }
    Published one =
        letter.event() == null ? null : published.get(Long.parseLong(letter.event().id()));
    if (one == null) {
      violations.add("a dead letter of an event that nobody published: " + letter);
      return;
    }
    one.by(letter.group()).letters++;
    boolean why =
        letter.reason() == Reason.FAILED
            && letter.attempts() == ChaosRules.ATTEMPTS
            && letter.error().contains(one.number + " can't be handled");
    if (!ChaosRules.poison(one.number) || !why) {
      violation("event %d of key %s should not be this of group %s: " + letter, one, null, letter);
    }
  }

  private void violation(String what, Published one, @Nullable Published other, DeadLetter letter) {
    violation(what, one, other, letter.group());
  }

  // the end

  private void checkEnd(String group, Published one) {
    Handled handled = one.by(group);
    if (!ChaosRules.poison(one.number)) {
      if (one.acked && handled.firstEnd == null) {
        violation("event %d of key %s was never handled by group %s", one, null, group);
      }
    } else if (handled.letters > 1 + one.doubts || (one.acked && handled.letters == 0)) {
      violation(
          "event %d of key %s always fails, and group %s has "
              + handled.letters
              + " dead letters of it",
          one,
          null,
          group);
    }
  }

  private void checkRubbish(long number, int[] counts) {
    for (int i = 0; i < ChaosRules.GROUPS.size(); i++) {
      int letters = counts[2 + i];
      if (letters < counts[0] || letters > counts[0] + counts[1]) {
        violations.add(
            "bytes %d were written %d to %d times, and group %s has %d dead letters of them"
                .formatted(
                    number, counts[0], counts[0] + counts[1], ChaosRules.GROUPS.get(i), letters));
      }
    }
  }

  /** No fault makes more come again than was in flight. */
  private void checkAgain(String group, long fault, int count) {
    int most = ChaosEvents.WORKERS * ChaosRules.IN_FLIGHT;
    if (count > most) {
      violations.add(
          "after %s at %d group %s handled %d events again, more than %d that were in flight"
              .formatted(faults.kind(fault), fault, group, count, most));
    }
  }

  private void count() {
    figures.put("events published", count(one -> one.acked));
    figures.put("of them published twice, perhaps", count(one -> one.doubts > 0));
    figures.put("bytes that are no event", rubbish.size());
    for (String group : ChaosRules.GROUPS) {
      figures.put(group + ": events handled", count(one -> one.by(group).firstEnd != null));
      figures.put(group + ": of them handled more than once", count(one -> one.by(group).ends > 1));
      figures.put(group + ": events that failed for good", count(one -> one.by(group).letters > 0));
      int most =
          again.getOrDefault(group, Map.of()).values().stream().mapToInt(n -> n).max().orElse(0);
      figures.put(group + ": begun again between two faults, at the most", most);
    }
  }

  private interface Which {
    boolean is(Published one);
  }

  private int count(Which which) {
    return (int) published.values().stream().filter(which::is).count();
  }

  // what is told

  private void violation(String what, Published one, @Nullable Published other, String group) {
    if (violations.size() >= MOST_SHOWN) {
      violations.add(what.formatted(one.number, one.key, group));
      return;
    }
    Set<String> about = new HashSet<>();
    about.add(Long.toString(one.number));
    if (other != null) {
      about.add(Long.toString(other.number));
    }
    List<ChaosLine> shown =
        new ArrayList<>(lines.stream().filter(line -> isAbout(line, about, group)).toList());
    long first = shown.get(0).ticket();
    long last = shown.get(shown.size() - 1).ticket();
    lines.stream().filter(line -> isFault(line, first, last)).forEach(shown::add);
    shown.sort(Comparator.comparingLong(ChaosLine::ticket));
    StringBuilder text = new StringBuilder(what.formatted(one.number, one.key, group));
    for (ChaosLine line : shown.subList(0, Math.min(MOST_LINES, shown.size()))) {
      text.append("\n    ").append(line);
    }
    violations.add(text.toString());
  }

  private static boolean isFault(ChaosLine line, long first, long last) {
    boolean about =
        line.kind().equals(ChaosLine.FAULT)
            || line.kind().equals(ChaosLine.HEALED)
            || line.kind().equals(ChaosLine.STILL);
    return about && line.ticket() > first && line.ticket() < last;
  }

  private static boolean isAbout(ChaosLine line, Set<String> numbers, String group) {
    return switch (line.kind()) {
      case ChaosLine.SENT, ChaosLine.ACKED -> numbers.contains(line.words().get(0));
      case ChaosLine.BEGIN, ChaosLine.END, ChaosLine.FAIL ->
          line.words().get(0).equals(group) && numbers.contains(line.words().get(1));
      default -> false;
    };
  }
}
