package dev.troupe.llm;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a provider said about a failure, taken from the body of its answer.
 *
 * @param names types, codes and reasons, as the provider writes them
 * @param words its sentence for people, and what else may tell what happened
 * @param status a status of HTTP within the body, 0 for none
 * @param isError whether the body has the form of a provider's error
 * @param delay how long to wait, as Google's RetryInfo has it; empty text for none
 */
record Said(List<String> names, String words, int status, boolean isError, String delay) {
  static final Said NOTHING = new Said(List.of(), "", 0, false, "");

  private static final ObjectMapper JSON = new ObjectMapper();

  /** More than this of an error nobody reads. */
  private static final int READ = 20_000;

  private static final int SHOWN = 300;

  /** What looks like a key, of any provider that is known and of some that are not. */
  private static final Pattern KEYS =
      Pattern.compile(
          "\\b(sk|pk|rk|gsk|xai|hf|nvapi|pplx|r8|ghp)[-_][\\w*.-]{6,}"
              + "|(?<=\\b(bearer|basic)\\s{1,3})[^\\s\"',;]+|\\b(AKIA|ASIA)[A-Z0-9]{8,}"
              + "|\\bAIza[\\w-]{10,}|\\bya29\\.[\\w-]+|\\beyJ[\\w-]{8,}[\\w.-]*|(?<=(api[-_"
              + " ]?key|access[-_ ]?key|secret|token|password|credential|signature"
              + "|authorization|[?&]key)\"?\\s{0,2}[:=]\\s{0,2}\"?'?)(?!(bearer|basic)\\s)[^\\s\"',;&]{4,}|(?<=\\bapi"
              + " key (provided|is)?:?\\s{0,2}['\"]?)[\\w*-]{16,}"
              + "|\\b(?=\\w{0,80}\\d)(?=\\w{0,80}[A-Za-z])\\w{32,}\\b",
          Pattern.CASE_INSENSITIVE);

  /** Reads a body, or the message of an exception that has one somewhere in it. */
  static Said of(String text) {
    String body = text.strip();
    if (body.length() > READ) {
      body = body.substring(0, READ);
    }
    Optional<JsonNode> json = json(body);
    if (json.isEmpty() && body.indexOf('{') > 0 && body.lastIndexOf('}') > body.indexOf('{')) {
      json = json(body.substring(body.indexOf('{'), body.lastIndexOf('}') + 1));
    }
    if (json.isPresent() && json.get().isContainerNode()) {
      return ofJson(json.get().isArray() ? json.get().path(0) : json.get());
    }
    boolean page = body.startsWith("<");
    return new Said(List.of(), page ? "a page in place of an answer" : body, 0, false, "");
  }

  private static Optional<JsonNode> json(String body) {
    try {
      return Optional.ofNullable(JSON.readTree(body));
    } catch (JsonProcessingException noJson) {
      return Optional.empty();
    }
  }

  private static Said ofJson(JsonNode body) {
    JsonNode inner = body.path("error");
    JsonNode error = inner.isObject() ? inner : body;
    List<String> names = new ArrayList<>();
    List<String> words = new ArrayList<>();
    collect(error, names, words);
    if (inner.isTextual()) {
      words.add(inner.asText());
    }
    collect(error.path("innererror"), names, new ArrayList<>());
    String delay = "";
    for (JsonNode detail : error.path("details")) {
      add(detail.path("reason"), names);
      detail.path("violations").forEach(violation -> add(violation.path("quotaId"), words));
      delay = detail.path("retryDelay").asText(delay);
    }
    // FastAPI, which is behind many servers of open models; what it was given stands beside 'msg'
    add(body.path("detail"), words);
    body.path("detail").forEach(detail -> add(detail.path("msg"), words));
    int status = error.path("code").asInt(error.path("status").asInt(0));
    boolean isError = !inner.isMissingNode() || !words.isEmpty() || names.contains("error");
    return new Said(
        List.copyOf(names),
        String.join("; ", words),
        status >= 400 && status < 600 ? status : 0,
        isError,
        delay);
  }

  private static void collect(JsonNode error, List<String> names, List<String> words) {
    for (String field : List.of("code", "type", "status", "reason", "__type")) {
      add(error.path(field), names);
    }
    add(error.path("message"), words);
    add(error.path("Message"), words);
  }

  private static void add(JsonNode node, List<String> to) {
    if (node.isTextual() && !node.asText().isBlank()) {
      to.add(node.asText());
    }
  }

  /** The same with more names, which come first. */
  Said named(List<String> more) {
    List<String> all = new ArrayList<>(more);
    all.addAll(names);
    return new Said(List.copyOf(all), words, status, isError, delay);
  }

  /** What may be shown: the words on one line, cut, with everything masked that may be a key. */
  String shown() {
    return shown(words);
  }

  static String shown(String words) {
    // masked before it is cut: half a key may not look like one
    String masked = masked(words.replaceAll("\\s+", " ").strip());
    return masked.length() <= SHOWN ? masked : masked.substring(0, SHOWN) + "…";
  }

  static String masked(String text) {
    Matcher matcher = KEYS.matcher(text);
    return matcher.replaceAll("***");
  }
}
