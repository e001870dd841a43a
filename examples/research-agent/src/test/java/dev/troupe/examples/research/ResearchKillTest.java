package dev.troupe.examples.research;

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
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Kills the research agent's process: at calls of its model and tools, and at random. */
@Timeout(900)
class ResearchKillTest {
  private static final int EFFECTS = 2 * ResearchWorker.TOOL_CALLS + 1;

  @TempDir Path folder;

  @Test
  void killedAtEveryEighthCallItAnswersAndRepeatsOnlyWhatWasUnderWay() throws Exception {
    killedAt(IntStream.range(0, EFFECTS).filter(i -> i % 8 == 3).toArray());
  }

  @Test
  @Tag("chaos")
  void killedAtEveryCallItAnswersAndRepeatsOnlyWhatWasUnderWay() throws Exception {
    killedAt(IntStream.range(0, EFFECTS).toArray());
  }

  private void killedAt(int[] effects) throws Exception {
    Run run = new Run(folder.resolve("each"));
    for (int effect : effects) {
      Life life = run.live(ResearchWorker.effect(effect), Integer.MAX_VALUE, 0);
      assertThat(life.lines).last().isEqualTo("stopped");
      run.check(life);
    }
    run.finish();
    assertThat(run.repeated()).as("one for each kill").isEqualTo(effects.length);
  }

  @Test
  void killedAtRandomTenTimesItLosesNothingAndRepeatsOneCallAtMost() throws Exception {
    killedAtRandom(10);
  }

  @Test
  @Tag("chaos")
  void killedAtRandomAHundredTimesItLosesNothingAndRepeatsOneCallAtMost() throws Exception {
    killedAtRandom(100);
  }

  private void killedAtRandom(int kills) throws Exception {
    long seed = System.nanoTime();
    SplittableRandom random = new SplittableRandom(seed);
    int killed = 0;
    int repeated = 0;
    int runs = 0;
    while (killed < kills) {
      runs++;
      Run run = new Run(folder.resolve("run-" + runs));
      int here = 0;
      while (killed < kills) {
        Life life = run.live("", random.nextInt(1, 16), random.nextInt(3_000_000));
        run.check(life);
        if (life.lines.stream().anyMatch(line -> line.startsWith("Pages: "))) {
          break; // it was through before the kill
        }
        killed++;
        here++;
      }
      run.finish();
      assertThat(run.repeated()).as("calls made twice in run %d", runs).isLessThanOrEqualTo(here);
      repeated += run.repeated();
    }
    System.out.println(
        "%d kills in %d runs of %d calls: %d calls made twice, none that was journaled; seed %d"
            .formatted(killed, runs, EFFECTS, repeated, seed));
  }

  /** A process: how much was journaled before it, what it did, and what it said. */
  private record Life(int journaled, List<String> did, List<String> lines) {}

  /** One question, over as many processes as it takes. */
  private static final class Run {
    private final Path database;
    private final Path effects;

    Run(Path home) throws IOException {
      Files.createDirectories(home);
      database = home.resolve("research.db");
      effects = home.resolve("effects");
    }

    /** Lets a process live until it stops, has begun so many effects and a moment, or ends. */
    Life live(String stopAt, int begun, int nanos) throws Exception {
      int journaled = journaled();
      int before = effects().size();
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"));
      command.addAll(List.of("-cp", classPath(), ResearchWorker.class.getName()));
      command.addAll(List.of(database.toString(), effects.toString(), stopAt));
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      List<String> lines = new ArrayList<>();
      try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
        int seen = 0;
        for (String line = out.readLine(); line != null; line = out.readLine()) {
          lines.add(line);
          if ((line.startsWith("model ") || line.startsWith("tool ")) && ++seen >= begun) {
            long until = System.nanoTime() + nanos;
            while (System.nanoTime() < until) {
              Thread.onSpinWait();
            }
            break;
          }
        }
      } finally {
        process.destroyForcibly(); // SIGKILL; a process that has ended doesn't mind
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).as("the process is gone").isTrue();
      }
      List<String> all = effects();
      return new Life(journaled, all.subList(before, all.size()), lines);
    }

    /** Nothing that was journaled before a process began is done by it again. */
    void check(Life life) {
      for (int i = 0; i < life.journaled; i++) {
        assertThat(life.did).as("journaled before").doesNotContain(ResearchWorker.effect(i));
      }
      assertThat(new HashSet<>(life.did)).as("done once by one process").hasSize(life.did.size());
    }

    void finish() throws Exception {
      Life last = live("", Integer.MAX_VALUE, 0);
      check(last);
      assertThat(last.lines).contains("The show goes on.", "Pages: Understudy, Prompt book");
      assertThat(new HashSet<>(effects()))
          .isEqualTo(
              new HashSet<>(IntStream.range(0, EFFECTS).mapToObj(ResearchWorker::effect).toList()));
    }

    int repeated() throws IOException {
      List<String> all = effects();
      return all.size() - new HashSet<>(all).size();
    }

    private List<String> effects() throws IOException {
      return Files.exists(effects) ? List.copyOf(Files.readAllLines(effects)) : List.of();
    }

    /** How many calls of model and tools have their results in the journal. */
    private int journaled() {
      int done = 0;
      if (!Files.exists(database)) {
        return done;
      }
      try (SqliteStateStore store = SqliteStateStore.open(database)) {
        for (Stored found : store.find(Find.tagged("kind", "run", 10)).items()) {
          for (Stored run : store.scan(Scan.whole(found.id())).items()) {
            done +=
                (int)
                    run.rows().entrySet().stream()
                        .filter(row -> row.getKey().matches("(model|tool ).*"))
                        .filter(
                            row ->
                                Entry.decode(row.getValue(), row.getKey()).kind()
                                    == Entry.Kind.DONE)
                        .count();
          }
        }
      }
      return done;
    }

    /** Without the folders of compiled classes that only the build itself needs. */
    private static String classPath() {
      return String.join(
          File.pathSeparator,
          Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
              .filter(entry -> !entry.isBlank())
              .toList());
    }
  }
}
