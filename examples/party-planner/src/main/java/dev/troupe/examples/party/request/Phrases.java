package dev.troupe.examples.party.request;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Phrases with what they mean, found in a text in one pass. A longer phrase wins over a shorter one
 * inside it. Immutable.
 *
 * @param <T> what a phrase means
 */
final class Phrases<T> {
  private final Map<String, List<Known<T>>> byFirstWord;

  private Phrases(Map<String, List<Known<T>>> byFirstWord) {
    this.byFirstWord = byFirstWord;
  }

  private record Known<T>(String[] words, List<T> values) {}

  /** A phrase in a text: the words from, inclusive, and to, exclusive. */
  record Hit<T>(int from, int to, T value) {}

  static <T> Builder<T> builder() {
    return new Builder<>();
  }

  static final class Builder<T> {
    private final Map<String, List<Known<T>>> byFirstWord = new HashMap<>();

    Builder<T> add(String phrase, T value) {
      Words words = Words.of(phrase);
      if (words.size() == 0) {
        throw new IllegalArgumentException("a phrase without words: '" + phrase + "'");
      }
      String[] parts = new String[words.size()];
      for (int i = 0; i < parts.length; i++) {
        parts[i] = words.at(i);
      }
      List<Known<T>> known = byFirstWord.computeIfAbsent(parts[0], first -> new ArrayList<>());
      for (Known<T> other : known) {
        if (Arrays.equals(other.words, parts)) {
          if (!other.values.contains(value)) {
            other.values.add(value);
          }
          return this;
        }
      }
      known.add(new Known<>(parts, new ArrayList<>(List.of(value))));
      return this;
    }

    Builder<T> addAll(Iterable<String> phrases, T value) {
      phrases.forEach(phrase -> add(phrase, value));
      return this;
    }

    Builder<T> addAll(Phrases<T> others) {
      others.byFirstWord.values().stream()
          .flatMap(List::stream)
          .forEach(k -> k.values.forEach(v -> add(String.join(" ", k.words), v)));
      return this;
    }

    Phrases<T> build() {
      Map<String, List<Known<T>>> sorted = new HashMap<>();
      byFirstWord.forEach(
          (first, known) -> {
            List<Known<T>> longestFirst = new ArrayList<>(known);
            longestFirst.sort(Comparator.comparing(k -> -k.words.length));
            sorted.put(first, List.copyOf(longestFirst));
          });
      return new Phrases<>(sorted);
    }
  }

  List<Hit<T>> find(Words words) {
    List<Hit<T>> hits = new ArrayList<>();
    int at = 0;
    while (at < words.size()) {
      Known<T> known = longestAt(words, at);
      if (known == null) {
        at++;
        continue;
      }
      int end = at + known.words.length;
      for (T value : known.values) {
        hits.add(new Hit<>(at, end, value));
      }
      at = end;
    }
    return hits;
  }

  /** How many words the longest phrase at this place has, 0 for none. */
  int lengthAt(Words words, int at) {
    Known<T> known = longestAt(words, at);
    return known == null ? 0 : known.words.length;
  }

  /** The first meaning of the longest phrase at this place, where there is one. */
  T valueAt(Words words, int at) {
    Known<T> known = longestAt(words, at);
    if (known == null) {
      throw new IllegalArgumentException("no phrase at word " + at);
    }
    return known.values.get(0);
  }

  private @Nullable Known<T> longestAt(Words words, int at) {
    for (Known<T> known : byFirstWord.getOrDefault(words.at(at), List.of())) {
      if (matches(known.words, words, at)) {
        return known;
      }
    }
    return null;
  }

  private static boolean matches(String[] phrase, Words words, int at) {
    for (int i = 1; i < phrase.length; i++) {
      if (!phrase[i].equals(words.at(at + i)) || words.breakBefore(at + i) > 0) {
        return false;
      }
    }
    return true;
  }
}
