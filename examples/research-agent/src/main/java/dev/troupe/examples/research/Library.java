package dev.troupe.examples.research;

import java.util.List;

/** Pages that an agent may read. Safe for use by many threads. */
public interface Library {
  /**
   * Looks for pages.
   *
   * @param words one or several
   * @return the titles of the pages that hold all of them
   */
  List<String> search(String words);

  /**
   * Reads a page.
   *
   * @param title its title
   * @return its text
   * @throws IllegalArgumentException when there is no such page; names those there are
   */
  String read(String title);

  /**
   * Looks for a sentence.
   *
   * @param title the page's title
   * @param sentence the sentence
   * @return whether the page says exactly this
   * @throws IllegalArgumentException when there is no such page
   */
  boolean says(String title, String sentence);

  /**
   * The pages that come with the example.
   *
   * @return a library
   */
  static Library bundled() {
    return BundledLibrary.load();
  }
}
