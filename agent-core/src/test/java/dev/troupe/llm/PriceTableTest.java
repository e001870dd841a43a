package dev.troupe.llm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.io.ByteArrayInputStream;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PriceTableTest {
  private final PriceTable bundled = PriceTable.bundled();

  @Test
  void theBundledTableHasADateAndPricesOfEachProvider() {
    assertThat(bundled.asOf()).isAfter(LocalDate.parse("2026-01-01"));
    assertThat(bundled.cost("openai", "gpt-4o", 1_000_000, 1_000_000))
        .hasValueSatisfying(cost -> assertThat(cost).isEqualByComparingTo("12.50"));
    assertThat(bundled.price("aws.bedrock", "us.amazon.nova-pro-v1:0", 1)).isPresent();
    assertThat(bundled.price("gcp.gemini", "gemini-2.5-flash", 1)).isPresent();
    assertThat(bundled.price("mistral_ai", "mistral-medium-2508", 1)).isPresent();
  }

  @ParameterizedTest
  @CsvSource({
    "openai, gpt-4o-2024-08-06, 2.50",
    "openai, gpt-4o-mini-2024-07-18, 0.15",
    "anthropic, claude-sonnet-4-5-20250929, 3",
    "anthropic, claude-sonnet-4-20250514, 3",
    "aws.bedrock, global.anthropic.claude-haiku-4-5-20251001-v1:0, 1",
    "aws.bedrock, amazon.nova-micro-v1:0, 0.035",
    "ollama, whatever:7b, 0"
  })
  void aDatedNameHasThePriceOfItsModel(String provider, String model, BigDecimal input) {
    assertThat(bundled.price(provider, model, 1))
        .hasValueSatisfying(price -> assertThat(price.input()).isEqualByComparingTo(input));
  }

  @ParameterizedTest
  @CsvSource({
    "openai, gpt-4o-audio-preview",
    "anthropic, claude-sonnet-4-9",
    "openai, gpt-",
    "nobody, gpt-4o"
  })
  void aModelThatIsNotKnownHasNoPrice(String provider, String model) {
    assertThat(bundled.price(provider, model, 1)).isEmpty();
    assertThat(bundled.cost(provider, model, 1, 1)).isEmpty();
  }

  @Test
  void promptsBeyondABoundHaveThePriceOfLongPrompts() {
    assertThat(bundled.cost("gcp.gemini", "gemini-2.5-pro", 200_000, 0))
        .hasValueSatisfying(cost -> assertThat(cost).isEqualByComparingTo("0.25"));
    assertThat(bundled.cost("gcp.gemini", "gemini-2.5-pro", 200_001, 0))
        .hasValueSatisfying(cost -> assertThat(cost).isEqualByComparingTo("0.5000025"));
  }

  @Test
  void cachedInputHasAPriceOfItsOwnWhereThereIsOne() {
    assertThat(bundled.cost("openai", "gpt-4o", 1_000_000, 400_000, 0))
        .hasValueSatisfying(cost -> assertThat(cost).isEqualByComparingTo("2.00"));
    assertThat(bundled.cost("gcp.gemini", "gemini-2.5-flash", 1_000_000, 400_000, 0))
        .hasValueSatisfying(cost -> assertThat(cost).isEqualByComparingTo("0.30"));
  }

  @Test
  void aHostsOwnPriceReplacesTheBundledOne() {
    PriceTable own = bundled.with("openai", "gpt-4o", ModelPrice.of("1", "2"));
    assertThat(own.cost("openai", "gpt-4o-2024-08-06", 1_000_000, 1_000_000))
        .hasValueSatisfying(cost -> assertThat(cost).isEqualByComparingTo("3"));
    assertThat(bundled.cost("openai", "gpt-4o", 1_000_000, 0))
        .hasValueSatisfying(cost -> assertThat(cost).isEqualByComparingTo("2.50"));
    PriceTable table =
        PriceTable.of(
            LocalDate.parse("2026-02-03"), Map.of("me", Map.of("*", ModelPrice.of("4", "0"))));
    assertThat(table.asOf()).isEqualTo("2026-02-03");
    assertThat(table.cost("me", "anything", 500_000, 7))
        .hasValueSatisfying(cost -> assertThat(cost).isEqualByComparingTo("2"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{ | no JSON",
        "{\"prices\":[]} | asOf",
        "{\"asOf\":\"tomorrow\",\"prices\":[]} | asOf",
        "{\"asOf\":\"2026-01-01\"} | prices",
        "{\"asOf\":\"2026-01-01\",\"prices\":[{\"provider\":\"a\"}]} | entry 1 of 'prices':"
            + " 'model'",
        "{\"asOf\":\"2026-01-01\",\"prices\":[{\"provider\":\"a\",\"model\":\"b\",\"input\":\"1\",\"output\":1}]}"
            + " | entry 1 of 'prices' (a, b): 'input' must be a number",
        "{\"asOf\":\"2026-01-01\",\"prices\":[{\"provider\":\"a\",\"model\":\"b\",\"input\":1,\"output\":-1}]}"
            + " | 'output' must be a number from 0 to",
        "{\"asOf\":\"2026-01-01\",\"prices\":[{\"provider\":\"a\",\"model\":\"b\",\"input\":1,\"output\":1,\"over\":0}]}"
            + " | 'over'",
        "{\"asOf\":\"2026-01-01\",\"prices\":[{\"provider\":\"a\",\"model\":\"b\",\"input\":1,\"output\":1,\"over\":9}]}"
            + " | only entries with 'over'",
        "{\"asOf\":\"2026-01-01\",\"prices\":[{\"provider\":\"a\",\"model\":\"b\",\"input\":1,\"output\":1},{\"provider\":\"a\",\"model\":\"b\",\"input\":1,\"output\":1}]}"
            + " | entry 2 of 'prices' (a, b): is there twice"
      })
  void aMalformedTableIsRefusedWithTheEntryAndTheRule(String json, String message) {
    assertThatThrownBy(() -> PriceTable.load(new ByteArrayInputStream(json.getBytes(UTF_8))))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT))
        .hasMessageContaining(message);
  }
}
