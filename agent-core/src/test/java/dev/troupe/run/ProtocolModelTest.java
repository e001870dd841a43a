package dev.troupe.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.run.ModelExplorer.Result;
import dev.troupe.run.ModelState.Harm;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every interleaving of up to three processes over one store, on the engine's own code; see {@link
 * ProtocolModel} for what is checked. The protocol as it is has no fault within the bounds; each
 * {@link Variant} has one, whose shortest story is printed.
 *
 * <p>{@code -Dtroupe.model=large} raises the bounds; it takes minutes and wants {@code -Xmx4g}.
 */
@Timeout(900)
class ProtocolModelTest {
  private static final boolean LARGE = "large".equals(System.getProperty("troupe.model"));

  /** Processes where one more makes no other story, only more of them. */
  private static final int TWO = LARGE ? 3 : 2;

  /** Harms that are worth doubling when there is time. */
  private static final int ONCE = LARGE ? 2 : 1;

  private static final String NEAR = "r/call#1";

  /** A run under this id lies in the other one of two partitions. */
  private static final String FAR = "d/1";

  private static Result explored(ModelScenario scenario) {
    Result result = new ModelExplorer(scenario).explore();
    System.out.println(result);
    return result;
  }

  private static ModelScenario one(String name, int processes, ModelAgent agent) {
    return new ModelScenario(name, processes, 1).root("r", null, agent);
  }

  private static ModelScenario waiter(String name, int processes) {
    return one(name, processes, ModelAgent.WAITER).may(Harm.SIGNAL, 1);
  }

  private static ModelScenario worker(String name, int processes) {
    return one(name, processes, ModelAgent.WORKER);
  }

  private static ModelScenario tree(String name, String child, ModelAgent callee) {
    return new ModelScenario(name, TWO, child.equals(FAR) ? 2 : 1).tree("r", child, callee);
  }

  private static ModelScenario lane(String name) {
    return new ModelScenario(name, TWO, 1)
        .root("k/1", "k", ModelAgent.WAITER)
        .root("k/2", "k", ModelAgent.WORKER)
        .may(Harm.SIGNAL, 1);
  }

  static Stream<ModelScenario> scenarios() {
    List<ModelScenario> all = new ArrayList<>();
    all.add(waiter("signals, crashes", 3).may(Harm.SIGNAL, 1).may(Harm.CRASH, 2));
    all.add(waiter("signal, lost answers", 2).may(Harm.LOST, 2).may(Harm.HINT, 1));
    all.add(waiter("signal, slow", TWO).may(Harm.SLOW, 1));
    all.add(waiter("signal, fail-over", 3).may(Harm.FAILOVER, 1));
    all.add(worker("fail-over, crash", TWO).may(Harm.FAILOVER, 1).may(Harm.CRASH, 1));
    all.add(worker("slow, lost heartbeat", TWO).may(Harm.SLOW, 1).may(Harm.BEAT_LOST, ONCE));
    all.add(worker("slow, crash", TWO).may(Harm.SLOW, 1).may(Harm.CRASH, 1));
    all.add(worker("late claim, crash", TWO).late("@", Membership.FLEET).may(Harm.CRASH, 1));
    all.add(worker("leaves, lost answer, late", 2).late("@").may(Harm.LEAVE, 1).may(Harm.LOST, 1));
    all.add(worker("store stands still", 3).may(Harm.STALL, 1));
    all.add(
        one("timer, signal, crash, lost", TWO, ModelAgent.TIMER)
            .may(Harm.SIGNAL, 1)
            .may(Harm.CRASH, 1)
            .may(Harm.LOST, ONCE));
    all.add(
        tree("near child, crash, lost", NEAR, ModelAgent.WORKER)
            .may(Harm.CRASH, 1)
            .may(Harm.LOST, 1));
    all.add(
        tree("near child, cancel, crash", NEAR, ModelAgent.WAITER)
            .may(Harm.CANCEL, 1)
            .may(Harm.CRASH, 1));
    all.add(tree("far child, crash", FAR, ModelAgent.WORKER).may(Harm.CRASH, 1));
    all.add(tree("far child, cancel", FAR, ModelAgent.WAITER).may(Harm.CANCEL, 1));
    all.add(lane("lane, crash, lost answer").may(Harm.CRASH, 1).may(Harm.LOST, ONCE));
    if (LARGE) {
      all.add(worker("fail-over, lost answer", 2).may(Harm.FAILOVER, 1).may(Harm.LOST, 1));
      all.add(worker("slow, lost answer", 2).may(Harm.SLOW, 1).may(Harm.LOST, 1));
      all.add(worker("late claim, slow", 2).late("@").may(Harm.SLOW, 1));
      all.add(tree("far child, lost answer", FAR, ModelAgent.WORKER).may(Harm.LOST, 1));
    }
    return all.stream();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("scenarios")
  @Tag("guarantee-2")
  @Tag("guarantee-4")
  @Tag("guarantee-7")
  @Tag("guarantee-8")
  @Tag("guarantee-9")
  void noInterleavingBreaksTheProtocol(ModelScenario scenario) {
    Result result = explored(scenario);
    assertThat(result.fault()).as(result.toString()).isNull();
    assertThat(result.states()).isGreaterThan(10);
  }

  /** For each variant the smallest scenario that shows what is wrong with it, and what that is. */
  private static final Map<Variant, String> FAULTS = new EnumMap<>(Variant.class);

  static {
    FAULTS.put(Variant.VERSION_IS_FENCE_AND_MAILBOX, "stuck for ever: r is held by");
    FAULTS.put(Variant.PARK_CHECKS_ONLY_OWNERSHIP, "a lost wake-up");
    FAULTS.put(Variant.PARK_ON_WHAT_WAS_FETCHED, "a lost wake-up");
    FAULTS.put(Variant.COUNTING_FENCE, "two writers of r");
    FAULTS.put(Variant.NOTHING_RE_TAKEN, "stuck for ever: r is held by");
    FAULTS.put(Variant.RECORD_DELETED_AT_ONCE, "stuck for ever: r is held by");
    FAULTS.put(Variant.RECORD_DELETED_FIRST, "stuck for ever: r is held by");
    FAULTS.put(Variant.LEAVES_AS_EMPTY, "stuck for ever: r is held by");
    FAULTS.put(Variant.BEAT_REGAINS_A_JUDGED_RECORD, "an effect is made again");
    FAULTS.put(Variant.EFFECTS_WITHOUT_LEASE, "an effect is made again");
    FAULTS.put(Variant.LEASE_OF_ANOTHER_LIFE, "an effect is made again");
    FAULTS.put(Variant.CLAIMS_BEFORE_IT_HAS_JOINED, "stuck for ever");
    FAULTS.put(Variant.JUDGES_AT_ONCE, "a process is declared dead that only the store");
    FAULTS.put(Variant.OUTBOX_WITHOUT_NAMES, "run d/1 had ended before");
    FAULTS.put(Variant.HAND_BACK_LEAVES_THE_LANE, "in their lane k/2 is before k/1");
  }

  private static ModelScenario broken(Variant variant) {
    String name = variant.name();
    ModelScenario scenario =
        switch (variant) {
          case RIGHT -> throw new IllegalArgumentException("nothing is wrong with it");
          case VERSION_IS_FENCE_AND_MAILBOX, PARK_CHECKS_ONLY_OWNERSHIP, PARK_ON_WHAT_WAS_FETCHED ->
              waiter(name, 2);
          case COUNTING_FENCE -> worker(name, 2).may(Harm.FAILOVER, 1);
          case NOTHING_RE_TAKEN -> worker(name, 2).may(Harm.LOST, 1);
          case RECORD_DELETED_AT_ONCE -> worker(name, 2).late("@").may(Harm.CRASH, 1);
          case RECORD_DELETED_FIRST -> worker(name, 3).may(Harm.CRASH, 2);
          case LEAVES_AS_EMPTY -> worker(name, 2).may(Harm.LEAVE, 1).may(Harm.LOST, 1);
          case BEAT_REGAINS_A_JUDGED_RECORD ->
              worker(name, 2).may(Harm.SLOW, 1).may(Harm.BEAT_LOST, 1);
          case EFFECTS_WITHOUT_LEASE -> worker(name, 2).may(Harm.SLOW, 1);
          case LEASE_OF_ANOTHER_LIFE -> worker(name, 2).late("@").may(Harm.SLOW, 1);
          case CLAIMS_BEFORE_IT_HAS_JOINED -> worker(name, 2).may(Harm.SLOW, 1).may(Harm.CRASH, 1);
          case JUDGES_AT_ONCE -> worker(name, 2).may(Harm.STALL, 1);
          case OUTBOX_WITHOUT_NAMES -> tree(name, FAR, ModelAgent.WORKER).may(Harm.LOST, 1);
          case HAND_BACK_LEAVES_THE_LANE -> lane(name);
        };
    return scenario.as(variant);
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "RIGHT")
  void eachWrongVariantIsFound(Variant variant) {
    Result result = explored(broken(variant));
    assertThat(result.fault()).as(variant.words).isNotNull().startsWith(FAULTS.get(variant));
    assertThat(result.story()).isNotEmpty();
  }

  /** Judging too early harms nobody's data: grants see to that. It only takes over for nothing. */
  @Test
  void aHastyVerdictIsNeedlessButBreaksNothing() {
    ModelScenario hasty = worker("hasty verdicts", 2).may(Harm.STALL, 1).as(Variant.JUDGES_AT_ONCE);
    hasty.ignoresNeedless = true;
    assertThat(explored(hasty).fault()).isNull();
  }

  @Test
  void theSameStatesAreFoundEachTime() {
    ModelScenario scenario = waiter("again", 2).may(Harm.LOST, 1);
    int states = explored(scenario).states();
    assertThat(explored(scenario).states()).isEqualTo(states);
  }
}
