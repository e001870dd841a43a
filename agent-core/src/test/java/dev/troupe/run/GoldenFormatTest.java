package dev.troupe.run;

import static dev.troupe.run.GoldenWorld.bytes;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.run.Entry.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The stored format against files: today's code writes exactly what they hold. Each file is one
 * record, as {@link GoldenFile} tells; see {@code docs/format.md}. That today's code goes on from
 * what they hold is for {@link GoldenReadingTest} and {@link GoldenRuntimeTest}.
 */
@Timeout(60)
class GoldenFormatTest {
  static final String CHANGED =
      "the format of stored data changed: processes of both versions share a store during a rolling"
          + " deployment, so either keep reading the old form and add a new golden file, or raise"
          + " the format number; see docs/format.md";

  /** Forms that only earlier versions wrote; a test has to read each. */
  private static final Set<String> NO_LONGER_WRITTEN = Set.of();

  private static final GoldenStories.Written WRITTEN = GoldenStories.written();

  static String text(String file) {
    try (InputStream in = GoldenFormatTest.class.getResourceAsStream("golden/" + file)) {
      return new String(Objects.requireNonNull(in, file).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static GoldenFile golden(String file) {
    return GoldenFile.parse(text(file));
  }

  private static Set<String> files() throws IOException, URISyntaxException {
    Path folder = Path.of(GoldenFormatTest.class.getResource("golden").toURI());
    try (Stream<Path> all = Files.list(folder)) {
      return new TreeSet<>(all.map(file -> file.getFileName().toString()).toList());
    }
  }

  // writing

  static Set<String> written() throws IOException, URISyntaxException {
    Set<String> all = files();
    all.removeAll(NO_LONGER_WRITTEN);
    return all;
  }

  @ParameterizedTest
  @MethodSource("written")
  void todaysCodeWritesWhatTheFileHolds(String file) {
    assertThat(WRITTEN.files().get(file))
        .as("golden file %s: %s", file, CHANGED)
        .isEqualTo(withoutComments(text(file)));
  }

  @Test
  void everyStoryIsToldToItsEndAndEachOfItsRecordsHasAFile() throws Exception {
    assertThat(WRITTEN.broken()).as(CHANGED).isEmpty();
    assertThat(WRITTEN.files().keySet()).isEqualTo(written());
  }

  static String withoutComments(String text) {
    return String.join(
        "", text.lines().filter(l -> !l.startsWith("#")).map(l -> l + "\n").toList());
  }

  @Test
  void everyKindOfEntryIsInAFile() throws Exception {
    Set<Kind> kinds = EnumSet.noneOf(Kind.class);
    for (String file : files()) {
      if (file.startsWith("run-")) {
        golden(file).rows().forEach((row, value) -> kinds.add(Entry.decode(value, row).kind()));
      }
    }
    assertThat(kinds).containsExactlyInAnyOrder(Kind.values());
  }

  @Test
  void aFileSaysAllOfARecordAndNothingIsLostInReadingIt() throws Exception {
    for (String file : files()) {
      assertThat(golden(file).text()).as(file).isEqualTo(withoutComments(text(file)));
    }
    byte[] odd = bytes("\n\\n \n\u0001\t\\s ä€\uD83D\uDE00\r\n\n ");
    GoldenFile one = golden("tombstone.txt");
    GoldenFile other =
        new GoldenFile(one.id(), one.expires(), one.tags(), null, odd, one.rows(), List.of());
    assertThat(GoldenFile.parse(other.text()).value()).isEqualTo(odd);
  }
}
