package dev.troupe.examples.party.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.examples.party.Parties;
import dev.troupe.examples.party.request.Rules;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CatalogueTest {
  @TempDir private Path folder;

  @Test
  void theSampleDataIsLargeEnough() {
    assertThat(Parties.CATALOGUE.themes()).hasSizeGreaterThanOrEqualTo(60);
    assertThat(Parties.CATALOGUE.cakes()).hasSizeGreaterThanOrEqualTo(80);
    assertThat(Parties.CATALOGUE.cities()).hasSizeGreaterThanOrEqualTo(20);
    assertThat(Parties.CATALOGUE.venues().values().stream().mapToInt(List::size).sum())
        .isGreaterThanOrEqualTo(200);
  }

  @Test
  void everyCityHasVenues() {
    for (City city : Parties.CATALOGUE.cities()) {
      assertThat(Parties.CATALOGUE.venues(city.id())).as(city.name()).isNotEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          catalogue/themes.yaml | ageMin: 3    | ageMin: three | themes 'dinosaur': field 'ageMin' must be
          catalogue/themes.yaml | ageMax: 11   | ageMax: 1     | themes 'dinosaur': field 'ageMax' is less
          catalogue/themes.yaml | id: pirate   | id: dinosaur  | 'id' stands there twice
          catalogue/themes.yaml | setting: any | setting: moon | 'setting' must be indoor, outdoor or any
          catalogue/cakes.yaml  | alcohol: false | alcohol: no | 'alcohol' must be true or false
          catalogue/cakes.yaml  | [gluten, eggs, milk] | [glutton] | 'allergens' names 'glutton'
          catalogue/cakes.yaml  | servings: 10 | servings: -1  | 'servings' must be a number
          catalogue/venues.csv  | ,60,         | ,many,        | line 7: field 'capacity' must be a number
          catalogue/venues.csv  | Lisbon       | Atlantis      | 'city' is not in cities.yaml: 'Atlantis'
          catalogue/venues.csv  | ,EUR,        | ,GBP,         | 'currency' must be EUR
          rules.yaml            | version: 1   | version: [1   | rules.yaml: is not YAML
          rules.yaml            | dependsOn: [theme] | dependsOn: [clown] | names 'clown'
          """)
  void wrongDataIsNamedByFileEntryAndField(String file, String from, String to, String message)
      throws IOException {
    String good = DataFiles.bundled().text(file);
    assertThat(good).contains(from);
    int at = good.indexOf(from);
    String bad = good.substring(0, at) + to + good.substring(at + from.length());
    Files.createDirectories(folder.resolve(file).getParent());
    Files.writeString(folder.resolve(file), bad);
    DataFiles files = DataFiles.in(folder);
    assertThatThrownBy(() -> Rules.load(files, Catalogue.load(files)))
        .isInstanceOf(DataException.class)
        .hasMessageMatching("(?s).*" + message + ".*");
  }

  @Test
  void moneyIsExactAndReadable() {
    assertThat(new Money(120_050)).hasToString("1,200.50 EUR");
    assertThat(new Money(-5)).hasToString("-0.05 EUR");
    assertThat(Money.euros(1_234_567).plus(new Money(9))).hasToString("1,234,567.09 EUR");
    assertThat(Money.euros(10).share(1, 3)).isEqualTo(new Money(333));
  }
}
