package dev.troupe.examples.party.request;

import dev.troupe.examples.party.catalogue.Entry;
import dev.troupe.examples.party.request.Lexicon.Mark;
import dev.troupe.examples.party.request.Lexicon.Wanted;
import dev.troupe.examples.party.request.Lexicon.Weighted;
import java.util.List;
import java.util.function.BiConsumer;

/** Reads one language of {@code rules.yaml}; the English words stay valid beside its own. */
final class LanguageFile {
  private static final int WEIGHT = 10;

  private final Entry entry;
  private final Lexicon english;
  private final String usual;

  LanguageFile(Entry entry, Lexicon english, String usual) {
    this.entry = entry;
    this.english = english;
    this.usual = usual;
  }

  Lexicon lexicon() {
    Lexicon.Builder b =
        new Lexicon.Builder(entry.text("code"), entry.text("name")).startWith(english);
    b.add(Mark.LANGUAGE, entry.texts("markers"))
        .add(Mark.PEOPLE, entry.texts("people"))
        .add(Mark.PER_HEAD, entry.texts("perHead"))
        .add(Mark.ALLERGY, entry.texts("allergyMarkers"))
        .add(Mark.BUDGET, entry.texts("budget"));
    each(
        "occasions",
        (id, words) -> b.occasions.addAll(words, new Weighted(id, id.equals(usual) ? 1 : WEIGHT)));
    each("audience", (id, words) -> b.audience.addAll(words, id));
    each("allergens", (id, words) -> b.allergens.addAll(words, id));
    each("diets", (id, words) -> b.diets.addAll(words, id));
    each("themes", (id, words) -> b.themes.addAll(words, id));
    each(
        "without",
        (agent, words) -> b.wanted.addAll(words, new Wanted("", List.of(), agent, "not wanted")));
    each(
        "only",
        (agent, words) ->
            b.wanted.addAll(words, new Wanted("only-" + agent, List.of(agent, "budget"), "", "")));
    Entry numbers = entry.entry("numbers");
    numbers.names().forEach(word -> b.numbers.add(word, numbers.count(word)));
    return b.build();
  }

  private void each(String section, BiConsumer<String, List<String>> use) {
    Entry inner = entry.entry(section);
    inner.names().forEach(name -> use.accept(name, inner.texts(name)));
  }
}
