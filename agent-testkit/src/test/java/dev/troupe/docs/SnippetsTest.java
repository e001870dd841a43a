package dev.troupe.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Code in the documents is cut from tests that run. In a source whose name ends in {@code
 * SnippetsTest.java} a region stands between the comments {@code // snippet: name} and {@code //
 * end}; in a document the block that follows {@code <!-- snippet: name -->} must be that region,
 * but for indentation and blank lines at its ends.
 */
final class SnippetsTest {
  private static final Pattern BEGIN = Pattern.compile("// snippet: ([a-z0-9-]+)");
  private static final Pattern MARK = Pattern.compile("<!-- snippet: ([a-z0-9-]+) -->");
  private static final String FENCE = "```";

  /** A block of Java in a document, with the snippet that it says it is; empty for none. */
  private record Block(String where, String name, List<String> lines) {}

  private final Path root = root();

  @Test
  void everyBlockOfJavaInTheDocumentsIsARegionOfATest() throws IOException {
    Map<String, List<String>> regions = regions();
    List<Block> blocks = blocks();
    assertThat(blocks).as("blocks of Java in the documents").isNotEmpty();
    for (Block block : blocks) {
      assertThat(block.name()).as("%s: the marker before the block", block.where()).isNotEmpty();
      assertThat(regions).as("%s: a region of this name", block.where()).containsKey(block.name());
      assertThat(block.lines()).as(block.where()).isEqualTo(regions.get(block.name()));
    }
  }

  @Test
  void everyRegionIsShownSomewhere() throws IOException {
    Set<String> shown = new HashSet<>();
    blocks().forEach(block -> shown.add(block.name()));
    assertThat(shown).containsAll(regions().keySet());
  }

  private Map<String, List<String>> regions() throws IOException {
    Map<String, List<String>> regions = new TreeMap<>();
    for (Path module : modules()) {
      for (Path source : files(module.resolve("src/test/java"), "SnippetsTest.java")) {
        String name = "";
        List<String> region = new ArrayList<>();
        for (String line : Files.readAllLines(source)) {
          Matcher begin = BEGIN.matcher(line.strip());
          if (begin.matches()) {
            assertThat(name).as("%s: the region before %s is open", source, line).isEmpty();
            name = begin.group(1);
          } else if (!name.isEmpty() && line.strip().equals("// end")) {
            assertThat(regions).as("regions named twice").doesNotContainKey(name);
            regions.put(name, trimmed(region));
            region.clear();
            name = "";
          } else if (!name.isEmpty()) {
            region.add(line);
          }
        }
        assertThat(name).as("%s: a region without end", source).isEmpty();
      }
    }
    return regions;
  }

  private List<Block> blocks() throws IOException {
    List<Path> documents = new ArrayList<>(files(root.resolve("docs"), ".md"));
    try (Stream<Path> beside = Files.list(root)) {
      documents.addAll(beside.filter(file -> file.toString().endsWith(".md")).sorted().toList());
    }
    List<Block> blocks = new ArrayList<>();
    for (Path document : documents) {
      List<String> lines = Files.readAllLines(document);
      String name = "";
      for (int i = 0; i < lines.size(); i++) {
        String line = lines.get(i).strip();
        Matcher mark = MARK.matcher(line);
        if (mark.matches()) {
          name = mark.group(1);
        } else if (line.startsWith(FENCE)) {
          int first = i + 1;
          i = closing(document, lines, first);
          if (line.equals(FENCE + "java") || !name.isEmpty()) {
            String where = root.relativize(document) + ":" + first;
            blocks.add(new Block(where, name, trimmed(lines.subList(first, i))));
          }
          name = "";
        } else if (!line.isEmpty()) {
          name = "";
        }
      }
    }
    return blocks;
  }

  private static int closing(Path document, List<String> lines, int first) {
    int end = first;
    while (end < lines.size() && !lines.get(end).strip().equals(FENCE)) {
      end++;
    }
    assertThat(end).as("%s:%d: a block without end", document, first).isLessThan(lines.size());
    return end;
  }

  /** The lines without indentation and without blank ones at both ends. */
  private static List<String> trimmed(List<String> lines) {
    String text = String.join("\n", lines.stream().map(String::strip).toList());
    return text.strip().lines().toList();
  }

  private List<Path> modules() throws IOException {
    try (Stream<Path> beside = Files.list(root)) {
      return beside.filter(folder -> Files.exists(folder.resolve("pom.xml"))).sorted().toList();
    }
  }

  private static List<Path> files(Path folder, String ending) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(file -> file.toString().endsWith(ending)).sorted().toList();
    }
  }

  /** The folder of the parent pom, from whichever module the tests were started. */
  private static Path root() {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.isDirectory(folder.resolve(".mvn"))) {
      folder = folder.getParent();
      if (folder == null) {
        throw new IllegalStateException(
            "no folder with .mvn above " + Path.of("").toAbsolutePath());
      }
    }
    return folder;
  }
}
