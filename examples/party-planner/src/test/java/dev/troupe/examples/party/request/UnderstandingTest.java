package dev.troupe.examples.party.request;

import static dev.troupe.examples.party.Parties.brief;
import static dev.troupe.examples.party.Parties.read;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.DayOfWeek;
import java.time.LocalDate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UnderstandingTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          a party for 12 kids                               | 12 | 3
          a party for twelve kids and eight adults          | 12 | 8
          a party for 12 kids, one is allergic to nuts      | 12 | 3
          a party for 20 people, 3 kids are allergic to soy | 0  | 20
          30 guests, 12 of them kids, a birthday party      | 12 | 18
          we are 25, a farewell party                       | 0  | 25
          a party of 18 in the evening                      | 0  | 18
          10 to 12 friends come for dinner                  | 0  | 12
          10-12 friends come for dinner                     | 0  | 12
          a party for 10 boys and 12 girls                  | 22 | 6
          two dozen friends for a dinner                    | 0  | 24
          a dozen adults                                    | 0  | 12
          twenty-five colleagues                            | 0  | 25
          one hundred guests at a wedding                   | 0  | 100
          a birthday with 10 little girls                   | 10 | 3
          25 of my colleagues at a farewell                 | 0  | 25
          9 toddlers and their parents, a birthday          | 9  | 9
          une fête pour 20 personnes, les amis              | 0  | 20
          eine Feier für 8 Kinder mit wir                   | 8  | 2
          una fiesta para quince niños                      | 15 | 4
          a wedding on 22 August                            | 0  | 15
          """)
  void guestsAreCounted(String text, int kids, int others) {
    PartyBrief.Guests guests = brief(text).guests();
    assertThat(guests.kids()).as("kids").isEqualTo(kids);
    assertThat(guests.others()).as("others").isEqualTo(others);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          party, 600 euros                       | 600.00 EUR
          party, €600                            | 600.00 EUR
          party, 600€                            | 600.00 EUR
          party, 1.200,50 €                      | 1,200.50 EUR
          party, €1.200,50                       | 1,200.50 EUR
          party, 1,200.50 EUR                    | 1,200.50 EUR
          party, 2,800 euros                     | 2,800.00 EUR
          party, 12 000 SEK                      | 1,080.00 EUR
          party, CHF 6000                        | 6,300.00 EUR
          party, 5k euros                        | 5,000.00 EUR
          party, three thousand euros            | 3,000.00 EUR
          party, £650                            | 760.50 EUR
          party for 14 people, 15 pounds a head  | 245.70 EUR
          party for 24 people, 25 euros per person | 600.00 EUR
          party for 10 kids, 20 euros per kid    | 200.00 EUR
          party, budget 500                      | 500.00 EUR
          party, we can spend about 2,500 euros  | 2,500.00 EUR
          party, each gift 20 euros, budget of 800 euros | 800.00 EUR
          party in Copenhagen, 6000 kr           | 780.00 EUR
          party in Stockholm, 6000 kr            | 540.00 EUR
          """)
  void amountsAreReadInManyForms(String text, String limit) {
    PartyBrief.Budget budget = brief(text).budget();
    assertThat(budget).isNotNull();
    assertThat(budget.limit()).hasToString(limit);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          party on 6 June                    | 2027-06-06
          party on June 6                    | 2027-06-06
          party on June 6th                  | 2027-06-06
          party on the 6th of June           | 2027-06-06
          party on 6 June 2028               | 2028-06-06
          party on 2027-06-06                | 2027-06-06
          party on 25/12/2027                | 2027-12-25
          party on 6.6.2027                  | 2027-06-06
          party on 28 November               | 2026-11-28
          party on Saturday 13 November      | 2027-11-13
          party tomorrow                     | 2026-11-22
          party in two weeks                 | 2026-12-05
          party next Saturday                | 2026-11-28
          party on 29 February               | 2028-02-29
          eine Feier für uns am 5. Mai, wir  | 2027-05-05
          una fiesta con los amigos el 6 de junio | 2027-06-06
          une fête le 12 septembre avec nous | 2027-09-12
          """)
  void daysAreReadInManyForms(String text, LocalDate date) {
    assertThat(brief(text).when().date()).isEqualTo(date);
  }

  @Test
  void aDayThatDoesNotExistIsLeftOpenAndSaid() {
    PartyBrief brief = brief("a party on 31 June");
    assertThat(brief.when().date()).isNull();
    assertThat(brief.notes()).anyMatch(note -> note.contains("31/6 is no date"));
  }

  @Test
  void aWeekdayThatDoesNotFitTheDateIsSaid() {
    PartyBrief brief = brief("a party on Monday 6 June 2027");
    assertThat(brief.when().date()).isEqualTo("2027-06-06");
    assertThat(brief.notes()).anyMatch(note -> note.contains("is a Sunday"));
  }

  @Test
  void aWeekdayThatIsExcludedIsNotTheDay() {
    PartyBrief.When when = brief("a party in Munich, not on a Monday").when();
    assertThat(when.date()).isNull();
    assertThat(when.avoid()).containsExactly(DayOfWeek.MONDAY);
  }

  @Test
  void mayIsNoMonthWithoutADay() {
    assertThat(brief("a party, we may 5 or so dance").when().date()).isNull();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          a party in Lisbon              | lis
          a party in lisboa              | lis
          a party in München             | muc
          a party in Muenchen            | muc
          eine Feier in Rom für uns, wir | rom
          une fête à Bruxelles pour nous | bru
          a party, Vienna                | vie
          Milan's birthday in Prague     | prg
          """)
  void citiesAreFoundByAllTheirNames(String text, String city) {
    assertThat(brief(text).place().city()).isEqualTo(city);
  }

  @Test
  void aLongerNameIsNotTheCityInside() {
    PartyBrief.Place place = brief("a party in Romsey").place();
    assertThat(place.city()).isNull();
    assertThat(place.name()).isEqualTo("Romsey");
    assertThat(place.suggestions()).containsExactly("Rome");
  }

  @Test
  void aCountryIsAnsweredWithItsCities() {
    assertThat(brief("a party in Portugal").place().suggestions())
        .containsExactly("Lisbon", "Porto");
  }

  @Test
  void aMisspeltCityIsAskedBack() {
    assertThat(brief("a party in lisbonn for 12 kids").place().suggestions())
        .containsExactly("Lisbon");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          party, one is allergic to nuts                    | peanuts nuts
          party, one has a peanut allergy                   | peanuts
          party, she is allergic to hazelnuts and sesame    | nuts sesame
          party, a nut-free cake                            | peanuts nuts
          party, one is coeliac                             | gluten
          party, another cannot have soy                    | soybeans
          party, no dairy and no eggs in the cake           | milk eggs
          party, my uncle is allergic to peanuts and shellfish | peanuts crustaceans molluscs
          party, one is lactose intolerant                  | milk
          fiesta, una niña es alérgica al huevo, somos los  | eggs
          Feier, ein Kind verträgt keine Milch, wir         | milk
          fête avec nous, sans arachides pour les enfants   | peanuts
          party, we are nuts about disco                    | ''
          party, doughnuts for all, no allergies            | ''
          party, nobody is allergic to nuts                 | ''
          """)
  void allergiesAreRecognised(String text, String avoid) {
    assertThat(String.join(" ", brief(text).food().avoid())).isEqualTo(avoid);
  }

  @Test
  void anAllergyThatIsNotKnownIsKeptAsUnclear() {
    assertThat(brief("a party, one is allergic to strawberries").food().unclear())
        .containsExactly("allergic to strawberries");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          Only a cake please for 20 people      | cake budget
          just find a venue for a wedding       | venue budget
          a birthday at our house               | theme cake budget
          a birthday without cake               | theme venue budget
          une fête avec nous, sans gâteau       | theme venue budget
          a birthday, money is no object        | theme venue cake
          a birthday                            | theme venue cake budget
          """)
  void onlyWhatIsWantedIsPlanned(String text, String agents) {
    assertThat(String.join(" ", brief(text).needs().agents())).isEqualTo(agents);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          silver wedding anniversary            | anniversary
          we are getting married                | wedding
          a retirement dinner                   | retirement
          a company summer party for colleagues | corporate
          my son turns 16                       | birthday
          ein Kindergeburtstag für uns, wir     | birthday
          a get-together                        | general
          a party, 21st of June                 | general
          """)
  void occasionsAreWeighed(String text, String occasion) {
    assertThat(brief(text).what().occasion()).isEqualTo(occasion);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          my son turns 7, 12 kids           | kids    | 7
          a 70th birthday for my grandmother | seniors | 70
          I am turning 30                   | adults  | 30
          my daughter is 8 years old, party | kids    | 8
          mi hijo cumple siete años, fiesta con los niños | kids | 7
          """)
  void anAgeTellsTheAudience(String text, String audience, int age) {
    PartyBrief.Guests guests = brief(text).guests();
    assertThat(guests.audience()).isEqualTo(audience);
    assertThat(guests.age()).isEqualTo(age);
  }

  @Test
  void aThemeThatIsTakenBackIsNotWished() {
    assertThat(brief("a party, not a pirate party but dinosaurs").wishes().themes())
        .containsExactly("dinosaur");
  }

  @ParameterizedTest
  @ValueSource(strings = {"asdf qwer", "12345 678", "!!! ???", "600 euros", "on 6 June", "Lisbon"})
  void aTextThatSaysNothingOfAPartyIsRefused(String text) {
    Understanding understood = read(text);
    assertThat(understood.parties()).isEmpty();
    assertThat(understood.refusal()).contains("no occasion", RuleReader.EXAMPLE);
  }

  @Test
  void twoPartiesInOneSentenceAreKeptApart() {
    Understanding two =
        read(
            "A unicorn party for 10 kids in Porto on 14 March and also a wine tasting for 40"
                + " people in Vienna on 24 April");
    assertThat(two.parties()).hasSize(2);
    assertThat(two.parties().get(0).place().city()).isEqualTo("opo");
    assertThat(two.parties().get(1).guests().total()).isEqualTo(40);
  }

  @Test
  void onePartyOverSeveralSentencesStaysOne() {
    assertThat(brief("We marry. It is on 22 August. It is in Paris. We are 80.").place().city())
        .isEqualTo("par");
  }

  @Test
  void tooManyGuestsAreRefused() {
    assertThat(read("a wedding for 5,000 guests").refusal()).contains("5,000 guests");
  }

  @Test
  void absurdAmountsAreNotTaken() {
    PartyBrief brief = brief("a party, 99999999999999999999 euros, -5 guests");
    assertThat(brief.budget()).isNull();
    assertThat(brief.guests().total()).isEqualTo(15);
    assertThat(brief.notes()).anyMatch(note -> note.contains("out of range"));
  }
}
