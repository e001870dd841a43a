package dev.troupe.examples.research;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The pages of a file, divided by lines that begin with a hash and a title. */
record BundledLibrary(Map<String, String> pages) implements Library {
  private static final String FILE = "library.txt";

  static Library load() {
    try (InputStream in = BundledLibrary.class.getResourceAsStream(FILE)) {
      if (in == null) {
        throw new IllegalStateException("the example's " + FILE + " is not on the class path");
      }
      Map<String, String> pages = new LinkedHashMap<>();
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      for (String page : text.split("(?m)^# ")) {
        int end = page.indexOf('\n');
        if (end > 0) {
          pages.put(page.substring(0, end).strip(), page.substring(end).strip());
        }
      }
      return new BundledLibrary(pages);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public List<String> search(String words) {
    List<String> wanted = List.of(words.toLowerCase(Locale.ROOT).split("\\W+"));
    return pages.entrySet().stream()
        .filter(
            page -> {
              String all = (page.getKey() + " " + page.getValue()).toLowerCase(Locale.ROOT);
              return wanted.stream().allMatch(all::contains);
            })
        .map(Map.Entry::getKey)
        .toList();
  }

  @Override
  public String read(String title) {
    String text = pages.get(title);
    if (text == null) {
      throw new IllegalArgumentException(
          "no page '" + title + "'; there are " + List.copyOf(pages.keySet()));
    }
    return text;
  }

  @Override
  public boolean says(String title, String sentence) {
    return read(title).contains(sentence);
  }
}
