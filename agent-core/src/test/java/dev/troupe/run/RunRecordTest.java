package dev.troupe.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Edit;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class RunRecordTest {
  private static final Instant CREATED = Instant.ofEpochMilli(1_767_323_045_678L);

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Stored stored(byte[] value) {
    return Stored.builder(RecordId.of("shop/order-7", 64), CREATED).value(value).build();
  }

  private static byte[] golden(String name) throws IOException {
    try (InputStream in = RunRecordTest.class.getResourceAsStream("/golden/" + name)) {
      return in.readAllBytes();
    }
  }

  /** Everything filled in. */
  private static RunHeader full() {
    return new RunHeader(
        "shop/order-7/ship#1",
        "shipper",
        "2",
        new RunHeader.Origin("shop/order-7", "ship#1", "ship", CREATED),
        new RunHeader.Terms(
            2,
            "shop",
            CREATED.plusMillis(60_000),
            "acme",
            "user:ada",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        new RunHeader.Encoding("json", "key-1"),
        bytes("{\"order\":7,\"note\":\"ä\\n\"}"));
  }

  /** As little as there can be. */
  private static RunHeader bare() {
    return new RunHeader(
        "r",
        "a",
        "1",
        new RunHeader.Origin(null, null, "a", CREATED),
        new RunHeader.Terms(0, null, null, "", "", ""),
        new RunHeader.Encoding("json", ""),
        new byte[0]);
  }

  private static void same(RunRecord one, RunRecord other) {
    assertThat(one).usingRecursiveComparison().isEqualTo(other);
  }

  private static AgentException undecodable(byte[] value) {
    AgentException refused =
        catchThrowableOfType(AgentException.class, () -> RunRecord.decode(stored(value)));
    assertThat(refused).as(new String(value, StandardCharsets.UTF_8)).isNotNull();
    assertThat(refused.code()).isEqualTo(ErrorCode.UNDECODABLE);
    assertThat(refused).hasMessageContaining("shop/order-7");
    return refused;
  }

  // golden

  @Test
  void theStoredFormOfALiveRunNeverChanges() throws IOException {
    RunRecord record = new RunRecord(full(), null);
    assertThat(record.put().value()).isEqualTo(golden("run-live.bin"));
    same(RunRecord.decode(stored(golden("run-live.bin"))), record);
  }

  @Test
  void theStoredFormOfAnEndedRunNeverChanges() throws IOException {
    RunRecord record =
        new RunRecord(
            full(), new RunEnd(RunEnd.State.SUCCEEDED, CREATED.plusMillis(99), bytes("\"sent\"")));
    assertThat(record.put().value()).isEqualTo(golden("run-ended.bin"));
    same(RunRecord.decode(stored(golden("run-ended.bin"))), record);
  }

  @Test
  void theStoredFormOfTheSmallestRunNeverChanges() throws IOException {
    RunRecord record = new RunRecord(bare(), null);
    assertThat(record.put().value()).isEqualTo(golden("run-bare.bin"));
    same(RunRecord.decode(stored(golden("run-bare.bin"))), record);
  }

  @Test
  void aRecordOfALaterVersionWithMorePropertiesIsRead() throws IOException {
    String line = new String(golden("run-bare.bin"), StandardCharsets.UTF_8);
    String later = line.replace("}\n", ",\"later\":{\"x\":[1]},\"more\":null}\n");
    assertThat(later).isNotEqualTo(line);
    same(RunRecord.decode(stored(bytes(later))), new RunRecord(bare(), null));
  }

  // round trip

  @ParameterizedTest
  @EnumSource(RunEnd.State.class)
  void aRecordComesBackWithEachEnd(RunEnd.State state) {
    for (RunHeader header : new RunHeader[] {full(), bare()}) {
      for (byte[] outcome : new byte[][] {new byte[0], bytes("null"), {0, '\n', -1}}) {
        RunRecord record = new RunRecord(header, new RunEnd(state, CREATED, outcome));
        same(RunRecord.decode(stored(record.put().value())), record);
      }
    }
  }

  @Test
  void aRecordWithAnyInputComesBack() {
    long seed = new Random().nextLong();
    System.out.println("RunRecordTest.aRecordWithAnyInputComesBack seed " + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 500; i++) {
      byte[] input = new byte[random.nextInt(200)];
      random.nextBytes(input);
      byte[] outcome = new byte[random.nextInt(200)];
      random.nextBytes(outcome);
      RunHeader b = bare();
      RunHeader header =
          new RunHeader(b.id(), b.agent(), b.version(), b.origin(), b.terms(), b.encoding(), input);
      RunRecord live = new RunRecord(header, null);
      RunRecord ended = new RunRecord(header, new RunEnd(RunEnd.State.FAILED, CREATED, outcome));
      same(RunRecord.decode(stored(live.put().value())), live);
      same(RunRecord.decode(stored(ended.put().value())), ended);
    }
  }

  @Test
  void tagsSayWhatListsLookFor() {
    Edit.Put live = new RunRecord(full(), null).put();
    assertThat(live.key()).isEqualTo("shop/order-7/ship#1");
    assertThat(live.expires()).isNull();
    assertThat(live.tags())
        .isEqualTo(Map.of("kind", "run", "agent", "shipper", "state", "live", "tenant", "acme"));
    assertThat(new RunRecord(bare(), null).put().tags())
        .isEqualTo(Map.of("kind", "run", "agent", "a", "state", "live"));
    for (RunEnd.State state : RunEnd.State.values()) {
      RunEnd end = new RunEnd(state, CREATED, new byte[0]);
      assertThat(new RunRecord(bare(), end).put().tags())
          .containsEntry("state", state.name().toLowerCase(java.util.Locale.ROOT));
    }
  }

  // what is refused

  @Test
  void anUnknownFormatIsRefusedAndNamed() throws IOException {
    String line = new String(golden("run-bare.bin"), StandardCharsets.UTF_8);
    assertThat(undecodable(bytes(line.replace("\"format\":1", "\"format\":2"))))
        .hasMessageContaining("format 2")
        .hasMessageContaining("reads 1");
    assertThat(undecodable(bytes(line.replace("\"format\":1,", ""))))
        .hasMessageContaining("format 0");
  }

  @Test
  void everyTruncationOfHeaderOrInputIsRefused() throws IOException {
    byte[] value = golden("run-live.bin");
    for (int length = 0; length < value.length; length++) {
      undecodable(Arrays.copyOf(value, length));
    }
  }

  @Test
  void everyDamagedByteIsReadOrUndecodable() throws IOException {
    byte[] value = golden("run-ended.bin");
    for (int i = 0; i < value.length; i++) {
      for (int b = 0; b < 256; b += 11) {
        byte[] bad = value.clone();
        bad[i] = (byte) b;
        try {
          RunRecord.decode(stored(bad));
        } catch (AgentException refused) {
          assertThat(refused.code()).isEqualTo(ErrorCode.UNDECODABLE);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "\n",
        "{}\n",
        "null\n",
        "[]\n",
        "pid 7\nqueue",
        "{\"format\":1}\n",
        "{\"format\":1,\"id\":\"r\",\"inputBytes\":-1}\n",
        "{\"format\":1,\"id\":\"r\",\"inputBytes\":2147483647}\n",
        "{\"format\":1,\"id\":\"r\",\"agent\":\"a\",\"version\":\"1\",\"codec\":\"json\",\"end\":\"WON\"}\n",
        "{\"format\":1,\"agent\":\"a\",\"version\":\"1\",\"codec\":\"json\"}\n",
        "{\"format\":1,\"id\":\"r\",\"version\":\"1\",\"codec\":\"json\"}\n",
        "{\"format\":1,\"id\":\"r\",\"agent\":\"a\",\"codec\":\"json\"}\n",
        "{\"format\":1,\"id\":\"r\",\"agent\":\"a\",\"version\":\"1\"}\n"
      })
  void whatIsNoRunIsRefused(String value) {
    undecodable(bytes(value));
  }

  @Test
  void noInputShowsInErrors() throws IOException {
    String line = new String(golden("run-live.bin"), StandardCharsets.UTF_8);
    AgentException refused =
        undecodable(bytes(line.replace("\"format\":1", "\"format\":\"hunter2-canary\"")));
    assertThat(refused.getMessage()).doesNotContain("hunter2").doesNotContain("order\\\":7");
  }

  @Test
  void aHeaderKnowsItsQueueAndTheIdsOfItsChildren() {
    assertThat(full().queue()).isEqualTo("shipper@2");
    assertThat(bare().childId("c#1/0/d#2", 1)).isEqualTo("r/c#1/0/d#2");
    assertThat(bare()).hasToString("run r of a@1");
    assertThat(RecordId.of(full().childId("x#1", 1), 64).partition())
        .isEqualTo(RecordId.of("shop", 64).partition());
  }
}
