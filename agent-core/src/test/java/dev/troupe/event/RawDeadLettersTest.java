package dev.troupe.event;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.DeadLetter.Reason;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.state.Edit;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.RecordId;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is kept of bytes that are no event. */
final class RawDeadLettersTest {
  private static final byte[] BYTES = {(byte) 0xc3, 0x28, 0, '\n', 2};

  private final MemoryStateStore store = new MemoryStateStore();
  private final EventBus bus = EventBus.over(store);

  @AfterEach
  void close() {
    bus.close();
  }

  private DeadLetter kept(Map<String, byte[]> headers, byte @Nullable [] key) {
    Delivery.Raw raw = new Delivery.Raw(BYTES, headers, "it is no event", key);
    Delivery delivery = new Delivery(new Shard("t", 3), "17", Instant.EPOCH, 1, raw);
    bus.deadLetters().put("g", Task.of(delivery, 1), Reason.UNDECODABLE, null);
    return bus.deadLetters().list("g", null, 10).items().get(0);
  }

  /** Row C4. */
  @Test
  void bytesAreKeptWithTheirKeyTheirHeadersAndWhereTheyCameFrom() {
    byte[] key = {0, (byte) 0xff, '"'};
    byte[] header = {(byte) 0xfe, 0, 1};
    DeadLetter letter = kept(Map.of("trace \"ü\"", header, "empty", new byte[0]), key);
    Delivery.Raw raw = (Delivery.Raw) letter.content();
    assertThat(raw.data()).isEqualTo(BYTES);
    assertThat(raw.key()).isEqualTo(key);
    assertThat(raw.headers()).containsOnlyKeys("trace \"ü\"", "empty");
    assertThat(raw.headers().get("trace \"ü\"")).isEqualTo(header);
    assertThat(letter.topic() + " " + letter.shard() + " " + letter.offset()).isEqualTo("t 3 17");
    assertThat(letter.error()).isEqualTo("it is no event");
    assertThat(letter.toString()).doesNotContain("trace");
  }

  @Test
  void moreHeadersThanThereIsRoomForAreLeftOutAndItIsTold() {
    Map<String, byte[]> headers = new HashMap<>();
    for (int i = 0; i < 30; i++) {
      headers.put("\u0001".repeat(10_000) + i, new byte[5_000]); // its name is escaped in JSON
    }
    headers.put("small", new byte[1]);
    DeadLetter letter = kept(headers, new byte[70_000]);
    Delivery.Raw raw = (Delivery.Raw) letter.content();
    assertThat(raw.data()).isEqualTo(BYTES);
    assertThat(raw.key()).isNull();
    assertThat(raw.headers()).containsKey("small").hasSizeLessThan(31);
    int missing = 31 - raw.headers().size() + 1;
    assertThat(letter.error()).startsWith("it is no event; ").contains(" " + missing + " of them");
  }

  @Test
  void aLetterThatWasWrittenWithoutThemIsReadAsItWas() {
    StoreAccess access = new StoreAccess(store);
    RecordId id = access.id("$dead:old");
    String line =
        "{\"format\":1,\"group\":\"g\",\"topic\":\"t\",\"shard\":0,\"offset\":\"7\","
            + "\"reason\":\"UNDECODABLE\",\"attempts\":0,\"error\":\"no event\",\"raw\":true}\n";
    byte[] value = (line + "bytes").getBytes(UTF_8);
    Map<String, String> tags = Map.of("troupe", "dead", "group", "g");
    access.apply(id.partition(), List.of(new Edit.Put(id.key(), value, tags, null)));
    DeadLetter letter = bus.deadLetters().list("g", null, 10).items().get(0);
    Delivery.Raw raw = (Delivery.Raw) letter.content();
    assertThat(raw.data()).isEqualTo("bytes".getBytes(UTF_8));
    assertThat(raw.headers()).isEmpty();
    assertThat(raw.key()).isNull();
  }
}
