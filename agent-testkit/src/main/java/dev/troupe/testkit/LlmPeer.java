package dev.troupe.testkit;

import dev.troupe.llm.LlmProvider;
import java.util.List;

/**
 * Who answers a provider under test as a {@link Script} says, and how the provider comes to it; for
 * {@link LlmProviderContract}.
 */
public interface LlmPeer extends AutoCloseable {
  /** What each call asks; {@link Script#REFUSED} repeats it, and no message may. */
  String PROMPT = "Which two birds did the canary of the prompt hear today?";

  /** The provider's key; {@link Script#DENIED} repeats it, and no message may. */
  String KEY = "sk-canary4b1d9e7700aa55cc3f21";

  /** The parts of {@link Script#WHOLE}; the first of them comes first in other scripts too. */
  List<String> PARTS = List.of("Quailfeather ", "and ", "wrenfeather.");

  /** The tool's name in {@link Script#TOOL}. */
  String TOOL = "weather";

  /** The arguments of the call in {@link Script#TOOL}; white space does not matter. */
  String ARGUMENTS = "{\"city\":\"Oslo\"}";

  /**
   * What a peer does with each request, in the provider's own words and forms. An answer means a
   * stream when one was asked for.
   */
  enum Script {
    /** Answers with {@link #PARTS}, each of them a part of a stream, and ends in order (stop). */
    WHOLE,
    /** Answers with one call of {@link #TOOL} and no text, and ends in order (tool calls). */
    TOOL,
    /** Answers as WHOLE, and closes in order, but gives no finish reason and no end marker. */
    NO_REASON,
    /** Refuses for now: too many requests, and come back in exactly 7 seconds (429). */
    LIMITED,
    /** Refuses because what was paid for is used up (mostly 429). */
    SPENT,
    /** Has too much to do (503 or 529). */
    OVERLOADED,
    /** Fails, and says so (500). */
    FAILED,
    /** Does not accept the key, and repeats all of {@link #KEY} in what it says (401). */
    DENIED,
    /** Refuses a prompt that is longer than the model's context (mostly 400). */
    TOO_LONG,
    /** Its filter refuses (mostly 400, or a finish reason). */
    FILTERED,
    /** Refuses the request, and repeats all of {@link #PROMPT} in what it says (400). */
    REFUSED,
    /** Takes the request and is silent for ever. */
    SILENT,
    /** Streams the first of {@link #PARTS}, and then is silent for ever. */
    STALLS,
    /** Streams the first of {@link #PARTS}, and then the connection breaks. */
    CUT,
    /** Streams the first of {@link #PARTS} every tenth of a second, for ever. */
    DRIPS,
    /** Streams parts of 500 to 5,000 characters as fast as they are taken, for ever. */
    ENDLESS,
    /** Answers in order, with 100,000 characters of text. */
    LARGE
  }

  /**
   * The provider under test, with {@link #KEY} as its key where it takes one.
   *
   * @return the same each time
   */
  LlmProvider provider();

  /**
   * How often it was asked.
   *
   * @return requests so far
   */
  int requests();

  /**
   * How much text it got rid of; for {@link Script#ENDLESS}.
   *
   * @return characters so far
   */
  long sent();

  /**
   * Whether it saw the caller leave a call before its end: the connection was closed, or the model
   * told to cancel.
   *
   * @return true from then on
   */
  boolean left();

  /** Closes provider and peer. */
  @Override
  void close();
}
