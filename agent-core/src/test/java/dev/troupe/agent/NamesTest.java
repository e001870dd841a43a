package dev.troupe.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class NamesTest {
  static Stream<String> good() {
    return Stream.of(
        "a",
        "two words",
        " leading space",
        "dots.and-dashes_and:colons",
        "v1@2",
        "ключ 鍵 😀",
        "100%",
        "n".repeat(200),
        "\u00a0x");
  }

  @ParameterizedTest
  @MethodSource("good")
  void anOrdinaryNameIsTakenAsItIs(String name) {
    assertThat(Names.check("a name", name)).isSameAs(name);
  }

  static Stream<Arguments> bad() {
    return Stream.of(
        arguments("", "''"),
        arguments("   ", "'   '"),
        arguments("\t", "'?'"),
        arguments("a/b", "'a/b'"),
        arguments("/", "'/'"),
        arguments("a#1", "'a#1'"),
        arguments("$a", "'$a'"),
        arguments("line\nfeed", "'line?feed'"),
        arguments("nul\u0000", "'nul?'"),
        arguments("esc\u001b[31m", "'esc?[31m'"),
        arguments("del\u007f", "'del?'"),
        arguments("next line\u0085", "'next line?'"),
        arguments("half \ud83d", "'half \ud83d'"),
        arguments("\ude00 half", "'\ude00 half'"),
        arguments("n".repeat(201), "'" + "n".repeat(40) + "…'"));
  }

  @ParameterizedTest
  @MethodSource("bad")
  void aBadNameIsRefusedWithTheRuleAndWithoutControlCharacters(String name, String shown) {
    AgentException refused =
        catchThrowableOfType(AgentException.class, () -> Names.check("a thing's name", name));
    assertThat(refused).isNotNull();
    assertThat(refused.code()).isEqualTo(ErrorCode.INVALID_INPUT);
    assertThat(refused)
        .hasMessageStartingWith("a thing's name must have 1 to 200 characters without / # $")
        .hasMessageContaining("this has " + name.length())
        .hasMessageEndingWith(shown);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 199, 200})
  void upToTwoHundredCharactersAreAllowed(int length) {
    assertThat(Names.check("a name", "x".repeat(length))).hasSize(length);
  }

  @Test
  void charactersOutsideTheBasicPlaneCountAsTwo() {
    String hundred = "😀".repeat(100);
    assertThat(Names.check("a name", hundred)).isEqualTo(hundred);
    assertThat(
            catchThrowableOfType(AgentException.class, () -> Names.check("a name", hundred + "x")))
        .hasMessageContaining("this has 201");
  }
}
