package dev.troupe.testkit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * What a {@link ModelRecorder} leaves out of its file. Begin with {@link #ofKeys}, which is what a
 * recorder does unless told otherwise, and add what is yours: each method gives another redaction,
 * which does the earlier ones first.
 *
 * <p>A redaction is applied to every text of an exchange, in requests, answers, failures and
 * headers, and again to what a {@link ModelReplayer} is asked: give both the same. Requests that
 * differ only in what is left out are the same request to a replayer.
 */
public final class Redaction {
  /** What stands where something was left out. */
  public static final String REDACTED = "[redacted]";

  private static final List<Pattern> KEYS =
      List.of(
          Pattern.compile("-----BEGIN [A-Z ]*PRIVATE KEY-----[\\s\\S]*?(-----END [A-Z ]*-----|$)"),
          Pattern.compile("\\beyJ[\\w-]{10,}\\.[\\w-]{10,}\\.[\\w-]+"), // a JWT
          Pattern.compile("\\b[sr]k-[\\w-]{12,}"), // OpenAI, Anthropic and many more
          Pattern.compile("\\b[sr]k_(live|test)_\\w{10,}"),
          Pattern.compile("\\b(AKIA|ASIA)[0-9A-Z]{16}\\b"),
          Pattern.compile("\\bAIza[\\w-]{20,}"),
          Pattern.compile("\\bgh[pousr]_\\w{20,}|\\bgithub_pat_\\w{20,}"),
          Pattern.compile("\\bxox[abeoprs]-[\\w-]{10,}"),
          Pattern.compile("\\bhf_\\w{20,}"),
          Pattern.compile("(?i)(?<=\\bbearer )\\s*[\\w.~+/=-]{8,}"),
          Pattern.compile("(?<=://)[^\\s/:@]+:[^\\s/@]+(?=@)"), // user and password in an address
          Pattern.compile(
              "(?i)(?<=(api[_-]?key|password|passwd|secret|token)[\"'\\\\]{0,3}\\s{0,2}[:=]"
                  + "\\s{0,2}[\"'\\\\]{0,3})(?!\\[redacted])[^\\s\"'\\\\,;}]{6,}"));

  private final UnaryOperator<String> text;

  private Redaction(UnaryOperator<String> text) {
    this.text = text;
  }

  /**
   * Leaves nothing out.
   *
   * @return the redaction
   */
  public static Redaction none() {
    return new Redaction(text -> text);
  }

  /**
   * Leaves out what looks like a key: of model providers, AWS, GitHub and Slack, bearer tokens,
   * JWTs, private keys, passwords in addresses, and what follows words like {@code api_key=}.
   *
   * @return the redaction
   */
  public static Redaction ofKeys() {
    Redaction all = none();
    for (Pattern key : KEYS) {
      all = all.pattern(key);
    }
    return all;
  }

  /**
   * Leaves out words as well.
   *
   * @param words in any case, also as a part of others; none empty
   * @return the redaction
   */
  public Redaction words(String... words) {
    Redaction all = this;
    for (String word : words) {
      if (word.isEmpty()) {
        throw new IllegalArgumentException("an empty word can't be left out");
      }
      int flags = Pattern.LITERAL | Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE;
      all = all.pattern(Pattern.compile(word, flags));
    }
    return all;
  }

  /**
   * Leaves out all that a pattern finds as well.
   *
   * @param pattern what to find
   * @return the redaction
   */
  public Redaction pattern(Pattern pattern) {
    return text(found -> pattern.matcher(found).replaceAll(REDACTED));
  }

  /**
   * Changes each text by a function as well.
   *
   * @param change gives what is written; the same for the same text each time
   * @return the redaction
   */
  public Redaction text(UnaryOperator<String> change) {
    Objects.requireNonNull(change, "change");
    return new Redaction(found -> change.apply(text.apply(found)));
  }

  String apply(String found) {
    return text.apply(found);
  }

  /** A copy of a document without what is left out. */
  JsonNode apply(JsonNode document) {
    if (document.isTextual()) {
      return TextNode.valueOf(apply(document.textValue()));
    }
    if (document instanceof ObjectNode object) {
      ObjectNode copy = RequestJson.MAPPER.createObjectNode();
      object.properties().forEach(field -> copy.set(field.getKey(), apply(field.getValue())));
      return copy;
    }
    if (document instanceof ArrayNode array) {
      ArrayNode copy = RequestJson.MAPPER.createArrayNode();
      array.forEach(element -> copy.add(apply(element)));
      return copy;
    }
    return document;
  }
}
