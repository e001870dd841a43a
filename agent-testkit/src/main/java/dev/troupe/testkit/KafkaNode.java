package dev.troupe.testkit;

import java.io.BufferedWriter;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One node of a {@link KafkaCluster}, seen from outside: its process, its port and its files, which
 * outlive the process. Safe for use by many threads.
 */
final class KafkaNode {
  private static final int SHOWN = 30;

  private final ReentrantLock lock = new ReentrantLock();
  private final int id;
  private final int port;
  private final int guardedPort;
  private final String cluster;
  private final Path folder;
  private final List<Path> jars;
  private @Nullable Process process;
  private @Nullable EndWatch watch;

  KafkaNode(int id, int port, int guardedPort, String cluster, Path folder, List<Path> jars) {
    this.id = id;
    this.port = port;
    this.guardedPort = guardedPort;
    this.cluster = cluster;
    this.folder = folder;
    this.jars = List.copyOf(jars);
  }

  /** Writes the settings that it starts with. */
  void configure(Map<String, String> settings) {
    Properties all = new Properties();
    all.putAll(settings);
    all.setProperty("log.dirs", folder.resolve("log").toString());
    try {
      Files.createDirectories(folder.resolve("tmp"));
      try (BufferedWriter writer = Files.newBufferedWriter(file())) {
        all.store(writer, null);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  int id() {
    return id;
  }

  int port() {
    return port;
  }

  /** Where it asks for names and passwords; 0 when it does not. */
  int guardedPort() {
    return guardedPort;
  }

  long pid() {
    lock.lock();
    try {
      return started().pid();
    } finally {
      lock.unlock();
    }
  }

  boolean alive() {
    lock.lock();
    try {
      return process != null && process.isAlive();
    } finally {
      lock.unlock();
    }
  }

  private Process started() {
    Process last = process;
    if (last == null) {
      throw new IllegalStateException("node " + id + " of Kafka was never started");
    }
    return last;
  }

  private Path file() {
    return folder.resolve("server.properties");
  }

  private Path log() {
    return folder.resolve("server.log");
  }

  /** Starts the process, which is ended before in order if it runs; does not wait for it. */
  void launch() {
    lock.lock();
    try {
      stop();
      Files.deleteIfExists(log()); // so that its words are those of this start
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(List.of("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
      // else a killed process leaves files in the system's folder
      command.addAll(List.of("-XX:-UsePerfData", "-Djava.io.tmpdir=" + folder.resolve("tmp")));
      command.add("-Dlogback.configurationFile=dev/troupe/testkit/kafka-logback.xml");
      command.add("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
      command.addAll(List.of("-cp", classPath(), KafkaMain.class.getName()));
      command.addAll(List.of(file().toString(), cluster));
      Process started =
          new ProcessBuilder(command)
              .directory(folder.toFile())
              .redirectErrorStream(true)
              .redirectOutput(log().toFile())
              .start();
      process = started;
      watch = EndWatch.over(started, folder.getParent());
    } catch (IOException e) {
      throw new UncheckedIOException("node " + id + " of Kafka can't be started", e);
    } finally {
      lock.unlock();
    }
  }

  /** The jars of this JVM and the kit itself; folders may bring a configuration of logging. */
  private String classPath() {
    Set<String> entries = new LinkedHashSet<>();
    jars.forEach(jar -> entries.add(jar.toAbsolutePath().toString()));
    try {
      var source = KafkaNode.class.getProtectionDomain().getCodeSource().getLocation();
      entries.add(Path.of(source.toURI()).toString());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      if (entry.endsWith(".jar")) {
        entries.add(Path.of(entry).toAbsolutePath().toString());
      }
    }
    return String.join(File.pathSeparator, entries);
  }

  /** Ends the process with SIGTERM, if it runs. */
  void stop() {
    lock.lock();
    try {
      if (alive()) {
        ProcessStates.signal("TERM", pid());
        ProcessStates.signal("CONT", pid());
        ProcessStates.awaitEnd(started());
      }
      endWatch();
    } finally {
      lock.unlock();
    }
  }

  /** Ends the process with SIGKILL, if it runs. */
  void kill() {
    lock.lock();
    try {
      if (process != null) {
        ProcessStates.end(process);
      }
      endWatch();
    } finally {
      lock.unlock();
    }
  }

  private void endWatch() {
    EndWatch last = watch;
    if (last != null) {
      watch = null;
      last.end();
    }
  }

  /** Stops every thread of the process. */
  void pause() {
    lock.lock();
    try {
      ProcessStates.signal("STOP", pid());
      while (!ProcessStates.stopped(pid())) {
        if (!alive()) {
          throw new IllegalStateException("node " + id + " of Kafka ended while it was to pause");
        }
        LockSupport.parkNanos(1_000_000);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Lets a paused process go on. */
  void resume() {
    ProcessStates.signal("CONT", pid());
  }

  /** Whether it takes connections. */
  boolean listens() {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether it ended because another process has taken its port. */
  boolean foundNoPort() {
    String said = said();
    return said.contains("failed to bind") || said.contains("Address already in use");
  }

  /** The last lines of its log. */
  String lastLines() {
    List<String> lines = said().lines().toList();
    return "node %d of Kafka said last:%n%s"
        .formatted(
            id, String.join("\n", lines.subList(Math.max(0, lines.size() - SHOWN), lines.size())));
  }

  private String said() {
    try {
      return new String(Files.readAllBytes(log()), StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "(no log: " + e + ")";
    }
  }
}
