package dev.troupe.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class EventTextTest {
  private static Event random(Random random) {
    byte[] data = new byte[random.nextInt(300)];
    random.nextBytes(data);
    Event.Builder event =
        Event.builder("type." + random.nextInt(5))
            .data(data, random.nextBoolean() ? "application/octet-stream" : null)
            .time(
                random.nextInt(4) == 0
                    ? null
                    : Instant.ofEpochMilli(random.nextLong(253_402_300_799_999L)));
    if (random.nextBoolean()) {
      event.source("https://ü.example/" + random.nextInt(3)).subject("a:b 😀").schema("s");
    }
    if (random.nextBoolean()) {
      event.key("k" + random.nextInt(9)).correlationId("c").causationId("d").traceparent("t");
    }
    if (random.nextBoolean()) {
      event.extension("tenant", "x:y").extension("zone", "é");
    }
    return event.build();
  }

  @Test
  void whatWasWrittenIsReadAgain() {
    long seed = new Random().nextLong();
    System.out.println("EventTextTest seed " + seed);
    Random random = new Random(seed);
    KnownEvents known = new KnownEvents();
    EventText texts = new EventText(known);
    for (int i = 0; i < 5_000; i++) {
      Event event = random(random);
      byte[] bytes = EventText.encode("17", event);
      assertThat(texts.read(bytes, 3)).isEqualTo(event).hasSameHashCodeAs(event);
      known.put(bytes, event);
      assertThat(texts.read(bytes, 3)).isSameAs(event);
    }
  }

  @Test
  void itIsTextThatAnybodyReads() {
    Event event =
        Event.builder("paid")
            .id("1")
            .source("/shop")
            .key("7")
            .time(Instant.parse("2026-02-28T23:59:59.050Z"))
            .data("{}".getBytes(StandardCharsets.UTF_8), "application/json")
            .build();
    assertThat(new String(EventText.encode(event), StandardCharsets.UTF_8))
        .isEqualTo(
            """
            id:1
            source:/shop
            type:paid
            time:2026-02-28T23:59:59.050Z
            datacontenttype:application/json
            partitionkey:7

            {}""");
  }

  @Test
  void timesAreWrittenAndReadAsTheJdkDoes() {
    Random random = new Random(7);
    for (int i = 0; i < 20_000; i++) {
      Instant time = Instant.ofEpochMilli(random.nextLong(253_402_300_799_999L));
      Instant whole = Instant.ofEpochSecond(time.getEpochSecond());
      Instant fine = time.plusNanos(random.nextInt(1_000_000));
      for (Instant one : new Instant[] {time, whole, fine}) {
        assertThat(InstantText.of(one)).isEqualTo(one.toString());
        assertThat(InstantText.parse(one.toString())).isEqualTo(one);
      }
    }
    assertThat(InstantText.parse("2026-02-28T23:59:59+01:00"))
        .isEqualTo(Instant.parse("2026-02-28T22:59:59Z"));
    assertThatThrownBy(() -> InstantText.parse("2026-13-01T00:00:00.000Z"))
        .isInstanceOf(java.time.format.DateTimeParseException.class);
  }

  @Test
  void whatIsNoEventIsNamed() {
    for (String text :
        new String[] {
          "",
          "id:1",
          "id:1\n\n",
          "id:1\nsource:s\ntype:t\ntime:x\n\n",
          "nothing\n\n",
          "id:1\nsource:s\ntype:t\nNo:x\n\n"
        }) {
      assertThatThrownBy(() -> EventText.decode(text.getBytes(StandardCharsets.UTF_8), 0))
          .isInstanceOf(AgentException.class);
    }
  }

  @Test
  void attributesAreChecked() {
    for (String bad : new String[] {"", "a\nb", "a\u0000", "\ud83d", "x".repeat(2_001)}) {
      assertThatThrownBy(() -> Event.builder(bad).build())
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT));
      assertThatThrownBy(() -> Event.builder("t").key(bad)).isInstanceOf(AgentException.class);
    }
    for (String bad : new String[] {"", "Upper", "id", "data", "with-dash", "x".repeat(41)}) {
      assertThatThrownBy(() -> Event.builder("t").extension(bad, "v"))
          .isInstanceOf(AgentException.class);
    }
    Event.Builder many = Event.builder("t");
    for (int i = 0; i < 51; i++) {
      many.extension("x" + i, "v");
    }
    assertThatThrownBy(many::build).hasMessageContaining("51 extensions");
    Event event = many.extension("x0", null).build();
    assertThat(event.extensions()).hasSize(50);
    assertThat(event.toString()).contains(event.id()).doesNotContain("x1");
    for (String bad : new String[] {"", ".", "a b", "x".repeat(201), "a/b"}) {
      assertThatThrownBy(() -> new Outgoing(bad, Event.of("t", 1))).hasMessageContaining("topic");
    }
  }
}
