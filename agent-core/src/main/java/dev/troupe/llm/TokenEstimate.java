package dev.troupe.llm;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import org.jspecify.annotations.Nullable;

/**
 * How many tokens a call may take, guessed before it is made: four characters of ASCII or one other
 * character count as a token, a picture or sound as a thousand. Too much rather than too little for
 * most text; what was really used replaces it.
 */
record TokenEstimate(long input, long output) {
  static final TokenEstimate NONE = new TokenEstimate(0, 0);

  private static final int EACH_MESSAGE = 4;
  private static final int EACH_ATTACHMENT = 1_000;

  static TokenEstimate of(ChatRequest request, int assumedOutput) {
    long input = 0;
    for (ChatMessage message : request.messages()) {
      input += EACH_MESSAGE + of(message);
    }
    for (ToolSpecification tool : request.toolSpecifications()) {
      input += EACH_MESSAGE + of(tool.name()) + of(tool.description());
      input += tool.parameters() == null ? 0 : of(tool.parameters().toString());
    }
    ResponseFormat format = request.responseFormat();
    if (format != null && format.jsonSchema() != null) {
      input += of(format.jsonSchema().toString());
    }
    Integer most = request.maxOutputTokens();
    return new TokenEstimate(input, most == null ? assumedOutput : most);
  }

  static long of(@Nullable String text) {
    if (text == null) {
      return 0;
    }
    int ascii = 0;
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) < 0x80) {
        ascii++;
      }
    }
    return (ascii + 3L) / 4 + (text.length() - ascii);
  }

  static long of(ChatMessage message) {
    if (message instanceof SystemMessage system) {
      return of(system.text());
    } else if (message instanceof UserMessage user) {
      return contents(user.contents());
    } else if (message instanceof ToolExecutionResultMessage result) {
      return of(result.toolName()) + contents(result.contents());
    } else if (message instanceof AiMessage answer) {
      long tokens = of(answer.text()) + of(answer.thinking());
      for (ToolExecutionRequest call : answer.toolExecutionRequests()) {
        tokens += of(call.name()) + of(call.arguments());
      }
      return tokens;
    }
    return of(message.toString());
  }

  private static long contents(Iterable<? extends Content> contents) {
    long tokens = 0;
    for (Content content : contents) {
      tokens += content instanceof TextContent text ? of(text.text()) : EACH_ATTACHMENT;
    }
    return tokens;
  }
}
