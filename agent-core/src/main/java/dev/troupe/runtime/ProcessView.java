package dev.troupe.runtime;

import dev.troupe.run.Membership;
import dev.troupe.state.Place;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One process of a fleet, as it told of itself with its last heartbeat.
 *
 * @param id the incarnation: another one after a restart, or after the process was declared dead
 * @param host where it runs, {@code -} when its environment does not say
 * @param pid its number there
 * @param since when it started, on its own clock
 * @param agents the agents that it executes, {@code name@version}
 * @param running how many runs it was executing
 * @param capacity how many it executes at most
 * @param draining whether it takes no more runs because it is shutting down
 * @param expires when others take over unless it gives a sign of life, on the store's clock; null
 *     when that is being done, or when the store is for one process
 */
public record ProcessView(
    String id,
    String host,
    long pid,
    Instant since,
    List<String> agents,
    int running,
    int capacity,
    boolean draining,
    @Nullable Instant expires) {
  /** A due time behind this one never comes. */
  private static final long FAR = 200_000_000_000L;

  /** Copies the list. */
  public ProcessView {
    agents = List.copyOf(agents);
  }

  static ProcessView of(Stored record) {
    Map<String, String> told = Membership.told(record.value());
    String agents = told.getOrDefault("agents", "");
    return new ProcessView(
        Membership.incarnation(record.id()),
        told.getOrDefault("host", "-"),
        number(told.get("pid")),
        Instant.ofEpochMilli(number(told.get("since"))),
        agents.isEmpty() ? List.of() : List.of(agents.split(" ", -1)),
        (int) number(told.get("running")),
        (int) number(told.get("capacity")),
        Boolean.parseBoolean(told.get("draining")),
        record.place() instanceof Place.Queued queued && queued.due().getEpochSecond() < FAR
            ? queued.due()
            : null);
  }

  private static long number(@Nullable String text) {
    try {
      return text == null ? 0 : Long.parseLong(text);
    } catch (NumberFormatException unreadable) {
      return 0; // another version may tell it in another way
    }
  }
}
