package dev.troupe.examples.party.page;

import dev.troupe.examples.party.plan.Fact;
import dev.troupe.examples.party.plan.PartyPlan;
import java.util.List;

/** Writes a plan as a page of text, 80 columns wide. */
public final class TextPage {
  private static final int WIDTH = 80;
  private static final int LABEL = 13;
  private static final String BOLD = "1";
  private static final String URGENT = "33";

  private final boolean colours;
  private final StringBuilder out = new StringBuilder();

  private TextPage(boolean colours) {
    this.colours = colours;
  }

  /**
   * Writes a plan.
   *
   * @param plan the plan
   * @param colours whether the reader's terminal shows colours
   * @return the page, ending with a line end
   */
  public static String write(PartyPlan plan, boolean colours) {
    TextPage page = new TextPage(colours);
    PlanLayout.of(plan).forEach(page::block);
    return page.out.toString();
  }

  private void block(Block block) {
    if (block instanceof Block.Title title) {
      out.append(out.length() == 0 ? "" : "\n");
      wrapped("", title.text(), "", BOLD);
      line("═".repeat(Math.min(WIDTH, length(title.text()))), BOLD);
    } else if (block instanceof Block.Heading heading) {
      out.append('\n');
      heading(heading);
    } else if (block instanceof Block.Facts facts) {
      for (Fact fact : facts.facts()) {
        String label = "  " + fact.label();
        int gap = Math.max(1, LABEL - length(label));
        wrapped(label + " ".repeat(gap), fact.value(), " ".repeat(LABEL), "");
      }
    } else if (block instanceof Block.Points points) {
      for (String point : points.lines()) {
        wrapped(points.urgent() ? "  ! " : "  - ", point, "    ", points.urgent() ? URGENT : "");
      }
    } else if (block instanceof Block.Table table) {
      table(table.rows());
      line("  " + "─".repeat(WIDTH - 2), "");
      table(table.sums());
    }
  }

  private void heading(Block.Heading heading) {
    int room = WIDTH - length(heading.text()) - length(heading.aside());
    if (heading.aside().isEmpty() || room < 2) {
      wrapped("", heading.text(), "  ", BOLD);
      if (!heading.aside().isEmpty()) {
        line(" ".repeat(WIDTH - length(heading.aside())) + heading.aside(), BOLD);
      }
    } else {
      line(heading.text() + " ".repeat(room) + heading.aside(), BOLD);
    }
  }

  private void table(List<Fact> rows) {
    for (Fact row : rows) {
      int room = WIDTH - 4 - length(row.value());
      String label = row.label();
      if (length(label) > room) {
        label = label.substring(0, label.offsetByCodePoints(0, room - 1)) + "…";
      }
      line(
          "  " + label + " ".repeat(WIDTH - 2 - length(label) - length(row.value())) + row.value(),
          "");
    }
  }

  private void wrapped(String first, String text, String indent, String style) {
    StringBuilder line = new StringBuilder(first);
    boolean empty = true;
    for (String word : text.split("[ \n]+", -1)) {
      if (!empty && length(line) + 1 + length(word) > WIDTH) {
        line(line.toString(), style);
        line = new StringBuilder(indent);
        empty = true;
      }
      line.append(empty ? "" : " ").append(word);
      empty = false;
    }
    line(line.toString(), style);
  }

  private static int length(CharSequence text) {
    return Character.codePointCount(text, 0, text.length());
  }

  private void line(String text, String style) {
    if (colours && !style.isEmpty()) {
      out.append("\u001b[").append(style).append('m').append(text).append("\u001b[0m\n");
    } else {
      out.append(text).append('\n');
    }
  }
}
