package dev.troupe.examples.party.request;

import dev.troupe.examples.party.catalogue.Setting;
import dev.troupe.examples.party.request.Lexicon.Mark;
import dev.troupe.examples.party.request.Lexicon.Wanted;
import dev.troupe.examples.party.request.Lexicon.Weighted;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Finds what is celebrated, in which way, and what of it is to be planned. */
final class SubjectReader {
  private static final int ALSO_AT_LEAST = 8;

  private final Reading reading;
  private final Words words;

  SubjectReader(Reading reading) {
    this.reading = reading;
    this.words = reading.words;
  }

  PartyBrief.What what() {
    Map<String, Integer> weights = new LinkedHashMap<>();
    for (Phrases.Hit<Weighted> hit : reading.lexicon.occasions.find(words)) {
      if (!reading.negated(hit.from()) && !reading.used(hit.from())) {
        weights.merge(hit.value().id(), hit.value().weight(), Integer::sum);
      }
    }
    String best = null;
    for (Rules.Occasion occasion : reading.rules.occasions) {
      int weight = weights.getOrDefault(occasion.id(), 0);
      if (weight > (best == null ? 0 : weights.getOrDefault(best, 0))) {
        best = occasion.id();
      }
    }
    String id = best == null ? reading.rules.defaults.occasion() : best;
    List<String> also = new ArrayList<>();
    weights.forEach(
        (other, weight) -> {
          if (!other.equals(id) && weight >= ALSO_AT_LEAST) {
            also.add(other);
          }
        });
    String name = reading.rules.occasion(id).name();
    return new PartyBrief.What(id, name, also, reading.lexicon.code);
  }

  PartyBrief.Wishes wishes() {
    boolean indoor = wished(Mark.INDOOR);
    boolean outdoor = wished(Mark.OUTDOOR);
    Setting setting = indoor == outdoor ? Setting.ANY : indoor ? Setting.INDOOR : Setting.OUTDOOR;
    return new PartyBrief.Wishes(themes(), wished(Mark.ACCESSIBLE), setting);
  }

  private boolean wished(Mark mark) {
    return reading.lexicon.find(mark, words).stream().anyMatch(h -> !reading.negated(h.from()));
  }

  /** The themes asked for; words that also name the occasion count less than words of their own. */
  List<String> themes() {
    List<Phrases.Hit<Weighted>> occasions = reading.lexicon.occasions.find(words);
    Map<String, Integer> found = new LinkedHashMap<>();
    for (Phrases.Hit<String> hit : reading.lexicon.themes.find(words)) {
      if (!reading.negated(hit.from())) {
        boolean own =
            occasions.stream()
                .noneMatch(occasion -> occasion.from() < hit.to() && hit.from() < occasion.to());
        found.merge(hit.value(), (own ? 10 : 4) * (hit.to() - hit.from()), Integer::sum);
      }
    }
    List<String> themes = new ArrayList<>(found.keySet());
    themes.sort(Comparator.comparing(theme -> -found.getOrDefault(theme, 0)));
    return themes;
  }

  PartyBrief.Needs needs() {
    Set<String> keep = new LinkedHashSet<>();
    Map<String, String> without = new LinkedHashMap<>();
    String onlyWritten = "";
    for (Phrases.Hit<Wanted> hit : reading.lexicon.wanted.find(words)) {
      Wanted wanted = hit.value();
      String written = words.original(hit.from(), hit.to());
      if (wanted.without().isEmpty()) {
        keep.addAll(wanted.keep());
        onlyWritten = written;
      } else {
        without.putIfAbsent(wanted.without(), wanted.reason() + " (“" + written + "”)");
      }
    }
    List<String> agents = new ArrayList<>();
    List<PartyBrief.Unwanted> unwanted = new ArrayList<>();
    for (String agent : reading.rules.needs) {
      boolean kept = keep.isEmpty() || keep.contains(agent);
      String reason = kept ? without.get(agent) : "not asked for (“" + onlyWritten + "”)";
      if (kept && (reason == null || !keep.isEmpty())) {
        agents.add(agent);
      } else {
        unwanted.add(new PartyBrief.Unwanted(agent, reason == null ? "not wanted" : reason));
      }
    }
    return new PartyBrief.Needs(agents, unwanted);
  }

  /** Whether the text says anything about a party: more than a number, a day or a town. */
  boolean recognised() {
    return !reading.lexicon.occasions.find(words).isEmpty()
        || !reading.lexicon.themes.find(words).isEmpty()
        || !reading.lexicon.audience.find(words).isEmpty()
        || !reading.lexicon.hints.find(words).isEmpty()
        || !reading.lexicon.wanted.find(words).isEmpty()
        || people();
  }

  private boolean people() {
    for (Num number : reading.numbers) {
      if (reading.lexicon.phrases(Mark.PEOPLE).lengthAt(words, number.to()) > 0) {
        return true;
      }
    }
    return false;
  }
}
