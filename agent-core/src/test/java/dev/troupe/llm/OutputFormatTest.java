package dev.troupe.llm;

import static dev.troupe.llm.PlayedProvider.ask;
import static dev.troupe.llm.PlayedProvider.says;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.structured.Description;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(120)
class OutputFormatTest {
  enum Size {
    SMALL,
    LARGE
  }

  record Item(String name, @Description("in dollars") BigDecimal price, int count) {
    Item {
      if (count < 0) {
        throw new IllegalArgumentException("count must not be negative");
      }
    }
  }

  @Description("an order of a customer")
  record Order(
      String customer,
      List<Item> items,
      Set<Size> sizes,
      Optional<String> note,
      @Nullable LocalDate due,
      boolean paid,
      double weight) {}

  private static final String WHOLE =
      """
      {"customer":"Ada","items":[{"name":"pen","price":1.50,"count":2}],"sizes":["SMALL"],
       "due":"2026-01-31","paid":true,"weight":0.5}\
      """;

  private final OutputFormat<Order> format = OutputFormat.of(Order.class);

  @Test
  void anAnswerThatFitsIsRead() {
    Order order = format.read(WHOLE).value().orElseThrow();
    assertThat(order)
        .isEqualTo(
            new Order(
                "Ada",
                List.of(new Item("pen", new BigDecimal("1.50"), 2)),
                Set.of(Size.SMALL),
                Optional.empty(),
                LocalDate.parse("2026-01-31"),
                true,
                0.5));
    assertThat(format.read("```json\n" + WHOLE + "\n```").value()).contains(order);
  }

  @Test
  void theSchemaSaysWhatIsRead() {
    JsonObjectSchema schema = (JsonObjectSchema) format.responseFormat().jsonSchema().rootElement();
    assertThat(schema.required()).containsExactly("customer", "items", "sizes", "paid", "weight");
    assertThat(schema.additionalProperties()).isFalse();
    assertThat(schema.description()).isEqualTo("an order of a customer");
    assertThat(format.instructions())
        .contains(
            "\"price\":{\"type\":\"number\",\"description\":\"in dollars\"}",
            "\"enum\":[\"SMALL\",\"LARGE\"]",
            "\"additionalProperties\":false");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "\"count\":2 | \"count\":\"2\" | /items/0/count has to be a whole number that fits int",
        "\"count\":2 | \"count\":2.5 | /items/0/count has to be a whole number",
        "\"count\":2 | \"count\":3000000000 | /items/0/count has to be a whole number that fits"
            + " int",
        "\"count\":2 | \"count\":-1 | /items/0 is not accepted",
        "\"count\":2 | \"count\":null | /items/0/count must not be null",
        "\"customer\":\"Ada\", | ~~ | /customer is missing",
        "\"paid\":true | \"paid\":true,\"more\":1 | the whole has a field that the schema does not"
            + " know",
        "\"paid\":true | \"paid\":true,\"paid\":false | is not JSON",
        "\"paid\":true | \"paid\":\"yes\" | /paid has to be true or false",
        "\"SMALL\" | \"TINY\" | /sizes/0 has to be one of SMALL, LARGE",
        "2026-01-31 | tomorrow | /due has to be a date",
        "0.5 | 1e10000 | /weight has to be a number",
        "1.50 | 1e10000 | /items/0/price has to be a number, of reasonable size",
        "0.5} | 0.5} and more | is not JSON",
      })
  void whatDoesNotFitIsNamedByItsPlace(String right, String wrong, String problem) {
    String text = WHOLE.replace(right, wrong);
    assertThat(text).isNotEqualTo(WHOLE);
    OutputFormat.Reading<Order> reading = format.read(text);
    assertThat(reading.value()).isEmpty();
    assertThat(reading.problems()).anyMatch(p -> p.contains(problem.strip()));
  }

  @Test
  void onlyTheModelIsToldWhatItWrote() {
    OutputFormat.Reading<Order> reading =
        format.read(WHOLE.replace("\"paid\"", "\"secretword\":1,\"paid\""));
    assertThat(reading.problems().toString()).contains("secretword");
    assertThat(reading.places().toString()).doesNotContain("secretword");
  }

  record Big(BigInteger number, List<Big2> list) {}

  record Big2(String a) {}

  @Test
  void bombsAreRefusedFast() {
    StringBuilder keys = new StringBuilder("{");
    for (int i = 0; i < 1_000_000; i++) {
      keys.append("\"k").append(i).append("\":1,");
    }
    List<String> bombs =
        List.of(
            "[".repeat(100_000),
            "{\"a\":".repeat(100_000),
            "\"" + "x".repeat(20_000_000) + "\"",
            keys.toString(),
            "{\"number\":1e10000,\"list\":[]}",
            "{\"number\":" + "9".repeat(900_000) + ",\"list\":[]}",
            "{\"list\":[" + "1,".repeat(400_000) + "1]}",
            "[[" + "\"java.lang.ProcessBuilder\",{}".repeat(10) + "]]");
    OutputFormat<Big> big = OutputFormat.of(Big.class);
    for (String bomb : bombs) {
      big.read(bomb.substring(0, Math.min(bomb.length(), 900_000)));
      // the processor's time, so that a busy machine does not count
      ThreadMXBean threads = ManagementFactory.getThreadMXBean();
      long began = threads.getCurrentThreadCpuTime();
      assertThat(big.read(bomb).value()).isEmpty();
      Duration took = Duration.ofNanos(threads.getCurrentThreadCpuTime() - began);
      assertThat(took).as(bomb.substring(0, 20)).isLessThan(Duration.ofMillis(250));
    }
  }

  record Loop(@Nullable Loop next) {}

  record Mapped(Map<String, String> map) {}

  record Raw(@SuppressWarnings("rawtypes") List list) {}

  @Test
  void aRecordWithoutAFormIsRefusedByName() {
    for (Class<? extends Record> unfit : List.of(Loop.class, Mapped.class, Raw.class)) {
      assertThatThrownBy(() -> OutputFormat.of(unfit))
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT))
          .hasMessageContaining(unfit.getSimpleName());
    }
  }

  // asking

  @Test
  void aModelThatTakesSchemasGetsOneAndOthersATextOfIt() throws Exception {
    PlayedProvider takes =
        new PlayedProvider("a", "m", PlayedProvider.fails(ErrorCode.ACCESS_DENIED));
    takes.takesJsonSchema = true;
    PlayedProvider plain = new PlayedProvider("b", "n", says(WHOLE));
    ChatRequest request =
        ChatRequest.builder()
            .messages(SystemMessage.from("Be brief."), UserMessage.from("the order"))
            .build();
    try (GovernedModel model = GovernedModel.builder(takes).fallback(plain).build()) {
      Answer<Order> answer = model.generate(request, Order.class);
      assertThat(answer.value().customer()).isEqualTo("Ada");
      assertThat(answer.repairs()).isZero();
    }
    assertThat(takes.asked.get(0).responseFormat()).isEqualTo(format.responseFormat());
    assertThat(takes.asked.get(0).messages()).isEqualTo(request.messages());
    assertThat(plain.asked.get(0).responseFormat()).isEqualTo(ResponseFormat.TEXT);
    assertThat(((SystemMessage) plain.asked.get(0).messages().get(0)).text())
        .startsWith("Be brief.")
        .endsWith(format.instructions());
  }

  @Test
  void theModelIsToldWhatIsWrongAndOnlySoOften() throws Exception {
    String wrong = WHOLE.replace("\"count\":2", "\"count\":\"two\"");
    PlayedProvider learns = new PlayedProvider("a", "m", says(wrong), says(WHOLE));
    try (GovernedModel model = GovernedModel.builder(learns).build()) {
      assertThat(model.generate(ask("order"), Order.class).repairs()).isEqualTo(1);
      List<?> told = learns.asked.get(1).messages();
      assertThat(told.get(told.size() - 2)).isEqualTo(AiMessage.from(wrong));
      assertThat(told.get(told.size() - 1).toString())
          .contains("/items/0/count has to be a whole number that fits int, not text");
    }
    PlayedProvider never = new PlayedProvider("a", "m", says(wrong.replace("Ada", "secretname")));
    try (GovernedModel model = GovernedModel.builder(never).build()) {
      assertThatThrownBy(() -> model.generate(ask("order"), Order.class))
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.OUTPUT_INVALID))
          .hasMessageContaining("/items/0/count")
          .hasMessageNotContaining("secretname");
      assertThat(never.calls()).isEqualTo(3);
    }
  }

  @Test
  void anAnswerThatWasCutOffIsNeverRead() throws Exception {
    PlayedProvider cut =
        new PlayedProvider(
            "a",
            "m",
            (request, sink) -> PlayedProvider.response(AiMessage.from(WHOLE), FinishReason.LENGTH),
            says(WHOLE));
    try (GovernedModel model = GovernedModel.builder(cut).build()) {
      assertThat(model.generate(ask("order"), Order.class).repairs()).isEqualTo(1);
    }
    LlmResponse whole = PlayedProvider.response(AiMessage.from(WHOLE), FinishReason.STOP);
    LlmResponse part =
        new LlmResponse(whole.response(), "a", false, Duration.ZERO, null, Map.of(), List.of());
    assertThat(format.read(whole).value()).isPresent();
    assertThat(format.read(part).value()).isEmpty();
  }
}
