package dev.troupe.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.StoreInfo.Durability;
import dev.troupe.state.StoreInfo.Sharing;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class StoreInfoTest {
  private static final int PARTITION = RecordId.of("a", 64).partition();
  private static final String NAME = "n".repeat(StoreInfo.MAX_NAME);
  private static final byte[] FULL = new byte[StoreInfo.MAX_BYTES];
  private static final byte[] OVER = new byte[StoreInfo.MAX_BYTES + 1];

  private final StoreInfo info =
      new StoreInfo("test", 64, Sharing.FLEET, Durability.MACHINE, Duration.ZERO);

  private static Change change(Edit... edits) {
    return new Change("c1", PARTITION, List.of(edits));
  }

  private static Edit.Put put(byte[] value, Map<String, String> tags) {
    return new Edit.Put("a", value, tags, null);
  }

  private static Edit.Queue queue(String queue, String lane) {
    return new Edit.Queue("a", queue, 1, Instant.EPOCH, lane, 1);
  }

  private static Map<String, String> tags(int count) {
    Map<String, String> tags = new HashMap<>();
    for (int i = 0; i < count; i++) {
      tags.put("tag" + i, "v");
    }
    return tags;
  }

  private static Edit[] rows(int count) {
    List<Edit> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      rows.add(new Edit.Row("a", "r" + i, null));
    }
    return rows.toArray(Edit[]::new);
  }

  static Stream<Arguments> allowed() {
    Edit.NoRow fresh = new Edit.NoRow("a", "r");
    Edit.Row row = new Edit.Row("a", "r", new byte[0]);
    return Stream.of(
        arguments("one edit", change(row)),
        arguments("the most edits", change(rows(StoreInfo.MAX_EDITS))),
        arguments("a full row", change(new Edit.Row("a", NAME, FULL))),
        arguments("a full mail", change(new Edit.Mail("a", NAME, FULL, true))),
        arguments("a full value", change(put(FULL, Map.of()))),
        arguments("the most tags", change(put(FULL, tags(StoreInfo.MAX_TAGS)))),
        arguments("long tags", change(put(FULL, Map.of(NAME, NAME)))),
        arguments("an empty tag value", change(put(FULL, Map.of("t", "")))),
        arguments("long queue and lane", change(queue(NAME, NAME))),
        arguments("an addition", change(fresh, new Edit.Add("a", "c", 1, 0), row)),
        arguments(
            "an addition guarded in another record",
            change(
                new Edit.NoRow("a/b", "r"),
                new Edit.Row("a/b", "r", new byte[1]),
                new Edit.Add("a", "c", -1, 0))),
        arguments("records of one route", change(row, new Edit.Delete("a/b"))),
        arguments("a long key", change(row, new Edit.Delete("a/" + "k".repeat(498)))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("allowed")
  void whatKeepsTheRulesPasses(String what, Change change) {
    assertThatCode(() -> info.check(change)).as(what).doesNotThrowAnyException();
    assertThatCode(() -> info.check(List.of(change, change))).doesNotThrowAnyException();
  }

  static Stream<Arguments> refused() {
    Edit.Row row = new Edit.Row("a", "r", new byte[0]);
    Edit.Add add = new Edit.Add("a", "c", 1, 0);
    return Stream.of(
        arguments(change(), ErrorCode.INVALID_INPUT, List.of("no edits")),
        arguments(change(rows(257)), ErrorCode.LIMIT_EXCEEDED, List.of("257", "256")),
        arguments(
            change(row, new Edit.Row("b", "r", null)),
            ErrorCode.INVALID_INPUT,
            List.of("partition " + PARTITION, "record b")),
        arguments(
            change(new Edit.Delete("")), ErrorCode.INVALID_INPUT, List.of("key", "0 characters")),
        arguments(
            change(new Edit.Delete("a/" + NAME)),
            ErrorCode.LIMIT_EXCEEDED,
            List.of("key", "502", "500")),
        arguments(change(new Edit.Row("a", "", null)), ErrorCode.INVALID_INPUT, List.of("row")),
        arguments(
            change(new Edit.Row("a", NAME + "x", null)),
            ErrorCode.LIMIT_EXCEEDED,
            List.of("row", "501")),
        arguments(
            change(new Edit.Row("a", "r", OVER)),
            ErrorCode.LIMIT_EXCEEDED,
            List.of("row r", "262145", "262144")),
        arguments(
            change(new Edit.Mail("a", "", FULL, true)), ErrorCode.INVALID_INPUT, List.of("mail")),
        arguments(
            change(new Edit.Mail("a", "m", OVER, true)),
            ErrorCode.LIMIT_EXCEEDED,
            List.of("mail m", "262145")),
        arguments(
            change(put(OVER, Map.of())), ErrorCode.LIMIT_EXCEEDED, List.of("value of a", "262145")),
        arguments(change(put(FULL, tags(17))), ErrorCode.LIMIT_EXCEEDED, List.of("17 tags", "16")),
        arguments(change(put(FULL, Map.of("", "v"))), ErrorCode.INVALID_INPUT, List.of("tag")),
        arguments(
            change(put(FULL, Map.of("t", NAME + "x"))),
            ErrorCode.LIMIT_EXCEEDED,
            List.of("tag t", "500")),
        arguments(change(queue("", null)), ErrorCode.INVALID_INPUT, List.of("queue")),
        arguments(
            change(queue(NAME + "x", null)), ErrorCode.LIMIT_EXCEEDED, List.of("queue", "501")),
        arguments(change(queue("q", "")), ErrorCode.INVALID_INPUT, List.of("lane")),
        arguments(change(queue("q", NAME + "x")), ErrorCode.LIMIT_EXCEEDED, List.of("lane", "501")),
        arguments(change(row, add), ErrorCode.INVALID_INPUT, List.of("counter c", "NoRow")),
        arguments(
            change(new Edit.NoRow("a", "other"), row, add),
            ErrorCode.INVALID_INPUT,
            List.of("counter c", "NoRow")),
        arguments(
            change(new Edit.NoRow("a", "r"), new Edit.Row("a", "r", null), add),
            ErrorCode.INVALID_INPUT,
            List.of("counter c", "NoRow")));
  }

  @ParameterizedTest
  @MethodSource("refused")
  void whatBreaksARuleIsRefusedAndTheChangeAndTheLimitAreNamed(
      Change change, ErrorCode code, List<String> words) {
    AgentException refused = catchThrowableOfType(AgentException.class, () -> info.check(change));
    assertThat(refused).isNotNull();
    assertThat(refused.code()).isEqualTo(code);
    assertThat(refused)
        .hasMessageContaining("change c1")
        .hasMessageContainingAll(words.toArray(String[]::new));
    assertThatThrownBy(() -> info.check(List.of(change(rows(1)), change)))
        .isInstanceOf(AgentException.class);
  }

  @Test
  void aKeyInTheMiddleIsCheckedTooWhenTheFirstAndLastAreFine() {
    Change change = change(new Edit.Delete("a"), new Edit.Delete("b"), new Edit.Delete("a"));
    assertThatThrownBy(() -> info.check(change)).hasMessageContaining("record b");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, 4097, Integer.MIN_VALUE})
  void badNumbersOfPartitionsAreRefused(int partitions) {
    assertThatThrownBy(
            () -> new StoreInfo("x", partitions, Sharing.FLEET, Durability.NOTHING, Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("4096")
        .hasMessageContaining("" + partitions);
  }

  @Test
  void missingPartsAreNamed() {
    assertThatThrownBy(
            () -> new StoreInfo(null, 1, Sharing.FLEET, Durability.NOTHING, Duration.ZERO))
        .hasMessageContaining("name");
    assertThatThrownBy(() -> new StoreInfo("x", 1, null, Durability.NOTHING, Duration.ZERO))
        .hasMessageContaining("sharing");
    assertThatThrownBy(() -> new StoreInfo("x", 1, Sharing.FLEET, null, Duration.ZERO))
        .hasMessageContaining("survives");
    assertThatThrownBy(() -> new StoreInfo("x", 1, Sharing.FLEET, Durability.NOTHING, null))
        .hasMessageContaining("findLag");
  }

  @Test
  void durabilityGrowsInTheOrderOfItsNames() {
    assertThat(Durability.values())
        .containsExactly(Durability.NOTHING, Durability.PROCESS, Durability.MACHINE);
  }
}
