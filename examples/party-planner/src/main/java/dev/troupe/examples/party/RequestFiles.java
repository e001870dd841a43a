package dev.troupe.examples.party;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Collects the requests of a command from its arguments and files. */
final class RequestFiles {
  private static final long MOST_BYTES = 1_000_000;

  private RequestFiles() {}

  /** A file of requests can't be read; the message says which and why. */
  static final class UnreadableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnreadableException(String message) {
      super(message);
    }
  }

  static List<String> requests(
      @Nullable List<String> words, @Nullable List<String> files, boolean eachLine) {
    List<String> requests = new ArrayList<>();
    if (words != null) {
      requests.add(String.join(" ", words));
    }
    if (files != null) {
      for (String file : files) {
        String text = read(file);
        requests.addAll(eachLine ? lines(text) : divided(text));
      }
    }
    return requests;
  }

  private static List<String> lines(String text) {
    return text.lines().filter(line -> !line.isBlank()).toList();
  }

  private static List<String> divided(String text) {
    List<String> requests = new ArrayList<>();
    StringBuilder one = new StringBuilder();
    for (String line : text.lines().toList()) {
      if (line.strip().equals("---")) {
        requests.add(one.toString());
        one.setLength(0);
      } else {
        one.append(line).append('\n');
      }
    }
    requests.add(one.toString());
    return requests;
  }

  /** Bytes that are no UTF-8 become replacement characters, which are dropped later. */
  private static String read(String file) {
    try {
      if (file.equals("-")) {
        return new String(System.in.readNBytes((int) MOST_BYTES), StandardCharsets.UTF_8);
      }
      Path path = Path.of(file);
      if (!Files.exists(path)) {
        throw new UnreadableException("no such file: " + file);
      }
      if (!Files.isRegularFile(path)) {
        throw new UnreadableException(file + " is not a file; name a file with requests");
      }
      if (Files.size(path) > MOST_BYTES) {
        throw new UnreadableException("%s has more than %,d bytes".formatted(file, MOST_BYTES));
      }
      return new String(Files.readAllBytes(path), StandardCharsets.UTF_8);
    } catch (IOException | InvalidPathException e) {
      throw new UnreadableException(file + " can't be read: " + e);
    }
  }
}
