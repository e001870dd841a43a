package dev.troupe.jdbc;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Short words for what the tests of the SQLite store do. */
final class SqliteFixture {
  private static final AtomicLong COUNT = new AtomicLong();

  private SqliteFixture() {}

  static Change change(Edit... edits) {
    int partition = RecordId.of(edits[0].key(), 64).partition();
    return new Change("c" + COUNT.incrementAndGet(), partition, List.of(edits));
  }

  static void done(StateStore store, Edit... edits) {
    assertThat(store.apply(List.of(change(edits))).get(0)).isInstanceOf(Outcome.Done.class);
  }

  static Edit.Put put(String key, String value) {
    return new Edit.Put(key, value.getBytes(UTF_8), Map.of(), null);
  }

  static Edit.Row row(String key, String row, String value) {
    return new Edit.Row(key, row, value.getBytes(UTF_8));
  }

  static Edit.Queue queue(String key, Instant due) {
    return new Edit.Queue(key, "work", 1, due, null, Long.MAX_VALUE);
  }

  static String text(byte[] bytes) {
    return new String(bytes, UTF_8);
  }

  static List<Stored> read(StateStore store, String key) {
    Page<Stored> page = store.scan(Scan.whole(RecordId.of(key, 64)));
    return page.items();
  }

  static List<Stored> claimDue(StateStore store, int limit) {
    Grant grant = new Grant("me", COUNT.incrementAndGet());
    Set<Integer> all = IntStream.range(0, 64).boxed().collect(Collectors.toSet());
    return store.claim(
        new Claim(grant, new Claim.From.Due(List.of("work")), all, limit, Integer.MAX_VALUE));
  }

  /** Creates a record and takes it. */
  static Edit.Held held(StateStore store, String key) {
    done(store, put(key, "v"), queue(key, Instant.EPOCH));
    Grant grant = new Grant("me", COUNT.incrementAndGet());
    Claim.From from = new Claim.From.Named(List.of(RecordId.of(key, 64)));
    assertThat(store.claim(new Claim(grant, from, Set.of(), 1, Integer.MAX_VALUE))).hasSize(1);
    return new Edit.Held(key, grant);
  }

  /** Starts a program of the tests in a process of its own. */
  static Process start(Class<?> program, String... args) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of("-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path")));
    command.add(program.getName());
    command.addAll(List.of(args));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
  }

  static BufferedReader output(Process process) {
    return new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
  }

  static void kill(Process process) throws InterruptedException {
    // by its handle, because Process.destroyForcibly also throws away output not read yet
    process.toHandle().destroyForcibly();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
  }

  /** Runs a command of the system; whether it went well. */
  static boolean system(String... command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    return process.waitFor(30, TimeUnit.SECONDS) && process.exitValue() == 0;
  }

  /** Mounts a disk of one megabyte; whether that was possible. */
  static boolean mount(Path folder) throws IOException, InterruptedException {
    Files.createDirectories(folder);
    try {
      return system("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder.toString());
    } catch (IOException e) {
      return false;
    }
  }
}
