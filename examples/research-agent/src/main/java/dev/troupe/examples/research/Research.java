package dev.troupe.examples.research;

import dev.troupe.AgentException;
import dev.troupe.examples.research.ResearchAgent.Report;
import dev.troupe.jdbc.SqliteStateStore;
import dev.troupe.llm.GovernedModel;
import dev.troupe.llm.LlmProvider;
import dev.troupe.providers.Ollama;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunEvent;
import dev.troupe.runtime.RunView;
import dev.troupe.runtime.Submission;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.UUID;

/** The program around the agent: one question, one answer; kill it and start it again. */
public final class Research {
  private Research() {}

  /**
   * Answers a question.
   *
   * @param args the question
   * @throws InterruptedException when interrupted
   */
  public static void main(String[] args) throws InterruptedException {
    if (args.length == 0) {
      System.err.println(
          "usage: research-agent QUESTION, with Ollama running here and its model llama3.2");
      System.exit(2);
    }
    // another provider is another line: OpenAi.model("gpt-4o-mini").build()
    LlmProvider provider = Ollama.model("llama3.2").build();
    System.exit(answer(provider, Path.of("research.db"), String.join(" ", args)));
  }

  private static int answer(LlmProvider provider, Path file, String question)
      throws InterruptedException {
    return answer(provider, Library.bundled(), file, question);
  }

  /** The same question again is the same run: it goes on where it was, or is there already. */
  static int answer(LlmProvider provider, Library library, Path file, String question)
      throws InterruptedException {
    UUID id = UUID.nameUUIDFromBytes(question.getBytes(StandardCharsets.UTF_8));
    try (provider;
        SqliteStateStore store = SqliteStateStore.open(file);
        GovernedModel model = GovernedModel.builder(provider).build();
        AgentRuntime runtime =
            AgentRuntime.builder()
                .store(store)
                .agent(new ResearchAgent(library).with(model))
                .listener(Research::show)
                .start()) {
      Report report = runtime.submit(first(runtime, question, id)).await();
      System.out.println(report.answer());
      System.out.println("Pages: " + String.join(", ", report.pages()));
      return 0;
    } catch (AgentException e) {
      System.err.println("error: " + e.getMessage() + " (" + e.code() + ")");
      return 1;
    }
  }

  /** A run that failed stays as it is; the question is asked anew under another id. */
  private static Submission<Report> first(AgentRuntime runtime, String question, UUID id) {
    String name = id.toString();
    for (int again = 2;
        runtime.run(name).map(view -> view.state() == RunView.State.FAILED).orElse(false);
        again++) {
      name = id + "-" + again;
    }
    return Submission.of("research", question, Report.class).id(name).build();
  }

  private static void show(RunEvent event) {
    if (event instanceof RunEvent.Started started && started.journaled() > 0) {
      System.err.println("going on after " + started.journaled() + " finished calls");
    } else if (event instanceof RunEvent.StepFinished step) {
      System.err.println(step.path() + " (" + step.took().toMillis() + " ms)");
    }
  }
}
