package dev.troupe.examples.party;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class PlannerCommandTest {
  private static final String TEXT = "a dinosaur party for 12 kids in Lisbon on 6 June, 600 euros";

  @TempDir private Path folder;

  private String out = "";
  private String err = "";

  private int run(String... args) {
    ByteArrayOutputStream stdout = new ByteArrayOutputStream();
    ByteArrayOutputStream stderr = new ByteArrayOutputStream();
    List<String> all = new ArrayList<>(List.of("--out", folder.resolve("out").toString()));
    all.addAll(List.of(args));
    int code =
        PlannerCommand.run(
            all.toArray(new String[0]),
            new PrintStream(stdout, true, StandardCharsets.UTF_8),
            new PrintStream(stderr, true, StandardCharsets.UTF_8));
    out = stdout.toString(StandardCharsets.UTF_8);
    err = stderr.toString(StandardCharsets.UTF_8);
    return code;
  }

  @Test
  void aPlanIsPrintedAndWritten() throws IOException {
    assertThat(run("--memory", TEXT)).isZero();
    assertThat(out).startsWith("Dinosaur Expedition · Party in Lisbon\n").doesNotContain("\u001b");
    try (var files = Files.list(folder.resolve("out"))) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .hasSize(2)
          .allMatch(name -> name.matches("a-dinosaur-party-for-12-kids-[a-z0-9-]*\\.(json|md)"));
    }
  }

  @Test
  void aPartialPlanHasAnExitCodeOfItsOwn() {
    assertThat(run("--memory", "--fail", "venue", TEXT)).isEqualTo(3);
    assertThat(out).contains("Missing from this plan", "told to fail by --fail venue");
  }

  @Test
  void aHangingAgentIsGivenUpWithinTheDeadline() {
    long before = System.nanoTime();
    assertThat(run("--memory", "--hang", "venue", "--deadline", "8", TEXT)).isEqualTo(3);
    assertThat((System.nanoTime() - before) / 1_000_000).isLessThan(8_000);
    assertThat(out).contains("took too long");
  }

  @Test
  void nonsenseIsOneClearLine() {
    assertThat(run("--memory", "asdf qwer")).isEqualTo(2);
    assertThat(out).isEmpty();
    assertThat(err.lines()).hasSize(1);
    assertThat(err).startsWith("error: Nothing in the request says what to celebrate");
  }

  @Test
  void wrongUsageIsOneClearLine() {
    for (String[] args :
        new String[][] {
          {"--fail", "clown", TEXT},
          {"--strategy", "worst", TEXT},
          {"--deadline", "0", TEXT},
          {"--slow", "-1", TEXT},
          {"--file", folder.resolve("none.txt").toString()},
          {"--file", folder.toString()},
          {"--data", folder.resolve("none").toString(), TEXT},
          {"--nope"}
        }) {
      assertThat(run(args)).as(String.join(" ", args)).isEqualTo(2);
      assertThat(err.lines()).as(err).hasSize(1);
      assertThat(err).startsWith("error: ");
    }
  }

  @Test
  void theGravestOfSeveralRequestsCounts() throws IOException {
    Path file = folder.resolve("requests.txt");
    Files.writeString(file, TEXT + "\n---\nasdf qwer\n---\na wedding for 40 people in Paris\n");
    assertThat(run("--memory", "--file", file.toString())).isEqualTo(2);
    assertThat(out).contains("Party in Lisbon", "Wedding in Paris");
  }

  @Test
  void eachLineCanBeARequest() throws IOException {
    Path file = folder.resolve("lines.txt");
    Files.writeString(file, TEXT + "\n\nonly a cake for 20 people, 90 euros\n");
    assertThat(run("--memory", "--each-line", "--file", file.toString())).isZero();
    assertThat(out).contains("Party in Lisbon", "No venue");
  }

  @Test
  void whatARunDidIsPrinted() {
    String db = folder.resolve("plans.db").toString();
    assertThat(run("--db", db, "--show")).isEqualTo(2);
    assertThat(err).startsWith("error: there is no run");
    assertThat(run("--db", db, TEXT)).isZero();

    assertThat(run("--db", db, "--show")).isZero();

    assertThat(out).contains("party-planner@1: succeeded", "theme", "venue", "host and process");
    String first = out.lines().findFirst().orElseThrow();
    String id = first.replaceAll("^run ", "").replaceAll("[ ,:].*", "");
    String newest = out;
    assertThat(run("--db", db, "--show", id)).as(first).isZero();
    assertThat(out).isEqualTo(newest);
  }

  @Test
  void aFinishedPlanIsShownAgainAndSaid() {
    String db = folder.resolve("plans.db").toString();
    assertThat(run("--db", db, TEXT)).isZero();
    String first = out;
    assertThat(run("--db", db, TEXT)).isZero();
    assertThat(out).isEqualTo(first);
    assertThat(err).contains("This plan was finished before");
    assertThat(run("--db", db, "--again", TEXT)).isZero();
    assertThat(err).doesNotContain("finished before");
  }

  @Test
  void brokenDataIsNamed() throws IOException {
    Files.writeString(folder.resolve("cities.yaml"), "cities: [x]\n");
    assertThat(run("--memory", "--data", folder.toString(), TEXT)).isEqualTo(2);
    assertThat(err).isEqualTo("error: cities.yaml: cities entry 1: must hold fields, holds 'x'\n");
  }
}
