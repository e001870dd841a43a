package dev.troupe.examples.party.request;

import dev.troupe.examples.party.catalogue.Ages;
import dev.troupe.examples.party.catalogue.Money;
import dev.troupe.examples.party.catalogue.Setting;
import java.time.DayOfWeek;
import java.time.LocalDate;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One party, understood.
 *
 * @param what what is celebrated
 * @param guests who comes
 * @param when on which day
 * @param place in which city
 * @param budget what may be spent, null when nothing was said
 * @param food what must not be in the cake
 * @param wishes what the venue and the theme should be like
 * @param needs what is to be planned
 * @param notes assumptions and remarks for the reader of the plan
 */
public record PartyBrief(
    What what,
    Guests guests,
    When when,
    Place place,
    @Nullable Budget budget,
    Food food,
    Wishes wishes,
    Needs needs,
    List<String> notes) {
  /** Copies the list. */
  public PartyBrief {
    notes = List.copyOf(notes);
  }

  /**
   * The same party with another number of guests, all else alike.
   *
   * @param total how many come
   * @return the party
   */
  public PartyBrief withGuests(int total) {
    int kids = guests.kids() * total / Math.max(1, guests.total());
    Guests fewer = new Guests(kids, total - kids, guests.audience(), guests.ages(), guests.age());
    return new PartyBrief(what, fewer, when, place, budget, food, wishes, needs, notes);
  }

  /**
   * The same party, classified anew.
   *
   * @param occasion the occasion's id
   * @param name its name
   * @param themes themes that fit, the best first; what was asked for before comes behind them
   * @return the party
   */
  public PartyBrief as(String occasion, String name, List<String> themes) {
    What classified = new What(occasion, name, what.also(), what.language());
    Set<String> all = new LinkedHashSet<>(themes);
    all.addAll(wishes.themes());
    Wishes wished = new Wishes(List.copyOf(all), wishes.accessible(), wishes.setting());
    return new PartyBrief(classified, guests, when, place, budget, food, wished, needs, notes);
  }

  /**
   * What is celebrated.
   *
   * @param occasion the occasion's id
   * @param name its name for people
   * @param also other occasions that the request names
   * @param language the language of the request, such as {@code en}
   */
  public record What(String occasion, String name, List<String> also, String language) {
    /** Copies the list. */
    public What {
      also = List.copyOf(also);
    }
  }

  /**
   * Who comes.
   *
   * @param kids how many children and toddlers
   * @param others how many others
   * @param audience the group the party is for, such as {@code kids}
   * @param ages the ages the party is for
   * @param age the age of whom it is for, null when unknown
   */
  public record Guests(int kids, int others, String audience, Ages ages, @Nullable Integer age) {
    /**
     * How many in all.
     *
     * @return children and others
     */
    public int total() {
      return kids + others;
    }

    /**
     * Whether people under age are the guests.
     *
     * @return true for toddlers, children and teenagers
     */
    public boolean minors() {
      return ages.min() < 18;
    }
  }

  /**
   * On which day.
   *
   * @param date the day, null when none was named
   * @param avoid weekdays that do not suit
   */
  public record When(@Nullable LocalDate date, List<DayOfWeek> avoid) {
    /** Copies the list. */
    public When {
      avoid = List.copyOf(avoid);
    }
  }

  /**
   * In which city.
   *
   * @param city the city's id, null when none or an unknown one was named
   * @param name its name, or the unknown name as it was written; null when none was named
   * @param suggestions known cities that may have been meant
   */
  public record Place(@Nullable String city, @Nullable String name, List<String> suggestions) {
    /** Copies the list. */
    public Place {
      suggestions = List.copyOf(suggestions);
    }
  }

  /**
   * What may be spent.
   *
   * @param limit the amount in euros
   * @param stated what was written, such as {@code 15 GBP a head}
   */
  public record Budget(Money limit, String stated) {}

  /**
   * What must not be in the cake.
   *
   * @param avoid allergens, in recipe and traces
   * @param diets diets that the cake has to suit
   * @param unclear allergies that were named and not recognised, as they were written
   */
  public record Food(List<String> avoid, List<String> diets, List<String> unclear) {
    /** Copies the lists. */
    public Food {
      avoid = List.copyOf(avoid);
      diets = List.copyOf(diets);
      unclear = List.copyOf(unclear);
    }
  }

  /**
   * What the venue and the theme should be like.
   *
   * @param themes ids of themes that were asked for, the clearest first
   * @param accessible whether there must be no steps
   * @param setting inside or outside
   */
  public record Wishes(List<String> themes, boolean accessible, Setting setting) {
    /** Copies the list. */
    public Wishes {
      themes = List.copyOf(themes);
    }
  }

  /**
   * What is to be planned.
   *
   * @param agents the agents wanted
   * @param unwanted the others, each with the reason
   */
  public record Needs(List<String> agents, List<Unwanted> unwanted) {
    /** Copies the lists. */
    public Needs {
      agents = List.copyOf(agents);
      unwanted = List.copyOf(unwanted);
    }
  }

  /**
   * An agent that is not needed.
   *
   * @param agent its name
   * @param reason why not
   */
  public record Unwanted(String agent, String reason) {}
}
