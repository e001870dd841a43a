package dev.troupe.llm.log;

import dev.troupe.llm.log.LogEntry.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a log held of each source when another execution took it over. What is told again goes into
 * the log only from where it differs, after a word that all before it is void: so an answer that
 * was journaled is not shown twice, and of two generations of one answer never a mixture.
 */
final class Known {
  private static final String AGAIN = "the process that showed it was gone; it is asked anew";

  private final Map<String, Source> sources = new HashMap<>();
  private final boolean cut;
  private final Set<String> begun = new HashSet<>();

  /** A source of the earlier execution: what it had shown, and how much of that came again. */
  private static final class Source {
    private final StringBuilder text = new StringBuilder();
    private final StringBuilder thinking = new StringBuilder();
    private final StringBuilder textAgain = new StringBuilder();
    private final StringBuilder thinkingAgain = new StringBuilder();
  }

  /** Nothing was there, or this execution itself wrote it. */
  Known() {
    this.cut = false;
  }

  /**
   * Of an earlier execution.
   *
   * @param cut whether its oldest entries were removed
   */
  Known(List<LogRows.Row> rows, boolean cut) {
    this.cut = cut;
    for (LogRows.Row row : rows) {
      for (LogEntry entry : row.entries()) {
        switch (entry.kind()) {
          case TEXT -> of(entry).text.append(entry.text());
          case THINKING -> of(entry).thinking.append(entry.text());
          case RESTARTED -> sources.put(entry.source(), new Source());
          default -> {}
        }
      }
    }
  }

  private Source of(LogEntry entry) {
    return sources.computeIfAbsent(entry.source(), s -> new Source());
  }

  /** What of it is new to the log. */
  List<LogRows.Line> toWrite(Told told) {
    Source source = sources.get(told.source());
    return switch (told.what()) {
      case TEXT, THINKING ->
          source == null ? fresh(told) : again(told, source, told.what() == Told.What.TEXT);
      case REPLAYED -> replayed(told, source, Kind.TEXT);
      case REPLAYED_THINKING -> replayed(told, source, Kind.THINKING);
      case RESTARTED -> {
        sources.remove(told.source());
        begun.add(told.source());
        yield plain(Kind.RESTARTED, told);
      }
      case FINISHED -> finished(told, source);
      default -> plain(Kind.valueOf(told.what().name()), told);
    };
  }

  private List<LogRows.Line> replayed(Told told, @Nullable Source source, Kind kind) {
    if (cut) {
      return List.of(); // it was shown, and may have been removed since
    }
    return source == null ? plain(kind, told) : again(told, source, kind == Kind.TEXT);
  }

  private List<LogRows.Line> fresh(Told told) {
    Kind kind = Kind.valueOf(told.what().name());
    if (!cut || !begun.add(told.source())) {
      return plain(kind, told);
    }
    // it may have been shown, and removed since
    return List.of(line(Kind.RESTARTED, told.source(), AGAIN), line(kind, told));
  }

  private List<LogRows.Line> again(Told told, Source source, boolean text) {
    StringBuilder shown = text ? source.text : source.thinking;
    StringBuilder now = text ? source.textAgain : source.thinkingAgain;
    int before = now.length();
    now.append(told.text());
    int both = Math.min(shown.length(), now.length());
    for (int i = before; i < both; i++) {
      if (shown.charAt(i) != now.charAt(i)) {
        sources.remove(told.source());
        begun.add(told.source());
        return anew(told.source(), source);
      }
    }
    if (now.length() <= shown.length()) {
      return List.of();
    }
    String more = now.substring(Math.max(before, shown.length()));
    return List.of(line(text ? Kind.TEXT : Kind.THINKING, told.source(), more));
  }

  private List<LogRows.Line> finished(Told told, @Nullable Source source) {
    if (source == null || source.textAgain.length() + source.thinkingAgain.length() == 0) {
      return List.of(); // nothing came again: it may be one that follows
    }
    if (source.textAgain.length() < source.text.length() && !cut) {
      sources.remove(told.source());
      return anew(told.source(), source);
    }
    return List.of();
  }

  private static List<LogRows.Line> anew(String name, Source source) {
    List<LogRows.Line> lines = new ArrayList<>();
    lines.add(line(Kind.RESTARTED, name, AGAIN));
    inParts(Kind.THINKING, name, source.thinkingAgain, lines);
    inParts(Kind.TEXT, name, source.textAgain, lines);
    return lines;
  }

  /** So that each fits into a row. */
  private static void inParts(Kind kind, String name, CharSequence text, List<LogRows.Line> lines) {
    for (int from = 0; from < text.length(); ) {
      int to = Math.min(text.length(), from + LogSink.MAX_PART);
      if (to < text.length() && Character.isHighSurrogate(text.charAt(to - 1))) {
        to--;
      }
      lines.add(line(kind, name, text.subSequence(from, to).toString()));
      from = to;
    }
  }

  private static List<LogRows.Line> plain(Kind kind, Told told) {
    return told.text().isEmpty() && (kind == Kind.TEXT || kind == Kind.THINKING)
        ? List.of()
        : List.of(line(kind, told));
  }

  private static LogRows.Line line(Kind kind, Told told) {
    return line(kind, told.source(), told.text());
  }

  private static LogRows.Line line(Kind kind, String source, String text) {
    return new LogRows.Line(kind.name(), source, text);
  }
}
