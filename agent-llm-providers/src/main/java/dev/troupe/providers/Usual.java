package dev.troupe.providers;

import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import org.jspecify.annotations.Nullable;

/** What holds for requests that do not say otherwise. */
final class Usual {
  private Usual() {}

  /** The request with what it leaves open filled in, in the class that knows more of the two. */
  static ChatRequest fill(ChatRequest request, @Nullable ChatRequestParameters usual) {
    if (usual == null) {
      return request;
    }
    ChatRequestParameters own = request.parameters();
    return ChatRequest.builder()
        .messages(request.messages())
        .parameters(
            own.getClass() == DefaultChatRequestParameters.class
                ? usual.overrideWith(own)
                : own.defaultedBy(usual))
        .build();
  }
}
