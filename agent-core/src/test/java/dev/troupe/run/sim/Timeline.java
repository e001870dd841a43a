package dev.troupe.run.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.TimeUnit;

/**
 * Virtual time: what happens when, on one thread, and the trace of what happened. The trace is
 * always hashed; its lines are kept only on request, since a seed can be played again.
 */
final class Timeline {
  /** What happens in a process: not when it is dead, and later when it is paused. */
  static final class Host {
    private final double rate;
    private final long offset;
    private boolean dead;
    private long pausedUntil;

    /** A machine whose monotonic clock shows the offset at the beginning, and runs at this rate. */
    Host(double rate, long offset) {
      this.rate = rate;
      this.offset = offset;
    }

    boolean isDead() {
      return dead;
    }

    void kill() {
      dead = true;
    }
  }

  /** A line of the trace. */
  record Line(long at, int process, String what, String run, String detail, long number) {
    @Override
    public String toString() {
      return "%9.3f s  process %-2s %-12s %s %s %d"
          .formatted(at / 1e9, process < 0 ? "-" : process, what, run, detail, number);
    }
  }

  private record Event(long at, long order, Host host, Runnable action)
      implements Comparable<Event> {
    @Override
    public int compareTo(Event other) {
      return at == other.at ? Long.compare(order, other.order) : Long.compare(at, other.at);
    }
  }

  /** Where what happens outside of all processes happens: the network, the store, clients. */
  static final Host WORLD = new Host(1, 0);

  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private final boolean keeping;
  private final List<Line> lines = new ArrayList<>();
  private long now;
  private long order;
  private long hash = 1;
  private long count;

  Timeline(boolean keeping) {
    this.keeping = keeping;
  }

  static long millis(long millis) {
    return TimeUnit.MILLISECONDS.toNanos(millis);
  }

  long now() {
    return now;
  }

  /** The monotonic clock of a machine. */
  long nanos(Host host) {
    return host.offset + (long) (now * host.rate);
  }

  /** Something happens after a time on the machine's own clock. */
  void after(Host host, long nanos, Runnable action) {
    long wait = (long) Math.ceil(Math.max(0, nanos) / host.rate);
    events.add(new Event(now + wait, ++order, host, action));
  }

  void pause(Host host, long nanos) {
    host.pausedUntil = Math.max(host.pausedUntil, now + nanos);
  }

  boolean isPaused(Host host) {
    return host.pausedUntil > now;
  }

  /** Lets the next thing happen; false when there is none before the time given. */
  boolean next(long until) {
    Event event = events.peek();
    if (event == null || event.at > until) {
      now = Math.max(now, until);
      return false;
    }
    events.remove();
    now = event.at;
    Host host = event.host;
    if (host.pausedUntil > now) {
      events.add(new Event(host.pausedUntil, event.order, host, event.action));
    } else if (!host.dead) {
      event.action.run();
    }
    return true;
  }

  // the trace

  void tell(int process, String what, String run, String detail, long number) {
    count++;
    long mixed = hash * 31 + now;
    mixed = mixed * 31 + process;
    mixed = mixed * 31 + what.hashCode();
    mixed = mixed * 31 + run.hashCode();
    mixed = mixed * 31 + detail.hashCode();
    hash = mixed * 31 + number;
    if (keeping) {
      lines.add(new Line(now, process, what, run, detail, number));
    }
  }

  long hash() {
    return hash;
  }

  /** How many lines there were. */
  long count() {
    return count;
  }

  /** The last lines that are about a run, its family or the fleet. */
  List<Line> last(String run, int limit) {
    List<Line> about = new ArrayList<>();
    for (Line line : lines) {
      if (line.run.isEmpty() || line.run.startsWith(run) || run.startsWith(line.run)) {
        about.add(line);
      }
    }
    return about.subList(Math.max(0, about.size() - limit), about.size());
  }
}
