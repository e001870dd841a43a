package dev.troupe.examples.party.page;

import dev.troupe.examples.party.plan.Costs;
import dev.troupe.examples.party.plan.Fact;
import dev.troupe.examples.party.plan.Missing;
import dev.troupe.examples.party.plan.Offer;
import dev.troupe.examples.party.plan.PartyPlan;
import dev.troupe.examples.party.plan.Pick;
import dev.troupe.examples.party.plan.Sheet;
import dev.troupe.examples.party.request.PartyBrief;
import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Says what stands in a plan and in which order, for all forms alike. */
public final class PlanLayout {
  private static final DateTimeFormatter DAY =
      DateTimeFormatter.ofPattern("EEEE d MMMM uuuu", Locale.ENGLISH);

  private PlanLayout() {}

  /**
   * Lays a plan out.
   *
   * @param plan the plan
   * @return its parts
   */
  public static List<Block> of(PartyPlan plan) {
    List<Block> blocks = new ArrayList<>();
    if (plan.refusal() != null) {
      blocks.add(new Block.Title("No plan"));
      blocks.add(new Block.Points(List.of(plan.refusal()), true));
    }
    int number = 0;
    for (Sheet sheet : plan.sheets()) {
      number++;
      String which = plan.sheets().size() == 1 ? "" : "Party %d: ".formatted(number);
      sheet(which, sheet, blocks);
    }
    if (!plan.notes().isEmpty()) {
      blocks.add(new Block.Heading("About the request", ""));
      blocks.add(new Block.Points(plan.notes(), false));
    }
    return blocks;
  }

  private static void sheet(String which, Sheet sheet, List<Block> blocks) {
    blocks.add(new Block.Title(which + title(sheet)));
    if (sheet.wording() != null) {
      blocks.add(new Block.Points(List.of(sheet.wording()), false));
    }
    blocks.add(new Block.Facts(brief(sheet)));
    sheet.picks().forEach(pick -> pick(pick, blocks));
    costs(sheet, blocks);
    if (!sheet.missing().isEmpty()) {
      blocks.add(new Block.Heading("Missing from this plan", ""));
      blocks.add(
          new Block.Points(sheet.missing().stream().map(PlanLayout::missing).toList(), true));
    }
    if (!sheet.warnings().isEmpty()) {
      blocks.add(new Block.Heading("Mind", ""));
      blocks.add(new Block.Points(sheet.warnings(), true));
    }
    if (!sheet.notes().isEmpty()) {
      blocks.add(new Block.Heading("Assumptions and notes", ""));
      blocks.add(new Block.Points(sheet.notes(), false));
    }
  }

  private static String missing(Missing missing) {
    return capital(missing.agent()) + ": " + missing.reason();
  }

  /**
   * The name of a plan.
   *
   * @param sheet the plan
   * @return theme, occasion and city, as far as they are known
   */
  static String title(Sheet sheet) {
    PartyBrief brief = sheet.brief();
    List<String> parts = new ArrayList<>();
    sheet.picks().stream()
        .filter(pick -> pick.agent().equals("theme"))
        .forEach(pick -> parts.add(pick.chosen().name()));
    parts.add(brief.what().name());
    String place = brief.place().name();
    return String.join(" · ", parts) + (place == null ? "" : " in " + place);
  }

  private static List<Fact> brief(Sheet sheet) {
    PartyBrief brief = sheet.brief();
    List<Fact> facts = new ArrayList<>();
    LocalDate date = brief.when().date();
    facts.add(new Fact("When", date == null ? "no date given" : DAY.format(date)));
    facts.add(new Fact("Where", where(brief)));
    facts.add(new Fact("Who", who(brief.guests())));
    if (!brief.food().avoid().isEmpty()) {
      facts.add(new Fact("Without", String.join(", ", brief.food().avoid())));
    }
    if (!brief.food().diets().isEmpty()) {
      facts.add(new Fact("Diets", String.join(", ", brief.food().diets())));
    }
    PartyBrief.Budget budget = brief.budget();
    if (budget != null) {
      String stated = budget.stated();
      boolean head = stated.contains(" for ");
      boolean same = !head && brief.notes().stream().noneMatch(note -> note.startsWith(stated));
      facts.add(new Fact("Budget", budget.limit() + (same ? "" : " (stated as “" + stated + "”)")));
    }
    for (PartyBrief.Unwanted unwanted : brief.needs().unwanted()) {
      facts.add(new Fact("No " + unwanted.agent(), unwanted.reason()));
    }
    return facts;
  }

  private static String where(PartyBrief brief) {
    String name = brief.place().name();
    if (name == null) {
      return "no city given";
    }
    return brief.place().city() == null ? name + " (not in the sample data)" : name;
  }

  private static String who(PartyBrief.Guests guests) {
    String ages = guests.minors() ? ", " + guests.ages().inWords() : "";
    if (guests.kids() == 0) {
      return "%d guests (%s%s)".formatted(guests.total(), guests.audience(), ages);
    }
    return "%d guests: %d %s and %d %s%s"
        .formatted(
            guests.total(),
            guests.kids(),
            guests.kids() == 1 ? "child" : "children",
            guests.others(),
            guests.others() == 1 ? "adult" : "adults",
            ages);
  }

  private static void pick(Pick pick, List<Block> blocks) {
    Offer chosen = pick.chosen();
    String heading = capital(pick.agent()) + ": " + chosen.name();
    blocks.add(new Block.Heading(heading, chosen.price().toString()));
    List<Fact> facts = new ArrayList<>(chosen.facts());
    if (!chosen.why().isEmpty()) {
      facts.add(new Fact("Why", String.join("; ", chosen.why())));
    }
    if (!pick.alternatives().isEmpty()) {
      List<String> others =
          pick.alternatives().stream().map(o -> o.name() + " (" + o.price() + ")").toList();
      facts.add(new Fact("Or", String.join(", ", others)));
    }
    blocks.add(new Block.Facts(facts));
  }

  private static void costs(Sheet sheet, List<Block> blocks) {
    Costs costs = sheet.costs();
    if (costs.lines().isEmpty()) {
      return;
    }
    List<Fact> rows =
        costs.lines().stream()
            .map(l -> new Fact(capital(l.agent()) + ": " + l.what(), l.price().toString()))
            .toList();
    List<Fact> sums = new ArrayList<>();
    sums.add(new Fact("Total", costs.total().toString()));
    if (costs.limit() != null) {
      sums.add(new Fact("Budget", costs.limit().toString()));
      if (costs.within()) {
        sums.add(new Fact("Left over", costs.limit().minus(costs.total()).toString()));
      } else {
        sums.add(new Fact("Over budget by", costs.total().minus(costs.limit()).toString()));
      }
      if (costs.reserved().cents() > 0) {
        sums.add(new Fact("of it kept for what is missing", costs.reserved().toString()));
      }
    }
    blocks.add(new Block.Heading("Costs", state(sheet)));
    blocks.add(new Block.Table(rows, sums));
    if (!costs.advice().isEmpty()) {
      blocks.add(new Block.Points(costs.advice(), !costs.within()));
    }
    blocks.add(new Block.Facts(List.of(new Fact("Chosen by", sheet.strategy()))));
  }

  private static String state(Sheet sheet) {
    Costs costs = sheet.costs();
    if (costs.limit() == null) {
      return "no budget given";
    }
    boolean missing = sheet.missing().stream().anyMatch(m -> !m.agent().equals("budget"));
    return !costs.within() ? "OVER BUDGET" : missing ? "within budget so far" : "within budget";
  }

  private static String capital(String word) {
    return word.isEmpty() ? "" : word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1);
  }
}
