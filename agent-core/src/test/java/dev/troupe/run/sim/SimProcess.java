package dev.troupe.run.sim;

import dev.troupe.run.Journal;
import dev.troupe.run.Membership;
import dev.troupe.run.Outbox;
import dev.troupe.state.Outcome;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One process: what the runtime's {@code RuntimeCore} and {@code AgentRuntime} keep together, and
 * the watch over its runs.
 */
final class SimProcess implements Network.Caller {
  static final Set<Integer> PARTITIONS =
      IntStream.range(0, Network.PARTITIONS).boxed().collect(Collectors.toSet());
  static final int BYTES = 8 << 20;
  static final long POLL = Timeline.millis(300);
  private static final long WATCH = Timeline.millis(100);

  private final int number;
  private final World world;
  private final Timeline.Host host;
  private final SplittableRandom random;
  private final Set<String> agents;
  private final int threads;
  final Access access;
  final SimFleet fleet;
  final SimClaims claims;
  final SimUpkeep upkeep;
  final Map<String, SimRun> running = new LinkedHashMap<>();
  final Deque<SimRun> letGo = new ArrayDeque<>();
  final Deque<String> outbox = new ArrayDeque<>();
  private final Set<String> mailed = new HashSet<>();
  private boolean heldLease = true;
  private boolean started;

  SimProcess(
      World world,
      int number,
      Timeline.Host host,
      SplittableRandom random,
      Set<String> agents,
      int threads) {
    this.world = world;
    this.number = number;
    this.host = host;
    this.random = random;
    this.agents = agents;
    this.threads = threads;
    this.access = new Access(world.time, world.network, this);
    this.fleet = new SimFleet(this);
    this.claims = new SimClaims(this);
    this.upkeep = new SimUpkeep(this);
  }

  void start() {
    fleet.start();
  }

  /** Heartbeats have gone out; after the first ones everything else begins. */
  void beaten() {
    if (!started) {
      started = true;
      after(WATCH, this::watch);
      upkeep.start();
      claims.kick();
    }
    claims.suspect();
  }

  // what others ask

  @Override
  public int number() {
    return number;
  }

  @Override
  public Timeline.Host host() {
    return host;
  }

  @Override
  public void die() {
    if (!host.isDead()) {
      host.kill();
      tell("dies", "", "", 0);
      world.died(this);
    }
  }

  String incarnation() {
    return fleet.incarnation();
  }

  Membership member() {
    return fleet.member();
  }

  Truth truth() {
    return world.truth;
  }

  Mutation mutation() {
    return world.mutation;
  }

  Instant storeNow() {
    return world.network.now();
  }

  boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }

  void after(long nanos, Runnable action) {
    world.time.after(host, nanos, action);
  }

  void tell(String what, String run, String detail, long count) {
    world.time.tell(number, what, run, detail, count);
  }

  void asks(String run, String path, int attempt) {
    world.asks(run, path, attempt);
  }

  void passed(String run, String path, Instant due) {
    truth().passed(run, path, due, storeNow(), access.tolerance());
  }

  // the watch

  void interruptAll() {
    List.copyOf(running.values()).forEach(SimRun::lost);
  }

  private void watch() {
    boolean holds = fleet.holdsLease();
    if (heldLease && !holds) {
      tell("lease ends", "", "", 0);
      interruptAll();
    }
    heldLease = holds;
    Instant now = access.now();
    List.copyOf(running.values()).forEach(run -> run.watch(now));
    after(WATCH, this::watch);
  }

  // hints

  void wake(Outcome.Seen seen) {
    String key = seen.key();
    if (Outbox.isOutbox(key)) {
      outbox.add(key);
      upkeep.wakeUp();
      return;
    }
    if (key.contains("/$")) {
      return;
    }
    SimRun here = running.get(key);
    if (here != null) {
      here.fetchMail(() -> {});
    } else if (seen.holder() != null && seen.holder().holder().equals(incarnation())) {
      mailed.add(key);
    } else if (seen.holder() == null && seen.version() > 0) {
      world.hint(this, key);
    }
  }

  /** A run may be ready to be taken. */
  void hint(String run) {
    claims.hint(run);
  }

  void parked(@Nullable Instant due) {
    if (due != null) {
      claims.expect(due);
    }
  }

  // runs

  /** How many more runs it may execute. */
  int free() {
    return threads - running.size();
  }

  boolean pressed() {
    return claims.isStopped() || free() <= 0;
  }

  boolean hosts(String agent) {
    return agents.contains(agent);
  }

  List<String> queues() {
    return agents.stream().map(agent -> agent + "@1").toList();
  }

  void execute(int program, Journal journal, Runnable then) {
    SimRun run = new SimRun(this, world.program(program), journal);
    running.put(run.runId(), run);
    Runnable begin =
        () -> {
          after(1, run::begin);
          then.run();
        };
    if (mailed.remove(run.runId())) {
      run.fetchMail(begin); // it came after the claim and before the line above
    } else {
      begin.run();
    }
  }

  void letGo(SimRun run) {
    letGo.add(run);
  }

  void left(SimRun run) {
    running.remove(run.runId(), run);
    claims.kick();
  }

  // leaving

  /** Shuts down in order: takes no more runs, lets those under way finish, hands back the rest. */
  void close() {
    tell("closes", "", "", 0);
    claims.stop();
    awaitQuiet(
        access.nanos() + Timeline.millis(random.nextInt(1_500)),
        () -> !running.isEmpty(),
        () -> {
          List.copyOf(running.values()).forEach(SimRun::handBackSoon);
          awaitQuiet(
              access.nanos() + Timeline.millis(500),
              () -> !running.isEmpty(),
              () -> {
                access.hurry();
                List.copyOf(running.values()).forEach(SimRun::handBackNow);
                leave();
              });
        });
  }

  private void awaitQuiet(long until, BooleanSupplier busy, Runnable then) {
    if (!busy.getAsBoolean() || access.nanos() - until >= 0) {
      then.run();
    } else {
      after(Timeline.millis(20), () -> awaitQuiet(until, busy, then));
    }
  }

  private void leave() {
    fleet.stop();
    awaitQuiet(
        access.nanos() + Timeline.millis(500),
        claims::isBusy,
        () -> {
          upkeep.stop();
          awaitQuiet(access.nanos() + Timeline.millis(500), upkeep::isBusy, this::giveBack);
        });
  }

  private void giveBack() {
    boolean empty = running.isEmpty() && !claims.isBusy() && !upkeep.isBusy() && !claims.unsure();
    upkeep.giveBack(
        given ->
            awaitQuiet(
                access.nanos() + Timeline.millis(500),
                fleet::isBeating,
                () -> goodBye(empty && given)));
  }

  private void goodBye(boolean empty) {
    Runnable exit =
        () -> {
          host.kill();
          tell("left", "", "", empty ? 1 : 0);
          world.died(this);
        };
    access.write(
        fleet.member().leave(access.newId(), empty, access.now()), done -> exit.run(), exit);
  }
}
