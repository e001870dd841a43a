package dev.troupe.examples.party;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.jdbc.SqliteStateStore;
import dev.troupe.run.Entry;
import dev.troupe.state.Find;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Kills the planner's process with SIGKILL after each row of its journals in turn. */
@Timeout(600)
class PlannerKillTest {
  private static final String REQUEST =
      "a dinosaur party for 12 kids on 6 June in Lisbon, 600 euros, one is allergic to nuts";

  @TempDir Path folder;

  @Test
  void killedAfterEachRowThePlannerEndsWithTheSamePlanAndDoesNothingTwice() throws Exception {
    Run whole = new Run(folder.resolve("whole"));
    List<String> said = whole.process(Integer.MAX_VALUE, "rows ");
    int rows = Integer.parseInt(said.get(said.size() - 1).substring("rows ".length()));
    assertThat(rows).as("journal rows of the planner").isGreaterThan(8);
    String plan = whole.plan();
    System.out.println("the planner journals " + rows + " rows; it is killed after each");

    for (int row = 1; row <= rows; row++) {
      Run run = new Run(folder.resolve("row-" + row));
      run.process(row, "stopped after row ");
      List<String> before = run.effects();
      Set<String> finished = run.finished();

      List<String> again = run.process(Integer.MAX_VALUE, "rows ");

      assertThat(run.plan()).as("plan after a kill at row %d", row).isEqualTo(plan);
      List<String> effects = run.effects();
      assertThat(effects.subList(before.size(), effects.size()))
          .as("work done again after a kill at row %d, though it was journaled", row)
          .noneMatch(finished::contains);
      assertThat(again).as("what the second process says").anyMatch(l -> l.contains("Dinosaur"));
    }
  }

  /** One plan: its database, its pages and what its agents did. */
  private static final class Run {
    private final Path home;
    private final Path database;
    private final Path effects;

    Run(Path home) throws IOException {
      this.home = Files.createDirectories(home);
      this.database = home.resolve("planner.db");
      this.effects = home.resolve("effects");
    }

    /** Runs a process until a line that begins so; a process that stopped there is killed. */
    List<String> process(int lastRow, String until) throws Exception {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"));
      command.addAll(List.of("-cp", classPath(), StoppingPlanner.class.getName()));
      command.add(Integer.toString(lastRow));
      command.addAll(List.of("--db", database.toString(), "--out", home.toString()));
      command.addAll(List.of("--effects-file", effects.toString(), REQUEST));
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      List<String> lines = new ArrayList<>();
      try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
        String line = out.readLine();
        while (line != null
            && (lines.isEmpty() || !lines.get(lines.size() - 1).startsWith(until))) {
          lines.add(line);
          line = lines.get(lines.size() - 1).startsWith(until) ? null : out.readLine();
        }
      } finally {
        process.destroyForcibly(); // SIGKILL; a process that has ended doesn't mind
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).as("the process is gone").isTrue();
      }
      assertThat(lines).as("what the process said").last().asString().startsWith(until);
      return lines;
    }

    /** Without the folders of compiled classes that only the build itself needs. */
    private static String classPath() {
      return String.join(
          File.pathSeparator,
          Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
              .filter(entry -> !entry.isBlank())
              .toList());
    }

    String plan() throws IOException {
      try (Stream<Path> files = Files.list(home)) {
        Path json = files.filter(f -> f.toString().endsWith(".json")).findFirst().orElseThrow();
        return Files.readString(json);
      }
    }

    List<String> effects() throws IOException {
      return Files.exists(effects) ? Files.readAllLines(effects) : List.of();
    }

    /** Every step with a result in the file, as {@code run path}. */
    Set<String> finished() {
      Set<String> finished = new HashSet<>();
      try (SqliteStateStore store = SqliteStateStore.open(database)) {
        for (Stored found : store.find(Find.tagged("kind", "run", 1_000)).items()) {
          for (Stored run : store.scan(Scan.whole(found.id())).items()) {
            run.rows()
                .forEach(
                    (path, row) -> {
                      if (Entry.decode(row, path).kind() == Entry.Kind.DONE) {
                        finished.add(run.id().key() + " " + path);
                      }
                    });
          }
        }
      }
      return finished;
    }
  }
}
