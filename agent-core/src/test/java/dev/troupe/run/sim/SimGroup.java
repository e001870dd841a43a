package dev.troupe.run.sim;

import dev.troupe.run.sim.Program.Group;
import dev.troupe.state.Edit;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Branches side by side: the runtime's {@code Group}. */
final class SimGroup {
  private final SimStrand parent;
  private final SimRun run;
  private final Group group;
  private final String path;
  private final List<Member> members = new ArrayList<>();
  private OptionalInt known = OptionalInt.empty();
  private int begun;
  private int ended;
  private boolean going;
  private @Nullable Runnable then;

  /** One branch. */
  private final class Member {
    final int index;
    final SimStrand strand;
    String result = "";
    @Nullable Throwable failure;
    boolean over;

    Member(int index) {
      this.index = index;
      String prefix = path + "/" + index + "/";
      this.strand = new SimStrand(run, parent, prefix, group.branches().get(index), parent.undoes);
    }

    boolean succeeded() {
      return over && failure == null;
    }
  }

  SimGroup(SimStrand parent, Group group, String path) {
    this.parent = parent;
    this.run = parent.run;
    this.group = group;
    this.path = path;
    for (int i = 0; i < group.branches().size(); i++) {
      members.add(new Member(i));
    }
  }

  void run(Consumer<String> fold) {
    if (group.any()) {
      known = run.ask(parent, journal -> journal.winner(path));
      if (known.isPresent()) {
        int winner = known.getAsInt();
        members.removeIf(m -> m.index != winner);
      }
    }
    then = () -> fold(fold);
    run.check(parent);
    run.end(parent);
    next();
  }

  private void fold(Consumer<String> fold) {
    if (ended < members.size() && !(group.any() && won())) {
      throw new SimRun.Unwinding();
    }
    if (group.any()) {
      run.lose(members.stream().filter(m -> !m.over).map(m -> m.strand).toList());
    }
    run.check(parent);
    if (group.any()) {
      choose(fold);
      return;
    }
    String sum = path;
    for (Member member : members) {
      rethrow(member.failure);
      sum = Reference.fold(sum, member.result);
    }
    fold.accept(sum);
  }

  private void choose(Consumer<String> fold) {
    for (Member member : members) {
      if (member.succeeded()) {
        if (known.isPresent()) {
          fold.accept(path);
          return;
        }
        List<Edit> won =
            run.ask(parent, journal -> journal.won(path, member.index, run.process.access.now()));
        run.writer.write(
            parent::guard,
            won,
            () -> {
              run.forgetUndos(path + "/", member.index);
              fold.accept(path);
            });
        return;
      }
    }
    rethrow(members.get(0).failure);
    throw new IllegalStateException("no branch ended");
  }

  private static void rethrow(@Nullable Throwable failure) {
    if (failure instanceof RuntimeException unchecked) {
      throw unchecked;
    }
  }

  private boolean won() {
    return members.stream().anyMatch(Member::succeeded);
  }

  private void next() {
    boolean over = ended == members.size() || (group.any() && won());
    if (!over && !run.departing()) {
      while (begun < members.size() && begun - ended < group.atMost()) {
        begin(members.get(begun++));
      }
    }
    if (!going && (over || (run.departing() && ended == begun))) {
      going = true;
      run.begin(parent);
      run.process.after(1, () -> parent.guard(then));
    }
  }

  private void begin(Member member) {
    run.begin(member.strand);
    run.process.after(
        1,
        () ->
            member.strand.start(
                (result, failure) -> {
                  member.result = result;
                  member.failure = failure;
                  member.over = true;
                  ended++;
                  next();
                  run.end(member.strand);
                }));
  }
}
