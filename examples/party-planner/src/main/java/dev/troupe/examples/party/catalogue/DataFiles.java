package dev.troupe.examples.party.catalogue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Where the data files are: those that come with the program, or a folder of one's own. */
public final class DataFiles {
  private static final String BUNDLED = "/dev/troupe/examples/party/data/";

  private final @Nullable Path folder;

  private DataFiles(@Nullable Path folder) {
    this.folder = folder;
  }

  /**
   * The files that come with the program.
   *
   * @return the files
   */
  public static DataFiles bundled() {
    return new DataFiles(null);
  }

  /**
   * Files of one's own; what the folder does not hold is taken from those that come with the
   * program.
   *
   * @param folder a folder laid out like the bundled one
   * @return the files
   */
  public static DataFiles in(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new DataException("no such folder of data files: " + folder);
    }
    return new DataFiles(folder);
  }

  /**
   * Reads a file.
   *
   * @param name its path, such as {@code catalogue/themes.yaml}
   * @return its text
   */
  public String text(String name) {
    try {
      if (folder != null && Files.exists(folder.resolve(name))) {
        return Files.readString(folder.resolve(name));
      }
      try (InputStream in = DataFiles.class.getResourceAsStream(BUNDLED + name)) {
        if (in == null) {
          throw new DataException(name + ": no such data file");
        }
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
      }
    } catch (IOException e) {
      throw new DataException(name + ": can't be read: " + e);
    }
  }

  /**
   * Reads a YAML file.
   *
   * @param name its path
   * @return its root
   */
  public Entry yaml(String name) {
    return Entry.parse(name, text(name));
  }
}
