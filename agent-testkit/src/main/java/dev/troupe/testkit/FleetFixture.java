package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.run.RunRecord;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.ProcessView;
import dev.troupe.runtime.RunHandle;
import dev.troupe.runtime.RunView;
import dev.troupe.runtime.Submission;
import dev.troupe.state.Page;
import dev.troupe.state.Place;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import dev.troupe.testkit.FleetAgents.Work;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * A fleet of real processes over one store, a client in this process that executes nothing, and
 * short words for what {@link FleetContract} does with them. What the processes said stays in the
 * test's folder when it fails.
 */
abstract class FleetFixture {
  static final Duration LONG = Duration.ofSeconds(60);

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path folder;

  // what processes are started with from now on
  Duration expiry = Duration.ofSeconds(2);
  Duration grace = Duration.ofMillis(500);
  int capacity = 40;
  int maxTakeOvers = 20;

  private final List<ChildProcess> workers = new ArrayList<>();
  private final List<FaultProxy> proxies = new ArrayList<>();
  private final Map<String, Work> submitted = new LinkedHashMap<>();
  private final Map<String, RunHandle<Integer>> handles = new LinkedHashMap<>();
  private @Nullable StateStore store;
  private History.Writer history;
  private @Nullable AgentRuntime client;

  // the hooks are described in FleetContract, which is what adapters see
  protected abstract Class<? extends FleetContract.Opener> opener();

  protected abstract InetSocketAddress server();

  protected abstract String address(InetSocketAddress server);

  @BeforeEach
  final void openFleet() throws Exception {
    history = History.Writer.open(histories(), "client");
    store = FleetWorker.open(opener(), address(server()));
  }

  @AfterEach
  final void closeFleet() throws IOException {
    for (ChildProcess worker : workers) {
      worker.close();
      Files.write(folder.resolve(worker + ".log"), worker.lines());
    }
    proxies.forEach(FaultProxy::close);
    if (client != null) {
      client.close();
    }
    history.close();
    if (store != null) {
      store.close();
    }
  }

  private Path histories() {
    return folder.resolve("histories");
  }

  /** Submits, watches, judges, and executes nothing. */
  final AgentRuntime client() {
    if (client == null) {
      AgentRuntime.Builder builder =
          AgentRuntime.builder()
              .store(store)
              .expiry(expiry)
              .maxConcurrentRuns(0)
              .maxTakeOvers(maxTakeOvers)
              .listener(history.listener());
      new FleetAgents(history).all().forEach(builder::agent);
      client = builder.start();
    }
    return client;
  }

  // processes

  /** Starts a process that reaches the server itself, and waits until it is a member. */
  final ChildProcess worker(String name, String... jvm) {
    return ready(launch(name, server(), jvm));
  }

  /** Starts one that reaches the server through a proxy. */
  final ChildProcess worker(String name, FaultProxy proxy) {
    return ready(launch(name, at(proxy)));
  }

  static InetSocketAddress at(FaultProxy proxy) {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), proxy.port());
  }

  /** Starts one and does not wait for it. */
  final ChildProcess launch(String name, InetSocketAddress at, String... jvm) {
    ChildProcess worker =
        ChildProcess.of(FleetWorker.class)
            .name(name)
            .jvm("-Xmx128m", "-XX:+UseSerialGC")
            .jvm(jvm)
            .args(opener().getName(), address(at), histories(), name)
            .args(expiry, grace, capacity, maxTakeOvers)
            .start();
    workers.add(worker);
    return worker;
  }

  static ChildProcess ready(ChildProcess worker) {
    worker.awaitLine("^" + FleetWorker.READY, LONG);
    return worker;
  }

  final FaultProxy proxy(long seed) {
    FaultProxy proxy = FaultProxy.to(server().getHostString(), server().getPort(), seed);
    proxies.add(proxy);
    return proxy;
  }

  /** What a process said of this kind, without repetitions. */
  static Set<String> said(ChildProcess worker, String kind) {
    Set<String> said = new LinkedHashSet<>();
    for (String line : worker.lines()) {
      if (line.startsWith(kind)) {
        said.add(line.substring(kind.length()));
      }
    }
    return said;
  }

  /** What a process has begun to execute and not ended. For runs without waits. */
  static Set<String> holds(ChildProcess worker) {
    Set<String> holds = said(worker, FleetWorker.TAKEN);
    holds.removeAll(said(worker, FleetWorker.ENDED));
    return holds;
  }

  /** How the fleet knows this process; for a while also by what it was before. */
  final List<String> members(ChildProcess worker) {
    return client().processes().stream()
        .filter(process -> process.pid() == worker.pid())
        .map(ProcessView::id)
        .toList();
  }

  final String member(ChildProcess worker) {
    List<String> members = members(worker);
    assertThat(members).as(worker.toString()).hasSize(1);
    return members.get(0);
  }

  // runs

  final Set<String> submit(int count, String agent, int steps, int millis) {
    Set<String> ids = new LinkedHashSet<>();
    for (int i = 0; i < count; i++) {
      int number = submitted.size() + 1;
      String id = agent + "-" + number;
      Work work = new Work(number, steps, millis);
      history.submitting(id, null);
      handles.put(id, client().submit(Submission.of(agent, work, Integer.class).id(id).build()));
      history.submitted(id);
      submitted.put(id, work);
      ids.add(id);
    }
    return ids;
  }

  final Set<String> runs() {
    return submitted.keySet();
  }

  final RunView view(String run) {
    return client().run(run).orElseThrow();
  }

  final boolean ended(Collection<String> runs) {
    return runs.stream()
        .allMatch(run -> handles.get(run).completion().toCompletableFuture().isDone());
  }

  /** Waits until every run has ended and looks that each came out as it has to. */
  final void awaitEnds() {
    until("all runs have ended", LONG, () -> ended(runs()));
    runs().forEach(run -> assertThat(outcome(run)).as(run).isEqualTo(expected(run)));
  }

  private String expected(String run) {
    Work work = submitted.get(run);
    if (run.startsWith(FleetAgents.HOG)) {
      return ErrorCode.POISONED.name();
    }
    if (run.startsWith(FleetAgents.STEPS)) {
      return "" + FleetAgents.sum(work);
    }
    return FleetAgents.fails(work) ? ErrorCode.RUN_FAILED.name() : "" + FleetAgents.total(work);
  }

  private String outcome(String run) {
    try {
      return "" + handles.get(run).await();
    } catch (AgentException failed) {
      return failed.code().name();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AgentException(ErrorCode.CLOSED, "interrupted", e);
    }
  }

  // waiting

  /** A bounded poll; who waits in vain is shown what the processes said last. */
  final void until(String what, Duration atMost, BooleanSupplier condition) {
    long began = System.nanoTime();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - began > atMost.toNanos()) {
        throw new AssertionError("not within " + atMost + ": " + what + lastLines());
      }
      LockSupport.parkNanos(5_000_000);
    }
  }

  /** Lets time pass since a moment, where that time is what is tested. */
  final void past(long since, Duration duration) {
    BooleanSupplier over = () -> System.nanoTime() - since > duration.toNanos();
    until("time passes", duration.plus(LONG), over);
  }

  private String lastLines() {
    StringBuilder out = new StringBuilder();
    for (ChildProcess worker : workers) {
      List<String> lines = worker.lines();
      out.append("\n").append(worker).append(worker.alive() ? " lives" : " is dead");
      lines
          .subList(Math.max(0, lines.size() - 15), lines.size())
          .forEach(line -> out.append("\n  ").append(line));
    }
    return out.toString();
  }

  // what came of it

  /** The version and all rows of some runs' records, comparable. */
  final Map<String, String> records(Collection<String> runs) {
    Map<String, String> shown = new TreeMap<>();
    for (Stored record : everything(true)) {
      if (runs.contains(record.id().key())) {
        StoreFixture.Shown all = StoreFixture.shown(record);
        shown.put(record.id().key(), all.toString());
      }
    }
    return shown;
  }

  private List<Stored> everything(boolean rows) {
    List<Stored> all = new ArrayList<>();
    for (int partition : store.info().all()) {
      String after = null;
      do {
        Page<Stored> page = store.scan(new Scan.Records(partition, "", after, rows, 500));
        all.addAll(page.items());
        after = page.next();
      } while (after != null);
    }
    return all;
  }

  /** Waits until all is over and nothing is held, ends the fleet, and checks what it did. */
  final HistoryReport over() {
    awaitEnds();
    until("no record is held", LONG, () -> held().isEmpty());
    for (Stored record : everything(false)) {
      if ("run".equals(record.tags().get(RunRecord.KIND))) {
        RunRecord run = RunRecord.decode(record);
        var end = run.end();
        RunView.State state =
            end == null ? RunView.State.RUNNING : RunView.State.valueOf(end.state().name());
        history.outcome(run.header().id(), state, run.header().origin().parent());
      }
    }
    workers.forEach(ChildProcess::kill);
    history.close();
    return History.check(History.files(histories())).assertHolds();
  }

  private List<Stored> held() {
    return everything(false).stream().filter(r -> r.place() instanceof Place.Held).toList();
  }
}
