package dev.troupe.providers;

/** What the wire says about how an answer ended; LangChain4j doesn't always pass it on. */
enum Finish {
  /** As the model meant it. */
  WHOLE,
  /** The limit of tokens cut it. */
  LENGTH,
  /** A filter, or the model, refused. */
  REFUSED,
  /** The model broke off: a tool call that it could not write, an error behind the gateway. */
  BROKEN
}
