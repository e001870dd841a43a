package dev.troupe;

import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A place in a trace, as W3C Trace Context writes it. The library passes it on from events to what
 * follows from them; spans are the business of the host's tracer. Immutable.
 *
 * @param traceparent trace, span and flags, such as {@code
 *     00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01}
 * @param tracestate what tracers add for themselves; empty for nothing
 * @see <a href="https://www.w3.org/TR/trace-context/">W3C Trace Context</a>
 */
public record TraceContext(String traceparent, String tracestate) {
  private static final Pattern PARENT =
      Pattern.compile(
          "(?!ff)([0-9a-f]{2})-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-.*)?");

  private static final int LONGEST = 2_000;

  /**
   * Checks both.
   *
   * @throws IllegalArgumentException when one is not as W3C Trace Context writes it
   */
  public TraceContext {
    Objects.requireNonNull(tracestate, "tracestate");
    if (!isParent(traceparent)) {
      throw new IllegalArgumentException(
          "a traceparent is 'version-trace-span-flags' in lower-case hexadecimal: " + traceparent);
    }
    if (!isState(tracestate)) {
      throw new IllegalArgumentException(
          "a tracestate has at most " + LONGEST + " printable characters of ASCII");
    }
  }

  /**
   * What somebody else wrote, who may have written it wrongly. A {@code tracestate} that can't be
   * read is left out.
   *
   * @param traceparent null for none
   * @param tracestate null for none
   * @return empty when there is no {@code traceparent}, or none that can be read
   */
  public static Optional<TraceContext> of(
      @Nullable String traceparent, @Nullable String tracestate) {
    if (traceparent == null || !isParent(traceparent)) {
      return Optional.empty();
    }
    String state = tracestate != null && isState(tracestate) ? tracestate : "";
    return Optional.of(new TraceContext(traceparent, state));
  }

  private static boolean isParent(String text) {
    Matcher parts = PARENT.matcher(text);
    return text.length() <= LONGEST
        && parts.matches()
        && (parts.group(5) == null || !parts.group(1).equals("00"));
  }

  private static boolean isState(String text) {
    return text.length() <= LONGEST && text.chars().allMatch(c -> c >= ' ' && c <= '~');
  }

  /**
   * A place below this one: the same trace with a span id of its own, made by chance.
   *
   * @return another one each time
   */
  public TraceContext child() {
    Matcher parts = PARENT.matcher(traceparent);
    if (!parts.matches()) {
      throw new IllegalStateException("it was checked");
    }
    long span = ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE);
    // of later versions only what this one knows may be passed on
    String flags =
        parts.group(1).equals("00")
            ? parts.group(4)
            : (Integer.parseInt(parts.group(4), 16) & 1) == 1 ? "01" : "00";
    return new TraceContext(
        String.format("00-%s-%016x-%s", parts.group(2), span, flags), tracestate);
  }
}
