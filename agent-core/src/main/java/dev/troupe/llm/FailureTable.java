package dev.troupe.llm;

import static dev.troupe.ErrorCode.ACCESS_DENIED;
import static dev.troupe.ErrorCode.ANSWER_INCOMPLETE;
import static dev.troupe.ErrorCode.CONTENT_REFUSED;
import static dev.troupe.ErrorCode.CONTEXT_TOO_LONG;
import static dev.troupe.ErrorCode.LIMIT_EXCEEDED;
import static dev.troupe.ErrorCode.MODEL_FAILED;
import static dev.troupe.ErrorCode.MODEL_OVERLOADED;
import static dev.troupe.ErrorCode.MODEL_REFUSED;
import static dev.troupe.ErrorCode.MODEL_UNREACHABLE;
import static dev.troupe.ErrorCode.QUOTA_SPENT;
import static dev.troupe.ErrorCode.RATE_LIMITED;
import static dev.troupe.ErrorCode.TIMEOUT;

import dev.troupe.ErrorCode;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What providers' failures mean: the one place that knows their names, words and statuses. Names
 * are compared without case and punctuation, so that {@code rate_limit_error}, {@code
 * RateLimitError} and {@code RATE_LIMIT_ERROR} are one.
 */
final class FailureTable {
  /** Names that say more than the status and the words beside them. */
  private static final Map<String, ErrorCode> EXACT =
      names(
          Map.of(
              QUOTA_SPENT,
              "insufficient_quota billing_hard_limit_reached billing_not_active"
                  + " enforced_spend_limit_reached spend_limit_reached billing_error"
                  + " insufficient_balance insufficient_user_quota ServiceQuotaExceededException",
              CONTEXT_TOO_LONG,
              "context_length_exceeded exceed_context_size_error context_window_exceeded"
                  + " request_too_large string_above_max_length tokens_limit_reached",
              CONTENT_REFUSED,
              "content_filter content_policy_violation ResponsibleAIPolicyViolation SAFETY"
                  + " PROHIBITED_CONTENT BLOCKLIST moderation_blocked guardrail_intervened"
                  + " ContentFilteredException",
              MODEL_OVERLOADED,
              "overloaded_error engine_overloaded engine_overloaded_error overloaded UNAVAILABLE"
                  + " slow_down ModelNotReadyException ServiceUnavailableException"
                  + " ServiceUnavailable service_unavailable_error service_tier_capacity_exceeded"
                  + " capacity_exceeded"));

  /** Names that leave details to the words. */
  private static final Map<String, ErrorCode> WIDE =
      names(
          Map.of(
              RATE_LIMITED,
              "rate_limit_error rate_limit_exceeded rate_limited RateLimitException"
                  + " ThrottlingException Throttling ThrottledException TooManyRequestsException"
                  + " too_many_requests RESOURCE_EXHAUSTED",
              TIMEOUT,
              "timeout_error TimeoutException HttpTimeoutException SocketTimeoutException"
                  + " ReadTimeoutException ModelTimeoutException DEADLINE_EXCEEDED"
                  + " ApiCallTimeoutException ApiCallAttemptTimeoutException",
              ACCESS_DENIED,
              "authentication_error invalid_api_key api_key_invalid permission_error"
                  + " PERMISSION_DENIED UNAUTHENTICATED AccessDeniedException"
                  + " UnrecognizedClientException ExpiredTokenException InvalidSignatureException"
                  + " AuthenticationException ClientAuthenticationException",
              MODEL_REFUSED,
              "invalid_request_error InvalidRequestException INVALID_ARGUMENT ValidationException"
                  + " FAILED_PRECONDITION not_found_error NOT_FOUND model_not_found"
                  + " ModelNotFoundException ResourceNotFoundException UnsupportedFeatureException"
                  + " UnsupportedOperationException IllegalArgumentException",
              MODEL_FAILED,
              "api_error server_error internal_server_error internal_error INTERNAL"
                  + " InternalServerException ModelErrorException ModelStreamErrorException",
              MODEL_UNREACHABLE,
              "UnresolvedModelServerException UnresolvedAddressException"
                  + " HttpConnectTimeoutException ConnectTimeoutException UnknownHostException"
                  + " ConnectException"));

  private record Words(ErrorCode code, Pattern pattern) {}

  /** What providers write where they give no name for it; the first that is found counts. */
  private static final List<Words> WORDS =
      List.of(
          // a key of AWS or Google that is wrong comes as a bad request
          words(
              ACCESS_DENIED,
              "api key (not valid|expired)|invalid (x-)?api[ -]key|incorrect api key"
                  + "|unable to load credentials|security token .{0,40}(invalid|expired)"),
          words(
              QUOTA_SPENT,
              "credit balance is too low|reached your specified (api )?usage limits"
                  + "|(spend|spending|billing|billing hard) limit"
                  + "|insufficient (account )?(balance|credits?|funds|quota)"
                  + "|requires more credits|exceeded your monthly|tokens per day, please wait"
                  + "|(extra usage is|usage credits are) required|PerDayPerProject"),
          words(
              CONTEXT_TOO_LONG,
              "maximum context length|prompt (is )?too long|input is too long"
                  + "|exceeds? the maximum number of tokens|too many input tokens"
                  + "|exceeds? (the |this )?(available |maximum |model'?s? )*context"
                  + "|input (length|tokens?)\\b.{0,40}\\bexceeds?"
                  + "|reduce the length of the (messages|prompt|input)"
                  // more tokens at once than a minute allows: no wait helps
                  + "|request too large for|tokens must be reduced"
                  + "|request exceeds the maximum (size|allowed number of bytes)"),
          words(
              CONTENT_REFUSED,
              "content management policy|content (filtering )?policy|our safety system"
                  + "|violat\\w+ (of )?our usage polic|blocked by .{0,30}filter"
                  + "|blocked due to .{0,30}(safety|prohibited)"));

  /** Words that mean this only where the provider did not say 'your request is wrong'. */
  private static final List<Words> WORDS_OF_LOAD =
      List.of(
          words(
              MODEL_OVERLOADED,
              "overloaded|server busy|(at|over|out of|no) capacity|experiencing high demand"),
          words(RATE_LIMITED, "rate limit|too many requests|too many tokens|quota exceeded"));

  private static final Map<ErrorCode, String> ADVICE =
      Map.ofEntries(
          Map.entry(RATE_LIMITED, "too many requests or tokens for now; wait, or ask elsewhere"),
          Map.entry(MODEL_OVERLOADED, "it has too much to do; wait, or ask elsewhere"),
          Map.entry(MODEL_FAILED, "it failed; ask again, or elsewhere"),
          Map.entry(
              MODEL_UNREACHABLE,
              "no answer of the provider came; check address, proxy and certificate if this lasts"),
          Map.entry(ANSWER_INCOMPLETE, "the answer was cut off or is damaged; ask again"),
          Map.entry(TIMEOUT, "it took too long; ask again, or allow more time"),
          Map.entry(
              CONTEXT_TOO_LONG,
              "prompt and answer do not fit; shorten the prompt, or take a model with more room"),
          Map.entry(CONTENT_REFUSED, "its content filter or the model refused; change the prompt"),
          Map.entry(ACCESS_DENIED, "it does not accept the key, or the key may not do this"),
          Map.entry(
              QUOTA_SPENT,
              "what was paid for or allowed is used up; pay, or raise the limit at the provider"),
          Map.entry(
              MODEL_REFUSED,
              "it does not accept the request; correct the model's name, options or tools"),
          Map.entry(LIMIT_EXCEEDED, "the answer is larger than maxCharacters; raise that limit"));

  private FailureTable() {}

  private static Map<String, ErrorCode> names(Map<ErrorCode, String> byCode) {
    Map<String, ErrorCode> all = new HashMap<>();
    byCode.forEach(
        (code, names) -> {
          for (String name : names.split(" ", -1)) {
            all.put(plain(name), code);
          }
        });
    return Map.copyOf(all);
  }

  private static Words words(ErrorCode code, String regex) {
    return new Words(code, Pattern.compile(regex, Pattern.CASE_INSENSITIVE));
  }

  private static String plain(String name) {
    return name.replaceAll("[^A-Za-z0-9]", "").toLowerCase(Locale.ROOT);
  }

  /**
   * What a failure means.
   *
   * @param status of HTTP, 0 when there is none
   * @param said what came with it
   * @return null when nothing of it is known
   */
  static @Nullable ErrorCode code(int status, Said said) {
    ErrorCode code = first(EXACT, said.names());
    code = code != null ? code : first(WORDS, said.words());
    if (code == null && (status < 400 || status >= 500 || status == 429)) {
      code = first(WORDS_OF_LOAD, said.words());
    }
    code = code != null ? code : first(WIDE, said.names());
    if (code == null && status == 0 && said.words().contains("timed out")) {
      return TIMEOUT;
    }
    // 'server_error' is said with each of them
    return code == null || (code == MODEL_FAILED && status > 500) ? ofStatus(status) : code;
  }

  private static @Nullable ErrorCode first(List<Words> table, String said) {
    for (Words words : table) {
      if (words.pattern.matcher(said).find()) {
        return words.code;
      }
    }
    return null;
  }

  private static @Nullable ErrorCode first(Map<String, ErrorCode> table, List<String> names) {
    for (String name : names) {
      ErrorCode code = table.get(plain(name));
      if (code != null) {
        return code;
      }
    }
    return null;
  }

  private static @Nullable ErrorCode ofStatus(int status) {
    return switch (status) {
      case 0 -> null;
      case 401, 403 -> ACCESS_DENIED;
      case 402 -> QUOTA_SPENT;
      case 408 -> TIMEOUT;
      case 424 -> MODEL_FAILED; // Bedrock: the model behind it failed
      case 429 -> RATE_LIMITED;
      case 498, 503, 529 -> MODEL_OVERLOADED; // 498: Groq has no capacity
      default -> status >= 500 ? MODEL_FAILED : status >= 400 ? MODEL_REFUSED : MODEL_UNREACHABLE;
    };
  }

  /** What a failure of this code is, and what to do about it. */
  static String advice(ErrorCode code) {
    return ADVICE.getOrDefault(code, "it failed");
  }
}
