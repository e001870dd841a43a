package dev.troupe.llm.log;

/** Something told by the run, before it is known whether the log has it already. */
record Told(What what, String source, String text) {
  enum What {
    TEXT,
    THINKING,
    TOOL,
    PROGRESS,
    RESTARTED,
    REPLAYED,
    REPLAYED_THINKING,
    FINISHED,
    STEP_STARTED,
    STEP_FINISHED,
    STEP_FAILED,
    ENDED
  }

  /** About how much it takes. */
  int size() {
    return 32 + text.length();
  }
}
