package dev.troupe.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/** The program of {@link RedisServer}, taken from the class path once in the life of the JVM. */
final class RedisProgram {
  private static final Map<String, Path> PROGRAMS = new ConcurrentHashMap<>();

  private RedisProgram() {}

  static Path of(String version) {
    return PROGRAMS.computeIfAbsent(version, RedisProgram::extract);
  }

  private static Path extract(String version) {
    String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String os = system.contains("mac") ? "darwin" : system.contains("linux") ? "linux" : system;
    String machine = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
    String arch =
        switch (machine) {
          case "amd64", "x86_64" -> "amd64";
          case "aarch64", "arm64" -> "arm64";
          case "x86", "i386", "i686" -> "386";
          default -> machine;
        };
    List<String> builds = version.equals("6.2") ? List.of("6.2.6-v5", "6.2.7") : List.of("7.0.15");
    for (String build : builds) {
      String name = "redis-server-%s-%s-%s".formatted(build, os, arch);
      try (InputStream in = RedisProgram.class.getResourceAsStream("/" + name)) {
        if (in != null) {
          return write(name, in);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    throw new IllegalStateException(
        ("no Redis %s for %s/%s on the class path; add org.signal:embedded-redis (7.0) or"
                + " com.github.codemonstur:embedded-redis (6.2)")
            .formatted(version, os, arch));
  }

  private static Path write(String name, InputStream in) throws IOException {
    Path folder = Files.createTempDirectory("troupe-redis-program-");
    Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder), "redis-program-end"));
    Path program = folder.resolve(name);
    Files.copy(in, program);
    if (!program.toFile().setExecutable(true)) {
      throw new IllegalStateException("can't make " + program + " executable");
    }
    return program;
  }

  /** Deletes a folder with all that is in it, as far as that is possible. */
  static void delete(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException | UncheckedIOException e) {
      // left to the system's cleaning of temporary files
    }
  }
}
