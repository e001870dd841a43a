package dev.troupe.examples.research;

import dev.langchain4j.data.message.ChatMessageType;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.testkit.ScriptedAnswer;
import dev.troupe.testkit.ScriptedModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * The research program with a model that follows a script of thirty tool calls. Each call of the
 * model and of a tool leaves a line in a file when it begins; the process can be told to stop dead
 * at one of them.
 */
public final class ResearchWorker {
  static final String QUESTION = "How does a theatre go on when something breaks?";
  static final List<String> PAGES =
      List.of(
          "Prompter",
          "Understudy",
          "Stage manager",
          "Prompt book",
          "Safety curtain",
          "Ghost light",
          "Dark night",
          "Call",
          "Strike",
          "Repertory");
  static final int TOOL_CALLS = 3 * PAGES.size();

  private final Path effects;
  private final String stopAt;

  private ResearchWorker(Path effects, String stopAt) {
    this.effects = effects;
    this.stopAt = stopAt;
  }

  /** Arguments: database, file of effects, and the effect at which to stop, empty for none. */
  public static void main(String[] args) throws Exception {
    ResearchWorker worker = new ResearchWorker(Path.of(args[1]), args[2]);
    ScriptedModel model = ScriptedModel.answering().otherwise(worker::says);
    int code = Research.answer(model, worker.library(), Path.of(args[0]), QUESTION);
    System.exit(code);
  }

  /** What the model and the tools do, in their order. */
  static String effect(int number) {
    return number % 2 == 0 ? "model " + number / 2 : "tool " + tool(number / 2);
  }

  private static String tool(int call) {
    String page = PAGES.get(call / 3);
    return switch (call % 3) {
      case 0 -> "search " + page;
      case 1 -> "read " + page;
      default -> "says " + page;
    };
  }

  private ScriptedAnswer says(ChatRequest request) {
    int done =
        (int)
            request.messages().stream()
                .filter(message -> message.type() == ChatMessageType.TOOL_EXECUTION_RESULT)
                .count();
    began("model " + done);
    if (done >= TOOL_CALLS) {
      return ScriptedAnswer.text(
          "{\"answer\":\"The show goes on.\",\"pages\":[\"Understudy\",\"Prompt book\"]}");
    }
    String page = PAGES.get(done / 3);
    return switch (done % 3) {
      case 0 -> ScriptedAnswer.toolCall("search", "{\"words\":\"" + page + "\"}");
      case 1 -> ScriptedAnswer.toolCall("read", "{\"title\":\"" + page + "\"}");
      default ->
          ScriptedAnswer.toolCall("says", "{\"title\":\"" + page + "\",\"sentence\":\"goes on\"}");
    };
  }

  private Library library() {
    Library real = Library.bundled();
    return new Library() {
      @Override
      public List<String> search(String words) {
        began("tool search " + words);
        return real.search(words);
      }

      @Override
      public String read(String title) {
        began("tool read " + title);
        return real.read(title);
      }

      @Override
      public boolean says(String title, String sentence) {
        began("tool says " + title);
        return real.says(title, sentence);
      }
    };
  }

  private void began(String effect) {
    try {
      Files.writeString(
          effects, effect + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    System.out.println(effect);
    if (effect.equals(stopAt)) {
      System.out.println("stopped");
      Runtime.getRuntime().halt(9); // as dead as by SIGKILL, at just this place
    }
  }
}
