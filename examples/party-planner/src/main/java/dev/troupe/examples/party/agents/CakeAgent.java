package dev.troupe.examples.party.agents;

import dev.troupe.examples.party.catalogue.Cake;
import dev.troupe.examples.party.catalogue.Catalogue;
import dev.troupe.examples.party.plan.Fact;
import dev.troupe.examples.party.plan.Offer;
import dev.troupe.examples.party.plan.Offers;
import dev.troupe.examples.party.request.PartyBrief;
import dev.troupe.examples.party.request.Rules;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Finds cakes. One that holds an allergen of the request, or may hold traces of it, is never
 * offered, whatever the theme, the price and the strategy.
 */
public final class CakeAgent implements CatalogueAgent.Lookup<AgentTask, Offers> {
  /** The agent's name. */
  public static final String NAME = "cake";

  private static final int MOST_CAKES = 6;

  private final Catalogue catalogue;
  private final Rules rules;

  /**
   * Creates the agent's work.
   *
   * @param catalogue where to look
   * @param rules which diet avoids what
   */
  public CakeAgent(Catalogue catalogue, Rules rules) {
    this.catalogue = catalogue;
    this.rules = rules;
  }

  @Override
  public String doing(AgentTask task) {
    List<String> without = task.brief().food().avoid();
    return "looking for a cake"
        + (without.isEmpty() ? "" : " without " + String.join(", ", without));
  }

  @Override
  public Offers find(AgentTask task) {
    PartyBrief brief = task.brief();
    List<String> warnings = warnings(brief);
    String theme = task.chosen(ThemeAgent.NAME);
    List<Offer> matching = new ArrayList<>();
    List<Offer> others = new ArrayList<>();
    boolean anySafe = false;
    for (Cake cake : catalogue.cakes()) {
      if (!safe(cake, brief)) {
        continue;
      }
      anySafe = true;
      int cakes = (brief.guests().total() + cake.servings() - 1) / cake.servings();
      if (cakes <= MOST_CAKES) {
        int match = match(cake, brief, theme);
        (match > 0 ? matching : others).add(offer(cake, cakes, match, brief));
      }
    }
    if (matching.isEmpty() && others.isEmpty()) {
      return Offers.none(NAME, none(brief, anySafe), warnings);
    }
    return Offers.of(NAME, matching.isEmpty() ? others : matching, task.cap(), warnings);
  }

  private boolean safe(Cake cake, PartyBrief brief) {
    for (String allergen : brief.food().avoid()) {
      if (cake.contents().mayHold(allergen)) {
        return false;
      }
    }
    for (String diet : brief.food().diets()) {
      if (!cake.contents().diets().contains(diet)
          || rules.avoidedBy(diet).stream().anyMatch(cake.contents().allergens()::contains)) {
        return false;
      }
    }
    boolean sober =
        brief.guests().minors()
            || brief.guests().kids() > 0
            || brief.what().occasion().equals("baby-shower")
            || brief.food().diets().contains("halal");
    return !sober || !cake.contents().alcohol();
  }

  private static int match(Cake cake, PartyBrief brief, @Nullable String theme) {
    if (theme != null && cake.themes().contains(theme)) {
      return 35;
    }
    if (cake.themes().contains(brief.what().occasion())) {
      return 22;
    }
    return cake.themes().contains("general") ? 15 : 0;
  }

  private static Offer offer(Cake cake, int cakes, int match, PartyBrief brief) {
    int guests = brief.guests().total();
    int servings = cake.servings() * cakes;
    List<String> why = new ArrayList<>();
    List<String> warnings = new ArrayList<>();
    if (match >= 35) {
      why.add("it matches the theme");
    } else if (match == 0) {
      warnings.add(cake.name() + " does not match the theme, but it may be eaten by all.");
    } else {
      why.add("it suits any such party");
    }
    why.add(
        servings >= 2 * guests
            ? "it has %d servings for %d guests".formatted(servings, guests)
            : "its %d servings are right for %d guests".formatted(servings, guests));
    if (!brief.food().avoid().isEmpty()) {
      why.add("no " + String.join(", ", brief.food().avoid()) + ", not even traces");
    }
    if (cakes > 1) {
      warnings.add(
          "One cake of this size is not enough for %d guests: order %d.".formatted(guests, cakes));
    }
    boolean nutty =
        brief.guests().minors()
            && (cake.contents().mayHold("nuts") || cake.contents().mayHold("peanuts"));
    int size = servings <= guests + guests / 3 + 2 ? 15 : servings <= 2 * guests ? 8 : 0;
    return new Offer(
        cakes == 1 ? cake.id() : cakes + "x-" + cake.id(),
        cakes == 1 ? cake.name() : cakes + " × " + cake.name(),
        cake.price().times(cakes),
        40 + match + size - 8 * (cakes - 1) - (nutty ? 6 : 0),
        false,
        why,
        warnings,
        facts(cake));
  }

  private static List<Fact> facts(Cake cake) {
    Cake.Contents contents = cake.contents();
    List<Fact> facts = new ArrayList<>();
    facts.add(new Fact("Flavours", String.join(", ", cake.flavours())));
    facts.add(new Fact("Contains", listed(contents.allergens(), "none of the 14 allergens")));
    facts.add(new Fact("Traces of", listed(contents.traces(), "nothing known")));
    facts.add(
        new Fact(
            "Made for",
            listed(contents.diets(), "no diet") + (contents.alcohol() ? "; with alcohol" : "")));
    return facts;
  }

  private static String listed(List<String> values, String none) {
    return values.isEmpty() ? none : String.join(", ", values);
  }

  private static List<String> warnings(PartyBrief brief) {
    List<String> warnings = new ArrayList<>();
    for (String unclear : brief.food().unclear()) {
      warnings.add(
          "An allergy was named that could not be matched (“%s”): ask the baker before you order."
              .formatted(unclear));
    }
    if (!brief.food().avoid().isEmpty()) {
      warnings.add("The cakes are sample data: have the baker confirm what is in yours.");
    }
    return warnings;
  }

  private static String none(PartyBrief brief, boolean anySafe) {
    if (anySafe) {
      return "no suitable cake serves %d guests, not even %d of one kind"
          .formatted(brief.guests().total(), MOST_CAKES);
    }
    List<String> asked = new ArrayList<>();
    if (!brief.food().diets().isEmpty()) {
      asked.add(String.join(" and ", brief.food().diets()));
    }
    if (!brief.food().avoid().isEmpty()) {
      asked.add("without any " + String.join(", ", brief.food().avoid()) + " (traces included)");
    }
    return "no cake of the catalogue is %s; none is recommended, so that nobody is put at risk"
        .formatted(String.join(" and ", asked).toLowerCase(Locale.ROOT));
  }
}
