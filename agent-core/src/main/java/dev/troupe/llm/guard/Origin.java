package dev.troupe.llm.guard;

/** Where a part of a conversation comes from, and so how far it may be trusted. */
public enum Origin {
  /** The host's own words: instructions, and what the loop tells the model. */
  HOST,
  /** The person or program that the agent works for. */
  USER,
  /** A model. */
  MODEL,
  /** The result of a tool. */
  TOOL,
  /** Text that somebody else wrote: a document, a web page, a mail. It may try to give orders. */
  RETRIEVED
}
