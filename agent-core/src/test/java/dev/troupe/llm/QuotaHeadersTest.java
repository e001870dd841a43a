package dev.troupe.llm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.llm.QuotaHeaders.Left;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuotaHeadersTest {
  private static final Quota.Rate RATE =
      Quota.builder().requestsPerMinute(600).build().rates().get(0);

  @Test
  void namesOfAllProvidersAreUnderstood() {
    assertThat(
            QuotaHeaders.read(
                Map.of(
                    "x-ratelimit-limit-requests", "60",
                    "x-ratelimit-remaining-requests", "59",
                    "x-ratelimit-reset-requests", "1s",
                    "x-ratelimit-remaining-tokens", "149984",
                    "x-ratelimit-reset-tokens", "6m0s")))
        .containsExactly(
            new Left(QuotaKind.REQUESTS, 59, 60, Duration.ofSeconds(1)),
            new Left(QuotaKind.TOKENS, 149_984, 0, Duration.ofMinutes(6)));
    assertThat(
            QuotaHeaders.read(
                Map.of(
                    "anthropic-ratelimit-input-tokens-limit", "100000",
                    "anthropic-ratelimit-input-tokens-remaining", "99000",
                    "anthropic-ratelimit-input-tokens-reset", "2026-05-04T12:34:56Z",
                    "anthropic-ratelimit-output-tokens-remaining", "7",
                    "anthropic-ratelimit-requests-remaining", "3")))
        .containsExactly(
            new Left(QuotaKind.REQUESTS, 3, 0, null),
            new Left(QuotaKind.INPUT, 99_000, 100_000, null),
            new Left(QuotaKind.OUTPUT, 7, 0, null));
    assertThat(
            QuotaHeaders.read(
                Map.of(
                    "x-ratelimit-limit-req-minute", "720",
                    "x-ratelimit-remaining-req-minute", "717",
                    "ratelimitbysize-remaining", "499900",
                    "ratelimitbysize-reset", "28")))
        .containsExactly(
            new Left(QuotaKind.REQUESTS, 717, 720, null),
            new Left(QuotaKind.TOKENS, 499_900, 0, Duration.ofSeconds(28)));
  }

  @Test
  void whatIsNotUnderstoodIsLeftOut() {
    assertThat(QuotaHeaders.read(Map.of("x-ratelimit-remaining-requests", "-1"))).isEmpty();
    assertThat(QuotaHeaders.read(Map.of("x-ratelimit-remaining-requests", "many"))).isEmpty();
    assertThat(QuotaHeaders.read(Map.of("x-ratelimit-remaining-requests", "9".repeat(30))))
        .isEmpty();
    assertThat(
            QuotaHeaders.read(
                Map.of(
                    "x-ratelimit-limit-req-minute", "0",
                    "x-ratelimit-remaining-req-minute", "0")))
        .isEmpty();
    assertThat(
            QuotaHeaders.read(
                Map.of(
                    "x-ratelimit-remaining-requests", "5",
                    "x-ratelimit-reset-requests", "soon 6m")))
        .containsExactly(new Left(QuotaKind.REQUESTS, 5, 0, null));
  }

  /**
   * Of 600 in a minute: what is left, how long until all is there again, how long to wait. Where
   * the two agree, the provider fills up steadily; else all comes at the end of its window.
   */
  @ParameterizedTest
  @CsvSource({
    // a window that was used by us alone leaves enough until its end
    "590, 59000, 0",
    "30, 2000, 0",
    // somebody else has used half of a window that has just begun
    "300, 58000, 26900",
    "0, 40000, 40000",
    // fills up steadily: half full is enough
    "300, 30000, 0",
    "12, 58800, 0",
    "0, 60000, 2400",
    // nothing is said about the time: as if it filled up steadily
    "300, -1, 0",
    "3, -1, 2100",
    // a reset beyond the window, as of a limit of a day, is none of this one
    "600, 86400000, 0",
  })
  void allWaitUntilWhatIsLeftIsEnough(long left, long reset, long wait) {
    Duration told = reset < 0 ? null : Duration.ofMillis(reset);
    assertThat(QuotaHeaders.pause(new Left(QuotaKind.REQUESTS, left, 600, told), RATE).toMillis())
        .isBetween(wait * 9 / 10, wait * 11 / 10);
  }
}
