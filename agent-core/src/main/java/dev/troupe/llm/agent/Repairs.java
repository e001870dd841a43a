package dev.troupe.llm.agent;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;

/** Counts in a row what a model has to write anew. */
final class Repairs {
  private final int most;
  private int count;

  Repairs(int most) {
    this.most = most;
  }

  void fine() {
    count = 0;
  }

  void needed(String what, String run) {
    count++;
    if (count > most) {
      throw new AgentException(
          ErrorCode.OUTPUT_INVALID,
          "run %s: %s, also after the model was told %d times what is wrong; simplify the schema, describe its properties, or take a better model"
              .formatted(run, what, most));
    }
  }
}
