package dev.troupe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.core.type.TypeReference;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.Month;
import java.time.OffsetDateTime;
import java.time.Period;
import java.time.YearMonth;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class JsonCodecTest {
  private static final String CANARY = "hunter2-canary";
  private static final Duration FAST = Duration.ofSeconds(5);

  private final Codec codec = Codec.json();

  enum Colour {
    RED,
    GREEN {
      @Override
      public String toString() {
        return "not the name";
      }
    }
  }

  record Point(int x, int y) {}

  record Nothing() {}

  record Nested(
      String text,
      List<List<Point>> grid,
      Map<String, Map<Colour, List<Long>>> tree,
      Colour colour,
      Instant at) {}

  record Numbers(
      byte b, short s, int i, long l, float f, double d, char c, boolean z, BigDecimal m) {}

  record Unordered(int zebra, int mango, int apple) {}

  record Secret(int number, String text) {}

  record Holder(List<Secret> secrets) {}

  record Labels(Set<String> labels) {}

  record Calendar(Map<LocalDate, String> days, Map<YearMonth, Instant> months) {}

  record Any(Object value) {}

  record Node(List<Node> children) {}

  static class Bean {
    private String name = "";
    private int age;

    public String getName() {
      return name;
    }

    public void setName(String name) {
      this.name = name;
    }

    public int getAge() {
      return age;
    }

    public void setAge(int age) {
      this.age = age;
    }
  }

  private static Type type(TypeReference<?> reference) {
    return reference.getType();
  }

  private Object again(Object value, Type type) {
    return codec.decode(codec.encode(value, type), type);
  }

  private String json(Object value, Type type) {
    return new String(codec.encode(value, type), StandardCharsets.UTF_8);
  }

  private AgentException refused(String json, Type type) {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    AgentException refused =
        catchThrowableOfType(AgentException.class, () -> codec.decode(bytes, type));
    assertThat(refused).as("decoding as %s", type.getTypeName()).isNotNull();
    assertThat(refused.code()).isEqualTo(ErrorCode.UNDECODABLE);
    return refused;
  }

  private static String whole(Throwable thrown) {
    StringWriter out = new StringWriter();
    thrown.printStackTrace(new PrintWriter(out, true));
    return out.toString();
  }

  // guarantee 1: what was written comes back

  @Test
  void theDefaultCodecIsNamedJsonForEver() {
    assertThat(codec.id()).isEqualTo("json");
    assertThat(Codec.json()).isSameAs(codec);
  }

  @Test
  void aRecordWithEverythingInsideComesBack() {
    Nested nested =
        new Nested(
            "a\nb",
            List.of(List.of(new Point(1, 2), new Point(-3, 4)), List.of()),
            Map.of("one", Map.of(Colour.RED, List.of(1L, Long.MAX_VALUE)), "two", Map.of()),
            Colour.GREEN,
            Instant.parse("2026-02-03T04:05:06.789012345Z"));
    assertThat(again(nested, Nested.class)).isEqualTo(nested);
  }

  @Test
  void aRecordOfNullsComesBack() {
    Nested nulls = new Nested(null, null, null, null, null);
    assertThat(again(nulls, Nested.class)).isEqualTo(nulls);
  }

  @Test
  void numbersComeBackExactly() {
    Numbers least =
        new Numbers(
            Byte.MIN_VALUE,
            Short.MIN_VALUE,
            Integer.MIN_VALUE,
            Long.MIN_VALUE,
            Float.MIN_VALUE,
            Double.MIN_VALUE,
            '\u0000',
            false,
            new BigDecimal("-1E+3"));
    Numbers most =
        new Numbers(
            Byte.MAX_VALUE,
            Short.MAX_VALUE,
            Integer.MAX_VALUE,
            Long.MAX_VALUE,
            Float.POSITIVE_INFINITY,
            Double.NEGATIVE_INFINITY,
            '\uffff',
            true,
            new BigDecimal("0.10000000000000000000000000000000000000000000000001"));
    assertThat(again(least, Numbers.class)).isEqualTo(least);
    assertThat(again(most, Numbers.class)).isEqualTo(most);
    assertThat(again(Double.NaN, Double.class)).isEqualTo(Double.NaN);
    assertThat(again(-0.0, Double.class)).isEqualTo(-0.0);
  }

  @Test
  void aBeanComesBack() {
    Bean bean = new Bean();
    bean.setName("Ada");
    bean.setAge(36);
    assertThat(again(bean, Bean.class)).usingRecursiveComparison().isEqualTo(bean);
  }

  @Test
  void nullAndVoidComeBackAsNull() {
    assertThat(json(null, Void.class)).isEqualTo("null");
    assertThat(again(null, Void.class)).isNull();
    assertThat(again(null, String.class)).isNull();
    assertThat(again(null, Point.class)).isNull();
    assertThat(again(null, Integer.class)).isNull();
  }

  @Test
  void emptyThingsComeBackEmpty() {
    assertThat(again("", String.class)).isEqualTo("");
    assertThat(again(new Nothing(), Nothing.class)).isEqualTo(new Nothing());
    assertThat(again(List.of(), type(new TypeReference<List<Point>>() {}))).isEqualTo(List.of());
    assertThat(again(Map.of(), type(new TypeReference<Map<String, Point>>() {})))
        .isEqualTo(Map.of());
    assertThat((byte[]) again(new byte[0], byte[].class)).isEmpty();
    assertThat(again("", Object.class)).isEqualTo("");
  }

  @Test
  void nestedGenericTypesComeBack() {
    Type type = type(new TypeReference<Map<String, List<Map<Colour, Point>>>>() {});
    Map<String, List<Map<Colour, Point>>> value =
        Map.of("a", List.of(Map.of(Colour.RED, new Point(1, 1)), Map.of()), "", List.of());
    assertThat(again(value, type)).isEqualTo(value);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ä ß ñ",
        "ключ",
        "鍵",
        "😀👩‍👩‍👧",
        "\u0000\u0001\u001f\u007f\u0085",
        "\u2028\u2029\ufeff",
        "\"\\/\b\f\n\r\t",
        "e\u0301"
      })
  void textComesBackAsItWas(String text) {
    assertThat(again(text, String.class)).isEqualTo(text);
    assertThat(again(Map.of(text, text), Map.class)).isEqualTo(Map.of(text, text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"\ud800", "a\udc00b", "\ude00\ud83d"})
  void textWithHalfACharacterComesBackToo(String text) {
    assertThat(again(text, String.class)).isEqualTo(text);
    assertThat(again(List.of(text), List.class)).isEqualTo(List.of(text));
  }

  static Stream<Object> times() {
    return Stream.of(
        Instant.EPOCH,
        Instant.MIN,
        Instant.MAX,
        Instant.parse("2026-02-03T04:05:06.000000001Z"),
        Duration.ZERO,
        Duration.ofNanos(-1),
        Duration.ofMillis(-500),
        Duration.ofSeconds(Long.MAX_VALUE, 999_999_999),
        Period.ZERO,
        Period.of(-1, 2, -3),
        LocalDate.MIN,
        LocalDate.MAX,
        LocalDate.of(2024, 2, 29),
        LocalTime.MIDNIGHT,
        LocalTime.MAX,
        LocalDateTime.MIN,
        LocalDateTime.of(2026, 1, 2, 3, 4),
        OffsetDateTime.of(2026, 1, 2, 3, 4, 5, 6, ZoneOffset.ofHoursMinutesSeconds(-5, -30, -1)),
        OffsetDateTime.MAX,
        ZonedDateTime.of(2026, 10, 25, 2, 30, 0, 0, ZoneId.of("Europe/Paris")),
        ZonedDateTime.of(2026, 10, 25, 2, 30, 0, 0, ZoneId.of("Europe/Paris"))
            .withLaterOffsetAtOverlap(),
        ZonedDateTime.of(2026, 1, 2, 3, 4, 5, 6, ZoneOffset.UTC),
        YearMonth.of(2026, 12),
        YearMonth.of(-1, 1),
        YearMonth.of(12_345, 6),
        DayOfWeek.FRIDAY,
        Month.MAY);
  }

  @ParameterizedTest
  @MethodSource("times")
  void timesComeBackAsIsoText(Object time) {
    String json = json(time, time.getClass());
    assertThat(again(time, time.getClass())).isEqualTo(time);
    assertThat(json).startsWith("\"").endsWith("\"");
    if (!(time instanceof YearMonth)) { // the JDK's text of a far month is not what it parses
      assertThat(json).isEqualTo('"' + time.toString() + '"');
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"Europe/Paris", "UTC", "Z", "+05:30", "GMT+2", "America/New_York"})
  void zonesComeBack(String zone) {
    ZoneId id = ZoneId.of(zone);
    assertThat(json(id, ZoneId.class)).isEqualTo('"' + id.getId() + '"');
    assertThat(again(id, ZoneId.class)).isEqualTo(id);
  }

  @Test
  void timesComeBackAsKeysOfMaps() {
    Calendar calendar =
        new Calendar(
            Map.of(LocalDate.of(2026, 1, 2), "two", LocalDate.of(2026, 1, 1), "one"),
            Map.of(YearMonth.of(2026, 3), Instant.EPOCH));
    assertThat(again(calendar, Calendar.class)).isEqualTo(calendar);
  }

  @Test
  void everyValueOfARandomTreeComesBack() {
    long seed = new Random().nextLong();
    System.out.println("JsonCodecTest.everyValueOfARandomTreeComesBack seed " + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 500; i++) {
      Object tree = tree(random, 5);
      byte[] bytes = codec.encode(tree, Object.class);
      assertThat(codec.decode(bytes, Object.class)).as("seed %d, tree %d", seed, i).isEqualTo(tree);
    }
  }

  private static Object tree(Random random, int depth) {
    switch (random.nextInt(depth == 0 ? 4 : 6)) {
      case 0:
        return text(random);
      case 1:
        return random.nextInt();
      case 2:
        return random.nextBoolean();
      case 3:
        return random.nextGaussian();
      case 4:
        List<Object> list = new ArrayList<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          list.add(random.nextInt(5) == 0 ? null : tree(random, depth - 1));
        }
        return list;
      default:
        Map<String, Object> map = new HashMap<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          map.put(key(random), tree(random, depth - 1));
        }
        return map;
    }
  }

  private static String text(Random random) {
    StringBuilder out = new StringBuilder();
    for (int i = random.nextInt(8); i > 0; i--) {
      out.append((char) random.nextInt(0x10000));
    }
    return out.toString();
  }

  private static String key(Random random) {
    StringBuilder out = new StringBuilder();
    for (int i = random.nextInt(8); i > 0; i--) {
      out.appendCodePoint(
          random.nextBoolean() ? random.nextInt(0xd800) : 0xe000 + random.nextInt(0x102000));
    }
    return out.toString();
  }

  // guarantee 2: the same value gives the same bytes

  @Test
  void theOrderOfAMapDoesNotShowInTheBytes() {
    Map<String, Integer> one = new LinkedHashMap<>();
    Map<String, Integer> other = new LinkedHashMap<>();
    List<String> keys = new ArrayList<>(List.of("b", "a", "Z", "10", "9", "ä", ""));
    keys.forEach(k -> one.put(k, k.length()));
    Collections.reverse(keys);
    keys.forEach(k -> other.put(k, k.length()));
    assertThat(json(one, Map.class))
        .isEqualTo(json(other, Map.class))
        .isEqualTo("{\"\":0,\"10\":2,\"9\":1,\"Z\":1,\"a\":1,\"b\":1,\"ä\":1}");
    assertThat(json(new Any(one), Any.class)).isEqualTo(json(new Any(other), Any.class));
  }

  @Test
  void theOrderOfAMapOfEnumsDoesNotShowInTheBytes() {
    Map<Colour, Integer> one = new LinkedHashMap<>();
    one.put(Colour.GREEN, 1);
    one.put(Colour.RED, 2);
    Map<Colour, Integer> other = new EnumMap<>(one);
    Type type = type(new TypeReference<Map<Colour, Integer>>() {});
    assertThat(json(one, type)).isEqualTo(json(other, type));
  }

  @Test
  void propertiesAreWrittenInTheOrderOfTheirNames() {
    assertThat(json(new Unordered(1, 2, 3), Unordered.class))
        .isEqualTo("{\"apple\":3,\"mango\":2,\"zebra\":1}");
    assertThat(json(new Bean(), Bean.class)).isEqualTo("{\"age\":0,\"name\":\"\"}");
  }

  @Test
  void aSetThatHasAnOrderKeepsIt() {
    Set<String> ordered = new LinkedHashSet<>(List.of("b", "c", "a"));
    assertThat(json(new Labels(ordered), Labels.class))
        .isEqualTo("{\"labels\":[\"b\",\"c\",\"a\"]}");
  }

  @Test
  void theBytesAreAlwaysTheSame() {
    assertThat(
            json(
                new Nested(
                    "t",
                    List.of(List.of(new Point(1, 2))),
                    Map.of("k", Map.of(Colour.RED, List.of(7L))),
                    Colour.RED,
                    Instant.EPOCH),
                Nested.class))
        .isEqualTo(
            "{\"at\":\"1970-01-01T00:00:00Z\",\"colour\":\"RED\",\"grid\":[[{\"x\":1,\"y\":2}]],"
                + "\"text\":\"t\",\"tree\":{\"k\":{\"RED\":[7]}}}");
  }

  // what is read

  @Test
  void unknownPropertiesAreIgnoredSoThatTypesCanGrow() {
    byte[] newer = "{\"x\":1,\"y\":2,\"z\":{\"deep\":[1,2,{}]}}".getBytes(StandardCharsets.UTF_8);
    assertThat(codec.decode(newer, Point.class)).isEqualTo(new Point(1, 2));
  }

  @Test
  void missingPropertiesAreNullOrZeroSoThatTypesCanGrow() {
    assertThat(codec.decode("{}".getBytes(StandardCharsets.UTF_8), Nested.class))
        .isEqualTo(new Nested(null, null, null, null, null));
    assertThat(codec.decode("{\"x\":1}".getBytes(StandardCharsets.UTF_8), Point.class))
        .isEqualTo(new Point(1, 0));
  }

  static Stream<Arguments> unreadable() {
    return Stream.of(
        arguments("", Point.class),
        arguments(" ", Point.class),
        arguments("{", Point.class),
        arguments("{\"x\":1,\"y\":2}}", Point.class),
        arguments("{\"x\":1,\"y\":2} {}", Point.class),
        arguments("{\"x\":1,\"y\":2}\n7", Point.class),
        arguments("{\"x\":1,\"y\":[]}", Point.class),
        arguments("{\"x\":1,\"y\":\"two\"}", Point.class),
        arguments("{\"x\":1,\"y\":2147483648}", Point.class),
        arguments("[1,2]", Point.class),
        arguments("7", Point.class),
        arguments("\"text\"", Point.class),
        arguments("{\"x\":1,\"y\":2,}", Point.class),
        arguments("{'x':1,'y':2}", Point.class),
        arguments("{\"x\":1,\"y\":2 /* no comments */}", Point.class),
        arguments("\"BLUE\"", Colour.class),
        arguments("NaN", Double.class),
        arguments("01", Integer.class),
        arguments("1e99999999999999999999", BigInteger.class),
        arguments("\"\\ud8\"", String.class),
        arguments("\"a\u0001b\"", String.class),
        arguments("\"unterminated", String.class),
        arguments("{\"a\":1}", String.class),
        arguments("[1]", String.class),
        arguments("\"2026-13-01\"", LocalDate.class),
        arguments("\"yesterday\"", Instant.class),
        arguments("5", Instant.class),
        arguments("{\"seconds\":1}", Duration.class),
        arguments("[]", Duration.class),
        arguments("\"P9999999999999999999D\"", Period.class),
        arguments("\"Nowhere/Else\"", ZoneId.class),
        arguments("\"2026\"", YearMonth.class),
        arguments("\"\"", LocalTime.class),
        arguments("\"!!\"", byte[].class),
        arguments("\"1-2-3\"", UUID.class),
        arguments("1", Void.class.arrayType()));
  }

  @ParameterizedTest
  @MethodSource("unreadable")
  void whatDoesNotFitIsRefusedAndTheTypeIsNamed(String json, Class<?> type) {
    assertThat(refused(json, type)).hasMessageContaining(type.getTypeName());
  }

  @Test
  void bytesThatAreNoUtf8AreRefused() {
    byte[] bytes = {'"', (byte) 0xc3, '"'};
    assertThatThrownBy(() -> codec.decode(bytes, String.class))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNDECODABLE));
  }

  @Test
  void anyDamageToTheBytesIsAnErrorOfTheCodecOrAnotherValue() {
    byte[] good = codec.encode(new Secret(42, "text"), Secret.class);
    for (int i = 0; i < good.length; i++) {
      for (int b = 0; b < 256; b++) {
        byte[] bad = good.clone();
        bad[i] = (byte) b;
        decodesOrIsUndecodable(bad);
      }
      decodesOrIsUndecodable(Arrays.copyOf(good, i));
    }
  }

  private void decodesOrIsUndecodable(byte[] bytes) {
    try {
      codec.decode(bytes, Secret.class);
    } catch (AgentException refused) {
      assertThat(refused.code()).isEqualTo(ErrorCode.UNDECODABLE);
    }
  }

  // no content in errors

  static Stream<Arguments> secrets() {
    return Stream.of(
        arguments("{\"secrets\":[{\"number\":\"" + CANARY + "\",\"text\":\"\"}]}", Holder.class),
        arguments(
            "{\"secrets\":[{\"number\":1,\"text\":{\"k\":\"" + CANARY + "\"}}]}", Holder.class),
        arguments("{\"secrets\":\"" + CANARY + "\"}", Holder.class),
        arguments("{\"secrets\":[" + CANARY + "]}", Holder.class),
        arguments("\"" + CANARY + "\"", Holder.class),
        arguments("\"" + CANARY + "\"", Colour.class),
        arguments("\"" + CANARY + "\"", Instant.class),
        arguments("\"" + CANARY + "\"", ZoneId.class),
        arguments("\"" + CANARY + "\"", int.class),
        arguments("\"" + CANARY + "\"", UUID.class),
        arguments("\"" + CANARY + "\" \"" + CANARY + "\"", String.class),
        arguments("\"" + CANARY, String.class),
        arguments(CANARY, String.class));
  }

  @ParameterizedTest
  @MethodSource("secrets")
  void anErrorOfReadingShowsNoContentInMessageOrCauses(String json, Class<?> type) {
    assertThat(whole(refused(json, type))).doesNotContain(CANARY).doesNotContain("hunter2");
  }

  @Test
  void anErrorOfReadingNamesTheTypeAndThePlace() {
    assertThat(
            refused(
                "{\"secrets\":[{\"number\":1,\"text\":\"\"},{\"number\":[],\"text\":\"\"}]}",
                Holder.class))
        .hasMessageContaining(Holder.class.getName())
        .hasMessageContaining(".secrets[1].number");
  }

  @Test
  void keysOfMapsAreContentAndAreNotShown() {
    AgentException refused =
        refused(
            "{\"" + CANARY + "\":{\"x\":1,\"y\":[]}}",
            type(new TypeReference<Map<String, Point>>() {}));
    assertThat(whole(refused)).doesNotContain(CANARY);
    assertThat(refused).hasMessageContaining(".y");
  }

  public static final class Leaky {
    public String getText() {
      throw new IllegalStateException("the password is " + CANARY);
    }
  }

  @Test
  void anErrorOfWritingShowsNoContentEither() {
    AgentException refused =
        catchThrowableOfType(AgentException.class, () -> codec.encode(new Leaky(), Leaky.class));
    assertThat(refused.code()).isEqualTo(ErrorCode.INVALID_INPUT);
    assertThat(refused).hasMessageContaining(Leaky.class.getName()).hasMessageContaining("text");
    assertThat(whole(refused)).doesNotContain(CANARY);
  }

  // bombs

  @Test
  void aDepthBombIsRefusedFast() {
    String bomb = "[".repeat(5_000_000);
    assertTimeoutPreemptively(FAST, () -> refused(bomb, Object.class));
    assertTimeoutPreemptively(FAST, () -> refused("{\"value\":" + bomb, Any.class));
    String ignored = "{\"x\":1,\"y\":2,\"z\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}";
    assertTimeoutPreemptively(FAST, () -> refused(ignored, Point.class));
  }

  @Test
  void twoHundredLevelsAreReadAndOneMoreIsNot() {
    assertThat(again(nested(200), Object.class)).isEqualTo(nested(200));
    refused("[".repeat(201) + "]".repeat(201), Object.class);
  }

  @Test
  void aHugeNumberIsRefusedFast() {
    String digits = "9".repeat(10_000_000);
    for (Class<?> type : List.of(BigInteger.class, BigDecimal.class, long.class, Object.class)) {
      assertTimeoutPreemptively(FAST, () -> refused(digits, type));
    }
    assertTimeoutPreemptively(FAST, () -> refused("1e1000000000", BigInteger.class));
    assertTimeoutPreemptively(FAST, () -> refused("1e1000000000", long.class));
    assertTimeoutPreemptively(FAST, () -> refused("1e1000000000", int.class));
  }

  @Test
  void aTextOfAHundredMegabytesIsRefusedFast() {
    byte[] bytes = new byte[100 << 20];
    Arrays.fill(bytes, (byte) 'a');
    bytes[0] = '"';
    bytes[bytes.length - 1] = '"';
    assertTimeoutPreemptively(
        FAST,
        () ->
            assertThatThrownBy(() -> codec.decode(bytes, String.class))
                .isInstanceOfSatisfying(
                    AgentException.class,
                    e -> assertThat(e.code()).isEqualTo(ErrorCode.UNDECODABLE)));
  }

  // no types by name

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"@class\":\"java.net.URL\",\"value\":\"http://localhost:1\"}",
        "{\"@type\":\"java.util.Date\",\"value\":1}",
        "{\"value\":{\"@class\":\"javax.swing.JEditorPane\",\"page\":\"http://localhost:1\"}}",
        "{\"value\":[\"java.util.concurrent.atomic.AtomicLong\",5]}"
      })
  void namesOfTypesInTheDataAreNotObeyed(String json) {
    Any any = (Any) codec.decode(json.getBytes(StandardCharsets.UTF_8), Any.class);
    Object value = any.value();
    assertThat(value == null || isPlain(value)).as("%s", value).isTrue();
  }

  private static boolean isPlain(Object value) {
    return value instanceof String
        || value instanceof Number
        || value instanceof LinkedHashMap
        || value instanceof ArrayList;
  }

  @Test
  void noNamesOfTypesAreWritten() {
    assertThat(json(new Any(new Point(1, 2)), Any.class))
        .isEqualTo("{\"value\":{\"x\":1,\"y\":2}}");
  }

  // what can't be written

  static Stream<Arguments> unwritable() {
    List<Object> loop = new ArrayList<>();
    loop.add(loop);
    Map<String, Integer> nullKey = new HashMap<>();
    nullKey.put(null, 1);
    return Stream.of(
        arguments(new Leaky(), Leaky.class),
        arguments(loop, List.class),
        arguments(nullKey, Map.class),
        arguments(Optional.of(1), Optional.class),
        arguments(new Point(1, 2), String.class),
        arguments(5, Colour.class),
        arguments(nested(2_000), Object.class));
  }

  @ParameterizedTest
  @MethodSource("unwritable")
  void whatCantBeWrittenIsInvalidInput(Object value, Class<?> type) {
    AgentException refused =
        catchThrowableOfType(AgentException.class, () -> codec.encode(value, type));
    assertThat(refused).isNotNull();
    assertThat(refused.code()).isEqualTo(ErrorCode.INVALID_INPUT);
    assertThat(refused).hasMessageContaining(type.getName());
  }

  @ParameterizedTest
  @ValueSource(ints = {201, 500, 1_000})
  void whatCouldNotBeReadAgainForItsDepthIsNotWritten(int levels) {
    assertThatThrownBy(() -> codec.encode(nested(levels), Object.class))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT));
  }

  private static Object nested(int levels) {
    List<Object> inner = new ArrayList<>();
    for (int i = 1; i < levels; i++) {
      inner = new ArrayList<>(List.of(inner));
    }
    return inner;
  }
}
