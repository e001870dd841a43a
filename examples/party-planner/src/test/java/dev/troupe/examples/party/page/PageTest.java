package dev.troupe.examples.party.page;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.Codec;
import dev.troupe.examples.party.Parties;
import dev.troupe.examples.party.plan.PartyPlan;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class PageTest {
  private static final String TEXT =
      "a dinosaur party for 12 kids on 6 June in Lisbon, 600 euros, one is allergic to nuts";

  private final PartyPlan plan = Parties.plan(TEXT);

  @Test
  void thePageHoldsAllThatMatters() {
    assertThat(TextPage.write(plan, false))
        .contains(
            "Dinosaur Expedition · Party in Lisbon",
            "Sunday 6 June 2027",
            "15 guests: 12 children and 3 adults, ages 4-12",
            "Without    peanuts, nuts",
            "Fossil dig in a sand tray",
            "Venue: ",
            "Traces of  soybeans",
            "not even traces",
            "Left over",
            "within budget",
            "Chosen by  best-fit");
  }

  @Test
  void noLineIsWiderThanTheTerminal() {
    for (int i = 1; i <= 10; i++) {
      String prefix = "%02d-".formatted(i);
      String name =
          new String[] {
                "01-dinosaurs-lisbon",
                "02-wedding-over-budget",
                "03-many-allergies-berlin",
                "04-unknown-town",
                "05-two-parties",
                "06-empty",
                "07-very-long",
                "08-piratas-madrid",
                "09-film-night-at-home",
                "10-hostile-mix"
              }
              [i - 1];
      assertThat(name).startsWith(prefix);
      assertThat(TextPage.write(Parties.plan(Parties.request(name)), false).lines())
          .allMatch(line -> line.codePointCount(0, line.length()) <= 80);
    }
  }

  @Test
  void coloursAreOnlyForTerminals() {
    assertThat(TextPage.write(plan, false)).doesNotContain("\u001b");
    assertThat(TextPage.write(plan, true)).contains("\u001b[1m");
    assertThat(TextPage.write(plan, true).replaceAll("\u001b\\[[0-9]*m", ""))
        .isEqualTo(TextPage.write(plan, false));
  }

  @Test
  void markdownHoldsTheSame() {
    String markdown = MarkdownPage.write(plan);
    assertThat(markdown)
        .startsWith("# Dinosaur Expedition · Party in Lisbon\n")
        .contains("| **Total** | **363.00 EUR** |", "- **Without:** peanuts, nuts", "## Mind");
  }

  @Test
  void nothingFromARequestBecomesMarkup() {
    PartyPlan hostile = Parties.plan("a party in Ro|me*x_ and <b>bold</b> for 12 kids in A<3B");
    assertThat(MarkdownPage.write(hostile)).doesNotContain("<b>").doesNotContain("A<3");
  }

  @Test
  void jsonCanBeReadBack() {
    byte[] json = JsonPage.write(plan).getBytes(StandardCharsets.UTF_8);
    assertThat(Codec.json().decode(json, PartyPlan.class)).isEqualTo(plan);
  }
}
