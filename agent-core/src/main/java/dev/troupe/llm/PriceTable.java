package dev.troupe.llm;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What tokens cost, by provider and model, as data with a date. Prices change and contracts differ:
 * a host that counts on its budgets of money loads its own table, or corrects the bundled one by
 * {@link #with}. A model that is not in it has no price; it is never guessed.
 *
 * <p>A model's name is found as it is, or without what dates it: {@code gpt-4o-2024-08-06} and
 * {@code claude-sonnet-4-5-20250929} have the prices of {@code gpt-4o} and {@code
 * claude-sonnet-4-5}, but {@code gpt-4o-audio-preview} has none. The model {@code *} stands for all
 * others of its provider.
 *
 * <p>Immutable.
 */
public final class PriceTable {
  private static final String BUNDLED = "prices.json";
  private static final String ANY = "*";
  private static final BigDecimal MOST = BigDecimal.valueOf(1_000_000);

  /** What providers append to the names of the same model: a date, a version, the latest. */
  private static final Pattern DATED =
      Pattern.compile("([-@](\\d{3,4}|\\d{8}|\\d{4}-\\d{2}-\\d{2}))?(-latest)?(-v\\d+(:\\d+)?)?$");

  private final LocalDate asOf;

  /** By model of a provider, and then by the number of input tokens from which a price is over. */
  private final Map<Name, NavigableMap<Long, ModelPrice>> prices;

  private record Name(String provider, String model) {}

  private PriceTable(LocalDate asOf, Map<Name, NavigableMap<Long, ModelPrice>> prices) {
    this.asOf = asOf;
    this.prices = prices;
  }

  /**
   * The prices that come with the library, of the day that {@link #asOf} names.
   *
   * @return the table
   */
  public static PriceTable bundled() {
    try (InputStream file = PriceTable.class.getResourceAsStream(BUNDLED)) {
      if (file == null) {
        throw new IllegalStateException(BUNDLED + " is missing beside " + PriceTable.class);
      }
      return load(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A table of a host's own prices.
   *
   * @param asOf the day whose prices they are
   * @param prices by provider, in the words of {@link LlmProvider#name}, and model
   * @return the table
   */
  public static PriceTable of(LocalDate asOf, Map<String, Map<String, ModelPrice>> prices) {
    Map<Name, NavigableMap<Long, ModelPrice>> all = new HashMap<>();
    prices.forEach(
        (provider, models) ->
            models.forEach(
                (model, price) -> {
                  NavigableMap<Long, ModelPrice> tiers = new TreeMap<>();
                  tiers.put(0L, price);
                  all.put(new Name(provider, model), tiers);
                }));
    return new PriceTable(asOf, all);
  }

  /**
   * Reads a table: a JSON object with {@code asOf}, a date, and {@code prices}, a list of objects
   * with {@code provider}, {@code model}, {@code input}, {@code output} and, where there are,
   * {@code cachedInput} and {@code over}: the price of prompts with more tokens than that. Prices
   * are US dollars for a million tokens.
   *
   * @param json the text in UTF-8; not closed by this
   * @return the table
   * @throws AgentException with {@code INVALID_INPUT} when it is malformed; the message names the
   *     entry and the rule
   */
  public static PriceTable load(InputStream json) {
    JsonNode root;
    try {
      root =
          new ObjectMapper()
              .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
              .readTree(json);
    } catch (IOException e) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT, "the price table is no JSON: " + e.getMessage(), e);
    }
    LocalDate asOf;
    try {
      asOf = LocalDate.parse(root.path("asOf").asText());
    } catch (DateTimeParseException e) {
      throw wrong("has no 'asOf' with a date such as 2026-01-31", e);
    }
    JsonNode list = root.path("prices");
    if (!list.isArray()) {
      throw wrong("has no list 'prices'", null);
    }
    Map<Name, NavigableMap<Long, ModelPrice>> prices = new HashMap<>();
    for (int i = 0; i < list.size(); i++) {
      JsonNode entry = list.get(i);
      String where = "entry %d of 'prices'".formatted(i + 1);
      Name name = new Name(text(where, entry, "provider"), text(where, entry, "model"));
      where += " (%s, %s)".formatted(name.provider, name.model);
      JsonNode over = entry.path("over");
      if (!over.isMissingNode() && (!over.canConvertToExactIntegral() || over.asLong() < 1)) {
        throw wrong(where + ": 'over' must be a whole number of tokens above 0", null);
      }
      ModelPrice price =
          new ModelPrice(
              sum(where, entry, "input"),
              sum(where, entry, "output"),
              entry.has("cachedInput") ? sum(where, entry, "cachedInput") : null);
      NavigableMap<Long, ModelPrice> tiers = prices.computeIfAbsent(name, n -> new TreeMap<>());
      if (tiers.put(over.asLong(0), price) != null) {
        throw wrong(where + ": is there twice", null);
      }
    }
    prices.forEach(
        (name, tiers) -> {
          if (!tiers.containsKey(0L)) {
            throw wrong(
                "has for %s, %s only entries with 'over'".formatted(name.provider, name.model),
                null);
          }
        });
    return new PriceTable(asOf, prices);
  }

  private static String text(String where, JsonNode entry, String field) {
    JsonNode value = entry.path(field);
    if (!value.isTextual() || value.textValue().isBlank()) {
      throw wrong(where + ": '" + field + "' must be a text", null);
    }
    return value.textValue();
  }

  private static BigDecimal sum(String where, JsonNode entry, String field) {
    JsonNode value = entry.path(field);
    if (!value.isNumber()
        || value.decimalValue().signum() < 0
        || value.decimalValue().compareTo(MOST) > 0) {
      throw wrong(where + ": '" + field + "' must be a number from 0 to " + MOST, null);
    }
    return value.decimalValue();
  }

  private static AgentException wrong(String what, @Nullable Throwable cause) {
    return new AgentException(ErrorCode.INVALID_INPUT, "the price table: " + what, cause);
  }

  /**
   * The same table with one more price, or another one.
   *
   * @param provider in the words of {@link LlmProvider#name}
   * @param model its name, {@code *} for all that are not named
   * @param price for prompts of any length
   * @return a new table
   */
  public PriceTable with(String provider, String model, ModelPrice price) {
    Map<Name, NavigableMap<Long, ModelPrice>> all = new HashMap<>(prices);
    NavigableMap<Long, ModelPrice> tiers = new TreeMap<>();
    tiers.put(0L, price);
    all.put(new Name(provider, model), tiers);
    return new PriceTable(asOf, all);
  }

  /**
   * The day whose prices these are.
   *
   * @return the date
   */
  public LocalDate asOf() {
    return asOf;
  }

  /**
   * The price of a model.
   *
   * @param provider in the words of {@link LlmProvider#name}
   * @param model as it was asked for, or as the provider named it
   * @param inputTokens how long the prompt is
   * @return the price, empty when the table has none
   */
  public Optional<ModelPrice> price(String provider, String model, long inputTokens) {
    NavigableMap<Long, ModelPrice> tiers = prices.get(new Name(provider, model));
    if (tiers == null) {
      tiers = prices.get(new Name(provider, DATED.matcher(model).replaceFirst("")));
    }
    if (tiers == null) {
      tiers = prices.get(new Name(provider, ANY));
    }
    if (tiers == null) {
      return Optional.empty();
    }
    Map.Entry<Long, ModelPrice> tier = tiers.lowerEntry(Math.max(1, inputTokens));
    return tier == null ? Optional.empty() : Optional.of(tier.getValue());
  }

  /** In US dollars; empty when the model has no price. */
  Optional<BigDecimal> cost(String provider, String model, long inputTokens, long outputTokens) {
    return cost(provider, model, inputTokens, 0, outputTokens);
  }

  /** As above, where it is known how many of the input tokens the provider had cached. */
  Optional<BigDecimal> cost(
      String provider, String model, long inputTokens, long cachedTokens, long outputTokens) {
    return price(provider, model, inputTokens)
        .map(price -> price.cost(inputTokens, cachedTokens, outputTokens));
  }
}
