package dev.troupe.llm;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.ArrayList;
import java.util.List;

/** Asks for a record, and tells the model what is wrong until it fits, so often and no more. */
record Repairs<T extends Record>(OutputFormat<T> format, int most) {
  /** An answer that is longer is not shown to the model again. */
  private static final int LONGEST_SHOWN = 20_000;

  /** Asks a model. */
  @FunctionalInterface
  interface Asking {
    LlmResponse ask(ChatRequest request, ChatRequest described) throws InterruptedException;
  }

  Answer<T> ask(ChatRequest request, Asking model) throws InterruptedException {
    ChatRequest now = request;
    for (int repairs = 0; ; repairs++) {
      LlmResponse answer = model.ask(format.sent(now), format.described(now));
      OutputFormat.Reading<T> reading = format.read(answer);
      if (reading.value().isPresent()) {
        return new Answer<>(reading.value().get(), answer, repairs);
      }
      if (repairs == most) {
        throw new AgentException(
            ErrorCode.OUTPUT_INVALID,
            "the answer of %s is no %s, after %d repairs: %s; simplify the record, describe its components, or take a better model"
                .formatted(
                    answer.model(),
                    format.type().getSimpleName(),
                    repairs,
                    String.join("; ", reading.places())));
      }
      now = told(request, answer, reading.problems());
    }
  }

  /** Only the last answer is shown: earlier mistakes are not repeated to the model. */
  private static ChatRequest told(ChatRequest request, LlmResponse answer, List<String> problems) {
    List<ChatMessage> messages = new ArrayList<>(request.messages());
    String text = answer.text();
    boolean shown = !text.isBlank() && text.length() <= LONGEST_SHOWN;
    messages.add(AiMessage.from(shown ? text : "(an answer that could not be read)"));
    messages.add(
        UserMessage.from(
            "Your answer could not be used. What is wrong with it:\n- "
                + String.join("\n- ", problems)
                + "\nAnswer again, with the whole corrected JSON object and nothing else."));
    return request.toBuilder().messages(messages).build();
  }
}
