package dev.troupe.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;

/**
 * A shell that waits for the end of this JVM, however that ends, then kills a server with its
 * children and removes its files.
 */
final class EndWatch {
  private static final String SCRIPT =
      "read -r line; [ -n \"$line\" ] && exit;"
          + " children=$(cat /proc/$1/task/$1/children 2>/dev/null);"
          + " kill -9 $1 $children 2>/dev/null; rm -rf \"$2\"";

  private final Process shell;

  private EndWatch(Process shell) {
    this.shell = shell;
  }

  static EndWatch over(Process server, Path folder) {
    try {
      return new EndWatch(
          new ProcessBuilder(
                  List.of("sh", "-c", SCRIPT, "watcher", "" + server.pid(), folder.toString()))
              .directory(Path.of("/").toFile())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start());
    } catch (IOException e) {
      throw new UncheckedIOException("can't start a shell", e);
    }
  }

  /** Ends the watch: the server is gone, or will be in order. */
  void end() {
    try (var input = shell.getOutputStream()) {
      input.write("over\n".getBytes(UTF_8));
    } catch (IOException e) {
      shell.destroyForcibly();
    }
    ProcessStates.awaitEnd(shell);
  }
}
