package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Some events were not appended, or it is unknown whether they were. */
public final class AppendFailedException extends AgentException {
  private static final long serialVersionUID = 1L;

  private final transient List<Outgoing> failed;

  /**
   * Creates an error.
   *
   * @param code what went wrong; {@link ErrorCode#retryable()} says whether the same events may be
   *     appended again
   * @param failed those that were not appended or of which it is unknown; at least one
   * @param why what happened, without any data
   * @param cause the error behind it, if there is one
   */
  public AppendFailedException(
      ErrorCode code, List<Outgoing> failed, String why, @Nullable Throwable cause) {
    super(code, message(failed, why), cause);
    this.failed = List.copyOf(failed);
  }

  private static String message(List<Outgoing> failed, String why) {
    Outgoing first = failed.get(0);
    return "%d event(s) not appended, the first is %s to topic %s: %s"
        .formatted(failed.size(), first.event(), first.topic(), why);
  }

  /**
   * What was not appended, or may not have been.
   *
   * @return in the order in which they were given; all others were appended
   */
  public List<Outgoing> failed() {
    return failed;
  }
}
