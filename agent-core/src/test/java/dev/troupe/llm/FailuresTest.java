package dev.troupe.llm;

import static dev.troupe.ErrorCode.ACCESS_DENIED;
import static dev.troupe.ErrorCode.CONTENT_REFUSED;
import static dev.troupe.ErrorCode.CONTEXT_TOO_LONG;
import static dev.troupe.ErrorCode.MODEL_FAILED;
import static dev.troupe.ErrorCode.MODEL_OVERLOADED;
import static dev.troupe.ErrorCode.MODEL_REFUSED;
import static dev.troupe.ErrorCode.MODEL_UNREACHABLE;
import static dev.troupe.ErrorCode.QUOTA_SPENT;
import static dev.troupe.ErrorCode.RATE_LIMITED;
import static dev.troupe.ErrorCode.TIMEOUT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.langchain4j.exception.AuthenticationException;
import dev.langchain4j.exception.ContentFilteredException;
import dev.langchain4j.exception.HttpException;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.exception.NonRetriableException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.RetriableException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.exception.UnresolvedModelServerException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.internal.ExceptionMapper;
import dev.troupe.ErrorCode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.util.Map;
import java.util.stream.Stream;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What providers' answers and langchain4j's exceptions are taken for. */
class FailuresTest {
  private static LlmException http(int status, String body) {
    return LlmException.http("p", status, Map.of(), body, null);
  }

  /** Bodies as the providers send them. */
  static Stream<Arguments> answers() {
    return Stream.of(
        // OpenAI and those that speak like it
        arguments(
            429,
            "{\"error\":{\"message\":\"Rate limit reached for gpt-4o in organization org-x on"
                + " tokens per min (TPM): Limit 30000, Used 29000, Requested 4000. Please try again"
                + " in 6s.\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}",
            RATE_LIMITED),
        arguments(
            429,
            "{\"error\":{\"message\":\"You exceeded your current quota, please check your plan and"
                + " billing details.\",\"type\":\"insufficient_quota\",\"param\":null,\"code\":"
                + "\"insufficient_quota\"}}",
            QUOTA_SPENT),
        arguments(
            429,
            "{\"error\":{\"code\":\"billing_hard_limit_reached\",\"message\":\"m\"}}",
            QUOTA_SPENT),
        arguments(
            429,
            "{\"error\":{\"message\":\"Request too large for gpt-4o on tokens per min (TPM): Limit"
                + " 30000, Requested 90000. The input or output tokens must be reduced in order to"
                + " run successfully.\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}",
            CONTEXT_TOO_LONG),
        arguments(
            400,
            "{\"error\":{\"message\":\"This model's maximum context length is 128000 tokens."
                + "\",\"type\":\"invalid_request_error\",\"code\":\"context_length_exceeded\"}}",
            CONTEXT_TOO_LONG),
        arguments(
            400,
            "{\"object\":\"error\",\"message\":\"This model's maximum context length is 4096"
                + " tokens. However, you requested 5000 tokens\",\"type\":\"BadRequestError\","
                + "\"code\":400}",
            CONTEXT_TOO_LONG),
        arguments(
            400,
            "{\"error\":{\"code\":400,\"message\":\"the request exceeds the available context"
                + " size\",\"type\":\"exceed_context_size_error\"}}",
            CONTEXT_TOO_LONG),
        arguments(
            400,
            "{\"error\":{\"code\":\"content_policy_violation\",\"message\":\"Your request was"
                + " rejected as a result of our safety system.\"}}",
            CONTENT_REFUSED),
        arguments(
            401,
            "{\"error\":{\"message\":\"Incorrect API key provided\",\"type\":"
                + "\"invalid_request_error\",\"code\":\"invalid_api_key\"}}",
            ACCESS_DENIED),
        arguments(
            404,
            "{\"error\":{\"message\":\"The model does not exist\",\"code\":\"model_not_found\"}}",
            MODEL_REFUSED),
        arguments(
            503,
            "{\"error\":{\"message\":\"The engine is currently overloaded, please try again"
                + " later\",\"type\":\"server_error\"}}",
            MODEL_OVERLOADED),
        arguments(402, "{\"error\":{\"message\":\"Insufficient Balance\"}}", QUOTA_SPENT),
        arguments(
            422, "{\"detail\":[{\"msg\":\"field required\",\"input\":\"x\"}]}", MODEL_REFUSED),
        // Azure
        arguments(
            400,
            "{\"error\":{\"message\":\"The response was filtered due to the prompt triggering Azure"
                + " OpenAI's content management policy.\",\"code\":null,\"innererror\":{\"code\":"
                + "\"ResponsibleAIPolicyViolation\"}}}",
            CONTENT_REFUSED),
        arguments(
            400,
            "{\"error\":{\"message\":\"Input tokens exceed the configured limit of 272000 tokens."
                + " Your messages resulted in 509178 tokens.\"}}",
            CONTEXT_TOO_LONG),
        arguments(
            429,
            "{\"error\":{\"code\":\"429\",\"message\":\"Requests have exceeded call rate limit."
                + " Please retry after 6 seconds.\"}}",
            RATE_LIMITED),
        // Anthropic
        arguments(
            429,
            "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"This"
                + " request would exceed your account's rate limit.\"}}",
            RATE_LIMITED),
        arguments(
            429,
            "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"code\":"
                + "\"enforced_spend_limit_reached\",\"message\":\"m\"}}",
            QUOTA_SPENT),
        arguments(
            400,
            "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"You"
                + " have reached your specified API usage limits. You will regain access on"
                + " 2026-04-01 at 00:00 UTC.\"}}",
            QUOTA_SPENT),
        arguments(
            400,
            "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your"
                + " credit balance is too low to access the Anthropic API.\"}}",
            QUOTA_SPENT),
        arguments(
            400,
            "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt"
                + " is too long: 200049 tokens > 200000 maximum\"}}",
            CONTEXT_TOO_LONG),
        arguments(
            413,
            "{\"type\":\"error\",\"error\":{\"type\":\"request_too_large\",\"message\":\"m\"}}",
            CONTEXT_TOO_LONG),
        arguments(
            400,
            "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Output"
                + " blocked by content filtering policy\"}}",
            CONTENT_REFUSED),
        arguments(
            529,
            "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":"
                + "\"Overloaded\"}}",
            MODEL_OVERLOADED),
        arguments(
            200,
            "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":"
                + "\"Overloaded\"}}",
            MODEL_OVERLOADED),
        arguments(
            200,
            "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"Internal server"
                + " error\"}}",
            MODEL_FAILED),
        arguments(
            504,
            "{\"type\":\"error\",\"error\":{\"type\":\"timeout_error\",\"message\":\"m\"}}",
            TIMEOUT),
        // Gemini
        arguments(
            429,
            "{\"error\":{\"code\":429,\"message\":\"You exceeded your current quota, please check"
                + " your plan and billing details.\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":"
                + "[{\"violations\":[{\"quotaId\":"
                + "\"GenerateRequestsPerMinutePerProjectPerModel-FreeTier\"}]}]}}",
            RATE_LIMITED),
        arguments(
            429,
            "{\"error\":{\"code\":429,\"message\":\"You exceeded your current quota, please check"
                + " your plan and billing details.\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":"
                + "[{\"violations\":[{\"quotaId\":"
                + "\"GenerateRequestsPerDayPerProjectPerModel-FreeTier\"}]}]}}",
            QUOTA_SPENT),
        arguments(
            400,
            "{\"error\":{\"code\":400,\"message\":\"The input token count (1091639) exceeds the"
                + " maximum number of tokens allowed"
                + " (1048576).\",\"status\":\"INVALID_ARGUMENT\"}}",
            CONTEXT_TOO_LONG),
        arguments(
            400,
            "{\"error\":{\"code\":400,\"message\":\"API key not valid. Please pass a valid API"
                + " key.\",\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"reason\":"
                + "\"API_KEY_INVALID\"}]}}",
            ACCESS_DENIED),
        arguments(
            200,
            "[{\"error\":{\"code\":503,\"message\":\"The model is overloaded.\",\"status\":"
                + "\"UNAVAILABLE\"}}]",
            MODEL_OVERLOADED),
        // Mistral
        arguments(
            400,
            "{\"object\":\"error\",\"message\":\"Prompt contains 40000 tokens and 0 draft tokens,"
                + " too large for model with 32768 maximum context length\",\"type\":"
                + "\"invalid_request_prompt\",\"code\":\"3051\"}",
            CONTEXT_TOO_LONG),
        arguments(
            429,
            "{\"object\":\"error\",\"message\":\"Service tier capacity exceeded for this model.\","
                + "\"type\":\"service_tier_capacity_exceeded\",\"code\":\"3505\"}",
            MODEL_OVERLOADED),
        arguments(401, "{\"detail\":\"Unauthorized\"}", ACCESS_DENIED),
        // Ollama
        arguments(
            400, "{\"error\":\"the input length exceeds the context length\"}", CONTEXT_TOO_LONG),
        arguments(404, "{\"error\":\"model 'x' not found\"}", MODEL_REFUSED),
        arguments(
            503,
            "{\"error\":\"server busy, please try again. maximum pending requests exceeded\"}",
            MODEL_OVERLOADED),
        arguments(
            200, "{\"error\":\"an error was encountered while running the model\"}", MODEL_FAILED),
        // Bedrock
        arguments(
            400, "{\"message\":\"Input is too long for requested model.\"}", CONTEXT_TOO_LONG),
        arguments(
            400,
            "{\"message\":\"Too many input tokens. Max input tokens: 8192\"}",
            CONTEXT_TOO_LONG),
        arguments(
            429,
            "{\"message\":\"Too many tokens, please wait before trying again.\"}",
            RATE_LIMITED),
        arguments(
            429,
            "{\"message\":\"Too many tokens per day, please wait before trying again.\"}",
            QUOTA_SPENT),
        arguments(424, "{\"message\":\"The model failed.\"}", MODEL_FAILED),
        // no body that tells
        arguments(400, "", MODEL_REFUSED),
        arguments(408, "", TIMEOUT),
        arguments(429, "", RATE_LIMITED),
        arguments(502, "<html>bad gateway</html>", MODEL_FAILED),
        arguments(503, "", MODEL_OVERLOADED),
        arguments(302, "", MODEL_UNREACHABLE),
        arguments(200, "", MODEL_UNREACHABLE),
        arguments(200, "<html><body>Please log in</body></html>", MODEL_UNREACHABLE),
        arguments(200, "{\"id\":\"x\",\"choices\":[]}", MODEL_UNREACHABLE));
  }

  @ParameterizedTest
  @MethodSource("answers")
  void anAnswerIsTakenForWhatItIs(int status, String body, ErrorCode code) {
    LlmException failure = http(status, body);
    assertThat(failure.code()).as(failure.getMessage()).isEqualTo(code);
    assertThat(failure.status()).isEqualTo(status);
    assertThat(failure.provider()).isEqualTo("p");
    assertThat(failure.retryable()).isEqualTo(code.retryable());
    if (status >= 400) {
      // the same when langchain4j has made its own exception of it
      RuntimeException mapped =
          ExceptionMapper.DEFAULT.mapException(new HttpException(status, body));
      assertThat(Failures.of("p", mapped).code()).as(mapped.toString()).isEqualTo(code);
      assertThat(Failures.of("p", mapped).status()).isEqualTo(status);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ModelNotReadyException:http://internal.amazon.com/coral/",
        "ServiceUnavailableException"
      })
  void bedrocksHeaderNamesTheError(String type) {
    assertThat(
            LlmException.http(
                    "p", 429, Map.of("x-amzn-errortype", type), "{\"message\":\"\"}", null)
                .code())
        .isEqualTo(MODEL_OVERLOADED);
  }

  /** Names as those of the AWS SDK. */
  static final class ThrottlingException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ThrottlingException(String message) {
      super(message);
    }
  }

  static final class ModelNotReadyException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ModelNotReadyException(String message) {
      super(message);
    }
  }

  static Stream<Arguments> thrown() {
    return Stream.of(
        arguments(new RateLimitException("m"), RATE_LIMITED),
        arguments(new TimeoutException("m"), TIMEOUT),
        arguments(new InternalServerException("m"), MODEL_FAILED),
        arguments(new ContentFilteredException("m"), CONTENT_REFUSED),
        arguments(new AuthenticationException("m"), ACCESS_DENIED),
        arguments(new ModelNotFoundException("m"), MODEL_REFUSED),
        arguments(new InvalidRequestException("m"), MODEL_REFUSED),
        arguments(new InvalidRequestException("prompt is too long"), CONTEXT_TOO_LONG),
        arguments(new UnsupportedFeatureException("m"), MODEL_REFUSED),
        arguments(new NonRetriableException("m"), MODEL_REFUSED),
        arguments(new RetriableException("m"), MODEL_FAILED),
        arguments(new LangChain4jException("m"), MODEL_FAILED),
        arguments(new LangChain4jException("Overloaded"), MODEL_OVERLOADED),
        arguments(new IllegalStateException("m"), MODEL_FAILED),
        arguments(new UnresolvedModelServerException("m"), MODEL_UNREACHABLE),
        arguments(
            ExceptionMapper.DEFAULT.mapException(new UnresolvedAddressException()),
            MODEL_UNREACHABLE),
        arguments(new RuntimeException(new ConnectException()), MODEL_UNREACHABLE),
        arguments(new RuntimeException(new UnknownHostException("h")), MODEL_UNREACHABLE),
        arguments(new RuntimeException(new SSLHandshakeException("PKIX")), MODEL_UNREACHABLE),
        arguments(new LangChain4jException(new IOException("closed")), MODEL_UNREACHABLE),
        arguments(
            new TimeoutException(new HttpConnectTimeoutException("HTTP connect timed out")),
            MODEL_UNREACHABLE),
        arguments(new TimeoutException(new HttpTimeoutException("request timed out")), TIMEOUT),
        arguments(new RuntimeException(new SocketTimeoutException("Read timed out")), TIMEOUT),
        arguments(
            new RateLimitException(
                new ThrottlingException(
                    "Too many requests (Service: BedrockRuntime, Status Code: 429, Request ID:"
                        + " x)")),
            RATE_LIMITED),
        arguments(
            new RateLimitException(
                new ModelNotReadyException(
                    "Not ready (Service: BedrockRuntime, Status Code: 429, Request ID: x)")),
            MODEL_OVERLOADED),
        arguments(
            new InternalServerException(
                new IllegalStateException(
                    "m (Service: BedrockRuntime, Status Code: 503, Request ID: x)")),
            MODEL_OVERLOADED),
        arguments(
            new IllegalStateException(
                "Status code 400, \"{\"error\":{\"code\":\"content_filter\",\"message\":\"m\"}}\""),
            CONTENT_REFUSED));
  }

  @ParameterizedTest
  @MethodSource("thrown")
  void anExceptionIsTakenForWhatItIs(Throwable thrown, ErrorCode code) {
    assertThat(Failures.of("p", thrown).code()).isEqualTo(code);
  }

  @Test
  void whatIsNotJsonIsUnreachableAndItsWordsAreNotRepeated() {
    Throwable thrown = null;
    try {
      new ObjectMapper().readTree("{\"secret-answer\": secret-answer");
    } catch (IOException e) {
      thrown = new RuntimeException(e);
    }
    LlmException failure = Failures.of("p", thrown);
    assertThat(failure.code()).isEqualTo(MODEL_UNREACHABLE);
    assertThat(trace(failure)).contains("JsonParseException").doesNotContain("secret-answer");
  }

  @Test
  void anErrorThatIsClassifiedAlreadyStaysAsItIs() {
    LlmException known = http(429, "");
    assertThat(Failures.of("another", new RuntimeException(new LangChain4jException(known))))
        .isSameAs(known);
  }

  @Test
  void aRefusalOfTheModelIsNotRepeated() {
    LlmException failure = Failures.of("p", new ContentFilteredException("I won't build a raft."));
    assertThat(failure.code()).isEqualTo(CONTENT_REFUSED);
    assertThat(trace(failure)).doesNotContain("raft");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Incorrect API key provided: sk-proj-Canary0123456789. You can find your key",
        "header Authorization: Bearer Canary.0123456789-abc was not accepted",
        "authorization=Basic Canary0123456789==",
        "credential AKIACANARY0123456789 is unknown",
        "https://host/v1?key=AIzaCanary0123456789-abcdefghij",
        "x-api-key: Canary0123456789",
        "got \"api_key\": \"Canary0123456789\" in place of it",
        "token eyJCanary0123456789.abc.def has expired",
        "no such key Canary0123456789Canary0123456789",
        "Incorrect API key provided: Canary0123456789"
      })
  void whatLooksLikeAKeyIsMasked(String words) throws Exception {
    String body = new ObjectMapper().writeValueAsString(Map.of("error", Map.of("message", words)));
    for (LlmException failure :
        new LlmException[] {
          LlmException.http("p", 401, Map.of(), body, new IllegalStateException(words)),
          http(500, words),
          Failures.of("p", new AuthenticationException(new HttpException(401, body))),
          Failures.of("p", new IllegalStateException(words))
        }) {
      assertThat(failure.getMessage()).contains("***");
      assertThat(trace(failure)).doesNotContain("0123456789");
    }
  }

  @Test
  void aKeyThatTheCutGoesThroughIsMaskedToo() {
    String message =
        http(400, "x".repeat(20) + " y".repeat(136) + " sk-Canary0123456789").toString();
    assertThat(message).doesNotContain("Canary");
  }

  @Test
  void theMessageSaysWhatTheProviderSaidAndWhatToDo() {
    LlmException failure =
        http(404, "{\"error\":{\"message\":\"The model\\n'gpt-9' does not exist\"}}");
    assertThat(failure)
        .hasMessage(
            "p: status 404, it does not accept the request; correct the model's name, options or"
                + " tools (it said: The model 'gpt-9' does not exist)");
    assertThat(http(400, "word ".repeat(1_000)).getMessage()).hasSizeLessThan(500);
  }

  @Test
  void theRequestsIdIsKept() {
    assertThat(LlmException.http("p", 500, Map.of("request-id", "req_1"), "", null).requestId())
        .contains("req_1");
  }

  @Test
  void anErrorOfTheNetworkStaysTheCause() {
    IOException closed = new IOException("closed");
    assertThat(LlmException.http("p", 500, Map.of(), "", closed)).hasCause(closed);
  }

  private static String trace(Throwable thrown) {
    StringWriter all = new StringWriter();
    thrown.printStackTrace(new PrintWriter(all));
    return all.toString();
  }
}
