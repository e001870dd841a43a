package dev.troupe.llm.agent;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.HashMap;
import java.util.Map;

/**
 * Counts equal calls: same tool, same arguments. The last that is allowed is not made, the model is
 * told so instead; when it goes on all the same, the run fails.
 */
final class RepeatWatch {
  private final int most;
  private final Map<String, Integer> counts = new HashMap<>();
  private final Map<String, Integer> warned = new HashMap<>();

  RepeatWatch(int most) {
    this.most = most;
  }

  /** Whether the call may be made; else the model has to be told. */
  boolean mayMake(String key, String tool, int round, String run) {
    int count = counts.merge(key, 1, Integer::sum);
    if (count < most) {
      return true;
    }
    // what stands beside the warned call was written before the model could know
    int since = warned.computeIfAbsent(key, k -> round);
    if (since < round) {
      throw new AgentException(
          ErrorCode.NO_PROGRESS,
          "run %s: the model called tool '%s' %d times with the same arguments, also after it was told to stop; look at the conversation, and mend the tool or the instructions"
              .formatted(run, tool, count));
    }
    return false;
  }
}
