package dev.troupe.llm;

/** What a quota counts. */
enum QuotaKind {
  REQUESTS("requests"),
  INPUT("input tokens"),
  OUTPUT("output tokens"),
  /** Input and output together. */
  TOKENS("tokens"),
  IN_FLIGHT("calls in flight"),
  /** Nothing is counted: the provider asked all to wait. */
  PAUSE("pause");

  private final String words;

  QuotaKind(String words) {
    this.words = words;
  }

  /** For people and tags. */
  String words() {
    return words;
  }

  /** How much a call with so many tokens takes. */
  long of(long inputTokens, long outputTokens) {
    return switch (this) {
      case REQUESTS, IN_FLIGHT -> 1;
      case INPUT -> inputTokens;
      case OUTPUT -> outputTokens;
      case TOKENS -> inputTokens + outputTokens;
      case PAUSE -> 0;
    };
  }

  /** Whether it is known only afterwards how much a call took. */
  boolean estimated() {
    return this == INPUT || this == OUTPUT || this == TOKENS;
  }
}
