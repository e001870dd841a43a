package dev.troupe.examples.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * A line of a {@link ChaosLog}.
 *
 * @param ticket its place among the lines of all processes
 * @param millis when it was written
 * @param process who wrote it
 * @param kind one of the constants here
 * @param words what it says
 */
record ChaosLine(long ticket, long millis, String process, String kind, List<String> words) {
  /** An event is about to be published: number, key, number within the key. */
  static final String SENT = "sent";

  /** It is published: number. */
  static final String ACKED = "acked";

  /** It is unknown whether it was published, and it is published again: number. */
  static final String DOUBT = "doubt";

  /** As those of events, for bytes that are none. */
  static final String RAW_SENT = "raw-sent";

  static final String RAW_ACKED = "raw-acked";
  static final String RAW_DOUBT = "raw-doubt";

  /** A handler begins: group, number, attempt. */
  static final String BEGIN = "begin";

  /** It has returned: group, number. */
  static final String END = "end";

  /** It throws: group, number. */
  static final String FAIL = "fail";

  /** Something is done to somebody: number of the fault, what, whom. */
  static final String FAULT = "fault";

  /** It is over: number of the fault. */
  static final String HEALED = "healed";

  /** The process stood still: milliseconds. */
  static final String STILL = "still";

  /** At the end of a process: used megabytes after a collection, threads. */
  static final String LEFT = "left";

  ChaosLine {
    words = List.copyOf(words);
  }

  long number(int word) {
    return Long.parseLong(words.get(word));
  }

  /** All lines of a folder in their order; what is torn at the end of a file is left out. */
  static List<ChaosLine> read(Path folder) {
    List<ChaosLine> all = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        String name = String.valueOf(file.getFileName());
        if (name.endsWith(ChaosLog.SUFFIX)) {
          String process = name.substring(0, name.length() - ChaosLog.SUFFIX.length());
          read(process, new String(Files.readAllBytes(file), StandardCharsets.UTF_8), all);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    all.sort(Comparator.comparingLong(ChaosLine::ticket));
    return all;
  }

  private static void read(String process, String text, List<ChaosLine> all) {
    int from = 0;
    for (int end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      String[] words = text.substring(from, end).split(" ", -1);
      List<String> rest = List.of(words).subList(3, words.length);
      all.add(
          new ChaosLine(
              Long.parseLong(words[0]), Long.parseLong(words[1]), process, words[2], rest));
      from = end + 1;
    }
  }

  @Override
  public String toString() {
    return "%8d %d %s: %s %s".formatted(ticket, millis, process, kind, String.join(" ", words));
  }
}
