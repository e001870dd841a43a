package dev.troupe.examples.research;

import dev.langchain4j.agent.tool.P;
import dev.langchain4j.agent.tool.Tool;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.llm.GovernedModel;
import dev.troupe.llm.agent.AgentTool;
import dev.troupe.llm.agent.LlmAgent;
import java.util.List;

/** The whole agent: instructions, three tools and the form of its answer. */
public record ResearchAgent(Library library) {
  /** What comes out: an answer, and the pages it rests on. */
  public record Report(String answer, List<String> pages) {}

  @Tool("Titles of the pages that hold all these words")
  List<String> search(@P("a few words") String words) {
    return library.search(words);
  }

  @Tool("The text of a page")
  String read(@P("its title") String title) {
    return library.read(title);
  }

  @Tool("Whether a page says exactly this; ask before you quote")
  boolean says(@P("its title") String title, @P("the sentence") String sentence) {
    return library.says(title, sentence);
  }

  AgentDefinition<String, Report> with(GovernedModel model) {
    LlmAgent<String, Report> agent =
        LlmAgent.of(model, String.class, Report.class)
            .instructions("Answer from the library only, and name the pages you used.")
            .tools(AgentTool.from(this))
            .maxSteps(50)
            .build();
    return AgentDefinition.of("research", String.class, Report.class, agent).build();
  }
}
