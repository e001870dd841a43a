package dev.troupe.examples.party.page;

import dev.troupe.examples.party.plan.Fact;
import dev.troupe.examples.party.plan.PartyPlan;
import java.util.List;

/** Writes a plan as Markdown. What came from the request can't become markup. */
public final class MarkdownPage {
  private static final String MARKUP = "\\`*_[]<>|#~";

  private final StringBuilder out = new StringBuilder();

  private MarkdownPage() {}

  /**
   * Writes a plan.
   *
   * @param plan the plan
   * @return the page
   */
  public static String write(PartyPlan plan) {
    MarkdownPage page = new MarkdownPage();
    PlanLayout.of(plan).forEach(page::block);
    return page.out.toString();
  }

  private void block(Block block) {
    out.append(out.length() == 0 ? "" : "\n");
    if (block instanceof Block.Title title) {
      out.append("# ").append(plain(title.text())).append('\n');
    } else if (block instanceof Block.Heading heading) {
      String aside = heading.aside().isEmpty() ? "" : " – " + plain(heading.aside());
      out.append("## ").append(plain(heading.text())).append(aside).append('\n');
    } else if (block instanceof Block.Facts facts) {
      for (Fact fact : facts.facts()) {
        out.append("- **").append(plain(fact.label())).append(":** ");
        out.append(plain(fact.value())).append('\n');
      }
    } else if (block instanceof Block.Points points) {
      for (String point : points.lines()) {
        out.append(points.urgent() ? "- ⚠ " : "- ").append(plain(point)).append('\n');
      }
    } else if (block instanceof Block.Table table) {
      out.append("| What | Price |\n| --- | ---: |\n");
      rows(table.rows(), "");
      rows(table.sums(), "**");
    }
  }

  private void rows(List<Fact> rows, String emphasis) {
    for (Fact row : rows) {
      out.append("| ").append(emphasis).append(plain(row.label())).append(emphasis);
      out.append(" | ").append(emphasis).append(plain(row.value())).append(emphasis);
      out.append(" |\n");
    }
  }

  private static String plain(String text) {
    StringBuilder escaped = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      escaped.append(MARKUP.indexOf(c) >= 0 ? "\\" : "").append(c == '\n' ? ' ' : c);
    }
    return escaped.toString();
  }
}
