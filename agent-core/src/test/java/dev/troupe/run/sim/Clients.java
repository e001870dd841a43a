package dev.troupe.run.sim;

import dev.troupe.run.RunHeader;
import dev.troupe.run.Runs;
import dev.troupe.state.Change;
import dev.troupe.state.Outcome;
import dev.troupe.state.Scan;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Everybody who is no process: submits runs, sends signals, cancels, answers questions. */
final class Clients implements Network.Caller {
  /** A run to be submitted. */
  private record Root(String id, Program program, @Nullable String key, int deadline, int at) {}

  private final World world;
  private final SplittableRandom random;
  private final List<Root> roots = new ArrayList<>();
  private final Map<String, Integer> cancels = new TreeMap<>();
  private final Access access;
  private int missing;
  private int undecided;

  Clients(World world, Program.Writer writer, SplittableRandom random) {
    this.world = world;
    this.random = random;
    this.access = new Access(world.time, world.network, this);
    int many = 3 + random.nextInt(6);
    for (int i = 0; i < many; i++) {
      Program program = writer.root(3 + random.nextInt(14));
      String key = random.nextInt(3) == 0 ? "k" + (1 + random.nextInt(2)) : null;
      String id = key == null ? "r" + i : key + "/r" + i;
      int deadline = random.nextInt(8) == 0 ? 500 + random.nextInt(10_000) : 0;
      boolean cancelled = random.nextInt(6) == 0;
      if (cancelled) {
        cancels.put(id, random.nextInt(12_000));
      }
      roots.add(new Root(id, program, key, deadline, random.nextInt(8_000)));
      world.reference.root(id, program, deadline == 0 && !cancelled);
    }
    missing = many;
  }

  @Override
  public int number() {
    return -2;
  }

  @Override
  public Timeline.Host host() {
    return Timeline.WORLD;
  }

  @Override
  public void die() {
    // somebody else asks
  }

  /** Whether all roots have ended. */
  boolean haveSeenAllEnds() {
    return roots.stream().allMatch(root -> world.truth.hasEnded(root.id()));
  }

  /** Whether everything is submitted and answered. */
  boolean areDone() {
    return missing == 0 && undecided == 0;
  }

  private void after(long millis, Runnable action) {
    world.time.after(Timeline.WORLD, Timeline.millis(millis), action);
  }

  void start() {
    for (Root root : roots) {
      after(root.at(), () -> submit(root));
    }
    cancels.forEach((run, at) -> after(at, () -> cancel(run)));
    world.reference.signals.forEach(
        (run, names) ->
            names.forEach(
                (name, many) -> {
                  for (int i = 0; i < many; i++) {
                    String id = Integer.toString(i);
                    after(random.nextInt(12_000), () -> signal(run, name, id));
                    if (random.nextInt(3) == 0) { // somebody sends it again
                      after(random.nextInt(12_000), () -> signal(run, name, id));
                    }
                  }
                }));
  }

  private void submit(Root root) {
    Instant now = access.now();
    RunHeader header =
        new RunHeader(
            root.id(),
            root.program().agent(),
            "1",
            new RunHeader.Origin(null, null, root.program().agent(), now),
            new RunHeader.Terms(
                random.nextInt(3),
                root.key(),
                root.deadline() == 0 ? null : Runs.after(now, Duration.ofMillis(root.deadline())),
                "",
                "",
                ""),
            new RunHeader.Encoding("text", ""),
            SimRun.bytes(Integer.toString(root.program().number())));
    Change change = Runs.submit(access.newId(), Network.PARTITIONS, header);
    access.write(change, outcome -> missing--, () -> after(200, () -> submit(root)));
  }

  private void cancel(String run) {
    Change change = Runs.cancel(access.newId(), Access.place(run), "because");
    send(change, run, () -> after(500, () -> cancel(run)));
  }

  private void signal(String run, String name, String id) {
    byte[] payload = SimRun.bytes(name + " " + id);
    Change change = Runs.signal(access.newId(), Access.place(run), name, id, payload);
    send(change, run, () -> after(500, () -> signal(run, name, id)));
  }

  private void send(Change change, String run, Runnable again) {
    access.write(
        change,
        outcome -> {
          boolean absent =
              outcome instanceof Outcome.Done done
                  && !done.seen().isEmpty()
                  && done.seen().get(0).version() == 0;
          if (absent && !haveSeenAllEnds()) {
            again.run(); // it is not there yet
          } else if (!absent && outcome instanceof Outcome.Done done && !done.seen().isEmpty()) {
            world.hintAny(done.seen().get(0));
          }
        },
        again);
  }

  /** Answers truthfully what became of an attempt. */
  void decide(String run, String path, int attempt) {
    undecided++;
    access.first(
        Scan.whole(Access.place(run)),
        record -> {
          boolean made = world.truth.wasPerformed(run, path, attempt);
          byte[] value = SimRun.bytes(Reference.valueOf(run, path));
          Change change =
              record == null
                  ? null
                  : Runs.resolve(access.newId(), record, path, made ? "done" : "repeat", value);
          undecided--;
          if (change != null) {
            undecided++;
            access.write(
                change, outcome -> undecided--, () -> retry(() -> decide(run, path, attempt)));
          }
        },
        () -> retry(() -> decide(run, path, attempt)));
  }

  private void retry(Runnable action) {
    undecided--;
    after(300, action);
  }
}
