package dev.troupe.examples.party.agents;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.examples.party.Parties;
import dev.troupe.examples.party.catalogue.Cake;
import dev.troupe.examples.party.plan.Offer;
import dev.troupe.examples.party.plan.Offers;
import dev.troupe.examples.party.request.Options;
import dev.troupe.examples.party.request.PartyBrief;
import dev.troupe.examples.party.request.RuleReader;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CakeSafetyTest {
  private final CakeAgent agent = new CakeAgent(Parties.CATALOGUE, Parties.RULES);

  static Stream<String> allergens() {
    return Parties.RULES.allergens().stream();
  }

  static Stream<String> diets() {
    return Parties.RULES.diets().stream();
  }

  private static Map<String, Cake> cakes() {
    Map<String, Cake> cakes = new HashMap<>();
    Parties.CATALOGUE.cakes().forEach(cake -> cakes.put(cake.id(), cake));
    return cakes;
  }

  private List<Cake> offered(PartyBrief.Food food, String theme) {
    PartyBrief brief = RuleReader.adding(Parties.brief("a party for 12 kids"), food);
    AgentTask task =
        new AgentTask(
            brief, List.of(new AgentTask.Choice("theme", theme)), null, Options.standard());
    Offers offers = agent.find(task);
    return offers.list().stream().map(Offer::id).map(CakeSafetyTest::cake).toList();
  }

  private static Cake cake(String id) {
    String single = id.matches("\\dx-.*") ? id.substring(3) : id;
    Cake cake = cakes().get(single);
    assertThat(cake).as(id).isNotNull();
    return cake;
  }

  @ParameterizedTest
  @MethodSource("allergens")
  void noCakeIsOfferedThatHoldsAnAllergenOrTracesOfIt(String allergen) {
    PartyBrief.Food food = new PartyBrief.Food(List.of(allergen), List.of(), List.of());
    Parties.CATALOGUE
        .themes()
        .forEach(
            theme ->
                assertThat(offered(food, theme.id()))
                    .as(theme.id())
                    .noneMatch(cake -> cake.contents().allergens().contains(allergen))
                    .noneMatch(cake -> cake.contents().traces().contains(allergen)));
  }

  @ParameterizedTest
  @MethodSource("diets")
  void noCakeIsOfferedThatDoesNotSuitADiet(String diet) {
    PartyBrief.Food food = new PartyBrief.Food(List.of(), List.of(diet), List.of());
    assertThat(offered(food, "dinosaur"))
        .isNotEmpty()
        .allMatch(cake -> cake.contents().diets().contains(diet));
  }

  @ParameterizedTest
  @MethodSource("allergens")
  void pairsOfAllergensAreAvoidedTogether(String allergen) {
    for (String other : Parties.RULES.allergens()) {
      PartyBrief.Food food = new PartyBrief.Food(List.of(allergen, other), List.of(), List.of());
      assertThat(offered(food, "pirate"))
          .noneMatch(cake -> cake.contents().mayHold(allergen) || cake.contents().mayHold(other));
    }
  }

  @ParameterizedTest
  @MethodSource("allergens")
  void childrenGetNoAlcohol(String allergen) {
    PartyBrief.Food food = new PartyBrief.Food(List.of(allergen), List.of(), List.of());
    assertThat(offered(food, "casino")).noneMatch(cake -> cake.contents().alcohol());
  }
}
