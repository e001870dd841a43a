package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.runtime.RunView;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.HistoryReport.Count;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What a fleet over a store for many processes is held to: real processes over a real server are
 * killed, told to end, stopped, and cut off from it, and every run has to come out right, once,
 * with no effect made again whose result was journaled. An adapter's test extends this class with
 * three short methods; one that can restart its server extends {@link FleetServerContract}.
 *
 * <pre>{@code
 * class MyFleetTest extends FleetContract {
 *   @Override protected Class<? extends Opener> opener() { return MyOpener.class; }
 *   @Override protected InetSocketAddress server() { return server.address(); }
 *   @Override protected String address(InetSocketAddress at) { return "my://" + at.getPort(); }
 * }
 * }</pre>
 *
 * <p>Tests take seconds, most of them to wait for an expiry of two; the longer ones have the tag
 * {@code chaos}. For Linux and macOS.
 */
@Timeout(120)
public abstract class FleetContract extends FleetFixture {
  /** How much later than the expiry others have gone on. */
  private static final Duration SOON = Duration.ofSeconds(2);

  /** Opens the store in another process. Has a constructor without parameters. */
  @FunctionalInterface
  public interface Opener {
    /**
     * Opens the store.
     *
     * @param address what {@link FleetContract#address} gave
     * @return the store; closed by the contract
     */
    StateStore open(String address);
  }

  /** For subclasses. */
  protected FleetContract() {}

  /**
   * What opens the store, in this process and in others.
   *
   * @return a class on the class path
   */
  @Override
  protected abstract Class<? extends Opener> opener();

  /**
   * Where the server is. Proxies are put before it.
   *
   * @return its address, the same for the whole test
   */
  @Override
  protected abstract InetSocketAddress server();

  /**
   * The address of a store that is empty at the beginning of each test, and in one test is always
   * the same.
   *
   * @param server where to reach the server: {@link #server()} or a proxy before it
   * @return what {@link Opener#open} understands; it is an argument of a command line
   */
  @Override
  protected abstract String address(InetSocketAddress server);

  // who dies and who leaves

  @Test
  @Tag("guarantee-7")
  void whatAKilledProcessHeldGoesOnElsewhereAfterTheExpiry() {
    ChildProcess one = launch("one", server());
    ChildProcess two = launch("two", server());
    ready(one);
    ready(two);
    submit(40, FleetAgents.STEPS, 20, 40);
    until("one is in the middle", LONG, () -> amid(one, 60) || amid(two, 60));
    ChildProcess victim = amid(one, 60) ? one : two;
    ChildProcess heir = victim == one ? two : one;
    long killed = System.nanoTime();
    victim.kill();
    Set<String> left = holds(victim);
    assertThat(left).isNotEmpty();

    awaitTaken(heir, victim, killed);

    assertThat(over().count(Count.REPEATED)).isLessThanOrEqualTo(left.size());
  }

  private static boolean amid(ChildProcess worker, int finished) {
    return said(worker, FleetWorker.FINISHED).size() >= finished;
  }

  /** Another process has begun in time to execute what one held. */
  private void awaitTaken(ChildProcess heir, ChildProcess gone, long since) {
    Duration atMost = expiry.plus(SOON).minusNanos(System.nanoTime() - since);
    until("others go on", atMost, () -> took(heir, gone));
  }

  private static boolean took(ChildProcess heir, ChildProcess gone) {
    return said(heir, FleetWorker.TAKEN).containsAll(holds(gone));
  }

  @Test
  @Tag("guarantee-6")
  void aProcessToldToEndHandsOverAtOnce() {
    expiry = Duration.ofSeconds(30);
    ChildProcess one = worker("one");
    ChildProcess two = worker("two");
    two.pause(); // so that one takes everything, and two needs no time to start when it is needed
    Set<String> runs = submit(20, FleetAgents.STEPS, 22, 150);
    until("all are in the middle", LONG, () -> holds(one).size() == 20 && amid(one, 40));

    two.resume();
    one.terminate();

    until("the other goes on", grace.plusSeconds(4), () -> took(two, one));
    assertThat(one.awaitExit(Duration.ofSeconds(5))).isEqualTo(143);
    assertThat(holds(one)).isNotEmpty();
    assertThat(over().count(Count.REPEATED)).isLessThanOrEqualTo(20);
    assertThat(runs).noneMatch(this::wasTakenOver);
  }

  private boolean wasTakenOver(String run) {
    return view(run).executions().stream().anyMatch(RunView.Execution::afterDeath);
  }

  @Test
  @Tag("chaos")
  void aRunThatExhaustsTheHeapEndsAsPoisonedAndTheOthersEndWell() {
    maxTakeOvers = 2;
    capacity = 10;
    List<ChildProcess> fleet = new ArrayList<>(List.of(hungry(1), hungry(2)));
    fleet.forEach(FleetFixture::ready);
    String hog = submit(1, FleetAgents.HOG, 1, 10).iterator().next();
    submit(30, FleetAgents.STEPS, 10, 40);
    List<ChildProcess> dead = new ArrayList<>();
    until(
        "the run is given up",
        LONG,
        () -> {
          fleet.stream().filter(worker -> !worker.alive()).forEach(dead::add);
          fleet.removeAll(dead);
          while (fleet.size() < 2) {
            fleet.add(hungry(3 + dead.size()));
          }
          return ended(runs());
        });
    submit(5, FleetAgents.STEPS, 3, 10);
    over();

    assertThat(dead).hasSize(maxTakeOvers + 1);
    assertThat(dead).allMatch(worker -> worker.awaitExit(LONG) == 3);
    assertThat(dead).allMatch(worker -> said(worker, FleetWorker.TAKEN).contains(hog));
  }

  private ChildProcess hungry(int number) {
    return launch("hungry-" + number, server(), "-Xmx64m", "-XX:+ExitOnOutOfMemoryError");
  }

  // who stands still and who is cut off

  @Test
  @Tag("guarantee-8")
  void aProcessThatStoodStillForTooLongOverwritesNothingAndBeginsAnew() {
    ChildProcess zombie = worker("zombie");
    lost(zombie, zombie::pause, zombie::resume);
  }

  @Test
  @Tag("chaos")
  void aProcessCutOffForTooLongOverwritesNothingAndBeginsAnew() {
    FaultProxy proxy = proxy(1);
    ChildProcess cutOff = worker("cut-off", proxy);
    lost(
        cutOff,
        () -> {
          proxy.refuse();
          proxy.cut();
        },
        proxy::heal);
  }

  private void lost(ChildProcess zombie, Runnable away, Runnable back) {
    submit(8, FleetAgents.STEPS, 25, 100);
    submit(4, FleetAgents.STEPS, 60, 100);
    until("all are in the middle", LONG, () -> holds(zombie).size() == 12 && amid(zombie, 24));
    ChildProcess heir = worker("heir");
    String before = member(zombie);
    long gone = System.nanoTime();
    away.run();
    awaitTaken(heir, zombie, gone);
    Set<String> left = holds(zombie);
    assertThat(left).isNotEmpty();
    past(gone, expiry.multipliedBy(3));
    List<String> over = left.stream().filter(run -> view(run).state().ended()).toList();
    Map<String, String> records = records(over);

    back.run();

    zombie.awaitLine("^" + FleetWorker.REFUSED, LONG);
    until("it is another", LONG, () -> members(zombie).stream().anyMatch(m -> !m.equals(before)));
    Set<String> taken = said(zombie, FleetWorker.TAKEN);
    submit(240, FleetAgents.STEPS, 10, 50); // more than the other takes before this one asks
    until("it takes work again", LONG, () -> said(zombie, FleetWorker.TAKEN).size() > taken.size());
    assertThat(records(over)).isEqualTo(records);
    over();
    assertThat(left).allMatch(this::wasTakenOver);
  }

  @Test
  @Tag("guarantee-7")
  void aProcessThatStandsStillForLessThanTheExpiryLosesNothing() {
    expiry = Duration.ofSeconds(4);
    ChildProcess one = worker("one");
    keeps(one, one::pause, one::resume);
  }

  @Test
  @Tag("guarantee-7")
  void aProcessCutOffForLessThanTheExpiryLosesNothing() {
    expiry = Duration.ofSeconds(4);
    FaultProxy proxy = proxy(1);
    ChildProcess one = worker("one", proxy);
    keeps(
        one,
        () -> {
          proxy.refuse();
          proxy.cut();
        },
        proxy::heal);
  }

  private void keeps(ChildProcess one, Runnable away, Runnable back) {
    Set<String> runs = submit(12, FleetAgents.STEPS, 22, 100);
    until("all are in the middle", LONG, () -> holds(one).size() == 12 && amid(one, 24));
    String before = member(one);
    ChildProcess two = launch("two", server());
    long gone = System.nanoTime();
    away.run();
    assertThat(holds(one)).hasSize(12);
    past(gone, expiry.dividedBy(2));
    back.run();
    ready(two);
    awaitEnds();
    assertThat(member(one)).isEqualTo(before);
    assertThat(runs).allMatch(run -> view(run).executions().size() == 1);
    assertThat(over().count(Count.REPEATED)).isZero();
  }

  // bad links

  @Test
  @Tag("guarantee-4")
  void aSlowLinkMakesRunsSlowAndNothingElse() {
    expiry = Duration.ofSeconds(10); // a heartbeat has thousands of packets and may take a second
    FaultProxy proxy = proxy(1);
    proxy.delay(FaultProxy.Way.REQUESTS, Duration.ofMillis(20));
    proxy.delay(FaultProxy.Way.ANSWERS, Duration.ofMillis(30));
    proxy.slice(FaultProxy.Way.REQUESTS, 64);
    proxy.slice(FaultProxy.Way.ANSWERS, 1);
    worker("slow", proxy);
    Set<String> runs = submit(10, FleetAgents.STEPS, 4, 10);
    assertThat(over().count(Count.REPEATED)).isZero();
    assertThat(runs).noneMatch(this::wasTakenOver);
  }

  @Test
  @Tag("guarantee-2")
  void answersThatAreLostRepeatNothingThatWasJournaled() {
    expiry = Duration.ofSeconds(10); // several heartbeats in a row lose their answers
    FaultProxy proxy = proxy(1);
    ChildProcess one = worker("one", proxy);
    Set<String> runs = submit(20, FleetAgents.STEPS, 20, 50);
    until("all are in the middle", LONG, () -> holds(one).size() == 20 && amid(one, 40));
    for (int i = 0; i < 6 && !ended(runs); i++) {
      long began = System.nanoTime();
      proxy.swallowAnswers();
      past(began, Duration.ofMillis(200));
      proxy.heal();
      past(began, Duration.ofMillis(400));
    }
    over();
    assertThat(runs).noneMatch(this::wasTakenOver);
  }

  // all together

  @Test
  @Tag("chaos")
  void afterManyFaultsAllRunsHaveEndedOnceAndNothingIsHeld() {
    long seed = System.nanoTime();
    System.out.println("faults of seed " + seed);
    Random random = new Random(seed);
    List<Disturbed> fleet = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      fleet.add(new Disturbed(i, seed));
    }
    fleet.forEach(one -> ready(one.worker));
    long began = System.nanoTime();
    Set<String> faults = new TreeSet<>();
    for (int i = 0; i < 20; i++) {
      submit(3, FleetAgents.ORDER, 1, 20 + random.nextInt(200));
      faults.add(fleet.get(random.nextInt(3)).disturb(random));
      past(began, Duration.ofMillis(500L * (i + 1)));
    }
    fleet.forEach(Disturbed::heal);
    assertThat(faults).as("seed " + seed).hasSizeGreaterThan(1);
    over();
  }

  /** A process that is killed, stopped or cut off, until the next fault or the end. */
  private final class Disturbed {
    private final String name;
    private final FaultProxy proxy;
    private ChildProcess worker;
    private boolean paused;

    Disturbed(int number, long seed) {
      name = "worker-" + number;
      proxy = proxy(seed + number);
      worker = start();
    }

    private ChildProcess start() {
      return launch(name, at(proxy));
    }

    String disturb(Random random) {
      heal();
      switch (random.nextInt(4)) {
        case 0 -> {
          worker.kill();
          return "killed";
        }
        case 1 -> {
          worker.pause();
          paused = true;
          return "paused";
        }
        case 2 -> {
          proxy.refuse();
          proxy.cut();
          return "cut off";
        }
        default -> {
          proxy.cut();
          return "cut";
        }
      }
    }

    void heal() {
      proxy.heal();
      if (!worker.alive()) {
        worker = start();
      } else if (paused) {
        worker.resume();
      }
      paused = false;
    }
  }
}
