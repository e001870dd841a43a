package dev.troupe.examples.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.Locale;

/** A report as a Markdown page: printed while it grows, written at the end. */
final class Report {
  private final StringBuilder page = new StringBuilder();

  Report(String title, String how) {
    line("# " + title);
    line("");
    line(how);
    line("");
    line(
        "Measured on %s with Java %s, %d cores, %s."
            .formatted(
                LocalDate.now(java.time.ZoneOffset.UTC),
                Runtime.version(),
                Runtime.getRuntime().availableProcessors(),
                System.getProperty("os.name")));
    line("");
  }

  void line(String line) {
    page.append(line).append('\n');
    System.out.println(line);
  }

  void row(Object... cells) {
    StringBuilder row = new StringBuilder("|");
    for (Object cell : cells) {
      row.append(' ').append(cell).append(" |");
    }
    line(row.toString());
  }

  void head(Object... cells) {
    row(cells);
    line("|" + " --- |".repeat(cells.length));
  }

  void write(Path folder, String name) {
    try {
      Files.createDirectories(folder);
      Path file = folder.resolve(name);
      Files.writeString(file, page);
      System.out.println("written to " + file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  static String number(double value) {
    return String.format(Locale.ROOT, value < 10 ? "%.2f" : "%,.0f", value);
  }
}
