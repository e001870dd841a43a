package dev.troupe.llm.agent;

import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.llm.GovernedModel;
import dev.troupe.llm.OutputFormat;
import org.jspecify.annotations.Nullable;

/** What a run's last answer has to look like: text, or JSON that fits a record. */
final class AnswerForm<O> {
  private final Class<O> type;
  private final @Nullable OutputFormat<?> format;
  private final boolean sent;

  AnswerForm(Class<O> type, GovernedModel model) {
    this.type = type;
    this.format = type == String.class ? null : format(type);
    this.sent = model.supportedCapabilities().contains(Capability.RESPONSE_FORMAT_JSON_SCHEMA);
  }

  private static OutputFormat<?> format(Class<?> type) {
    if (!type.isRecord()) {
      throw new IllegalArgumentException(
          "%s is no record, and not String; an agent's output is one of these"
              .formatted(type.getTypeName()));
    }
    SchemaOf.stored(type); // the output is a run's result, too
    return OutputFormat.of(type.asSubclass(Record.class));
  }

  /** The answer does not fit; in words for the model. */
  static final class Unfit extends Exception {
    private static final long serialVersionUID = 1L;

    Unfit(String message) {
      super(message);
    }
  }

  /** The form in the request, where all providers of the model take a schema. */
  void ask(ChatRequest.Builder request) {
    if (format != null && sent) {
      request.responseFormat(format.responseFormat());
    }
  }

  /** The instructions, with the form in words where the request can't hold it. */
  @Nullable String instructions(@Nullable String own) {
    if (format == null || sent) {
      return own;
    }
    String form =
        "When you need no more tools, give your final answer so: " + format.instructions();
    return own == null ? form : own + "\n\n" + form;
  }

  O read(String text) throws Unfit {
    if (format != null) {
      OutputFormat.Reading<?> reading = format.read(text);
      if (reading.value().isPresent()) {
        return type.cast(reading.value().get());
      }
      throw new Unfit(String.join("; ", reading.problems()));
    }
    if (text.isBlank()) {
      throw new Unfit("it is empty");
    }
    return type.cast(text);
  }
}
