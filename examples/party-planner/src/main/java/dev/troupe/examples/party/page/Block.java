package dev.troupe.examples.party.page;

import dev.troupe.examples.party.plan.Fact;
import java.util.List;

/** A part of a page, without a form. */
public sealed interface Block {
  /**
   * The name of a plan.
   *
   * @param text the name
   */
  record Title(String text) implements Block {}

  /**
   * The beginning of a section.
   *
   * @param text its name
   * @param aside what stands at the end of its line, empty for nothing
   */
  record Heading(String text, String aside) implements Block {}

  /**
   * Labels with their values.
   *
   * @param facts the lines
   */
  record Facts(List<Fact> facts) implements Block {
    /** Copies the list. */
    public Facts {
      facts = List.copyOf(facts);
    }
  }

  /**
   * A list.
   *
   * @param lines its points
   * @param urgent whether they must not be overlooked
   */
  record Points(List<String> lines, boolean urgent) implements Block {
    /** Copies the list. */
    public Points {
      lines = List.copyOf(lines);
    }
  }

  /**
   * Things with their amounts, and what they come to.
   *
   * @param rows the lines
   * @param sums the lines under the rule
   */
  record Table(List<Fact> rows, List<Fact> sums) implements Block {
    /** Copies the lists. */
    public Table {
      rows = List.copyOf(rows);
      sums = List.copyOf(sums);
    }
  }
}
