package dev.troupe.examples.party.request;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

/**
 * A number in a text, in digits or in words.
 *
 * @param from its first word
 * @param to the word after its last
 * @param value its value, without the sign
 * @param negative whether a minus stands before it
 */
record Num(int from, int to, BigDecimal value, boolean negative) {
  private static final BigDecimal THOUSAND = BigDecimal.valueOf(1000);

  /** The value, -1 when it is negative, broken or beyond all use. */
  int count() {
    boolean whole =
        value.stripTrailingZeros().scale() <= 0 && value.precision() - value.scale() < 9;
    return negative || !whole ? -1 : value.intValueExact();
  }

  static List<Num> find(Words words, Phrases<Integer> spelled) {
    List<Num> numbers = new ArrayList<>();
    int at = 0;
    while (at < words.size()) {
      Num number = words.digits(at) ? digits(words, at) : spelled(words, spelled, at);
      if (number.to == at) {
        at++;
        continue;
      }
      if (number.value.signum() >= 0) {
        numbers.add(times(words, spelled, number));
      }
      at = Math.max(numbers.isEmpty() ? 0 : numbers.get(numbers.size() - 1).to, number.to);
    }
    return numbers;
  }

  /** "3 thousand", "two hundred", "5k". */
  private static Num times(Words words, Phrases<Integer> spelled, Num number) {
    int next = number.to;
    if (words.at(next).equals("k") && words.gap(next).isEmpty()) {
      return new Num(number.from, next + 1, number.value.multiply(THOUSAND), number.negative);
    }
    if (next < words.size() && words.breakBefore(next) == 0) {
      Num factor = spelled(words, spelled, next);
      boolean hundreds = factor.value.compareTo(BigDecimal.valueOf(100)) == 0;
      if (factor.to > next && (hundreds || factor.value.compareTo(THOUSAND) == 0)) {
        return new Num(
            number.from, factor.to, number.value.multiply(factor.value), number.negative);
      }
    }
    return number;
  }

  private static Num spelled(Words words, Phrases<Integer> spelled, int at) {
    int length = spelled.lengthAt(words, at);
    BigDecimal value =
        length == 0 ? BigDecimal.ZERO : BigDecimal.valueOf(spelled.valueAt(words, at));
    return new Num(at, at + length, value, false);
  }

  private static Num digits(Words words, int at) {
    int end = at + 1;
    while (words.digits(end) && joins(words, at, end)) {
      end++;
    }
    String gap = words.gap(at);
    boolean sign = gap.endsWith("-") || gap.endsWith("−");
    boolean negative = sign && (gap.length() == 1 ? at == 0 : gap.charAt(gap.length() - 2) <= ' ');
    return new Num(at, end, value(words, at, end), negative);
  }

  private static boolean joins(Words words, int first, int next) {
    String gap = words.gap(next);
    if (gap.equals(".") || gap.equals(",") || gap.equals("'") || gap.equals("’")) {
      return true;
    }
    boolean space = gap.equals(" ") && words.at(next).length() == 3;
    return space
        && words.at(first).length() <= 3
        && (next == first + 1 || words.gap(next - 1).equals(" "));
  }

  /** Negative when the groups make no number, as in a date. */
  private static BigDecimal value(Words words, int from, int to) {
    StringBuilder whole = new StringBuilder(words.at(from));
    for (int i = from + 1; i < to; i++) {
      boolean last = i == to - 1;
      String gap = words.gap(i);
      boolean point = gap.equals(".") || gap.equals(",");
      boolean newSign = i == from + 1 || !gap.equals(words.gap(i - 1));
      if (last && point && words.at(i).length() <= 2 && newSign) {
        return new BigDecimal(whole + "." + words.at(i));
      }
      boolean sameSign = i == from + 1 || gap.equals(words.gap(from + 1));
      if (words.at(i).length() != 3 || !sameSign || words.at(from).length() > 3) {
        return BigDecimal.valueOf(-1);
      }
      whole.append(words.at(i));
    }
    return new BigDecimal(whole.toString());
  }
}
