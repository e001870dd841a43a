package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.runtime.RunView;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A {@link FleetContract} over a server that can be restarted and killed, and that keeps what it
 * answered. A store that stands still makes nobody take over.
 */
public abstract class FleetServerContract extends FleetContract {
  /** For subclasses. */
  protected FleetServerContract() {}

  /** Kills the server at once, as {@code kill -9} does. */
  protected abstract void killServer();

  /** Starts it again over the same data, at the same address, after ending it if it runs. */
  protected abstract void restartServer();

  @Test
  @Tag("guarantee-7")
  void aServerThatIsRestartedStopsNothing() {
    expiry = Duration.ofSeconds(10); // longer than a restart takes
    ChildProcess one = launch("one", server());
    ChildProcess two = launch("two", server());
    ready(one);
    ready(two);
    Set<String> runs = busy(one, two);
    List<String> members = List.of(member(one), member(two));

    restartServer();

    awaitEnds();
    assertThat(List.of(member(one), member(two))).isEqualTo(members);
    assertThat(runs).allMatch(run -> view(run).executions().size() == 1);
    over();
  }

  @Test
  @Tag("chaos")
  void aServerThatIsKilledAndAwayForLongerThanTheExpiryMakesNobodyTakeOver() {
    ChildProcess one = launch("one", server());
    ChildProcess two = launch("two", server());
    ready(one);
    ready(two);
    Set<String> runs = busy(one, two);
    List<String> members = List.of(member(one), member(two));

    long killed = System.nanoTime();
    killServer();
    past(killed, expiry.multipliedBy(3).dividedBy(2));
    restartServer();

    awaitEnds();
    assertThat(List.of(member(one), member(two))).isEqualTo(members);
    assertThat(runs)
        .noneMatch(run -> view(run).executions().stream().anyMatch(RunView.Execution::afterDeath));
    over();
  }

  private Set<String> busy(ChildProcess one, ChildProcess two) {
    Set<String> runs = submit(30, FleetAgents.STEPS, 25, 50);
    until(
        "all are in the middle",
        LONG,
        () ->
            holds(one).size() + holds(two).size() == 30
                && said(one, FleetWorker.FINISHED).size() + said(two, FleetWorker.FINISHED).size()
                    >= 60);
    return runs;
  }
}
