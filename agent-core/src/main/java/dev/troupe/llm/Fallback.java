package dev.troupe.llm;

/** What a fallback has ahead of those before it in the chain. */
public enum Fallback {
  /** Costs less: it is asked where a budget has too little left for the one before it. */
  CHEAPER,
  /** Takes more: it is asked where a request is too long for the one before it. */
  LARGER_CONTEXT
}
