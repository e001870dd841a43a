package dev.troupe.examples.party;

import java.io.Console;
import java.io.PrintStream;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/** Shows on a terminal what each agent does, a line each, updated in place. */
final class LiveDisplay {
  private static final int WIDTH = 79;

  private final PrintStream out;
  private final ReentrantLock lock = new ReentrantLock();
  private int drawn;
  private String last = "";
  private boolean active;

  LiveDisplay(PrintStream out) {
    this.out = out;
  }

  /** Whether a person with a capable terminal is watching. */
  static boolean possible() {
    String term = System.getenv("TERM");
    return term != null && !term.equals("dumb") && terminal();
  }

  /** From JDK 22 on there is a console even without a terminal, and a method that tells. */
  @SuppressWarnings("SystemConsoleNull")
  static boolean terminal() {
    Console console = System.console();
    if (console == null) {
      return false;
    }
    try {
      return (boolean) Console.class.getMethod("isTerminal").invoke(console);
    } catch (ReflectiveOperationException olderJdk) {
      return true;
    }
  }

  /** Draws the lines over those drawn before. */
  void draw(List<PlanWatch.Line> lines) {
    lock.lock();
    try {
      StringBuilder page = new StringBuilder();
      for (PlanWatch.Line line : lines) {
        page.append("\u001b[2K").append(shown(line)).append('\n');
      }
      if (!active || page.toString().equals(last)) {
        return;
      }
      last = page.toString();
      if (drawn > 0) {
        page.insert(0, "\u001b[" + drawn + "A");
      }
      drawn = Math.max(drawn, lines.size());
      out.print(page);
      out.flush();
    } finally {
      lock.unlock();
    }
  }

  /** Begins a new picture below what is there. */
  void begin() {
    show(true);
  }

  /** Leaves what is drawn; what is told from now on comes too late. */
  void done() {
    show(false);
  }

  private void show(boolean on) {
    lock.lock();
    try {
      active = on;
      drawn = 0;
      last = "";
    } finally {
      lock.unlock();
    }
  }

  private static String shown(PlanWatch.Line line) {
    String sign =
        switch (line.state()) {
          case WAITING -> "\u001b[2m·";
          case WORKING -> "\u001b[36m▸";
          case DONE -> "\u001b[32m✓";
          case FAILED -> "\u001b[31m✗";
        };
    String text = "%-15s %s".formatted(line.agent(), line.doing().replace('\n', ' '));
    return sign + "\u001b[0m " + text.substring(0, Math.min(WIDTH - 2, text.length()));
  }
}
