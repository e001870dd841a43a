package dev.troupe.providers;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The program of {@link Aimock}, installed with npm beside the compiled tests, once for as long as
 * the lock file stays the same.
 */
final class AimockProgram {
  private static final String NEEDS =
      "The tests tagged 'matrix' need Node.js 20.15 or newer and npm on the PATH, and npm's"
          + " registry. Install them, or leave out -Pmatrix. ";

  private static final Duration PATIENCE = Duration.ofMinutes(4);
  private static final List<String> FILES =
      List.of("package.json", "package-lock.json", "end-with-parent.cjs", "answers.json");

  private AimockProgram() {}

  /** The folder with what is installed, and with the files that come with the tests. */
  static Path folder() {
    try {
      Path folder = compiled().resolveSibling("aimock");
      Files.createDirectories(folder);
      for (String file : FILES) {
        try (InputStream in = AimockProgram.class.getResourceAsStream("/aimock/" + file)) {
          Files.copy(in, folder.resolve(file), StandardCopyOption.REPLACE_EXISTING);
        }
      }
      Path lock = folder.resolve("package-lock.json");
      Path installed = folder.resolve("installed.json"); // written when all is there
      if (Files.notExists(installed) || Files.mismatch(lock, installed) >= 0) {
        install(folder);
        Files.copy(lock, installed, StandardCopyOption.REPLACE_EXISTING);
      }
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path compiled() {
    try {
      return Path.of(
          AimockProgram.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void install(Path folder) throws IOException {
    Path log = folder.resolve("npm.log");
    Process npm =
        start(
            new ProcessBuilder("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile()));
    try {
      if (!npm.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        throw failed("npm ci did not end within " + PATIENCE.toSeconds() + " s", log);
      }
      if (npm.exitValue() != 0) {
        throw failed("npm ci ended with exit code " + npm.exitValue(), log);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failed("npm ci was interrupted", log);
    } finally {
      npm.descendants().forEach(ProcessHandle::destroyForcibly);
      npm.destroyForcibly();
    }
  }

  static Process start(ProcessBuilder command) {
    try {
      return command.start();
    } catch (IOException e) {
      throw new AssertionError(NEEDS + "What failed: " + e.getMessage(), e);
    }
  }

  static AssertionError failed(String what, Path log) {
    return new AssertionError(NEEDS + "What failed: " + what + "; it said:\n" + read(log));
  }

  static String read(Path log) {
    try {
      return Files.readString(log, UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
