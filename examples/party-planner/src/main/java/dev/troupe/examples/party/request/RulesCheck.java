package dev.troupe.examples.party.request;

import dev.troupe.examples.party.catalogue.Cake;
import dev.troupe.examples.party.catalogue.Catalogue;
import dev.troupe.examples.party.catalogue.DataException;
import dev.troupe.examples.party.catalogue.Entry;
import dev.troupe.examples.party.catalogue.Theme;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Checks that rules and catalogue speak of the same things. */
final class RulesCheck {
  private RulesCheck() {}

  static void check(RulesFile file, Entry root, Catalogue catalogue) {
    Set<String> agents = file.agents().keySet();
    Set<String> occasions = new HashSet<>();
    file.occasions().forEach(occasion -> occasions.add(occasion.id()));
    Set<String> audiences = new HashSet<>();
    file.audiences().forEach(audience -> audiences.add(audience.id()));
    Entry defaults = root.entry("defaults");
    known(defaults, "occasion", List.of(defaults.text("occasion")), occasions);
    known(defaults, "audience", List.of(defaults.text("audience")), audiences);
    known(defaults, "currency", List.of(defaults.text("currency")), file.currencies().keySet());
    known(defaults, "budgetShares", file.defaults().shares().keySet(), agents);
    root.entries("agents").forEach(e -> known(e, "dependsOn", e.texts("dependsOn"), agents));
    Entry needs = root.entry("needs");
    known(needs, "default", needs.texts("default"), agents);
    needs.entries("only").forEach(e -> known(e, "keep", e.texts("keep"), agents));
    needs.entries("without").forEach(e -> known(e, "agent", List.of(e.text("agent")), agents));
    root.entries("diets").forEach(e -> known(e, "avoids", e.texts("avoids"), file.allergens()));
    if (defaults.count("kidsPerAdult") < 1) {
      throw defaults.wrong("kidsPerAdult", "must be at least 1");
    }
    for (Entry e : root.entries("languages")) {
      known(e, "occasions", e.entry("occasions").names(), occasions);
      known(e, "audience", e.entry("audience").names(), audiences);
      known(e, "allergens", e.entry("allergens").names(), file.allergens());
      known(e, "diets", e.entry("diets").names(), file.dietAvoids().keySet());
      known(e, "themes", e.entry("themes").names(), ids(catalogue));
    }
    catalogue(file, occasions, catalogue);
  }

  private static void catalogue(RulesFile file, Set<String> occasions, Catalogue catalogue) {
    Set<String> themes = ids(catalogue);
    themes.addAll(occasions);
    for (Theme theme : catalogue.themes()) {
      known("themes.yaml: theme '" + theme.id(), "occasions", theme.suits().occasions(), occasions);
    }
    for (Cake cake : catalogue.cakes()) {
      String where = "cakes.yaml: cake '" + cake.id();
      known(where, "themes", cake.themes(), themes);
      known(where, "allergens", cake.contents().allergens(), file.allergens());
      known(where, "traces", cake.contents().traces(), file.allergens());
      known(where, "diets", cake.contents().diets(), file.dietAvoids().keySet());
    }
  }

  private static Set<String> ids(Catalogue catalogue) {
    Set<String> ids = new HashSet<>();
    catalogue.themes().forEach(theme -> ids.add(theme.id()));
    return ids;
  }

  private static void known(
      Entry entry, String field, Collection<String> values, Collection<String> known) {
    for (String value : values) {
      if (!known.contains(value)) {
        throw entry.wrong(field, "names '" + value + "', which is not defined");
      }
    }
  }

  private static void known(
      String where, String field, Collection<String> values, Collection<String> known) {
    for (String value : values) {
      if (!known.contains(value)) {
        throw new DataException(
            where + "': field '" + field + "' names '" + value + "', which is not defined");
      }
    }
  }
}
