package dev.troupe.examples.party.agents;

import dev.troupe.agent.Agent;
import dev.troupe.agent.AgentContext;
import dev.troupe.examples.party.catalogue.Money;
import dev.troupe.examples.party.plan.Costs;
import dev.troupe.examples.party.plan.Missing;
import dev.troupe.examples.party.plan.Offer;
import dev.troupe.examples.party.plan.Offers;
import dev.troupe.examples.party.plan.Pick;
import dev.troupe.examples.party.plan.Recommender;
import dev.troupe.examples.party.plan.Recommenders;
import dev.troupe.examples.party.plan.Sheet;
import dev.troupe.examples.party.plan.Verdict;
import dev.troupe.examples.party.request.PartyBrief;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Puts the plan together from what there is: recommends by a strategy, adds up, and says what is
 * missing and why. Its step is tried again like any other.
 */
public final class FinalPlanner implements Agent<FinalTask, Sheet> {
  /** The agent's name. */
  public static final String NAME = "final-planner";

  private static final int ALTERNATIVES = 2;

  private final Recommenders recommenders;

  /**
   * Creates the agent.
   *
   * @param recommenders the strategies
   */
  public FinalPlanner(Recommenders recommenders) {
    this.recommenders = recommenders;
  }

  @Override
  public Sheet execute(FinalTask task, AgentContext context) {
    context.publish(new Doing("putting the plan together, strategy " + task.strategy()));
    return context.step("recommend", Sheet.class, attempt -> assemble(task));
  }

  /**
   * Puts a plan together. A pure function.
   *
   * @param task what there is
   * @return the plan
   */
  public Sheet assemble(FinalTask task) {
    Recommender recommender = recommenders.named(task.strategy());
    List<Pick> picks = new ArrayList<>();
    List<Missing> missing = new ArrayList<>(task.missing());
    List<Costs.Line> lines = new ArrayList<>();
    Set<String> warnings = new LinkedHashSet<>();
    Money total = Money.ZERO;
    PartyBrief.Budget budget = task.brief().budget();
    Money limit = budget == null ? null : budget.limit();
    Money first = Money.ZERO;
    for (Offers offers : task.offers()) {
      List<Offer> ranked = recommender.rank(offers.list());
      first = ranked.isEmpty() ? first : first.plus(ranked.get(0).price());
    }
    for (Offers offers : task.offers()) {
      if (offers.list().isEmpty()) {
        continue;
      }
      List<Offer> ranked = recommender.rank(offers.list());
      Offer chosen = ranked.get(0);
      Money others = first.minus(chosen.price());
      picks.add(new Pick(offers.agent(), chosen, alternatives(ranked, first, others, limit)));
      lines.add(new Costs.Line(offers.agent(), chosen.name(), chosen.price()));
      total = total.plus(chosen.price());
      warnings.addAll(chosen.warnings());
    }
    task.offers().forEach(offers -> warnings.addAll(offers.warnings()));
    Verdict verdict = task.verdict();
    Money reserved = verdict == null ? Money.ZERO : verdict.reserved();
    List<String> advice = new ArrayList<>(verdict == null ? List.of() : verdict.advice());
    if (limit != null && total.moreThan(limit) && advice.isEmpty()) {
      advice.add("Ask for something plainer, fewer guests, or leave something out.");
    }
    Costs costs = new Costs(lines, total, limit, reserved, advice);
    return new Sheet(
        task.brief(),
        picks,
        missing,
        costs,
        recommender.name() + ": " + recommender.inWords(),
        List.copyOf(warnings),
        notes(task),
        null);
  }

  /** The next best; while the plan is within the budget, only those with which it stays there. */
  private static List<Offer> alternatives(
      List<Offer> ranked, Money total, Money others, @Nullable Money limit) {
    return ranked.stream()
        .skip(1)
        .filter(
            offer ->
                limit == null
                    || total.moreThan(limit)
                    || !others.plus(offer.price()).moreThan(limit))
        .limit(ALTERNATIVES)
        .toList();
  }

  private static List<String> notes(FinalTask task) {
    PartyBrief brief = task.brief();
    Set<String> notes = new LinkedHashSet<>(brief.notes());
    boolean venue = brief.needs().agents().contains(VenueAgent.NAME);
    if (brief.when().date() == null && venue) {
      notes.add("No date was given: opening days and the season were not checked.");
    }
    if (brief.budget() == null && brief.needs().agents().contains(BudgetAgent.NAME)) {
      notes.add("No budget was given: the costs are added up and not limited.");
    }
    if (brief.wishes().accessible()) {
      boolean found = task.offers().stream().anyMatch(o -> o.agent().equals(VenueAgent.NAME));
      notes.add(
          found
              ? "Only venues without steps were taken."
              : "Still open: the place must have no steps.");
    }
    notes.addAll(task.notes());
    return List.copyOf(notes);
  }
}
