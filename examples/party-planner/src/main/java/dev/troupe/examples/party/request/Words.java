package dev.troupe.examples.party.request;

import java.text.Normalizer;
import java.util.Arrays;
import java.util.Locale;

/**
 * A text as a row of words: in lower case, without accents, split between letters and digits, each
 * with its place in the text. What stands between words says where clauses and sentences end.
 */
final class Words {
  static final int CLAUSE = 1;
  static final int SENTENCE = 2;

  private static final String[] FOLDED = folded();

  private final String text;
  private String[] words = new String[16];
  private int[] starts = new int[16];
  private int[] ends = new int[16];
  private byte[] breaks = new byte[16];
  private int size;

  private Words(String text) {
    this.text = text;
  }

  static Words of(String text) {
    Words words = new Words(text);
    words.split();
    return words;
  }

  private static String[] folded() {
    String[] table = new String[0x250];
    for (int c = 0; c < table.length; c++) {
      table[c] = foldSlowly(c);
    }
    return table;
  }

  private static String fold(int c) {
    return c < FOLDED.length ? FOLDED[c] : foldSlowly(c);
  }

  private static String foldSlowly(int c) {
    String lower = Character.toString(c).toLowerCase(Locale.ROOT);
    return switch (lower) {
      case "ß" -> "ss";
      case "œ" -> "oe";
      case "æ" -> "ae";
      case "ø" -> "o";
      case "ł" -> "l";
      case "đ", "ð" -> "d";
      case "þ" -> "th";
      case "ı" -> "i";
      default -> {
        StringBuilder base = new StringBuilder();
        Normalizer.normalize(lower, Normalizer.Form.NFD)
            .codePoints()
            .filter(d -> !mark(d))
            .forEach(base::appendCodePoint);
        yield base.toString();
      }
    };
  }

  private static boolean mark(int c) {
    return Character.getType(c) == Character.NON_SPACING_MARK;
  }

  private void split() {
    int at = 0;
    while (at < text.length()) {
      int c = text.codePointAt(at);
      int begin = at;
      at += Character.charCount(c);
      if (Character.getType(c) == Character.CURRENCY_SYMBOL) {
        add(Character.toString(c), begin, at);
      } else if (Character.isDigit(c)) {
        StringBuilder digits = new StringBuilder().append(Character.digit(c, 10));
        while (at < text.length() && Character.isDigit(text.codePointAt(at))) {
          digits.append(Character.digit(text.codePointAt(at), 10));
          at += Character.charCount(text.codePointAt(at));
        }
        add(digits.toString(), begin, at);
      } else if (Character.isLetter(c)) {
        StringBuilder letters = new StringBuilder(fold(c));
        while (at < text.length() && letterOrMark(text.codePointAt(at))) {
          int next = text.codePointAt(at);
          letters.append(mark(next) ? "" : fold(next));
          at += Character.charCount(next);
        }
        add(letters.toString(), begin, at);
      }
    }
  }

  private static boolean letterOrMark(int c) {
    return Character.isLetter(c) || mark(c);
  }

  private void add(String word, int start, int end) {
    if (size == words.length) {
      words = Arrays.copyOf(words, size * 2);
      starts = Arrays.copyOf(starts, size * 2);
      ends = Arrays.copyOf(ends, size * 2);
      breaks = Arrays.copyOf(breaks, size * 2);
    }
    words[size] = word;
    starts[size] = start;
    ends[size] = end;
    breaks[size] = (byte) (size == 0 ? SENTENCE : breakIn(ends[size - 1], start));
    size++;
  }

  private int breakIn(int from, int to) {
    int level = 0;
    int lines = 0;
    for (int i = from; i < to; i++) {
      switch (text.charAt(i)) {
        case '!', '?', ';', '…' -> level = SENTENCE;
        case '.' -> level = Math.max(level, endsSentence(i) ? SENTENCE : 0);
        case '\n' -> lines++;
        case ',', ':', '(', ')', '"', '–', '—', '•', '“', '”' ->
            level = Math.max(level, to - from == 1 ? 0 : CLAUSE);
        default -> {}
      }
    }
    return lines > 1 ? SENTENCE : level;
  }

  /** A point ends no sentence inside "1.200", after the day of "6. Juni" and after one letter. */
  private boolean endsSentence(int point) {
    if (point + 1 < text.length() && !Character.isWhitespace(text.charAt(point + 1))) {
      return false;
    }
    String before = words[size - 1];
    boolean day = Character.isDigit(before.charAt(0)) && before.length() <= 2;
    return !day && before.length() > 1;
  }

  int size() {
    return size;
  }

  String at(int i) {
    return i >= 0 && i < size ? words[i] : "";
  }

  boolean digits(int i) {
    return i >= 0 && i < size && Character.isDigit(words[i].charAt(0));
  }

  /** The number of a word of digits, -1 for anything else and for what does not fit. */
  int number(int i) {
    return digits(i) && words[i].length() <= 9 ? Integer.parseInt(words[i]) : -1;
  }

  boolean capital(int i) {
    return i >= 0 && i < size && Character.isUpperCase(text.codePointAt(starts[i]));
  }

  /** What stands between the word and the one before it. */
  String gap(int i) {
    int from = i == 0 ? 0 : ends[Math.min(i, size) - 1];
    return text.substring(from, i >= size ? text.length() : starts[i]);
  }

  /** How strongly the word is cut off from the one before it. */
  int breakBefore(int i) {
    return i >= size ? SENTENCE : breaks[i];
  }

  /** Whether no break of this level lies between the two words. */
  boolean together(int a, int b, int level) {
    for (int i = Math.min(a, b) + 1; i <= Math.max(a, b); i++) {
      if (breakBefore(i) >= level) {
        return false;
      }
    }
    return true;
  }

  /** The words as they were written. */
  String original(int from, int to) {
    return text.substring(starts[from], ends[Math.min(to, size) - 1]);
  }

  int start(int i) {
    return i >= size ? text.length() : starts[i];
  }

  String text() {
    return text;
  }
}
