package dev.troupe.examples.party.agents;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Is told each time an agent really does its work, so that tests can count. */
@FunctionalInterface
public interface Effects {
  /**
   * The work is about to be done.
   *
   * @param run the agent's run
   * @param path the step
   * @throws IOException when it can't be noted; the work fails then
   */
  void begins(String run, String path) throws IOException;

  /**
   * Counts nothing.
   *
   * @return effects that nobody is told
   */
  static Effects uncounted() {
    return (run, path) -> {};
  }

  /**
   * Appends a line {@code run path} to a file, in one write.
   *
   * @param file the file, created when it is not there
   * @return the effects
   */
  static Effects file(Path file) {
    return (run, path) ->
        Files.write(
            file,
            (run + " " + path + "\n").getBytes(StandardCharsets.UTF_8),
            StandardOpenOption.CREATE,
            StandardOpenOption.APPEND);
  }
}
