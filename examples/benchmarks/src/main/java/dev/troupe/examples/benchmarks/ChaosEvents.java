package dev.troupe.examples.benchmarks;

import dev.troupe.event.DeadLetter;
import dev.troupe.event.EventBus;
import dev.troupe.event.EventTransport;
import dev.troupe.event.EventTransport.Topic;
import dev.troupe.examples.party.Stores;
import dev.troupe.state.Page;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.FaultProxy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Events through the whole bus by several processes over real servers, all of which are killed,
 * stopped and cut off while events keep coming. At the end nothing may be lost, out of order,
 * handled again without a cause, or stuck.
 */
final class ChaosEvents {
  static final int WORKERS = 3;

  /** How long until all that was published is over, once there are no faults any more. */
  static final Duration DRAIN = Duration.ofMinutes(1);

  private static final int PER_SECOND = 150;
  private static final long ROUND_SECONDS = 60;
  static final long CALM_SECONDS = 20;
  private static final Duration HEAL_LIMIT = Duration.ofMinutes(2);

  private final ChaosServers servers;
  private final int seconds;
  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);
  private final Path folder;
  private final AtomicBoolean serverFault = new AtomicBoolean();
  private final List<String> problems = new ArrayList<>();
  private int serverFaults;
  private long nextServerFault;
  private Duration drained = Duration.ZERO;
  private String left = "";

  private ChaosEvents(ChaosServers servers, int seconds) {
    this.servers = servers;
    this.seconds = seconds;
    try {
      this.folder = Files.createTempDirectory("troupe-chaos");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * What came out.
   *
   * @param about what the servers are
   * @param violations empty when all is well
   * @param checker knows the figures
   * @param drained from the last event to the last end
   * @param left what the servers hold
   * @param lines the history
   * @param folder where it lies
   */
  record Result(
      String about,
      List<String> violations,
      ChaosChecker checker,
      Duration drained,
      String left,
      List<ChaosLine> lines,
      Path folder) {}

  /** Runs it over {@code redis} or {@code kafka}. */
  static Result run(String kind, int seconds) throws Exception {
    try (ChaosServers servers = kind.equals("redis") ? new ChaosRedis() : new ChaosKafka()) {
      return new ChaosEvents(servers, seconds).run();
    }
  }

  private Result run() throws Exception {
    System.out.printf("chaos over %s, %d s, seed %d, %s%n", servers.about(), seconds, seed, folder);
    ChaosChecker checker;
    List<ChaosLine> lines;
    List<String> violations;
    try (FaultProxy proxy = FaultProxy.to("127.0.0.1", servers.port(), seed - 1);
        StateStore store = Stores.open(servers.store(proxy.port()));
        EventTransport transport = ChaosTransports.open(servers.transport(proxy.port()));
        EventBus bus = EventBus.builder(transport, store).lease(ChaosRules.LEASE).build();
        ChaosLog log = new ChaosLog(folder, "parent");
        ChaosWorkers workers = new ChaosWorkers(servers, log, folder, WORKERS, seed)) {
      problems.addAll(
          bus.prepare(List.of(Topic.of(ChaosRules.TOPIC)), true).stream()
              .map(Object::toString)
              .toList());
      healAll(workers);
      ChaosPublishers publishers = new ChaosPublishers(bus, servers, log, PER_SECOND);
      publishers.start(seed);
      rage(workers, proxy, publishers, log);
      rest(workers, Duration.ofSeconds(CALM_SECONDS));
      publishers.stop();
      drain();
      List<DeadLetter> letters = letters(bus);
      workers.leaveAll();
      left = servers.left();
      problems.addAll(workers.problems());
      lines = ChaosLine.read(folder);
      checker = new ChaosChecker(lines);
      violations = new ArrayList<>(problems);
      violations.addAll(checker.check(letters));
    }
    return new Result(servers.about(), violations, checker, drained, left, lines, folder);
  }

  // faults

  private void rage(
      ChaosWorkers workers, FaultProxy proxy, ChaosPublishers publishers, ChaosLog log)
      throws InterruptedException {
    List<ChaosServers.Fault> once = new ArrayList<>(servers.once());
    long began = System.nanoTime();
    long end = began + TimeUnit.SECONDS.toNanos(seconds);
    long next = began;
    nextServerFault = began + TimeUnit.SECONDS.toNanos(4);
    while (System.nanoTime() - end < 0) {
      workers.tend(random);
      long now = System.nanoTime();
      long second = TimeUnit.NANOSECONDS.toSeconds(now - began);
      boolean calm = second % ROUND_SECONDS >= ROUND_SECONDS - CALM_SECONDS;
      if (!calm && now - next >= 0) {
        next = now + TimeUnit.MILLISECONDS.toNanos(700 + random.nextInt(2_500));
        if (now - nextServerFault >= 0 && serverFault.compareAndSet(false, true)) {
          boolean middle = second > seconds / 2;
          beginServerFault(
              middle && !once.isEmpty()
                  ? once.remove(0)
                  : servers.faults().get(random.nextInt(servers.faults().size())),
              log);
        } else if (random.nextInt(8) == 0) {
          log.write(ChaosLine.FAULT, --serverFaults, "cut-of-publishers", "parent");
          proxy.cut();
          log.write(ChaosLine.HEALED, serverFaults);
        } else {
          workers.fault(random);
        }
        System.out.printf("%4d s: %d events%n", second, publishers.count());
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
    healAll(workers);
  }

  private void beginServerFault(ChaosServers.Fault fault, ChaosLog log) {
    int id = --serverFaults;
    log.write(ChaosLine.FAULT, id, fault.name().replace(' ', '-'), "servers");
    Runnable heal = fault.begin().get();
    long wait = TimeUnit.MILLISECONDS.toNanos(300 + random.nextInt(fault.atMostMillis() - 300));
    nextServerFault = System.nanoTime() + wait + TimeUnit.SECONDS.toNanos(8 + random.nextInt(8));
    Thread healing =
        new Thread(
            () -> {
              for (long until = System.nanoTime() + wait, rest = wait;
                  rest > 0;
                  rest = until - System.nanoTime()) {
                LockSupport.parkNanos(rest);
              }
              heal.run();
              log.write(ChaosLine.HEALED, id);
              serverFault.set(false);
            },
            "healing");
    healing.setDaemon(true);
    healing.start();
  }

  private void healAll(ChaosWorkers workers) {
    long end = System.nanoTime() + HEAL_LIMIT.toNanos();
    do {
      workers.tend(random);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
      if (System.nanoTime() - end > 0) {
        throw new IllegalStateException("not everybody is back: " + workers.problems());
      }
    } while (!workers.quiet() || serverFault.get());
  }

  private void rest(ChaosWorkers workers, Duration howLong) {
    long end = System.nanoTime() + howLong.toNanos();
    while (System.nanoTime() - end < 0) {
      workers.tend(random);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
    }
  }

  // the end

  private void drain() throws Exception {
    long began = System.nanoTime();
    String why;
    do {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
      why = behind();
      drained = Duration.ofNanos(System.nanoTime() - began);
    } while (why != null && drained.compareTo(DRAIN) < 0);
    if (why != null) {
      problems.add("stuck: after " + drained.toSeconds() + " s without faults " + why);
    }
  }

  private @Nullable String behind() throws Exception {
    for (String group : ChaosRules.GROUPS) {
      long behind = servers.behind(group);
      if (behind > 0) {
        return "group %s is %d behind".formatted(group, behind);
      }
    }
    int missing = new ChaosChecker(ChaosLine.read(folder)).missing();
    return missing == 0 ? null : missing + " events are settled and neither handled nor dead";
  }

  private static List<DeadLetter> letters(EventBus bus) {
    List<DeadLetter> all = new ArrayList<>();
    for (String group : ChaosRules.GROUPS) {
      String cursor = null;
      do {
        Page<DeadLetter> page = bus.deadLetters().list(group, cursor, 100);
        all.addAll(page.items());
        cursor = page.next();
      } while (cursor != null);
    }
    return all;
  }
}
