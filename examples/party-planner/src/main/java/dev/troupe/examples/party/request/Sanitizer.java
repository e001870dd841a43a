package dev.troupe.examples.party.request;

import java.text.Normalizer;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Makes a text from outside harmless: no tags, no control characters, no terminal escapes, no
 * invisible or reordering characters, one form of accents, single spaces. What is left is only
 * text.
 */
public final class Sanitizer {
  private static final int LONGEST_TAG = 500;
  private static final String ESCAPE_END = "ABCDEFGHJKSTfhilmnprsu";

  private Sanitizer() {}

  /**
   * Cleans a text.
   *
   * @param raw what came in
   * @return the text; line ends are kept, as {@code \n}
   */
  public static String clean(String raw) {
    String visible = visible(raw);
    String plain = tags(entities(tags(visible)));
    return spaces(Normalizer.normalize(plain, Normalizer.Form.NFC));
  }

  private static String visible(String raw) {
    StringBuilder out = new StringBuilder(raw.length());
    int at = 0;
    while (at < raw.length()) {
      int c = raw.codePointAt(at);
      at += Character.charCount(c);
      if (c == 0x1b) {
        at = afterEscape(raw, at);
      } else if (c == '\n' || c == '\t' || c == ' ') {
        out.append((char) c);
      } else if (c == '\r') {
        out.append(at < raw.length() && raw.charAt(at) == '\n' ? "" : "\n");
      } else if (!hidden(c)) {
        out.appendCodePoint(c);
      }
    }
    return out.toString();
  }

  private static boolean hidden(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED ->
          true;
      default -> c == 0xfffd;
    };
  }

  private static int afterEscape(String raw, int at) {
    if (at >= raw.length() || raw.charAt(at) != '[') {
      return at;
    }
    int end = at + 1;
    while (end < raw.length() && end < at + 20 && ESCAPE_END.indexOf(raw.charAt(end)) < 0) {
      end++;
    }
    return Math.min(raw.length(), end + 1);
  }

  private static String tags(String text) {
    if (text.indexOf('<') < 0) {
      return text;
    }
    String lower = text.toLowerCase(Locale.ROOT);
    StringBuilder out = new StringBuilder(text.length());
    int at = 0;
    while (at < text.length()) {
      int end = text.charAt(at) == '<' ? endOfTag(text, at) : -1;
      if (end < 0) {
        out.append(text.charAt(at++));
        continue;
      }
      String hiddenContent = hiddenContent(text, at + 1);
      int close = hiddenContent == null ? -1 : lower.indexOf("</" + hiddenContent, end);
      out.append(' ');
      at = close < 0 ? end : Math.max(end, endOfTag(text, close));
    }
    return out.toString();
  }

  private static @Nullable String hiddenContent(String text, int at) {
    for (String name : new String[] {"script", "style"}) {
      if (text.regionMatches(true, at, name, 0, name.length())) {
        return name;
      }
    }
    return null;
  }

  /** After the {@code >} of the tag that begins here, -1 when none does: "a &lt; b" has none. */
  private static int endOfTag(String text, int at) {
    if (at + 1 >= text.length()) {
      return -1;
    }
    char next = text.charAt(at + 1);
    if (next != '/' && next != '!' && !Character.isLetter(next)) {
      return -1;
    }
    int last = Math.min(text.length(), at + LONGEST_TAG);
    for (int end = at + 2; end < last; end++) {
      if (text.charAt(end) == '>') {
        return end + 1;
      }
    }
    return -1;
  }

  private static String entities(String text) {
    if (text.indexOf('&') < 0) {
      return text;
    }
    return text.replace("&nbsp;", " ")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
  }

  private static String spaces(String text) {
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean space = c != '\n' && (Character.isWhitespace(c) || Character.isSpaceChar(c));
      int last = out.length() - 1;
      char before = last < 0 ? '\n' : out.charAt(last);
      if (space) {
        out.append(before == ' ' || before == '\n' ? "" : " ");
      } else if (c == '\n') {
        if (before == ' ') {
          out.setLength(last);
        }
        boolean third = last > 0 && before == '\n' && out.charAt(last - 1) == '\n';
        out.append(third || last < 0 ? "" : "\n");
      } else {
        out.append(c);
      }
    }
    return out.toString().strip();
  }
}
