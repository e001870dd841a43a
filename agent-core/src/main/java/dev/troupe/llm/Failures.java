package dev.troupe.llm;

import static dev.troupe.ErrorCode.ANSWER_INCOMPLETE;
import static dev.troupe.ErrorCode.MODEL_FAILED;
import static dev.troupe.ErrorCode.MODEL_REFUSED;
import static dev.troupe.ErrorCode.MODEL_UNREACHABLE;
import static dev.troupe.ErrorCode.RATE_LIMITED;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.langchain4j.exception.ContentFilteredException;
import dev.langchain4j.exception.HttpException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.NonRetriableException;
import dev.troupe.ErrorCode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Makes the one error out of what came back from a provider, or was thrown on the way to it. */
final class Failures {
  /**
   * In messages of the SDKs of AWS and Azure: {@code Status Code: 400}, {@code Status code 400}.
   */
  private static final Pattern STATUS =
      Pattern.compile("\\bstatus code:? ([45]\\d\\d)\\b", Pattern.CASE_INSENSITIVE);

  private static final List<String> REQUEST_IDS =
      List.of("x-request-id", "request-id", "x-amzn-requestid", "apim-request-id");

  private static final int DEEPEST = 20;

  private Failures() {}

  /** Of an answer over HTTP; see {@link LlmException#http}. */
  static LlmException http(
      String provider,
      int status,
      Map<String, String> headers,
      String body,
      @Nullable Throwable cause) {
    Said said = Said.of(body);
    String type = headers.get("x-amzn-errortype");
    if (type != null) {
      said = said.named(List.of(type.split("[:#]", 2)[0]));
    }
    boolean answered = status < 400;
    @Nullable ErrorCode code = MODEL_UNREACHABLE;
    String words = "";
    // without an error in it, what came may be an answer, which no message holds
    if (!answered || said.isError()) {
      code = FailureTable.code(answered ? said.status() : status, said);
      words = said.shown();
    }
    code = code == null ? MODEL_FAILED : code;
    return LlmException.of(code, provider, message(provider, status, code, words))
        .cause(Withheld.of(cause))
        .status(status)
        .retryAfter(AskedWait.of(headers, said, code == RATE_LIMITED))
        .requestId(
            REQUEST_IDS.stream()
                .filter(headers::containsKey)
                .findFirst()
                .map(headers::get)
                .orElse(null))
        .build();
  }

  /** Of anything that a model threw. */
  static LlmException of(String provider, Throwable thrown) {
    return of(provider, thrown, false);
  }

  /** The same, of a call of which a part had come when {@code begun}. */
  static LlmException of(String provider, Throwable thrown, boolean begun) {
    List<Throwable> chain = chain(thrown);
    for (Throwable one : chain) {
      if (one instanceof LlmException known) {
        return known;
      }
    }
    int status =
        chain.stream().mapToInt(Failures::status).filter(s -> s != 0).findFirst().orElse(0);
    boolean damaged = chain.stream().anyMatch(JsonProcessingException.class::isInstance);
    // a parser's words hold the answer, and so do those of a model that refuses
    Said said = damaged || ownWords(chain) ? Said.NOTHING : said(chain);
    Said named = said.named(names(chain, status));
    int known = status != 0 ? status : said.status();
    ErrorCode code = damaged && known == 0 ? MODEL_UNREACHABLE : FailureTable.code(known, named);
    if (code == null) {
      code = byKind(chain);
    }
    // a connection that breaks in the midst was there
    if (begun && code == MODEL_UNREACHABLE) {
      code = ANSWER_INCOMPLETE;
    }
    String words = said.shown();
    if (status == 0) {
      words = rootOf(chain).getClass().getSimpleName() + (words.isEmpty() ? "" : ": " + words);
    }
    return LlmException.of(code, provider, message(provider, status, code, words))
        .cause(Withheld.of(thrown))
        .status(status)
        .retryAfter(AskedWait.of(Map.of(), said, code == RATE_LIMITED))
        .build();
  }

  private static ErrorCode byKind(List<Throwable> chain) {
    if (chain.stream().anyMatch(IOException.class::isInstance)) {
      return MODEL_UNREACHABLE;
    }
    return chain.stream().anyMatch(NonRetriableException.class::isInstance)
        ? MODEL_REFUSED
        : MODEL_FAILED;
  }

  private static int status(Throwable one) {
    if (one instanceof HttpException http) {
      return http.statusCode();
    }
    Matcher matcher = STATUS.matcher(String.valueOf(one.getMessage()));
    return matcher.find() ? Integer.parseInt(matcher.group(1)) : 0;
  }

  private static boolean ownWords(List<Throwable> chain) {
    return rootOf(chain) instanceof ContentFilteredException;
  }

  private static Said said(List<Throwable> chain) {
    for (int i = chain.size() - 1; i >= 0; i--) {
      String message = chain.get(i).getMessage();
      if (message != null && !message.isBlank()) {
        return Said.of(message);
      }
    }
    return Said.NOTHING;
  }

  /** From the root outwards: what was thrown first knows most. */
  private static List<String> names(List<Throwable> chain, int status) {
    List<String> names = new ArrayList<>();
    for (int i = chain.size() - 1; i >= 0; i--) {
      Throwable one = chain.get(i);
      // with a status, these only repeat it, and less exactly
      boolean repeats = status != 0 && one instanceof LangChain4jException;
      if (!repeats || one instanceof ContentFilteredException) {
        names.add(one.getClass().getSimpleName());
      }
    }
    return names;
  }

  private static Throwable rootOf(List<Throwable> chain) {
    return chain.get(chain.size() - 1);
  }

  private static List<Throwable> chain(Throwable thrown) {
    List<Throwable> chain = new ArrayList<>();
    for (Throwable one = thrown; one != null && chain.size() < DEEPEST; one = one.getCause()) {
      chain.add(one);
    }
    return chain;
  }

  static String message(String provider, int status, ErrorCode code, String words) {
    return provider
        + ": "
        + (status > 0 ? "status " + status + ", " : "")
        + FailureTable.advice(code)
        + (words.isEmpty() ? "" : " (it said: " + words + ")");
  }
}
