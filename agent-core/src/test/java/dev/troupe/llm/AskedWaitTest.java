package dev.troupe.llm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.exception.HttpException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How long providers ask to wait, in all their ways of saying it. */
class AskedWaitTest {
  private static final String DATE = "Sun, 06 Nov 1994 08:49:00 GMT";

  private static Optional<Duration> wait(int status, String body, String... headers) {
    Map<String, String> map = new TreeMap<>();
    for (int i = 0; i < headers.length; i += 2) {
      map.put(headers[i], headers[i + 1]);
    }
    return LlmException.http("p", status, map, body, null).retryAfter();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "retry-after | 7 | PT7S",
        "retry-after | 0.25 | PT0.25S",
        "retry-after | 86400 | PT24H",
        "retry-after | -3 | PT0S",
        "retry-after | 99999999999999999999999 | PT876000H",
        "retry-after | Sun, 06 Nov 1994 08:49:37 GMT | PT37S",
        "retry-after | Sun, 06 Nov 1994 08:48:00 GMT | PT0S",
        "retry-after-ms | 1500 | PT1.5S",
        "x-ratelimit-reset-requests | 1m2.5s | PT1M2.5S",
        "x-ratelimit-reset-tokens | 20ms | PT0.02S",
        "x-ratelimit-reset-tokens | 6h0m1s | PT6H1S",
        "anthropic-ratelimit-requests-reset | 1994-11-06T08:49:12Z | PT12S",
        "anthropic-ratelimit-output-tokens-reset | 1994-11-06T08:50:00Z | PT1M"
      })
  void headersOfA429(String name, String value, Duration wait) {
    assertThat(wait(429, "", name, value, "date", DATE)).contains(wait);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "retry-after | soon",
        "retry-after | 1e9999999",
        "retry-after | NaN",
        "x | 7",
        "x-ratelimit-reset-tokens | 5x",
        "x-ratelimit-reset-tokens | 1m and more"
      })
  void whatCantBeReadIsNoWait(String name, String value) {
    assertThat(wait(429, "", name, value, "date", DATE)).isEmpty();
  }

  @Test
  void aDateIsNoWaitWithoutTheDateOfTheAnswer() {
    assertThat(wait(429, "", "retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")).isEmpty();
    assertThat(wait(429, "", "anthropic-ratelimit-tokens-reset", "1994-11-06T08:49:12Z")).isEmpty();
  }

  @Test
  void theHeaderForItGoesBeforeTheLimits() {
    assertThat(wait(429, "", "retry-after", "2", "x-ratelimit-reset-tokens", "9s"))
        .contains(Duration.ofSeconds(2));
  }

  @Test
  void theLimitThatIsSpentCounts() {
    assertThat(
            wait(
                429,
                "",
                "x-ratelimit-reset-requests",
                "9m",
                "x-ratelimit-remaining-requests",
                "40",
                "x-ratelimit-reset-tokens",
                "3s",
                "x-ratelimit-remaining-tokens",
                "0"))
        .contains(Duration.ofSeconds(3));
    assertThat(wait(429, "", "x-ratelimit-reset-requests", "9m", "x-ratelimit-reset-tokens", "3s"))
        .contains(Duration.ofMinutes(9));
  }

  @Test
  void limitsThatNobodyHitAreNoWait() {
    assertThat(wait(500, "", "x-ratelimit-reset-tokens", "3s")).isEmpty();
    assertThat(wait(503, "", "retry-after", "3")).contains(Duration.ofSeconds(3));
  }

  @Test
  void bodiesSayItToo() {
    assertThat(
            wait(
                429,
                "{\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[{\"@type\":"
                    + "\"type.googleapis.com/google.rpc.Help\"},{\"@type\":"
                    + "\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"12s\"}]}}"))
        .contains(Duration.ofSeconds(12));
    assertThat(wait(429, "{\"error\":{\"message\":\"Please try again in 1m6.5s. See\"}}"))
        .contains(Duration.ofMillis(66_500));
    assertThat(wait(429, "{\"error\":{\"message\":\"Please retry after 6 seconds.\"}}"))
        .contains(Duration.ofSeconds(6));
    assertThat(wait(429, "{\"error\":{\"message\":\"Please retry in 11.102306822s.\"}}"))
        .contains(Duration.ofNanos(11_102_306_822L));
    assertThat(
            Failures.of(
                    "p", new HttpException(429, "{\"error\":{\"message\":\"try again in 2s\"}}"))
                .retryAfter())
        .contains(Duration.ofSeconds(2));
  }
}
