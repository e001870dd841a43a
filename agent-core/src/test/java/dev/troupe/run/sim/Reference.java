package dev.troupe.run.sim;

import dev.troupe.run.sim.Program.Act;
import dev.troupe.run.sim.Program.Await;
import dev.troupe.run.sim.Program.Call;
import dev.troupe.run.sim.Program.Group;
import dev.troupe.run.sim.Program.Op;
import dev.troupe.run.sim.Program.Paths;
import dev.troupe.run.sim.Program.Sleep;
import dev.troupe.run.sim.Program.Tell;
import dev.troupe.run.sim.Program.Think;
import dev.troupe.run.sim.Program.Unknown;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;

/**
 * What the runs of a tree come to when no process, no store and no clock is involved: plain
 * recursion over the programs.
 */
final class Reference {
  static final String FAILED = "failed";

  /** What can be said of a run beforehand. */
  record Expected(String result, boolean certain) {}

  final Map<String, Expected> runs = new TreeMap<>();

  /** How many signals of a name a run may wait for. */
  final Map<String, Map<String, Integer>> signals = new TreeMap<>();

  /** Takes in a root; what somebody ends from outside can't be foretold. */
  void root(String run, Program program, boolean certain) {
    run(run, program, certain);
  }

  /** How results are folded, here and by the runs. */
  static String fold(String sum, String next) {
    return Long.toString(sum.hashCode() * 1_000_003L + next.hashCode(), 36);
  }

  static String valueOf(String run, String path) {
    return Integer.toString((run + path).hashCode(), 36);
  }

  static String childId(String parent, Call call, String path) {
    return call.key().isEmpty()
        ? parent + "/" + path
        : call.key() + "/" + derivedId(parent, path + "~1");
  }

  static String derivedId(String run, String place) {
    byte[] name = (run + "\n" + place).getBytes(StandardCharsets.UTF_8);
    return UUID.nameUUIDFromBytes(name).toString();
  }

  private String run(String run, Program program, boolean certain) {
    String result = ops(run, program.ops(), new Paths(""), certain);
    runs.put(run, new Expected(result, certain));
    return result;
  }

  private String ops(String run, List<Op> ops, Paths paths, boolean certain) {
    String sum = "";
    for (Op op : ops) {
      String next = op(run, op, paths, certain);
      if (next.equals(FAILED)) {
        return FAILED;
      }
      sum = fold(sum, next);
    }
    return sum;
  }

  private String op(String run, Op op, Paths paths, boolean certain) {
    if (op instanceof Act act) {
      String path = paths.next(act.name());
      if (act.unknown() == Unknown.NEVER) {
        return path; // depends on when processes die
      }
      boolean fails = act.attempts() <= act.failures();
      return fails ? (act.caught() ? path + FAILED : FAILED) : valueOf(run, path);
    } else if (op instanceof Sleep) {
      return paths.next("sleep");
    } else if (op instanceof Await await) {
      signals.computeIfAbsent(run, r -> new TreeMap<>()).merge(await.signal(), 1, Integer::sum);
      return paths.next("signal " + await.signal());
    } else if (op instanceof Call call) {
      String path = paths.next(call.name());
      boolean sure = certain && call.limit() == 0;
      String result = run(childId(run, call, path), call.child(), sure);
      if (call.limit() > 0) {
        return path;
      }
      return result.equals(FAILED) ? (call.caught() ? path + FAILED : FAILED) : result;
    } else if (op instanceof Group group) {
      return group(run, group, paths.next(group.name()), certain);
    } else if (op instanceof Tell) {
      return paths.told();
    } else if (op instanceof Think) {
      return "thought";
    }
    throw new IllegalStateException("unknown " + op);
  }

  private String group(String run, Group group, String path, boolean certain) {
    String sum = path;
    for (int i = 0; i < group.branches().size(); i++) {
      Paths paths = new Paths(path + "/" + i + "/");
      String result = ops(run, group.branches().get(i), paths, certain && !group.any());
      if (!group.any()) {
        sum = sum.equals(FAILED) || result.equals(FAILED) ? FAILED : fold(sum, result);
      }
    }
    return sum;
  }
}
