package dev.troupe.examples.research;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.ErrorCode;
import dev.troupe.testkit.ScriptedModel;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The program in this process. */
@Timeout(60)
class ResearchTest {
  private static final String REPORT =
      "{\"answer\":\"Somebody else knows the part.\",\"pages\":[\"Understudy\"]}";

  @TempDir Path folder;

  @Test
  void itAnswersFromTheLibraryAndKnowsTheAnswerTheNextTime() throws Exception {
    Path file = folder.resolve("research.db");
    ScriptedModel model =
        ScriptedModel.answering()
            .toolCall("search", "{\"words\":\"falls ill\"}")
            .expectThat(ScriptedModel.endsWith("Understudy"), "what the search found")
            .toolCall("read", "{\"title\":\"Understudy\"}")
            .toolCall("says", "{\"title\":\"Understudy\",\"sentence\":\"plays in the evening\"}")
            .expectThat(ScriptedModel.endsWith("true"), "that the page says so")
            .text(REPORT);
    assertThat(Research.answer(model, Library.bundled(), file, "Who plays?")).isZero();
    model.verifyDone();
    int asked = model.calls();
    assertThat(Research.answer(model, Library.bundled(), file, "Who plays?")).isZero();
    assertThat(model.calls()).as("the same question is answered from the store").isEqualTo(asked);
  }

  @Test
  void aQuestionThatFailedIsAskedAnew() throws Exception {
    Path file = folder.resolve("research.db");
    ScriptedModel model = ScriptedModel.answering().fails(ErrorCode.ACCESS_DENIED).text(REPORT);
    assertThat(Research.answer(model, Library.bundled(), file, "Who plays?")).isEqualTo(1);
    assertThat(Research.answer(model, Library.bundled(), file, "Who plays?")).isZero();
    model.verifyDone();
  }

  @Test
  void aPageThatIsNotThereIsAnErrorThatNamesThose() {
    Library library = Library.bundled();
    assertThat(library.search("curtain fire")).containsExactly("Safety curtain");
    assertThatThrownBy(() -> library.read("Trapdoor"))
        .hasMessageContaining("Trapdoor")
        .hasMessageContaining("Ghost light");
  }
}
