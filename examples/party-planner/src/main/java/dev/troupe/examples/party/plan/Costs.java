package dev.troupe.examples.party.plan;

import dev.troupe.examples.party.catalogue.Money;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the plan costs.
 *
 * @param lines what is paid for what
 * @param total the sum of the lines
 * @param limit the budget, null when there is none
 * @param reserved what is kept for things that are missing
 * @param advice what can be done about a budget that does not suffice
 */
public record Costs(
    List<Line> lines, Money total, @Nullable Money limit, Money reserved, List<String> advice) {
  /**
   * Copies the lists and checks the sum: no plan may claim another total than that of its lines.
   */
  public Costs {
    lines = List.copyOf(lines);
    advice = List.copyOf(advice);
    Money sum = Money.ZERO;
    for (Line line : lines) {
      sum = sum.plus(line.price());
    }
    if (!sum.equals(total)) {
      throw new IllegalArgumentException("the lines add up to " + sum + ", not to " + total);
    }
  }

  /**
   * One line of the table.
   *
   * @param agent who brought it
   * @param what what is paid for
   * @param price what it costs
   */
  public record Line(String agent, String what, Money price) {}

  /**
   * Whether the sum is within the budget.
   *
   * @return false when it is more; true when there is no budget
   */
  public boolean within() {
    return limit == null || !total.moreThan(limit);
  }
}
