package dev.troupe.run;

import dev.troupe.agent.RunEndingException;

/** Whether anything new may begin in a run, or why not. */
final class Gate {
  private final String run;
  private Ending ending = Ending.NOT;
  private boolean compensating;

  Gate(String run) {
    this.run = run;
  }

  Ending ending() {
    return ending;
  }

  /** Lets nothing new begin any more. A stronger reason replaces a weaker one. */
  void close(Ending why) {
    if (why.compareTo(ending) > 0) {
      ending = why;
    }
  }

  /** Lets compensation through, and nothing else. */
  void compensate() {
    compensating = true;
  }

  /** Something new wants to begin at a path. */
  void begin(String path) {
    if (ending != Ending.NOT && !(compensating && path.startsWith(Entries.UNDO))) {
      throw ended();
    }
  }

  /** Something that has begun wants to be waited for. */
  void await() {
    if (ending != Ending.NOT && !compensating) {
      throw ended();
    }
  }

  private RunEndingException ended() {
    return new RunEndingException(ending.code(), "run " + run + " " + ending.words());
  }
}
