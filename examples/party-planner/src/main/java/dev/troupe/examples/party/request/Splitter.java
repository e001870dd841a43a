package dev.troupe.examples.party.request;

import dev.troupe.examples.party.request.Lexicon.Mark;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Splits a text that holds several parties, at sentences and at words like "and also". */
final class Splitter {
  private final Lexicon lexicon;
  private final Rules rules;
  private final LocalDate today;

  Splitter(Lexicon lexicon, Rules rules, LocalDate today) {
    this.lexicon = lexicon;
    this.rules = rules;
    this.today = today;
  }

  /** A piece of the text and what of a party it names. */
  private record Piece(
      String text, boolean marked, @Nullable String city, @Nullable LocalDate date) {
    boolean another(Piece before) {
      boolean otherCity = city != null && before.city != null && !city.equals(before.city);
      boolean otherDate = date != null && before.date != null && !date.equals(before.date);
      boolean own = otherCity || otherDate;
      return own && (marked || (otherCity && otherDate));
    }

    Piece with(Piece next) {
      return new Piece(
          text + next.text,
          marked || next.marked,
          city == null ? next.city : city,
          date == null ? next.date : date);
    }
  }

  List<String> split(String text) {
    List<Piece> parties = new ArrayList<>();
    for (Piece piece : pieces(text)) {
      int last = parties.size() - 1;
      if (last < 0 || piece.another(parties.get(last))) {
        parties.add(piece);
      } else {
        parties.set(last, parties.get(last).with(piece));
      }
    }
    return parties.stream().map(Piece::text).toList();
  }

  /** A word like "and also" opens a piece that reaches to the end of the next fact it names. */
  private List<Piece> pieces(String text) {
    Words words = Words.of(text);
    List<Integer> cuts = new ArrayList<>();
    for (int i = 1; i < words.size(); i++) {
      boolean marker = lexicon.phrases(Mark.SECOND_PARTY).lengthAt(words, i) > 0;
      if (marker || words.breakBefore(i) >= Words.SENTENCE) {
        cuts.add(words.start(i));
      }
    }
    cuts.add(text.length());
    List<Piece> pieces = new ArrayList<>();
    int from = 0;
    boolean marked = false;
    for (int to : cuts) {
      Piece piece = piece(text.substring(from, to));
      if (marked && !piece.marked) {
        piece = new Piece(piece.text, true, piece.city, piece.date);
      }
      marked = piece.marked && piece.city == null && piece.date == null;
      pieces.add(piece);
      from = to;
    }
    return pieces;
  }

  private Piece piece(String text) {
    Reading reading = new Reading(text, lexicon, rules, today);
    boolean marked = !lexicon.find(Mark.SECOND_PARTY, reading.words).isEmpty();
    LocalDate date = new DateReader(reading).read().date();
    return new Piece(text, marked, new PlaceReader(reading).read().name(), date);
  }
}
