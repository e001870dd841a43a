package dev.troupe.examples.party;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.llm.GovernedModel;
import dev.troupe.testkit.RawHttpAnswer;
import dev.troupe.testkit.RawHttpStub;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The providers that the option for a model names, with what the planner has on its class path. */
@Timeout(60)
class ModelsTest {
  private static final ChatRequest HELLO =
      ChatRequest.builder().messages(UserMessage.from("Hello")).build();

  @Test
  void ollamaIsAnAddressAway() throws Exception {
    try (RawHttpStub stub = RawHttpStub.start()) {
      stub.answer(
          RawHttpAnswer.status(200)
              .header("content-type", "application/json")
              .part(
                  "{\"model\":\"tiny\",\"message\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":1,\"eval_count\":1}"));
      try (GovernedModel model = Models.open("ollama:tiny@" + stub.uri("/"))) {
        assertThat(model.generate(HELLO).text()).isEqualTo("Hi");
      }
      assertThat(stub.requests().get(0).body()).contains("\"tiny\"");
    }
  }

  @Test
  void bedrockNeedsNothingThatThePlannerHasNot() throws Exception {
    System.setProperty("aws.accessKeyId", "AKIDTEST");
    System.setProperty("aws.secretAccessKey", "secret-of-a-test");
    System.setProperty("aws.region", "eu-central-1");
    try (RawHttpStub stub = RawHttpStub.start()) {
      stub.answer(
          RawHttpAnswer.status(200)
              .header("content-type", "application/json")
              .part(
                  "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":\"Hi\"}]}},\"stopReason\":\"end_turn\",\"usage\":{\"inputTokens\":1,\"outputTokens\":1,\"totalTokens\":2},\"metrics\":{\"latencyMs\":1}}"));
      try (GovernedModel model = Models.open("bedrock@" + stub.uri(""))) {
        assertThat(model.generate(HELLO).text()).isEqualTo("Hi");
      }
      assertThat(stub.requests().get(0).headers().get("authorization"))
          .startsWith("AWS4-HMAC-SHA256")
          .doesNotContain("secret-of-a-test");
    } finally {
      System.clearProperty("aws.accessKeyId");
      System.clearProperty("aws.secretAccessKey");
      System.clearProperty("aws.region");
    }
  }

  @Test
  void anotherWordIsRefusedWithThoseThereAre() {
    assertThatThrownBy(() -> Models.open("chatty"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("openai, bedrock or ollama");
  }
}
