package dev.troupe.testkit;

import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunEvent;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.StateStore;
import java.lang.reflect.Constructor;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A process of {@link FleetContract}: executes runs until it is killed or its input ends, and says
 * what happens, a line for each event. Its arguments are those of {@link FleetFixture#launch}.
 */
final class FleetWorker {
  static final String READY = "ready";
  static final String TAKEN = "taken ";
  static final String FINISHED = "finished ";
  static final String ENDED = "ended ";
  static final String REFUSED = "refused ";

  private FleetWorker() {}

  public static void main(String[] args) throws Exception {
    Class<?> opener = Class.forName(args[0]);
    History.Writer history = History.Writer.open(Path.of(args[2]), args[3]);
    try (StateStore store = open(opener.asSubclass(FleetContract.Opener.class), args[1])) {
      AgentRuntime.Builder builder =
          AgentRuntime.builder()
              .store(new Fenced(store))
              .expiry(Duration.parse(args[4]))
              .shutdownGrace(Duration.parse(args[5]))
              .maxConcurrentRuns(Integer.parseInt(args[6]))
              .maxTakeOvers(Integer.parseInt(args[7]))
              .listener(history.listener())
              .listener(FleetWorker::say);
      new FleetAgents(history).all().forEach(builder::agent);
      try (AgentRuntime runtime = builder.start()) {
        say(READY + " among " + runtime.processes().size());
        while (System.in.read() >= 0) {
          // until the parent is gone
        }
      }
    }
  }

  /** Opens a store as a subclass of the contract says, which need not be public. */
  static StateStore open(Class<? extends FleetContract.Opener> opener, String address)
      throws ReflectiveOperationException {
    Constructor<? extends FleetContract.Opener> constructor = opener.getDeclaredConstructor();
    constructor.setAccessible(true);
    return constructor.newInstance().open(address);
  }

  private static void say(RunEvent event) {
    if (event instanceof RunEvent.Started started) {
      say(TAKEN + started.run());
    } else if (event instanceof RunEvent.StepFinished finished) {
      say(FINISHED + finished.run() + " " + finished.path());
    } else if (event instanceof RunEvent.Ended ended) {
      say(ENDED + ended.run());
    }
  }

  private static void say(String line) {
    System.out.println(line);
  }

  /** Says which writes were refused because their grant is not valid any more. */
  private static final class Fenced extends ForwardingStore {
    Fenced(StateStore store) {
      super(store);
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      List<Outcome> outcomes = super.apply(changes);
      for (Outcome outcome : outcomes) {
        if (outcome instanceof Outcome.Refused refused
            && refused.because() instanceof Edit.Held held) {
          say(REFUSED + held.key());
        }
      }
      return outcomes;
    }
  }
}
