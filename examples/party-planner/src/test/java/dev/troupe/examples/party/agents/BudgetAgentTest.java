package dev.troupe.examples.party.agents;

import static dev.troupe.examples.party.Parties.offer;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.examples.party.Parties;
import dev.troupe.examples.party.catalogue.Money;
import dev.troupe.examples.party.plan.Offer;
import dev.troupe.examples.party.plan.Offers;
import dev.troupe.examples.party.plan.Recommenders;
import dev.troupe.examples.party.plan.Verdict;
import dev.troupe.examples.party.request.Options;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BudgetAgentTest {
  private final BudgetAgent agent =
      new BudgetAgent(
          Map.of("theme", 25, "venue", 55, "cake", 20),
          Recommenders.standard(),
          (brief, agents) -> Money.euros(10L * brief.guests().total()));

  private static Offers offers(String agent, Offer... list) {
    return Offers.of(agent, List.of(list), null, List.of());
  }

  private Verdict check(String budget, List<String> missing, Offers... offers) {
    return agent.find(
        new BudgetTask(
            Parties.brief("a party for 40 people" + budget),
            List.of(offers),
            missing,
            "best-fit",
            Options.standard()));
  }

  @Test
  void aSumThatIsNotMoreThanTheBudgetIsWithin() {
    Verdict verdict =
        check(
            ", 300 euros",
            List.of(),
            offers("venue", offer("v", 250, 50)),
            offers("cake", offer("c", 50, 50)));
    assertThat(verdict.kind()).isEqualTo(Verdict.Kind.WITHIN);
    assertThat(verdict.total()).isEqualTo(Money.euros(300));
  }

  @Test
  void aCentTooMuchIsNotWithin() {
    Offer dear = new Offer("v", "v", new Money(30_001), 90, false, List.of(), List.of(), List.of());
    Verdict verdict = check(", 300 euros", List.of(), offers("venue", dear, offer("w", 100, 10)));
    assertThat(verdict.kind()).isEqualTo(Verdict.Kind.REPLAN);
    assertThat(verdict.caps()).containsExactly(new Verdict.Cap("venue", Money.euros(300), true));
  }

  @Test
  void whoIsCheapEnoughKeepsWhatItHas() {
    Verdict verdict =
        check(
            ", 400 euros",
            List.of(),
            offers("theme", offer("t", 60, 50)),
            offers("venue", offer("v", 900, 90), offer("w", 100, 10)),
            offers("cake", offer("c", 40, 50)));
    assertThat(verdict.caps())
        .containsExactly(
            new Verdict.Cap("theme", Money.euros(60), false),
            new Verdict.Cap("venue", Money.euros(300), true),
            new Verdict.Cap("cake", Money.euros(40), false));
  }

  @Test
  void whatIsMissingKeepsItsShare() {
    Verdict verdict =
        check(
            ", 1000 euros",
            List.of("venue"),
            offers("theme", offer("t", 60, 50)),
            offers("cake", offer("c", 40, 50)));
    assertThat(verdict.reserved()).isEqualTo(Money.euros(550));
    assertThat(verdict.kind()).isEqualTo(Verdict.Kind.WITHIN);
  }

  @Test
  void theImpossibleComesWithTheLeastTotalAndWhatToGiveUp() {
    Verdict verdict =
        check(
            ", 100 euros",
            List.of(),
            offers("venue", offer("v", 900, 90)),
            offers("cake", offer("c", 40, 50)));
    assertThat(verdict.kind()).isEqualTo(Verdict.Kind.IMPOSSIBLE);
    assertThat(verdict.least()).isEqualTo(Money.euros(940));
    assertThat(verdict.advice())
        .anyMatch(line -> line.contains("840.00 EUR more than the budget"))
        .anyMatch(line -> line.startsWith("Without the venue the rest costs at least 40.00 EUR"))
        .anyMatch(line -> line.startsWith("For at most 10 guests instead of 40"));
  }

  @Test
  void withoutABudgetTheSumIsOnlyAddedUp() {
    Verdict verdict = check("", List.of(), offers("cake", offer("c", 40, 50)));
    assertThat(verdict.kind()).isEqualTo(Verdict.Kind.NO_LIMIT);
    assertThat(verdict.total()).isEqualTo(Money.euros(40));
  }

  @Test
  void capsNeverAddUpToMoreThanThereIs() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int i = 0; i < 2_000; i++) {
      List<Offers> all = new ArrayList<>();
      for (String name : List.of("theme", "venue", "cake")) {
        List<Offer> list = new ArrayList<>();
        for (int j = 0; j <= random.nextInt(5); j++) {
          list.add(offer(name + j, 1 + random.nextInt(2_000), random.nextInt(100)));
        }
        all.add(Offers.of(name, list, null, List.of()));
      }
      int budget = 1 + random.nextInt(4_000);
      Verdict verdict = check(", " + budget + " euros", List.of(), all.toArray(new Offers[0]));
      Money limit = Money.euros(budget);
      Money caps = verdict.caps().stream().map(Verdict.Cap::most).reduce(Money.ZERO, Money::plus);
      String what = "seed " + seed + ", round " + i + ": " + verdict;
      switch (verdict.kind()) {
        case WITHIN -> assertThat(verdict.total().moreThan(limit)).as(what).isFalse();
        case REPLAN -> {
          assertThat(caps.moreThan(limit)).as(what).isFalse();
          assertThat(verdict.total().moreThan(limit)).as(what).isTrue();
          assertThat(verdict.caps()).as(what).anyMatch(Verdict.Cap::cheaper);
        }
        default -> assertThat(verdict.least().moreThan(limit)).as(what).isTrue();
      }
    }
  }
}
