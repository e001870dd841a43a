package dev.troupe.examples.benchmarks;

import dev.troupe.examples.party.Stores;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.History;
import java.nio.file.Path;
import java.time.Duration;

/** One process of the soak: executes until it is killed or its input ends. */
public final class SoakWorker {
  private SoakWorker() {}

  /**
   * The program.
   *
   * @param args the store, the folder for histories, the process's name
   * @throws Exception when it can't start
   */
  public static void main(String[] args) throws Exception {
    History.Writer history = History.Writer.open(Path.of(args[1]), args[2]);
    try (StateStore store = Stores.open(args[0])) {
      AgentRuntime.Builder builder =
          AgentRuntime.builder()
              .store(store)
              .expiry(Duration.ofSeconds(3))
              .hotWait(Duration.ofMillis(200))
              .shutdownGrace(Duration.ofMillis(200))
              .maxTakeOvers(100) // the soak kills whatever it meets
              .listener(history.listener());
      new SoakAgents(history).all().forEach(builder::agent);
      try (AgentRuntime runtime = builder.start()) {
        System.out.println("ready " + runtime.processes().size());
        while (System.in.read() >= 0) {
          // until the parent goes
        }
      }
    }
  }
}
