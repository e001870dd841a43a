package dev.troupe.examples.party.plan;

import static dev.troupe.examples.party.Parties.offer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RecommendersTest {
  private final Recommenders standard = Recommenders.standard();
  private final List<Offer> offers =
      List.of(offer("grand", 1_000, 95), offer("plain", 100, 60), offer("solid", 300, 80));

  @Test
  void bestFitTakesWhatSuitsBest() {
    assertThat(standard.named("best-fit").rank(offers))
        .extracting(Offer::id)
        .containsExactly("grand", "solid", "plain");
  }

  @Test
  void bestValueWeighsThePrice() {
    assertThat(standard.named("best-value").rank(offers))
        .extracting(Offer::id)
        .containsExactly("solid", "plain", "grand");
  }

  @Test
  void whatWasAskedForComesFirstWithEveryStrategy() {
    Offer asked =
        new Offer(
            "asked", "asked", offers.get(0).price(), 1, true, List.of(), List.of(), List.of());
    for (String name : standard.names()) {
      assertThat(standard.named(name).rank(List.of(offers.get(1), asked)).get(0)).isEqualTo(asked);
    }
  }

  @Test
  void theOrderOfTheOffersDoesNotMatter() {
    List<Offer> turned = List.of(offers.get(2), offers.get(1), offers.get(0));
    for (String name : standard.names()) {
      Recommender one = standard.named(name);
      assertThat(one.rank(turned)).isEqualTo(one.rank(offers));
    }
  }

  @Test
  void aKeyAlwaysGetsTheSameStrategyAndBothGetAboutHalf() {
    long value =
        IntStream.range(0, 1_000)
            .filter(i -> standard.assign("plan-" + i, null).equals("best-value"))
            .count();
    assertThat(value).isBetween(400L, 600L);
    assertThat(standard.assign("plan-7", null)).isEqualTo(standard.assign("plan-7", null));
    assertThat(standard.assign("plan-7", "best-fit")).isEqualTo("best-fit");
  }

  @Test
  void anUnknownStrategyIsNamedWithThoseThereAre() {
    assertThatThrownBy(() -> standard.assign("x", "worst"))
        .hasMessage("no strategy 'worst'; there are best-value, best-fit");
  }
}
