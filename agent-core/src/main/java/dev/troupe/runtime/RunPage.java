package dev.troupe.runtime;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;

/** A run's view as a page of text. */
final class RunPage {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS", Locale.ROOT).withZone(ZoneOffset.UTC);

  private RunPage() {}

  static String of(RunView view) {
    StringBuilder page = new StringBuilder();
    page.append("run %s of %s: %s%n".formatted(view.id(), view.agent(), word(view.state())));
    page.append("  created   %s UTC".formatted(TIME.format(view.created())));
    Instant ended = view.ended();
    if (ended != null) {
      page.append(", ended after ").append(words(Duration.between(view.created(), ended)));
    }
    page.append(System.lineSeparator());
    if (view.parent() != null) {
      page.append("  called by %s%n".formatted(view.parent()));
    }
    view.failure().ifPresent(f -> page.append("  because   %s%n".formatted(f.message())));
    executions(view, page);
    lines(view, page);
    again(view, page);
    return page.toString();
  }

  private static void executions(RunView view, StringBuilder page) {
    List<RunView.Execution> all = view.executions();
    for (int i = 0; i < all.size(); i++) {
      RunView.Execution one = all.get(i);
      page.append(
          "  %-9s %s  host and process %s, from +%s%s%n"
              .formatted(
                  i == 0 ? "executed" : "",
                  letter(i),
                  one.where(),
                  words(Duration.between(view.created(), one.since())),
                  one.afterDeath() ? ", after the one before died" : ""));
    }
  }

  private static void lines(RunView view, StringBuilder page) {
    if (view.journal().isEmpty()) {
      return;
    }
    int width = view.journal().stream().mapToInt(l -> l.path().length()).max().orElse(10);
    String form = "  %10s  %10s  %-5s  %-9s  %-" + Math.min(Math.max(width, 4), 60) + "s  %s";
    page.append(System.lineSeparator());
    row(page, form, "at", "took", "where", "what", "path", "");
    for (RunView.Line line : view.journal()) {
      String remark = line.again() ? "made again" : "";
      if (line.attempts() > 1) {
        remark += (remark.isEmpty() ? "" : ", ") + line.attempts() + " attempts";
      }
      row(
          page,
          form,
          "+" + words(Duration.between(view.created(), line.at())),
          words(line.took()),
          line.execution() < 0 ? "?" : letter(line.execution()),
          line.what(),
          line.path(),
          remark);
    }
  }

  private static void row(StringBuilder page, String form, Object... cells) {
    page.append(form.formatted(cells).stripTrailing()).append(System.lineSeparator());
  }

  /** What crashes cost: what was made again, and the time between the last sign and going on. */
  private static void again(RunView view, StringBuilder page) {
    long deaths = view.executions().stream().filter(RunView.Execution::afterDeath).count();
    if (deaths == 0) {
      return;
    }
    List<RunView.Line> again = view.journal().stream().filter(RunView.Line::again).toList();
    Duration took = again.stream().map(RunView.Line::took).reduce(Duration.ZERO, Duration::plus);
    Duration gap = Duration.ZERO;
    Instant counted = view.created();
    for (RunView.Execution one : view.executions()) {
      if (one.afterDeath()) {
        Instant last = lastBefore(view, one.since());
        Instant from = last.isAfter(counted) ? last : counted;
        gap = gap.plus(Duration.between(from, one.since()));
        counted = one.since();
      }
    }
    page.append(
        "%n  %d %s died with this run. %d of %d effects may have been begun before and %s made again, which took %s. From the last journaled effect until another process went on: %s.%n"
            .formatted(
                deaths,
                deaths == 1 ? "process" : "processes",
                again.size(),
                view.journal().size(),
                again.size() == 1 ? "was" : "were",
                words(took),
                words(gap)));
  }

  private static Instant lastBefore(RunView view, Instant since) {
    Instant last = view.created();
    for (RunView.Line line : view.journal()) {
      if (line.at().isBefore(since) && line.at().isAfter(last)) {
        last = line.at();
      }
    }
    return last;
  }

  private static String letter(int execution) {
    return execution < 26
        ? Character.toString((char) ('A' + execution))
        : Integer.toString(execution);
  }

  private static String word(RunView.State state) {
    return state.name().toLowerCase(Locale.ROOT);
  }

  static String words(Duration duration) {
    long millis = duration.toMillis();
    if (millis < 1_000) {
      return millis + " ms";
    }
    if (millis < 120_000) {
      return String.format(Locale.ROOT, "%.1f s", millis / 1000.0);
    }
    long minutes = duration.toMinutes();
    return minutes < 120 ? minutes + " min" : duration.toHours() + " h";
  }
}
