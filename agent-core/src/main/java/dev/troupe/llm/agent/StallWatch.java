package dev.troupe.llm.agent;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Notices that rounds of tool calls give nothing new: only errors, and results known before. */
final class StallWatch {
  private final int most;
  private final Set<String> seen = new HashSet<>();
  private int idle;

  StallWatch(int most) {
    this.most = most;
  }

  void round(List<ToolResult> results, String run) {
    boolean news = false;
    for (ToolResult result : results) {
      if (result.kind() == ToolResult.Kind.DONE) {
        news |= seen.add(result.key() + "\n" + result.text());
      }
    }
    idle = news ? 0 : idle + 1;
    if (idle >= most) {
      throw new AgentException(
          ErrorCode.NO_PROGRESS,
          "run %s: %d rounds of tool calls in a row gave only errors or what was known before; look at the conversation, and mend the tools or the instructions"
              .formatted(run, idle));
    }
  }
}
