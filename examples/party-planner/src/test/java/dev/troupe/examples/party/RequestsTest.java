package dev.troupe.examples.party;

import static dev.troupe.examples.party.Parties.chosen;
import static dev.troupe.examples.party.Parties.fact;
import static dev.troupe.examples.party.Parties.plan;
import static dev.troupe.examples.party.Parties.request;
import static dev.troupe.examples.party.Parties.sheet;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.examples.party.page.MarkdownPage;
import dev.troupe.examples.party.page.TextPage;
import dev.troupe.examples.party.plan.Missing;
import dev.troupe.examples.party.plan.PartyPlan;
import dev.troupe.examples.party.plan.Sheet;
import org.junit.jupiter.api.Test;

/** The ten requests; what a person expects of them stands in {@code requests/EXPECTED.md}. */
class RequestsTest {
  @Test
  void dinosaursInLisbonStayInTheBudgetAndHoldNoNuts() {
    Sheet sheet = sheet(request("01-dinosaurs-lisbon"));
    assertThat(chosen(sheet, "theme").id()).isEqualTo("dinosaur");
    assertThat(chosen(sheet, "venue").id()).startsWith("lis-");
    assertThat(fact(chosen(sheet, "cake"), "Contains")).doesNotContain("nuts");
    assertThat(fact(chosen(sheet, "cake"), "Traces of")).doesNotContain("nuts");
    assertThat(sheet.costs().within()).isTrue();
    assertThat(sheet.brief().guests().total()).isEqualTo(15);
  }

  @Test
  void theWeddingIsSaidToBeOverTheBudget() {
    Sheet sheet = sheet(request("02-wedding-over-budget"));
    assertThat(sheet.costs().within()).isFalse();
    assertThat(chosen(sheet, "theme").id()).isEqualTo("wedding-classic");
    assertThat(sheet.costs().advice()).anyMatch(line -> line.contains("more than the budget"));
    assertThat(TextPage.write(plan(request("02-wedding-over-budget")), false))
        .contains("OVER BUDGET", "Over budget by", "order 3")
        .doesNotContain("within budget");
  }

  @Test
  void noneOfSixNeedsInBerlinIsForgotten() {
    Sheet sheet = sheet(request("03-many-allergies-berlin"));
    assertThat(sheet.brief().food().avoid())
        .contains("gluten", "nuts", "sesame", "soybeans", "milk", "eggs");
    assertThat(sheet.brief().food().diets()).contains("vegan");
    assertThat(chosen(sheet, "cake").id()).startsWith("free-");
    assertThat(chosen(sheet, "theme").id()).isEqualTo("eighties-disco");
    assertThat(sheet.costs().within()).isTrue();
  }

  @Test
  void theUnknownTownIsNamedAndTheRestIsPlanned() {
    Sheet sheet = sheet(request("04-unknown-town"));
    assertThat(sheet.missing()).extracting(Missing::agent).containsExactly("venue");
    assertThat(sheet.missing().get(0).reason()).contains("Romsey", "Rome?");
    assertThat(chosen(sheet, "theme").id()).isEqualTo("garden-tea");
    assertThat(sheet.costs().limit()).hasToString("760.50 EUR");
    assertThat(sheet.notes()).anyMatch(note -> note.contains("no steps"));
    assertThat(sheet.costs().reserved()).hasToString("418.27 EUR");
  }

  @Test
  void twoPartiesAreNotMixed() {
    PartyPlan plan = plan(request("05-two-parties"));
    assertThat(plan.sheets()).hasSize(2);
    Sheet unicorn = plan.sheets().get(0);
    Sheet wine = plan.sheets().get(1);
    assertThat(chosen(unicorn, "theme").id()).isEqualTo("unicorn");
    assertThat(chosen(unicorn, "venue").id()).startsWith("opo-");
    assertThat(unicorn.brief().food().avoid()).containsExactly("milk");
    assertThat(unicorn.costs().limit()).hasToString("400.00 EUR");
    assertThat(unicorn.costs().within()).isTrue();
    assertThat(chosen(wine, "theme").id()).isEqualTo("wine-tasting");
    assertThat(chosen(wine, "venue").id()).startsWith("vie-");
    assertThat(wine.brief().guests().total()).isEqualTo(40);
    assertThat(wine.brief().food().avoid()).isEmpty();
  }

  @Test
  void nothingIsRefusedWithAnExample() {
    PartyPlan plan = plan(request("06-empty"));
    assertThat(plan.sheets()).isEmpty();
    assertThat(plan.refusal()).contains("empty", "For example");
  }

  @Test
  void theRequestInsideALongLetterIsFound() {
    PartyPlan plan = plan(request("07-very-long"));
    Sheet sheet = plan.sheets().get(0);
    assertThat(plan.notes()).anyMatch(note -> note.contains("The text is long"));
    assertThat(sheet.brief().guests().total()).isEqualTo(35);
    assertThat(sheet.brief().place().city()).isEqualTo("ham");
    assertThat(sheet.brief().when().date()).isEqualTo("2027-09-18");
    assertThat(sheet.brief().food().avoid()).contains("peanuts", "crustaceans", "molluscs");
    assertThat(chosen(sheet, "theme").id()).isEqualTo("jazz-club");
    assertThat(chosen(sheet, "venue").why()).contains("it has no steps");
  }

  @Test
  void spanishIsUnderstood() {
    Sheet sheet = sheet(request("08-piratas-madrid"));
    assertThat(chosen(sheet, "theme").id()).isEqualTo("pirate");
    assertThat(sheet.brief().guests().kids()).isEqualTo(15);
    assertThat(sheet.brief().guests().age()).isEqualTo(7);
    assertThat(sheet.brief().food().avoid()).containsExactlyInAnyOrder("gluten", "eggs");
    assertThat(chosen(sheet, "venue").id()).startsWith("mad-");
    assertThat(sheet.costs().within()).isTrue();
  }

  @Test
  void aPartyAtHomeNeedsNoVenueAndMissesNone() {
    Sheet sheet = sheet(request("09-film-night-at-home"));
    assertThat(sheet.missing()).isEmpty();
    assertThat(sheet.picks()).noneMatch(pick -> pick.agent().equals("venue"));
    assertThat(chosen(sheet, "theme").id()).isEqualTo("movie-night");
    assertThat(sheet.costs().limit()).hasToString("245.70 EUR");
    assertThat(fact(chosen(sheet, "cake"), "Made for")).contains("vegetarian");
  }

  @Test
  void aHostileTextIsOnlyText() {
    PartyPlan plan = plan(request("10-hostile-mix"));
    Sheet sheet = plan.sheets().get(0);
    assertThat(sheet.brief().place().city()).isEqualTo("waw");
    assertThat(sheet.brief().guests().total()).isEqualTo(25);
    assertThat(sheet.brief().when().date()).isEqualTo("2027-03-12");
    assertThat(sheet.costs().limit()).hasToString("1,200.50 EUR");
    assertThat(chosen(sheet, "venue").id()).isNotEqualTo("waw-03");
    for (String page : new String[] {TextPage.write(plan, false), MarkdownPage.write(plan)}) {
      assertThat(page).doesNotContain("script", "\u001b", "\u202e", "\u200b", "DROP TABLE");
    }
  }

  @Test
  void aBadLineStopsNoOther() {
    long plans = request("many").lines().filter(line -> !plan(line).sheets().isEmpty()).count();
    assertThat(plans).isEqualTo(12);
  }
}
