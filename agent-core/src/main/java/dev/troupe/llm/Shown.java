package dev.troupe.llm;

import org.jspecify.annotations.Nullable;

/** Hands parts on to a call's sink, and remembers what of an attempt was handed on. */
final class Shown implements LlmSink {
  private final LlmSink sink;
  private final Ticker ticker;
  private final StringBuilder text = new StringBuilder();
  private boolean any;
  private long firstAt;
  private @Nullable Throwable broke;

  Shown(LlmSink sink, Ticker ticker) {
    this.sink = sink;
    this.ticker = ticker;
  }

  /** Whether anything was handed on that was not called void since. */
  boolean any() {
    return any;
  }

  /** The text that was. */
  String text() {
    return text.toString();
  }

  /** When the first part came; only where {@link #any}. */
  long firstAt() {
    return firstAt;
  }

  /** Whether the sink threw something, which is not the provider's failure. */
  boolean broke() {
    return broke != null;
  }

  /** Throws it, if it threw. */
  void throwWhatBroke() {
    if (broke instanceof Error error) {
      throw error;
    }
    if (broke instanceof RuntimeException failure) {
      throw failure;
    }
  }

  @Override
  public void text(String part) {
    began();
    text.append(part);
    guarded(() -> sink.text(part));
  }

  @Override
  public void thinking(String part) {
    began();
    guarded(() -> sink.thinking(part));
  }

  @Override
  public void toolCall(int index, String name, String part) {
    began();
    guarded(() -> sink.toolCall(index, name, part));
  }

  @Override
  public void restarted(String why) {
    any = false;
    text.setLength(0);
    guarded(() -> sink.restarted(why));
  }

  private void began() {
    if (!any) {
      any = true;
      firstAt = ticker.nanos();
    }
  }

  private void guarded(Runnable handOn) {
    try {
      handOn.run();
    } catch (RuntimeException | Error thrown) {
      broke = thrown;
      throw thrown;
    }
  }
}
