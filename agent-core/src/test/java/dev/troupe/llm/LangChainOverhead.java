package dev.troupe.llm;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.output.FinishReason;

/** A program that prints what the adapter adds to a langchain4j model that answers at once. */
final class LangChainOverhead {
  private static final int PARTS = 100;

  private static final ChatResponse ANSWER =
      ChatResponse.builder()
          .aiMessage(AiMessage.from("a"))
          .modelName("m")
          .finishReason(FinishReason.STOP)
          .build();

  private static final class Instant implements ChatModel {
    @Override
    public ChatResponse doChat(ChatRequest request) {
      return ANSWER;
    }
  }

  private static final class InParts implements StreamingChatModel {
    @Override
    public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
      for (int i = 0; i < PARTS; i++) {
        handler.onPartialResponse("part ");
      }
      handler.onCompleteResponse(ANSWER);
    }
  }

  private interface Call {
    void make() throws InterruptedException;
  }

  private LangChainOverhead() {}

  /**
   * Measures.
   *
   * @param args ignored
   */
  public static void main(String[] args) throws InterruptedException {
    ChatRequest request = ChatRequest.builder().messages(UserMessage.from("hello")).build();
    ChatModel bare = new Instant();
    LlmProvider provider = LlmProvider.of("p", "m", bare, new InParts());
    long[] first = new long[2];
    for (int round = 0; round < 3; round++) {
      print("bare chat", 20_000, () -> bare.chat(request));
      print("generate", 20_000, () -> provider.generate(request, CallLimits.USUAL));
      print(
          "stream of 100 parts", 2_000, () -> provider.stream(request, CallLimits.USUAL, p -> {}));
      print(
          "first part",
          2_000,
          () -> {
            long began = System.nanoTime();
            boolean[] seen = new boolean[1];
            provider.stream(
                request,
                CallLimits.USUAL,
                part -> {
                  if (!seen[0]) {
                    seen[0] = true;
                    first[0] += System.nanoTime() - began;
                    first[1]++;
                  }
                });
          });
      System.out.printf("until the first part: %.1f us%n", first[0] / 1e3 / first[1]);
    }
    provider.close();
  }

  private static void print(String what, int times, Call call) throws InterruptedException {
    long began = System.nanoTime();
    for (int i = 0; i < times; i++) {
      call.make();
    }
    System.out.printf("%s: %.1f us%n", what, (System.nanoTime() - began) / 1e3 / times);
  }
}
