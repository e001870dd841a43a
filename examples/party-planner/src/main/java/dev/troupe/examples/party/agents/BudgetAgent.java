package dev.troupe.examples.party.agents;

import dev.troupe.examples.party.catalogue.Money;
import dev.troupe.examples.party.plan.Offer;
import dev.troupe.examples.party.plan.Offers;
import dev.troupe.examples.party.plan.Recommender;
import dev.troupe.examples.party.plan.Recommenders;
import dev.troupe.examples.party.plan.Verdict;
import dev.troupe.examples.party.request.PartyBrief;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Splits and checks the budget. When what is recommended costs too much, it says who has to get
 * cheaper and how far; when even the cheapest costs too much, it says what is missing and what to
 * give up.
 */
public final class BudgetAgent implements CatalogueAgent.Lookup<BudgetTask, Verdict> {
  /** The agent's name. */
  public static final String NAME = "budget";

  private final Map<String, Integer> shares;
  private final Recommenders recommenders;
  private final LeastCost leastCost;

  /** Finds the least that a party costs. */
  @FunctionalInterface
  public interface LeastCost {
    /**
     * Finds the least that some agents need for a party.
     *
     * @param brief the party
     * @param agents which agents
     * @return the sum, null when one of them finds nothing
     */
    @Nullable Money of(PartyBrief brief, List<String> agents);
  }

  /**
   * Creates the agent's work.
   *
   * @param shares the weight of each agent in the first split
   * @param recommenders the strategies
   * @param leastCost for advice
   */
  public BudgetAgent(Map<String, Integer> shares, Recommenders recommenders, LeastCost leastCost) {
    this.shares = Map.copyOf(shares);
    this.recommenders = recommenders;
    this.leastCost = leastCost;
  }

  /** One agent's part: what was recommended, and what it needs at least. */
  private record Part(String agent, Money price, Money least, Money floor, long weight) {}

  @Override
  public String doing(BudgetTask task) {
    PartyBrief.Budget budget = task.brief().budget();
    return budget == null ? "adding up the costs" : "checking the budget of " + budget.limit();
  }

  @Override
  public Verdict find(BudgetTask task) {
    List<Part> parts = parts(task);
    Money total = sum(parts.stream().map(Part::price).toList());
    Money least = sum(parts.stream().map(Part::least).toList());
    Money floor = sum(parts.stream().map(Part::floor).toList());
    PartyBrief.Budget budget = task.brief().budget();
    if (budget == null) {
      return new Verdict(
          Verdict.Kind.NO_LIMIT, total, null, Money.ZERO, List.of(), floor, List.of());
    }
    Money limit = budget.limit();
    List<String> advice = new ArrayList<>();
    Money reserved = reserved(task, parts, limit);
    if (floor.moreThan(limit.minus(reserved)) && reserved.moreThan(Money.ZERO)) {
      reserved = Money.ZERO;
      advice.add("Nothing is left of the budget for: " + String.join(", ", task.missing()) + ".");
    }
    Money available = limit.minus(reserved);
    if (!total.moreThan(available)) {
      return new Verdict(Verdict.Kind.WITHIN, total, limit, reserved, List.of(), floor, advice);
    }
    if (!floor.moreThan(available)) {
      boolean asAsked = !least.moreThan(available);
      if (!asAsked) {
        advice.add(
            "What was asked for costs at least %s, so something plainer was taken."
                .formatted(least.plus(reserved)));
      }
      return new Verdict(
          Verdict.Kind.REPLAN,
          total,
          limit,
          reserved,
          caps(parts, available, asAsked),
          floor,
          advice);
    }
    List<Verdict.Cap> cheapest =
        parts.stream()
            .map(p -> new Verdict.Cap(p.agent, p.least, p.price.moreThan(p.least)))
            .toList();
    advice.addAll(giveUp(task.brief(), parts, least, limit));
    if (least.moreThan(floor)) {
      advice.add(
          "Something plainer than what was asked for would save %s.".formatted(least.minus(floor)));
    }
    return new Verdict(Verdict.Kind.IMPOSSIBLE, total, limit, reserved, cheapest, least, advice);
  }

  private List<Part> parts(BudgetTask task) {
    Recommender recommender = recommenders.named(task.strategy());
    List<Part> parts = new ArrayList<>();
    for (Offers offers : task.offers()) {
      Money least = offers.least();
      Money floor = offers.floor();
      if (!offers.list().isEmpty() && least != null && floor != null) {
        Offer first = recommender.rank(offers.list()).get(0);
        parts.add(new Part(offers.agent(), first.price(), least, floor, weight(offers.agent())));
      }
    }
    return parts;
  }

  private long weight(String agent) {
    return Math.max(1, shares.getOrDefault(agent, 0));
  }

  private static Money sum(List<Money> amounts) {
    return amounts.stream().reduce(Money.ZERO, Money::plus);
  }

  /** What is wanted and still missing keeps its share of the budget. */
  private Money reserved(BudgetTask task, List<Part> parts, Money limit) {
    long kept = task.missing().stream().mapToLong(this::weight).sum();
    long all = kept + parts.stream().mapToLong(Part::weight).sum();
    return kept == 0 ? Money.ZERO : limit.share(kept, all);
  }

  /**
   * Each agent may spend what it needs at least and its share of the rest. What the cheaper ones
   * leave goes to those that are too dear. The caps never add up to more than there is.
   */
  private static List<Verdict.Cap> caps(List<Part> parts, Money available, boolean asAsked) {
    List<Part> dear = new ArrayList<>(parts);
    Money left = available;
    boolean moved = true;
    while (moved) {
      Money rest = left.minus(sum(dear.stream().map(p -> needs(p, asAsked)).toList()));
      long weights = dear.stream().mapToLong(Part::weight).sum();
      List<Part> content =
          dear.stream()
              .filter(
                  p -> {
                    Money cap = needs(p, asAsked).plus(rest.share(p.weight, weights));
                    return !p.price.moreThan(cap);
                  })
              .toList();
      moved = !content.isEmpty() && content.size() < dear.size();
      if (moved) {
        left = left.minus(sum(content.stream().map(Part::price).toList()));
        dear.removeAll(content);
      }
    }
    Money rest = left.minus(sum(dear.stream().map(p -> needs(p, asAsked)).toList()));
    long weights = dear.stream().mapToLong(Part::weight).sum();
    List<Verdict.Cap> caps = new ArrayList<>();
    for (Part part : parts) {
      boolean cheaper = dear.contains(part);
      Money most =
          cheaper ? needs(part, asAsked).plus(rest.share(part.weight, weights)) : part.price;
      caps.add(new Verdict.Cap(part.agent, most, cheaper && part.price.moreThan(most)));
    }
    return caps;
  }

  private static Money needs(Part part, boolean asAsked) {
    return asAsked ? part.least : part.floor;
  }

  private List<String> giveUp(PartyBrief brief, List<Part> parts, Money least, Money limit) {
    List<String> advice = new ArrayList<>();
    advice.add(
        "The least possible total for what was asked is %s: %s more than the budget."
            .formatted(least, least.minus(limit)));
    for (Part part : parts) {
      Money without = least.minus(part.least);
      if (!without.moreThan(limit) && parts.size() > 1) {
        advice.add(
            "Without the %s the rest costs at least %s, which is within the budget."
                .formatted(part.agent, without));
      }
    }
    int guests = guestsWithin(brief, parts.stream().map(Part::agent).toList(), limit);
    if (guests > 0) {
      advice.add(
          "For at most %d guests instead of %d, the budget would do for the cheapest of everything."
              .formatted(guests, brief.guests().total()));
    }
    return advice;
  }

  /** The largest number of guests found for which the budget does, 0 for none. */
  private int guestsWithin(PartyBrief brief, List<String> agents, Money limit) {
    int enough = 0;
    int tooMany = brief.guests().total();
    while (tooMany - enough > 1) {
      int middle = (enough + tooMany) / 2;
      Money least = leastCost.of(brief.withGuests(middle), agents);
      if (least != null && !least.moreThan(limit)) {
        enough = middle;
      } else {
        tooMany = middle;
      }
    }
    return enough;
  }
}
