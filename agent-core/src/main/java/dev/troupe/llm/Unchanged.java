package dev.troupe.llm;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;

/**
 * Parameters of a model that adds none: what a request brings stays as it is, also where its class
 * is a provider's own, which langchain4j's plain parameters would cut down to theirs.
 */
final class Unchanged extends DefaultChatRequestParameters {
  static final Unchanged INSTANCE = new Unchanged();

  private Unchanged() {
    super(DefaultChatRequestParameters.builder());
  }

  @Override
  public ChatRequestParameters overrideWith(ChatRequestParameters that) {
    return that;
  }

  @Override
  public ChatRequestParameters defaultedBy(ChatRequestParameters that) {
    return that;
  }
}
