package dev.troupe.examples.party;

import dev.troupe.agent.Failure;
import dev.troupe.examples.party.agents.Doing;
import dev.troupe.examples.party.agents.PartyPlanner;
import dev.troupe.runtime.RunEvent;
import dev.troupe.runtime.RunListener;
import dev.troupe.runtime.RunView;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Follows one plan at a time: which agent does what, and what was ready before this process took
 * over. Safe for use by many threads.
 */
final class PlanWatch implements RunListener, PartyPlanner.Watcher {
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Line> lines = new LinkedHashMap<>();
  private final Set<String> before = new LinkedHashSet<>();
  private final Set<String> started = new LinkedHashSet<>();
  private final Runnable changed;
  private boolean planStarted;
  private boolean caughtUp;
  private @Nullable String stopped;

  /** What one agent is doing. */
  record Line(String agent, State state, String doing) {
    Line doing(State newState, String what) {
      return new Line(agent, newState, what);
    }
  }

  /** How far an agent is. */
  enum State {
    WAITING,
    WORKING,
    DONE,
    FAILED
  }

  PlanWatch(Runnable changed) {
    this.changed = changed;
  }

  void reset() {
    lock.lock();
    try {
      lines.clear();
      before.clear();
      started.clear();
      planStarted = false;
      caughtUp = false;
      stopped = null;
    } finally {
      lock.unlock();
    }
  }

  List<Line> lines() {
    lock.lock();
    try {
      return new ArrayList<>(lines.values());
    } finally {
      lock.unlock();
    }
  }

  /** Whether this process executes the plan, rather than only reading its result. */
  boolean executing() {
    lock.lock();
    try {
      return planStarted;
    } finally {
      lock.unlock();
    }
  }

  /** Whether all that was done before is known: the plan has come to where it has to wait. */
  boolean caughtUp() {
    lock.lock();
    try {
      return caughtUp;
    } finally {
      lock.unlock();
    }
  }

  /** Whether this process executes the plan or one of its agents. */
  boolean active() {
    lock.lock();
    try {
      return planStarted || !started.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /** Why the plan can't go on until the program is mended, null while it can. */
  @Nullable String stopped() {
    lock.lock();
    try {
      return stopped;
    } finally {
      lock.unlock();
    }
  }

  /** What was done before this process took over, and what comes next. */
  String resumed() {
    lock.lock();
    try {
      String done =
          before.isEmpty()
              ? "nothing was finished yet"
              : listed(before) + (before.size() == 1 ? " is done" : " are done");
      Set<String> next = new LinkedHashSet<>(started);
      next.removeAll(before);
      String then =
          next.isEmpty() ? "" : ", " + listed(next) + (next.size() == 1 ? " is next" : " are next");
      return "Going on with the plan that was interrupted: " + done + then + ".";
    } finally {
      lock.unlock();
    }
  }

  private static String listed(Set<String> names) {
    List<String> all = new ArrayList<>(names);
    if (all.size() == 1) {
      return all.get(0);
    }
    return String.join(", ", all.subList(0, all.size() - 1)) + " and " + all.get(all.size() - 1);
  }

  @Override
  public void ready(String run, String call) {
    lock.lock();
    try {
      if (!started.contains(agentOf(call))) {
        before.add(call);
        lines.put("before " + call, new Line(call, State.DONE, "was done before"));
      }
    } finally {
      lock.unlock();
    }
    changed.run();
  }

  private static String agentOf(String call) {
    String suffix = "-cheaper";
    return call.endsWith(suffix) ? call.substring(0, call.length() - suffix.length()) : call;
  }

  @Override
  public void on(RunEvent event) {
    lock.lock();
    try {
      if (event instanceof RunEvent.Ended ended && ended.state() == RunView.State.STOPPED) {
        stopped = ended.failure().map(Failure::message).orElse("it was stopped");
      }
      if (event.agent().equals(PartyPlanner.NAME)) {
        ofPlan(event);
      } else {
        ofAgent(event);
      }
    } finally {
      lock.unlock();
    }
    changed.run();
  }

  private void ofPlan(RunEvent event) {
    if (event instanceof RunEvent.Started) {
      planStarted = true;
    } else if (event instanceof RunEvent.Parked || event instanceof RunEvent.Ended) {
      caughtUp = planStarted;
    } else if (event instanceof RunEvent.Called called) {
      String path = called.path();
      String last = path.substring(path.lastIndexOf('/') + 1);
      String name = last.indexOf('#') > 0 ? last.substring(0, last.indexOf('#')) : last;
      lines.putIfAbsent(called.child(), new Line(name, State.WAITING, "waiting"));
    }
  }

  private void ofAgent(RunEvent event) {
    String run = event.run();
    Line known = lines.getOrDefault(run, new Line(event.agent(), State.WAITING, "waiting"));
    if (event instanceof RunEvent.Started) {
      started.add(event.agent());
      lines.put(run, known.doing(State.WORKING, "working"));
    } else if (event instanceof RunEvent.Progress progress
        && progress.progress() instanceof Doing doing) {
      lines.put(run, known.doing(State.WORKING, doing.what()));
    } else if (event instanceof RunEvent.StepStarted step && step.attempt() > 1) {
      lines.put(run, known.doing(State.WORKING, "attempt " + step.attempt()));
    } else if (event instanceof RunEvent.StepFailed failed) {
      String why = failed.failure().message();
      String then = failed.retryIn() == null ? "failed: " : "will try again: ";
      lines.put(run, known.doing(State.WORKING, then + why));
    } else if (event instanceof RunEvent.Ended ended) {
      boolean well = ended.state() == RunView.State.SUCCEEDED;
      String what = well ? "done" : ended.failure().map(Failure::message).orElse("cancelled");
      lines.put(run, known.doing(well ? State.DONE : State.FAILED, what));
    }
  }
}
