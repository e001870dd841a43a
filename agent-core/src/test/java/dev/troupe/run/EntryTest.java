package dev.troupe.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.run.Entry.Kind;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class EntryTest {
  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Entry entry(Kind kind, long number, long at, int attempts, String payload) {
    return new Entry(kind, number, at, attempts, bytes(payload));
  }

  private static void same(Entry one, Entry other) {
    assertThat(one).usingRecursiveComparison().isEqualTo(other);
  }

  /** What lies in stores in this form must stay readable; a new kind gets a new line here. */
  static Stream<Arguments> golden() {
    long at = 1_767_323_045_678L;
    return Stream.of(
        arguments(entry(Kind.DONE, 1, at, 1, "{\"x\":1}"), "1 d 1 1767323045678 1 {\"x\":1}"),
        arguments(
            entry(Kind.FAILED, 2, at, 3, "{\"kind\":\"k\"}"),
            "1 f 2 1767323045678 3 {\"kind\":\"k\"}"),
        arguments(
            entry(Kind.SLEEP, 10, at, 1, "1767323046000"), "1 s 10 1767323045678 1 1767323046000"),
        arguments(entry(Kind.CALL, 99, at, 1, "r/c#1\n0"), "1 c 99 1767323045678 1 r/c#1\n0"),
        arguments(
            entry(Kind.SIGNAL, 100, at, 1, "signal/go/1"), "1 g 100 1767323045678 1 signal/go/1"),
        arguments(entry(Kind.TIMED_OUT, 10_000, at, 1, ""), "1 o 10000 1767323045678 1 "),
        arguments(entry(Kind.WINNER, 6, at, 1, "0"), "1 w 6 1767323045678 1 0"),
        arguments(entry(Kind.PROGRESS, 7, at, 1, "\"½\""), "1 p 7 1767323045678 1 \"½\""),
        arguments(entry(Kind.PUBLISHED, 7, at, 1, "sold\ne-1"), "1 b 7 1767323045678 1 sold\ne-1"),
        arguments(
            entry(Kind.OPEN, 8, at, 2, "1767323046000\n{}"),
            "1 t 8 1767323045678 2 1767323046000\n{}"),
        arguments(entry(Kind.INTENT, 7, 1767323045678L, 3, ""), "1 i 7 1767323045678 3 "),
        arguments(
            entry(Kind.EXECUTED, 7, 1767323045678L, 2, "p1\nhost 4711"),
            "1 e 7 1767323045678 2 p1\nhost 4711"),
        arguments(entry(Kind.FAILING, 9, 0, 1, "{}"), "1 x 9 0 1 {}"),
        arguments(entry(Kind.STOPPED, 0, 0, 0, " "), "1 z 0 0 0  "));
  }

  @ParameterizedTest
  @MethodSource("golden")
  void theStoredFormNeverChanges(Entry entry, String stored) {
    assertThat(new String(entry.encode(), StandardCharsets.UTF_8)).isEqualTo(stored);
    same(Entry.decode(bytes(stored), "here"), entry);
  }

  @Test
  void everyKindHasAGoldenLine() {
    Set<Kind> golden = EnumSet.noneOf(Kind.class);
    golden().forEach(a -> golden.add(((Entry) a.get()[0]).kind()));
    assertThat(golden).containsExactlyInAnyOrder(Kind.values());
  }

  @Test
  void whatWasEncodedIsDecoded() {
    long seed = new Random().nextLong();
    System.out.println("EntryTest.whatWasEncodedIsDecoded seed " + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 20_000; i++) {
      byte[] payload = new byte[random.nextInt(20)];
      random.nextBytes(payload);
      Entry entry =
          new Entry(
              Kind.values()[random.nextInt(Kind.values().length)],
              random.nextLong() >>> (1 + random.nextInt(63)),
              random.nextLong() >>> (1 + random.nextInt(63)),
              random.nextInt() >>> (1 + random.nextInt(31)),
              payload);
      Entry again = Entry.decode(entry.encode(), "here");
      assertThat(again.encode()).as("seed %d", seed).isEqualTo(entry.encode());
      same(again, entry);
    }
  }

  @Test
  void theLargestNumbersComeBack() {
    Entry largest =
        new Entry(Kind.DONE, Long.MAX_VALUE, Long.MAX_VALUE, Integer.MAX_VALUE, new byte[0]);
    same(Entry.decode(largest.encode(), "here"), largest);
  }

  static Stream<byte[]> stored() {
    return golden().map(a -> bytes((String) a.get()[1]));
  }

  @ParameterizedTest
  @MethodSource("stored")
  void everyTruncationIsReadOrUndecodable(byte[] stored) {
    for (int length = 0; length < stored.length; length++) {
      readOrUndecodable(Arrays.copyOf(stored, length));
    }
  }

  @ParameterizedTest
  @MethodSource("stored")
  void everyDamagedByteIsReadOrUndecodable(byte[] stored) {
    for (int i = 0; i < stored.length; i++) {
      for (int b = 0; b < 256; b++) {
        byte[] bad = stored.clone();
        bad[i] = (byte) b;
        readOrUndecodable(bad);
      }
    }
  }

  private static void readOrUndecodable(byte[] bytes) {
    try {
      Entry read = Entry.decode(bytes, "row r of run x");
      assertThat(read.number()).isNotNegative();
      assertThat(read.at()).isNotNegative();
      assertThat(read.attempts()).isNotNegative();
    } catch (AgentException refused) {
      assertThat(refused.code()).isEqualTo(ErrorCode.UNDECODABLE);
      assertThat(refused).hasMessageStartingWith("row r of run x can't be read");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "1",
        "1 d",
        "1 d ",
        "1 d 1",
        "1 d 1 1",
        "1 d 1 1 1",
        "2 d 1 1 1 x",
        "? d 1 1 1 x",
        "1 ? 1 1 1 x",
        "1xd 1 1 1 x",
        "1 dx1 1 1 x",
        "1 d  1 1 x",
        "1 d -1 1 1 x",
        "1 d 1 1.5 1 x",
        "1 d 99999999999999999999 1 1 x",
        "1 d 9223372036854775808 1 1 x",
        "1 d 1 99999999999999999999999999 1 x",
        "1 d 1 1 2147483648 x",
        "1 d 1 1 4294967297 x"
      })
  void whatIsNoLineIsUndecodableAndTheRowIsNamed(String stored) {
    AgentException refused =
        catchThrowableOfType(
            AgentException.class, () -> Entry.decode(bytes(stored), "row r of run x"));
    assertThat(refused).as("'%s'", stored).isNotNull();
    assertThat(refused.code()).isEqualTo(ErrorCode.UNDECODABLE);
    assertThat(refused).hasMessageStartingWith("row r of run x can't be read");
  }

  @Test
  void anUnknownFormatIsNamed() {
    AgentException refused =
        catchThrowableOfType(
            AgentException.class, () -> Entry.decode(bytes("7 d 1 1 1 x"), "here"));
    assertThat(refused).hasMessageContaining("format '7'").hasMessageContaining("reads 1");
  }

  @Test
  void theFirstLineOfAPayloadIsApartFromTheRest() {
    Entry both = new Entry(Kind.OPEN, 1, 1, 1, Entry.text("12", bytes("a\nb")));
    assertThat(both.head()).isEqualTo("12");
    assertThat(both.headNumber()).isEqualTo(12);
    assertThat(both.tail()).isEqualTo(bytes("a\nb"));
    Entry one = entry(Kind.SLEEP, 1, 1, 1, "34");
    assertThat(one.head()).isEqualTo("34");
    assertThat(one.tail()).isEmpty();
    Entry none = entry(Kind.TIMED_OUT, 1, 1, 1, "");
    assertThat(none.head()).isEmpty();
    assertThat(none.tail()).isEmpty();
  }

  @Test
  void aFirstLineThatIsNoNumberIsUndecodable() {
    Entry broken = entry(Kind.SLEEP, 1, 1, 1, "soon");
    AgentException refused = catchThrowableOfType(AgentException.class, broken::headNumber);
    assertThat(refused).isNotNull();
    assertThat(refused.code()).isEqualTo(ErrorCode.UNDECODABLE);
  }
}
