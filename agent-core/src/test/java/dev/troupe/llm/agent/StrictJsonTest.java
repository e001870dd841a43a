package dev.troupe.llm.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What a model writes as JSON is read within bounds. Row E6. */
class StrictJsonTest {
  static Stream<Arguments> bombs() {
    String keys =
        IntStream.range(0, 1_000_000)
            .mapToObj(i -> "\"" + i + "\":1")
            .collect(Collectors.joining(",", "{", "}"));
    return Stream.of(
        Arguments.of("depth", "[".repeat(100_000), "nested deeper than 64"),
        Arguments.of("text", "\"" + "x".repeat(100 << 20) + "\"", "200000 are allowed"),
        Arguments.of("keys", keys, "200000 are allowed"),
        Arguments.of("exponent", "{\"a\":1e10000}", "exponent"),
        Arguments.of("exponent", "{\"a\":1e1000000000}", "exponent"),
        Arguments.of("exponent", "{\"a\":1e99999999999}", "number"),
        Arguments.of("digits", "{\"a\":" + "9".repeat(10_000) + "}", "more than 100 digits"),
        Arguments.of("doubled", "{\"a\":1,\"a\":2}", "there twice"),
        Arguments.of("tail", "{} {}", "follows its end"),
        Arguments.of("cut", "{\"a\":\"b", "ends too early"),
        Arguments.of("nothing", " ", "it is empty"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("bombs")
  void whatNobodyNeedsIsRefusedAtOnce(String name, String bomb, String why) {
    long began = System.nanoTime();
    assertThatThrownBy(() -> StrictJson.read(bomb))
        .isInstanceOf(StrictJson.Unreadable.class)
        .hasMessageContaining(why);
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(2));
  }

  @Test
  void equalValuesHaveEqualTexts() throws Exception {
    String one = StrictJson.canonical(StrictJson.read("{\"b\": [1, {\"d\":2,\"c\":3}], \"a\":1}"));
    String two = StrictJson.canonical(StrictJson.read("{\"a\":1,\"b\":[1,{\"c\":3,\"d\":2}]}"));
    assertThat(one).isEqualTo(two);
  }
}
