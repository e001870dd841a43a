package dev.troupe.run.sim;

import dev.troupe.run.sim.Reference.Expected;
import dev.troupe.state.Outcome;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;

/**
 * One simulated world, decided by one seed: its processes, its clients, what goes wrong, and its
 * end. When all faults have stopped, everything must come to an end in bounded time.
 */
final class World {
  /** How long after the last fault everything must be over. */
  private static final long PATIENCE = Timeline.millis(150_000);

  private static final long SECOND = Timeline.millis(1_000);

  final Timeline time;
  final Truth truth;
  final Network network;
  final Mutation mutation;
  final Reference reference = new Reference();
  private final SplittableRandom random;
  private final Faults faults;
  private final List<Program> programs;
  private final List<SimProcess> processes = new ArrayList<>();
  private final Clients clients;
  private final Set<String> asked = new TreeSet<>();
  private int numbers;

  World(long seed, boolean faulty, Mutation mutation, boolean keeping) {
    SplittableRandom root = new SplittableRandom(seed);
    this.random = root.split();
    SplittableRandom plan = root.split();
    Faults drawn = Faults.by(root.split());
    this.faults = faulty ? drawn : Faults.none();
    this.mutation = mutation;
    this.time = new Timeline(keeping);
    this.truth = new Truth(time);
    this.network = new Network(time, root.split(), faults, truth, mutation);
    Program.Writer writer = new Program.Writer(plan);
    this.clients = new Clients(this, writer, plan);
    this.programs = writer.programs;
    int many = 2 + random.nextInt(4);
    for (int i = 0; i < many; i++) {
      join(random.nextLong(SECOND), i == 0);
    }
  }

  Program program(int number) {
    return programs.get(number);
  }

  // processes

  private void join(long wait, boolean all) {
    int number = numbers++;
    double rate = 1 + (random.nextDouble() * 2 - 1) * Faults.DRIFT;
    Timeline.Host host = new Timeline.Host(rate, random.nextLong(1L << 50));
    Set<String> agents = new LinkedHashSet<>(Program.AGENTS);
    if (!all && random.nextInt(4) == 0) {
      agents.remove(Program.AGENTS.get(random.nextInt(2)));
    }
    int threads = random.nextInt(3) == 0 ? random.nextInt(all ? 1 : 0, 4) : 16;
    SplittableRandom own = random.split();
    time.after(
        Timeline.WORLD,
        wait,
        () -> {
          SimProcess process = new SimProcess(this, number, host, own, agents, threads);
          time.tell(number, "joins", "", "threads", threads);
          processes.add(process);
          process.start();
        });
  }

  /** A process has died or left; another one comes. */
  void died(SimProcess process) {
    truth.died(process.number());
    processes.remove(process);
    if (!closing) {
      join(Timeline.millis(50 + random.nextInt(8_000)), true);
    }
  }

  /** A hint may be lost, doubled, late, and reach any process. */
  void hint(SimProcess from, String run) {
    int dice = network.faulty() ? random.nextInt(100) : 100;
    if (dice < 10) {
      return;
    }
    for (int i = dice < 20 ? 2 : 1; i > 0; i--) {
      SimProcess to = random.nextInt(4) == 0 ? any() : from;
      long wait = dice < 30 ? random.nextLong(2 * SECOND) : random.nextLong(1_000_000);
      time.after(Timeline.WORLD, wait, () -> time.after(to.host(), 0, () -> to.hint(run)));
    }
  }

  /** Somebody else has written to a run; perhaps a process hears of it. */
  void hintAny(Outcome.Seen seen) {
    if (!processes.isEmpty()) {
      any().wake(seen);
    }
  }

  private SimProcess any() {
    return processes.get(random.nextInt(processes.size()));
  }

  /** A run asks somebody what became of an attempt. */
  void asks(String run, String path, int attempt) {
    if (asked.add(run + "\n" + path + "\n" + attempt)) {
      time.after(
          Timeline.WORLD, random.nextLong(3 * SECOND), () -> clients.decide(run, path, attempt));
    }
  }

  // what goes wrong at any time

  private void planFaults() {
    repeat(faults.kills(), () -> any().die());
    repeat(faults.closings(), this::closeAny);
    repeat(faults.cuts(), () -> network.cut(any(), random.nextLong(Faults.EXPIRY * 3)));
    repeat(faults.pauseTimes(), () -> network.pause(any(), random.nextLong(Faults.EXPIRY * 3)));
    repeat(faults.stalls(), () -> network.standStill(random.nextLong(Faults.EXPIRY * 5 / 2)));
    repeat(faults.smallJumps(), () -> network.jump(random.nextLong(Faults.EXPIRY / 12)));
    repeat(
        faults.bigJumps(),
        () -> {
          truth.jumped();
          network.jump(Faults.EXPIRY / 4 + random.nextLong(Faults.EXPIRY * 3));
        });
  }

  private void closeAny() {
    SimProcess process = any();
    if (random.nextInt(3) == 0) {
      network.cut(process, random.nextLong(Faults.EXPIRY));
    }
    process.close();
  }

  private void repeat(int times, Runnable fault) {
    for (int i = 0; i < times; i++) {
      long at = random.nextLong(faults.until());
      time.after(
          Timeline.WORLD,
          at,
          () -> {
            if (!processes.isEmpty()) {
              fault.run();
            }
          });
    }
  }

  // from the beginning to the end

  private boolean closing;

  /** Plays the world to its end; throws what does not hold. */
  void play() {
    planFaults();
    clients.start();
    playUntil(faults.until());
    time.tell(-1, "faults stop", "", "", 0);
    Inspection inspection = new Inspection(this);
    long limit = time.now() + PATIENCE;
    while (!inspection.isOver(clients, processes)) {
      if (time.now() >= limit) {
        if (truth.isHaunted()) {
          return;
        }
        throw inspection.whatIsLeft(clients, processes);
      }
      playUntil(time.now() + SECOND);
    }
    calmDown();
    close();
    inspection.checkEnds();
  }

  /** Lets processes that were paused or have just begun come to themselves before they leave. */
  private void calmDown() {
    long limit = time.now() + PATIENCE;
    while (time.now() < limit
        && !processes.stream().allMatch(p -> p.fleet.mayBegin() && !time.isPaused(p.host()))) {
      playUntil(time.now() + SECOND);
    }
  }

  private void close() {
    closing = true;
    List.copyOf(processes).forEach(SimProcess::close);
    long limit = time.now() + PATIENCE;
    while (!processes.isEmpty() && time.now() < limit) {
      playUntil(time.now() + SECOND);
    }
  }

  private void playUntil(long until) {
    while (time.next(until)) {
      // one after another
    }
  }

  Map<String, Expected> expected() {
    return reference.runs;
  }

  Instant now() {
    return network.now();
  }
}
