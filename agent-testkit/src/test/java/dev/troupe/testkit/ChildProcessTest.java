package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class ChildProcessTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** Says how it was started, then repeats what it is told. */
  static final class Parrot {
    public static void main(String[] args) throws Exception {
      System.out.println("args " + String.join(",", args));
      System.out.println("property " + System.getProperty("troupe.colour"));
      System.out.println("environment " + System.getenv("TROUPE_SHAPE"));
      System.out.println("folder " + Path.of("").toAbsolutePath().getFileName());
      System.out.println("memory " + Runtime.getRuntime().maxMemory() / 1024 / 1024);
      System.err.println("ready");
      BufferedReader in =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        if (line.startsWith("exit ")) {
          System.exit(Integer.parseInt(line.substring(5)));
        }
        System.out.println("told " + line);
      }
    }
  }

  /** Counts, and says so when it is asked to end. */
  static final class Counter {
    public static void main(String[] args) {
      Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("farewell")));
      for (int i = 1; ; i++) {
        System.out.println("count " + i);
        LockSupport.parkNanos(5_000_000);
      }
    }
  }

  /** Starts a process that outlives it unless somebody sees to it. */
  static final class Parent {
    public static void main(String[] args) throws Exception {
      Process child = new ProcessBuilder("sleep", "600").inheritIO().start();
      System.out.println("started " + child.pid());
      child.waitFor();
    }
  }

  /** Starts a child and leaves without closing it. */
  static final class Careless {
    public static void main(String[] args) {
      @SuppressWarnings("resource") // that is the point
      ChildProcess child = ChildProcess.of(Counter.class).start();
      child.awaitLine("count 1", PATIENCE);
      System.out.println("started " + child.pid());
      System.exit(0);
    }
  }

  @TempDir Path folder;

  @Test
  void aChildIsStartedAsItWasAskedTo() {
    try (ChildProcess child =
        ChildProcess.of(Parrot.class)
            .jvm("-Xmx64m")
            .property("troupe.colour", "green and blue")
            .environment("TROUPE_SHAPE", "round")
            .directory(folder)
            .args("a", 2)
            .start()) {
      child.awaitLine(line -> line.equals("ready"), PATIENCE);
      assertThat(child.lines())
          .contains(
              "args a,2",
              "property green and blue",
              "environment round",
              "folder " + folder.getFileName());
      String memory = child.awaitLine("^memory", PATIENCE).substring("memory ".length());
      assertThat(Integer.parseInt(memory)).isLessThanOrEqualTo(64);
      assertThat(child.alive()).isTrue();
      assertThat(ProcessHandle.of(child.pid())).isPresent();
    }
  }

  @Test
  void linesGoBothWaysAndTheExitCodeComesBack() {
    try (ChildProcess child = ChildProcess.of(Parrot.class).start()) {
      child.send("grüezi");
      child.send("again");
      assertThat(child.awaitLines("^told", 2, PATIENCE))
          .containsExactly("told grüezi", "told again");
      child.send("exit 7");
      assertThat(child.awaitExit(PATIENCE)).isEqualTo(7);
      assertThat(child.alive()).isFalse();
    }
  }

  @Test
  void killIsAtOnceAndRunsNoHook() {
    try (ChildProcess child = ChildProcess.of(Counter.class).start()) {
      child.awaitLine("count 3", PATIENCE);
      child.kill();
      assertThat(child.alive()).isFalse();
      assertThat(child.awaitExit(Duration.ZERO)).isEqualTo(137);
      assertThat(child.lines()).contains("count 3").doesNotContain("farewell");
      child.kill(); // again does nothing
    }
  }

  @Test
  void aPausedChildStandsStillUntilItIsResumed() {
    try (ChildProcess child = ChildProcess.of(Counter.class).start()) {
      child.awaitLine("count 3", PATIENCE);
      child.pause();
      assertThat(child.alive()).isTrue();
      int[] last = {-1};
      await() // what it said before it stopped may still be read
          .during(Duration.ofMillis(300))
          .atMost(PATIENCE)
          .until(
              () -> {
                int before = last[0];
                last[0] = child.lines().size();
                return before < 0 || before == last[0];
              });
      child.resume();
      child.awaitLines("count", last[0] + 5, PATIENCE);
    }
  }

  @Test
  void aPausedChildCanBeKilled() {
    try (ChildProcess child = ChildProcess.of(Counter.class).start()) {
      child.awaitLine("count 1", PATIENCE);
      child.pause();
      child.kill();
      assertThat(child.awaitExit(Duration.ZERO)).isEqualTo(137);
      assertThatThrownBy(child::resume)
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("CONT");
    }
  }

  @Test
  void terminateLetsItEndInOrderAndItsLastWordsAreRead() {
    try (ChildProcess child = ChildProcess.of(Counter.class).start()) {
      child.awaitLine("count 1", PATIENCE);
      child.terminate();
      assertThat(child.awaitExit(PATIENCE)).isEqualTo(143);
      assertThat(child.lines()).contains("farewell");
    }
  }

  @Test
  void errorsShowWhatItSaidLast() {
    try (ChildProcess child = ChildProcess.of(Parrot.class).name("worker-1").start()) {
      child.awaitLine("ready", PATIENCE);
      assertThatThrownBy(() -> child.awaitLine("never", Duration.ofMillis(50)))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("worker-1 (process " + child.pid() + ")")
          .hasMessageContaining("/never/ did not come within 50 ms")
          .hasMessageContaining("environment null");
      assertThatThrownBy(() -> child.awaitExit(Duration.ofMillis(50)))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("did not end within 50 ms")
          .hasMessageContaining("ready");
      child.send("exit 3");
      assertThatThrownBy(() -> child.awaitLine("never", PATIENCE))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("exit code 3: ended without /never/")
          .hasMessageContaining("ready");
    }
  }

  @Test
  void anInterruptedWaitEnds() {
    try (ChildProcess child = ChildProcess.of(Counter.class).start()) {
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> child.awaitLine("never", PATIENCE))
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CLOSED));
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void closeLeavesNoProcessAndNoThread() {
    ChildProcess child = ChildProcess.of(Parent.class).name("leaver").start();
    long grandchild = started(child);
    assertThat(living(grandchild)).isTrue();
    assertThat(threads("leaver")).isPositive();
    child.close();
    assertThat(living(child.pid())).isFalse();
    await().atMost(PATIENCE).until(() -> !living(grandchild));
    await().atMost(PATIENCE).until(() -> threads("leaver") == 0);
    child.close(); // again does nothing
  }

  @Test
  void noChildOutlivesThisJvm() {
    try (ChildProcess careless = ChildProcess.of(Careless.class).start()) {
      long grandchild = started(careless);
      assertThat(careless.awaitExit(PATIENCE)).isZero();
      await().atMost(PATIENCE).until(() -> !living(grandchild));
    }
  }

  private static long started(ChildProcess child) {
    return Long.parseLong(child.awaitLine("^started", PATIENCE).substring("started ".length()));
  }

  /** One that was killed and that nobody waits for keeps its number, but has no command. */
  private static boolean living(long pid) {
    return ProcessHandle.of(pid)
        .filter(ProcessHandle::isAlive)
        .flatMap(handle -> handle.info().command())
        .isPresent();
  }

  private static long threads(String name) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().contains(name))
        .count();
  }
}
