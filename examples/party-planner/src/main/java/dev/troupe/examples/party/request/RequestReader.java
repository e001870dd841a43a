package dev.troupe.examples.party.request;

import java.time.LocalDate;

/**
 * Turns a text into parties. The point where a model may take over from the rules: it need not be
 * deterministic, as its answer is journaled. Safe for use by many threads.
 */
@FunctionalInterface
public interface RequestReader {
  /**
   * Reads a text.
   *
   * @param text the request, sanitised and neither too short nor too long
   * @param today the day on which the request was made
   * @return what it says
   * @throws Exception when it can't; it is asked again, then the rules take over
   */
  Understanding read(String text, LocalDate today) throws Exception;
}
