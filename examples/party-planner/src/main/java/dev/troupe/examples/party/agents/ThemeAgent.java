package dev.troupe.examples.party.agents;

import dev.troupe.examples.party.catalogue.Catalogue;
import dev.troupe.examples.party.catalogue.Setting;
import dev.troupe.examples.party.catalogue.Theme;
import dev.troupe.examples.party.plan.Fact;
import dev.troupe.examples.party.plan.Offer;
import dev.troupe.examples.party.plan.Offers;
import dev.troupe.examples.party.request.PartyBrief;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Finds themes: those that were asked for first, then those that suit occasion, age and season. */
public final class ThemeAgent implements CatalogueAgent.Lookup<AgentTask, Offers> {
  /** The agent's name. */
  public static final String NAME = "theme";

  private static final int AGES_AT_LEAST = 25;
  private static final int GROWING_UP = 19;

  private final Catalogue catalogue;

  /**
   * Creates the agent's work.
   *
   * @param catalogue where to look
   */
  public ThemeAgent(Catalogue catalogue) {
    this.catalogue = catalogue;
  }

  @Override
  public String doing(AgentTask task) {
    List<String> wanted = task.brief().wishes().themes();
    return wanted.isEmpty() ? "looking for a theme" : "looking for a theme like " + wanted.get(0);
  }

  @Override
  public Offers find(AgentTask task) {
    PartyBrief brief = task.brief();
    List<Offer> suitable = new ArrayList<>();
    List<String> warnings = new ArrayList<>();
    for (Theme theme : catalogue.themes()) {
      int asked = brief.wishes().themes().indexOf(theme.id());
      boolean adultsOnly = theme.suits().ages().min() >= 18 && brief.guests().minors();
      if (asked >= 0 && adultsOnly) {
        warnings.add("%s was asked for, but it is for adults only.".formatted(theme.name()));
      } else if (asked >= 0 || suits(theme, brief)) {
        suitable.add(offer(theme, brief, asked));
      }
    }
    if (suitable.isEmpty()) {
      return Offers.none(
          NAME, "no theme of the catalogue suits the occasion and the ages", warnings);
    }
    return Offers.of(NAME, suitable, task.cap(), warnings);
  }

  private static boolean suits(Theme theme, PartyBrief brief) {
    List<String> occasions = theme.suits().occasions();
    boolean occasion =
        occasions.contains(brief.what().occasion())
            || brief.what().also().stream().anyMatch(occasions::contains);
    return occasion && theme.suits().ages().covers(brief.guests().ages()) >= AGES_AT_LEAST;
  }

  private static Offer offer(Theme theme, PartyBrief brief, int asked) {
    List<String> occasions = theme.suits().occasions();
    int ages = theme.suits().ages().covers(brief.guests().ages());
    boolean cold =
        theme.suits().setting() == Setting.OUTDOOR && VenueAgent.cold(brief.when().date());
    boolean inSeason = inSeason(theme, brief.when().date());
    List<String> why = new ArrayList<>();
    List<String> warnings = new ArrayList<>();
    int fit = 20 + ages * 15 / 100 + Math.max(0, 6 - occasions.size());
    fit += occasions.get(0).equals(brief.what().occasion()) ? 6 : 0;
    fit += brief.guests().minors() && theme.suits().ages().max() <= GROWING_UP ? 8 : 0;
    if (asked >= 0) {
      fit += 40 - 5 * asked;
      why.add("it was asked for");
    }
    if (occasions.contains(brief.what().occasion())) {
      fit += 25;
      boolean special = !brief.what().occasion().equals("general");
      why.add(special ? "it suits a " + name(brief.what().name()) : "it suits any party");
    }
    if (brief.what().also().stream().anyMatch(occasions::contains)) {
      fit += 12;
      why.add("it suits a " + String.join(" and a ", brief.what().also()) + " too");
    }
    if (ages >= 100) {
      why.add("it is right for " + brief.guests().ages().inWords());
    } else if (ages < AGES_AT_LEAST) {
      fit -= 20;
      warnings.add(
          "%s is meant for %s; simplify the activities."
              .formatted(theme.name(), theme.suits().ages().inWords()));
    }
    if (!theme.suits().seasons().isEmpty() && brief.when().date() != null) {
      fit += inSeason ? 3 : -12;
      if (inSeason && !cold) {
        why.add("it fits the season");
      }
    }
    if (cold) {
      fit -= 15;
      warnings.add(theme.name() + " is made for outside, and it may be cold on that day.");
    }
    if (!theme.suits().setting().fits(brief.wishes().setting())) {
      fit -= 20;
    }
    return new Offer(
        theme.id(),
        theme.name(),
        theme.price().forGuests(brief.guests().total()),
        fit,
        asked == 0,
        why,
        warnings,
        List.of(
            new Fact("Activities", String.join(" · ", theme.activities())),
            new Fact("Colours", String.join(", ", theme.colours()))));
  }

  private static String name(String occasion) {
    return occasion.toLowerCase(Locale.ROOT);
  }

  private static boolean inSeason(Theme theme, @Nullable LocalDate date) {
    return date == null || theme.suits().seasons().contains(season(date));
  }

  static String season(LocalDate date) {
    return switch (date.getMonth()) {
      case MARCH, APRIL, MAY -> "spring";
      case JUNE, JULY, AUGUST -> "summer";
      case SEPTEMBER, OCTOBER, NOVEMBER -> "autumn";
      default -> "winter";
    };
  }
}
