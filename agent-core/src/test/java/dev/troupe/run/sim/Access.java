package dev.troupe.run.sim;

import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Find;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A caller's way to the store, as the runtime's {@code StoreAccess}: sends again what was not
 * answered, and estimates the store's time from its last answer and the monotonic clock.
 */
final class Access {
  private static final long PATIENCE = Timeline.millis(2_000);

  private final Timeline time;
  private final Network network;
  private final Network.Caller caller;
  private long anchorMillis;
  private long anchorNanos;
  private boolean hurried;
  private int ids;

  Access(Timeline time, Network network, Network.Caller caller) {
    this.time = time;
    this.network = network;
    this.caller = caller;
    note(network.now());
  }

  static RecordId place(String key) {
    return RecordId.of(key, Network.PARTITIONS);
  }

  String newId() {
    return "x" + caller.number() + "-" + ++ids;
  }

  void hurry() {
    hurried = true;
  }

  Instant now() {
    return Instant.ofEpochMilli(anchorMillis + (nanos() - anchorNanos) / 1_000_000);
  }

  /** How far the estimate may be ahead of the store, in milliseconds. */
  long tolerance() {
    return 2 + (long) ((nanos() - anchorNanos) / 1e6 * 2.1 * Faults.DRIFT);
  }

  long nanos() {
    return time.nanos(caller.host());
  }

  private void note(Instant now) {
    anchorMillis = now.toEpochMilli();
    anchorNanos = nanos();
  }

  void write(Change change, Consumer<Outcome> ok, Runnable failed) {
    writeAll(
        List.of(change),
        outcomes -> {
          Outcome outcome = outcomes.get(0);
          boolean before =
              outcome instanceof Outcome.Refused refused
                  && refused.found() != null
                  && refused.found().lastChange().equals(change.id());
          ok.accept(before ? new Outcome.Done(outcome.now(), List.of()) : outcome);
        },
        failed);
  }

  void writeAll(List<Change> changes, Consumer<List<Outcome>> ok, Runnable failed) {
    this.<List<Outcome>>patiently(
        (done, lost) -> network.apply(caller, changes, done, lost),
        outcomes -> {
          note(outcomes.get(outcomes.size() - 1).now());
          ok.accept(outcomes);
        },
        failed,
        nanos() + PATIENCE,
        Timeline.millis(10));
  }

  /** Sends a change once; a missing answer is an error. */
  void once(Change change, Consumer<Outcome> ok, Runnable failed) {
    network.apply(
        caller,
        List.of(change),
        outcomes -> {
          note(outcomes.get(0).now());
          ok.accept(outcomes.get(0));
        },
        failed);
  }

  void claim(Claim claim, Consumer<List<Stored>> ok, Runnable failed) {
    network.claim(
        caller,
        claim,
        records -> {
          if (!records.isEmpty()) {
            note(records.get(records.size() - 1).now());
          }
          ok.accept(records);
        },
        failed);
  }

  void find(Find find, Consumer<List<Stored>> ok, Runnable failed) {
    network.find(caller, find, page -> ok.accept(page.items()), failed);
  }

  void first(Scan scan, Consumer<@Nullable Stored> ok, Runnable failed) {
    this.<Page<Stored>>patiently(
        (done, lost) -> network.scan(caller, scan, done, lost),
        page -> {
          Stored first = page.items().isEmpty() ? null : page.items().get(0);
          if (first != null) {
            note(first.now());
          }
          ok.accept(first);
        },
        failed,
        nanos() + PATIENCE,
        Timeline.millis(10));
  }

  private interface Attempt<T> {
    void make(Consumer<T> ok, Runnable failed);
  }

  private <T> void patiently(
      Attempt<T> attempt, Consumer<T> ok, Runnable failed, long giveUp, long pause) {
    attempt.make(
        ok,
        () -> {
          if (hurried || nanos() - giveUp >= 0) {
            failed.run();
          } else {
            time.after(
                caller.host(),
                pause,
                () ->
                    patiently(
                        attempt, ok, failed, giveUp, Math.min(pause * 2, Timeline.millis(500))));
          }
        });
  }
}
