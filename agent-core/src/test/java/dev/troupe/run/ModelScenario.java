package dev.troupe.run;

import dev.troupe.run.ModelState.Harm;
import dev.troupe.run.ModelState.Harms;
import dev.troupe.run.ModelState.Lease;
import dev.troupe.run.ModelState.Proc;
import dev.troupe.state.Outcome;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What is explored: processes, runs with their agents, what the environment may do, a variant. */
final class ModelScenario {
  static final Duration EXPIRY = Duration.ofMillis(ModelState.TICK);

  final String name;
  final int processes;
  final int partitions;
  final Map<String, ModelAgent> agents = new HashMap<>();
  final List<RunHeader> roots = new ArrayList<>();
  Variant variant = Variant.RIGHT;

  /** Whether a take-over from a process that could have gone on is no fault. */
  boolean ignoresNeedless;

  private List<String> lateQueues = List.of("@");
  private Harms harms = Harms.NONE;

  ModelScenario(String name, int processes, int partitions) {
    this.name = name;
    this.processes = processes;
    this.partitions = partitions;
  }

  ModelScenario may(Harm harm, int times) {
    harms = harms.with(harm, times);
    return this;
  }

  /** Which claims may be long under way, if any; by default those of runs. */
  ModelScenario late(String... queues) {
    lateQueues = List.of(queues);
    return may(Harm.LATE, 1);
  }

  List<String> lateQueues() {
    return lateQueues;
  }

  ModelScenario as(Variant wrong) {
    variant = wrong;
    return this;
  }

  ModelScenario root(String id, String lane, ModelAgent agent) {
    roots.add(header(id, null, lane));
    agents.put(id, agent);
    return this;
  }

  /** A root that calls one child. */
  ModelScenario tree(String id, String childId, ModelAgent callee) {
    String childLane = childId.startsWith(id + "/") ? null : childId.substring(0, 1);
    agents.put(childId, callee);
    return root(id, null, ModelAgent.parent(header(childId, id, childLane), callee));
  }

  static RunHeader header(String id, String parent, String lane) {
    return new RunHeader(
        id,
        "agent",
        "1",
        new RunHeader.Origin(
            parent, parent == null ? null : ModelAgent.CALL, "agent", ModelState.BEGIN),
        new RunHeader.Terms(1, lane, null, "", "", ""),
        new RunHeader.Encoding("json", ""),
        "0".getBytes(StandardCharsets.UTF_8));
  }

  /** Whether only the store keeps processes from beating, so that each verdict is needless. */
  boolean stalls() {
    return harms.left(Harm.STALL) > 0;
  }

  boolean failsOver() {
    return harms.left(Harm.FAILOVER) > 0;
  }

  /** Whether numbers that nobody knows may be used again; see {@link ModelState#normal}. */
  boolean forgets() {
    return !failsOver() && partitions == 1 && !variant.countsVersions();
  }

  @Override
  public String toString() {
    return name;
  }

  /** Everybody has joined, long ago; the roots are submitted and nobody has taken them. */
  ModelState begin() {
    ModelStore store = ModelStore.empty(variant, ModelState.BEGIN);
    List<Proc> procs = new ArrayList<>();
    for (int i = 0; i < processes; i++) {
      Proc proc = Proc.joining(i);
      Membership member = new Membership(proc.incarnation(), partitions, EXPIRY);
      var joined = store.apply(member.beat("join " + i, new byte[0], ModelState.BEGIN));
      store = joined.after();
      long version = ((Outcome.Done) joined.outcome()).seen().get(0).version();
      procs.add(proc.member(version, List.of(), Lease.STEADY));
    }
    for (RunHeader root : roots) {
      store = store.apply(Runs.submit("submit " + root.id(), partitions, root)).after();
    }
    return new ModelState(store, List.copyOf(procs), List.of(), harms, null).normal(forgets());
  }
}
