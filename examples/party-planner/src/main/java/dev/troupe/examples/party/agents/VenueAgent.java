package dev.troupe.examples.party.agents;

import dev.troupe.examples.party.catalogue.Ages;
import dev.troupe.examples.party.catalogue.Catalogue;
import dev.troupe.examples.party.catalogue.Setting;
import dev.troupe.examples.party.catalogue.Theme;
import dev.troupe.examples.party.catalogue.Venue;
import dev.troupe.examples.party.plan.Fact;
import dev.troupe.examples.party.plan.Offer;
import dev.troupe.examples.party.plan.Offers;
import dev.troupe.examples.party.request.PartyBrief;
import java.time.DayOfWeek;
import java.time.LocalDate;
import java.time.format.TextStyle;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Finds venues in the city: open on the day, large enough, right for the ages, without steps. */
public final class VenueAgent implements CatalogueAgent.Lookup<AgentTask, Offers> {
  /** The agent's name. */
  public static final String NAME = "venue";

  private final Catalogue catalogue;

  /**
   * Creates the agent's work.
   *
   * @param catalogue where to look
   */
  public VenueAgent(Catalogue catalogue) {
    this.catalogue = catalogue;
  }

  @Override
  public String doing(AgentTask task) {
    String cheaper = task.cap() == null ? "" : " for at most " + task.cap();
    return "looking for a venue in " + task.brief().place().name() + cheaper;
  }

  @Override
  public Offers find(AgentTask task) {
    PartyBrief brief = task.brief();
    String city = brief.place().city();
    List<Venue> venues = city == null ? List.of() : catalogue.venues(city);
    String themeId = task.chosen(ThemeAgent.NAME);
    Theme theme = themeId == null ? null : catalogue.theme(themeId);
    Map<String, Integer> refused = new LinkedHashMap<>();
    List<Offer> suitable = new ArrayList<>();
    for (Venue venue : venues) {
      String no = no(venue, brief);
      if (no == null) {
        suitable.add(offer(venue, brief, theme));
      } else {
        refused.merge(no, 1, Integer::sum);
      }
    }
    if (suitable.isEmpty()) {
      List<String> reasons = new ArrayList<>();
      refused.forEach((reason, times) -> reasons.add(times + " " + reason));
      String why =
          "none of the %d venues in %s will do for %d guests: %s"
              .formatted(
                  venues.size(),
                  brief.place().name(),
                  brief.guests().total(),
                  String.join(", ", reasons));
      return Offers.none(NAME, why, List.of());
    }
    return Offers.of(NAME, suitable, task.cap(), List.of());
  }

  /** Why a venue can't be taken, null when it can. */
  private static @Nullable String no(Venue venue, PartyBrief brief) {
    Venue.Admission admission = venue.admission();
    LocalDate date = brief.when().date();
    if (admission.capacity() < brief.guests().total()) {
      return "too small";
    }
    if (date != null && admission.closed().contains(date.getDayOfWeek())) {
      return "closed on " + day(date.getDayOfWeek());
    }
    if (brief.wishes().accessible() && !admission.accessible()) {
      return "with steps";
    }
    if ((brief.guests().kids() > 0 && !admission.kidFriendly())
        || admission.ages().covers(brief.guests().ages()) < 50) {
      return "not for these ages";
    }
    return venue.setting().fits(brief.wishes().setting())
        ? null
        : brief.wishes().setting() == Setting.OUTDOOR ? "only inside" : "only outside";
  }

  private static String day(DayOfWeek day) {
    return day.getDisplayName(TextStyle.FULL, Locale.ENGLISH);
  }

  private static Offer offer(Venue venue, PartyBrief brief, @Nullable Theme theme) {
    Venue.Admission admission = venue.admission();
    int guests = brief.guests().total();
    List<String> why = new ArrayList<>();
    why.add("it holds %d, you are %d".formatted(admission.capacity(), guests));
    int fit = 35 + (venue.rating() - 30);
    int filled = 100 * guests / admission.capacity();
    fit += filled >= 40 ? 15 : filled >= 20 ? 8 : 0;
    if (theme != null && theme.suits().setting() != Setting.ANY) {
      boolean fits = venue.setting().fits(theme.suits().setting());
      fit += fits ? 10 : -15;
      if (fits) {
        why.add("it is right for the theme");
      }
    }
    if (!admission.ages().equals(Ages.ALL) && brief.guests().minors()) {
      fit += 10;
      why.add("it is made for " + admission.ages().inWords());
    } else if (brief.guests().kids() > 0) {
      fit += 5;
      why.add("children are welcome");
    }
    if (venue.amenities().contains("food included")) {
      fit += 8;
      why.add("a simple meal is included");
    }
    if (brief.wishes().accessible()) {
      why.add("it has no steps");
    }
    List<String> warnings = warnings(venue, brief);
    boolean cold = venue.setting() == Setting.OUTDOOR && cold(brief.when().date());
    fit -= cold ? 20 : venue.setting() == Setting.OUTDOOR ? 4 : 0;
    return new Offer(
        venue.id(),
        venue.name(),
        venue.price().forGuests(guests),
        fit,
        false,
        why,
        warnings,
        facts(venue));
  }

  static boolean cold(@Nullable LocalDate date) {
    return date != null && (date.getMonthValue() >= 11 || date.getMonthValue() <= 3);
  }

  private static List<String> warnings(Venue venue, PartyBrief brief) {
    Venue.Admission admission = venue.admission();
    List<String> warnings = new ArrayList<>();
    if (venue.setting() == Setting.OUTDOOR) {
      boolean cold = cold(brief.when().date());
      warnings.add(
          venue.name()
              + (cold ? " is outside, and it may be cold: " : " is outside: ")
              + "have a plan for bad weather.");
    }
    if (admission.adultsFrom() > 0 && brief.guests().minors()) {
      warnings.add(
          "From %d:00 only adults may stay at %s.".formatted(admission.adultsFrom(), venue.name()));
    }
    if (brief.when().date() == null && !admission.closed().isEmpty()) {
      warnings.add(
          "%s is closed on %s: mind that when you choose the day."
              .formatted(venue.name(), days(admission.closed())));
    }
    if (brief.guests().minors() && admission.ages().covers(brief.guests().ages()) < 100) {
      warnings.add("%s is for %s.".formatted(venue.name(), admission.ages().inWords()));
    }
    return warnings;
  }

  private static String days(List<DayOfWeek> days) {
    return String.join(" and ", days.stream().map(VenueAgent::day).toList());
  }

  private static List<Fact> facts(Venue venue) {
    List<Fact> facts = new ArrayList<>();
    String setting =
        switch (venue.setting()) {
          case INDOOR -> "inside";
          case OUTDOOR -> "outside";
          case ANY -> "inside and outside";
        };
    facts.add(
        new Fact(
            "Kind",
            "%s, %s, rated %d.%d"
                .formatted(venue.type(), setting, venue.rating() / 10, venue.rating() % 10)));
    facts.add(new Fact("There is", String.join(", ", venue.amenities())));
    if (!venue.admission().closed().isEmpty()) {
      facts.add(new Fact("Closed", days(venue.admission().closed())));
    }
    return facts;
  }
}
