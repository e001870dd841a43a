package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.Branch;
import dev.troupe.agent.Failure;
import dev.troupe.agent.StepFailedException;
import dev.troupe.state.Edit;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Branches side by side, each on a thread of its own. The strand that started them is not counted
 * while it waits for them, so that the run may leave when all of them wait.
 *
 * @param <T> their result
 */
final class Group<T extends @Nullable Object> {
  private final JournalAccess access;
  private final HeldRun run;
  private final RunContext parent;
  private final String path;
  private final String prefix;
  private final List<? extends Branch<? extends T>> branches;
  private final List<Member> members = new ArrayList<>();
  private int begun;
  private int ended;
  private boolean going; // the strand around the group is counted again

  /** One branch. Its fields are guarded by the run's lock. */
  private final class Member {
    final int index;
    final Strand strand = new Strand(parent.strand(), parent.strand().undoes);
    final RunContext context;
    @Nullable Object result;
    @Nullable Throwable failure;
    boolean over;

    Member(int index) {
      this.index = index;
      this.context = new RunContext(access, strand, prefix + index + "/", parent.now());
    }

    boolean succeeded() {
      return over && failure == null;
    }
  }

  Group(
      JournalAccess access,
      RunContext parent,
      String path,
      String prefix,
      List<? extends Branch<? extends T>> branches) {
    this.access = access;
    this.run = access.run;
    this.parent = parent;
    this.path = path;
    this.prefix = prefix;
    this.branches = branches;
    for (int i = 0; i < branches.size(); i++) {
      members.add(new Member(i));
    }
  }

  @SuppressWarnings({"unchecked", "NullAway"}) // what a branch of this group returned
  List<T> all(int atMost) {
    run(atMost, false);
    Throwable first = null;
    List<T> results = new ArrayList<>(members.size());
    for (Member member : members) {
      parent.reached(member.context.now());
      if (member.failure == null) {
        results.add((T) member.result);
      } else if (first == null) {
        first = member.failure;
      } else if (first != member.failure) {
        first.addSuppressed(member.failure);
      }
    }
    if (first != null) {
      throw rethrow(first);
    }
    return results;
  }

  @SuppressWarnings({"unchecked", "NullAway"}) // what a branch of this group returned
  T any(int atMost) {
    OptionalInt known = access.ask(parent.strand(), journal -> journal.winner(path));
    if (known.isPresent()) {
      if (known.getAsInt() >= members.size()) {
        throw run.stopping(
            new AgentException(
                ErrorCode.NON_DETERMINISM,
                "run %s of agent %s: the journal says that branch %d of '%s' won, the code has %d branches. The run was stopped and nothing was lost. Bring back the code with which it began and resume it, or give the changed agent a new version"
                    .formatted(
                        run.runId(),
                        run.header().queue(),
                        known.getAsInt(),
                        path,
                        members.size())));
      }
      Member member = members.get(known.getAsInt());
      // the others are over; the winner is executed alone, from its journal
      members.removeIf(m -> m != member);
    }
    run(atMost, true);
    for (Member member : members) {
      if (member.succeeded()) {
        if (known.isEmpty()) {
          List<Edit> won =
              access.ask(
                  parent.strand(),
                  journal -> journal.won(path, member.index, run.core.access.now()));
          access.write(won);
          run.undos.forgetLosers(prefix, member.index);
        }
        parent.reached(member.context.now());
        return (T) member.result;
      }
    }
    Throwable first = members.get(0).failure;
    for (Member member : members.subList(1, members.size())) {
      if (first != null && member.failure != null && member.failure != first) {
        first.addSuppressed(member.failure);
      }
    }
    throw rethrow(first == null ? new IllegalStateException("no branch ended") : first);
  }

  private RuntimeException rethrow(Throwable failure) {
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure instanceof RuntimeException unchecked) {
      return unchecked;
    }
    StepFailedException wrapped = new StepFailedException(path, Failure.of(failure));
    wrapped.initCause(failure);
    return wrapped;
  }

  /** Runs the branches; returns when all are over, or when one has succeeded and that is enough. */
  private void run(int atMost, boolean oneIsEnough) {
    if (atMost < 1) {
      throw new IllegalArgumentException("atMost must be at least 1: " + atMost);
    }
    if (members.isEmpty()) {
      return;
    }
    run.check(parent.strand());
    run.lock.lock();
    try {
      run.strands.end(parent.strand());
      next(atMost, oneIsEnough);
      while (!going) {
        run.changed.awaitUninterruptibly();
      }
      if (ended < members.size() && !(oneIsEnough && won())) {
        throw new Unwinding("the run leaves");
      }
      if (oneIsEnough) {
        run.strands.lose(members.stream().filter(m -> !m.over).map(m -> m.strand).toList());
        access.waits.dropLost();
      }
    } finally {
      run.lock.unlock();
    }
    run.check(parent.strand());
  }

  /**
   * Begins what may begin, or counts the strand around the group again. Done before a branch that
   * has ended is no longer counted: else the others, when they all wait, would take the run for one
   * that has nothing to do.
   */
  private void next(int atMost, boolean oneIsEnough) {
    boolean over = ended == members.size() || (oneIsEnough && won());
    if (!over && !run.departing()) {
      while (begun < members.size() && begun - ended < atMost) {
        begin(members.get(begun++), atMost, oneIsEnough);
      }
    }
    if (!going && (over || (run.departing() && ended == begun))) {
      going = true;
      run.strands.begin(parent.strand());
    }
  }

  private boolean won() {
    return members.stream().anyMatch(Member::succeeded);
  }

  private void begin(Member member, int atMost, boolean oneIsEnough) {
    run.strands.begin(member.strand);
    run.core.executor.execute(
        () -> {
          Object result = null;
          Throwable failure = null;
          try {
            result = branches.get(member.index).run(member.context);
          } catch (Throwable t) {
            failure = t;
          }
          run.lock.lock();
          try {
            member.result = result;
            member.failure = failure;
            member.over = true;
            ended++;
            next(atMost, oneIsEnough);
            run.strands.end(member.strand);
          } finally {
            run.lock.unlock();
          }
        });
  }
}
