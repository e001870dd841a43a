package dev.troupe.examples.party.plan;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * The strategies to choose from. Each plan is assigned one by its key, always the same one for the
 * same key, so that strategies can be compared by what became of their plans.
 */
public final class Recommenders {
  private final List<Recommender> all;

  private Recommenders(List<Recommender> all) {
    this.all = List.copyOf(all);
  }

  /**
   * The two that come with the planner.
   *
   * @return best value and best fit
   */
  public static Recommenders standard() {
    return of(List.of(new BestValue(), new BestFit()));
  }

  /**
   * Strategies of one's own.
   *
   * @param all at least one
   * @return the strategies
   */
  public static Recommenders of(List<Recommender> all) {
    if (all.isEmpty()) {
      throw new IllegalArgumentException("at least one strategy is needed");
    }
    return new Recommenders(all);
  }

  /**
   * The names of all.
   *
   * @return the names
   */
  public List<String> names() {
    return all.stream().map(Recommender::name).toList();
  }

  /**
   * Assigns a strategy.
   *
   * @param key the plan's key
   * @param wanted the strategy asked for, null to take the key's
   * @return its name
   */
  public String assign(String key, @Nullable String wanted) {
    if (wanted != null) {
      return named(wanted).name();
    }
    CRC32 hash = new CRC32();
    hash.update(key.getBytes(StandardCharsets.UTF_8));
    return all.get((int) (hash.getValue() % all.size())).name();
  }

  /**
   * Finds a strategy.
   *
   * @param name its name
   * @return the strategy
   * @throws IllegalArgumentException when there is none of this name
   */
  public Recommender named(String name) {
    return all.stream()
        .filter(one -> one.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "no strategy '" + name + "'; there are " + String.join(", ", names())));
  }
}
