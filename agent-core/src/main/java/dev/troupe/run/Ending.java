package dev.troupe.run;

import dev.troupe.ErrorCode;

/** Why a run that is still executed may begin nothing new, weakest first. */
public enum Ending {
  /** It may. */
  NOT(ErrorCode.RUN_FAILED, ""),
  /** Its agent failed; what is left is compensation. */
  FAILED(ErrorCode.RUN_FAILED, "has failed"),
  /** Its deadline passed. */
  DEADLINE(ErrorCode.DEADLINE_EXCEEDED, "has passed its deadline"),
  /** It was cancelled. */
  CANCELLED(ErrorCode.RUN_CANCELLED, "was cancelled");

  private final ErrorCode code;
  private final String words;

  Ending(ErrorCode code, String words) {
    this.code = code;
    this.words = words;
  }

  /**
   * The code of the error that tells the agent.
   *
   * @return the code
   */
  public ErrorCode code() {
    return code;
  }

  /**
   * The reason as the end of a sentence about the run.
   *
   * @return such as 'was cancelled'
   */
  public String words() {
    return words;
  }
}
