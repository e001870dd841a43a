package dev.troupe.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class TopicPatternTest {
  @ParameterizedTest
  @CsvSource({
    "orders.*, orders.paid, true",
    "orders.*, orders, false",
    "orders.*, orders.eu.paid, false",
    "orders.*, orders-old.paid, false",
    "*.paid, orders.paid, true",
    "*, orders, true",
    "*, orders.paid, false",
    "orders.**, orders, true",
    "orders.**, orders.paid, true",
    "orders.**, orders.eu.paid, true",
    "orders.**, order, false",
    "orders.**.paid, orders.paid, true",
    "orders.**.paid, orders.eu.de.paid, true",
    "orders.**.paid, orders.eu.de.lost, false",
    "**.eu.**, orders.eu, true",
    "**.eu.*.**, orders.eu, false",
    "**, anything.at.all, true",
    "**, troupe.replies, false",
    "*.replies, troupe.replies, false",
    "troupe.*, troupe.replies, true"
  })
  void aStarIsOnePartAndTwoAreAnyNumber(String pattern, String topic, boolean fits) {
    assertThat(new TopicPattern(pattern).fits(topic)).isEqualTo(fits);
  }

  @Test
  void manyStarsTakeNoTime() {
    String pattern = "**.a.".repeat(30) + "**.b";
    assertThat(new TopicPattern(pattern).fits("a.".repeat(99) + "a")).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "order*, write order.* for the topics below it",
    "orders.***, a star stands alone",
    "orders.*., take the dot away",
    ".*, take the dot away",
    "or/ders.*, letters",
    "'orders.* ', a star stands alone"
  })
  void whatIsWrongIsSaidWithWhatToDo(String pattern, String words) {
    assertThatThrownBy(() -> new TopicPattern(pattern))
        .isInstanceOfSatisfying(
            AgentException.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT);
              assertThat(e.getMessage()).contains(words);
            });
  }
}
