package dev.troupe.run.sim;

import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Find;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The one store and the way to it. A call and its answer take time, and all that can happen to them
 * happens here. Tells {@link Truth} what the store has really done.
 */
final class Network {
  static final int PARTITIONS = 4;
  static final long BEGIN = 1_800_000_000_000L;

  /** After this time a caller takes its call for failed. */
  static final long TIMEOUT = Timeline.millis(1_000);

  private final Timeline time;
  private final SplittableRandom random;
  private final Faults faults;
  private final Truth truth;
  private final Mutation mutation;
  final MemoryStateStore store;
  private final Map<Integer, Long> cutUntil = new HashMap<>();
  private long jumped;
  private long standsUntil;

  Network(Timeline time, SplittableRandom random, Faults faults, Truth truth, Mutation mutation) {
    this.time = time;
    this.random = random;
    this.faults = faults;
    this.truth = truth;
    this.mutation = mutation;
    this.store = new MemoryStateStore(PARTITIONS, this::now);
  }

  /** The store's clock. */
  Instant now() {
    return Instant.ofEpochMilli(BEGIN + (time.now() + jumped) / 1_000_000);
  }

  void jump(long nanos) {
    jumped += nanos;
    time.tell(-1, "clock jumps", "", "ms", nanos / 1_000_000);
  }

  void standStill(long nanos) {
    standsUntil = Math.max(standsUntil, time.now() + nanos);
    time.tell(-1, "store stands", "", "ms", nanos / 1_000_000);
  }

  boolean faulty() {
    return time.now() < faults.until();
  }

  private boolean strikes(int rate) {
    return rate > 0 && faulty() && random.nextInt(10_000) < rate;
  }

  private long between(long least, long most) {
    return least + random.nextLong(Math.max(1, most - least));
  }

  // what can be asked of a store

  void apply(Caller caller, List<Change> changes, Consumer<List<Outcome>> ok, Runnable failed) {
    call(caller, () -> applied(caller, changes), ok, failed);
  }

  private List<Outcome> applied(Caller caller, List<Change> changes) {
    List<Change> sent = new ArrayList<>();
    changes.forEach(change -> sent.add(mutation.change(change)));
    List<Outcome> outcomes = store.apply(sent);
    for (int i = 0; i < sent.size(); i++) {
      Change change = changes.get(i);
      boolean done = outcomes.get(i) instanceof Outcome.Done;
      time.tell(
          caller.number(),
          done ? "done" : "refused",
          change.edits().get(0).key(),
          change.edits().get(change.edits().size() - 1).getClass().getSimpleName(),
          change.edits().size());
      if (done) {
        truth.applied(change, now());
      }
    }
    return outcomes;
  }

  void claim(Caller caller, Claim claim, Consumer<List<Stored>> ok, Runnable failed) {
    long sent = time.now();
    call(caller, () -> claimed(caller, claim, sent), ok, failed);
  }

  private List<Stored> claimed(Caller caller, Claim claim, long sent) {
    List<Stored> records = store.claim(claim);
    for (Stored record : records) {
      time.tell(
          caller.number(),
          "is handed",
          record.id().key(),
          claim.grant().holder(),
          claim.grant().number());
      truth.claimed(caller, claim, record, sent);
    }
    return records;
  }

  void find(Caller caller, Find find, Consumer<Page<Stored>> ok, Runnable failed) {
    call(caller, () -> store.find(find), ok, failed);
  }

  void scan(Caller caller, Scan scan, Consumer<Page<Stored>> ok, Runnable failed) {
    call(caller, () -> store.scan(scan), ok, failed);
  }

  /** Whoever calls the store: a process, or a client that never dies. */
  interface Caller {
    int number();

    Timeline.Host host();

    /** Dies on the spot. */
    void die();
  }

  /** One call under way. */
  private final class Call<T> {
    private final Caller caller;
    private final Consumer<T> ok;
    private final Runnable failed;
    private boolean over;

    Call(Caller caller, Consumer<T> ok, Runnable failed) {
      this.caller = caller;
      this.ok = ok;
      this.failed = failed;
    }

    void answer(T answer, long wait) {
      time.after(
          Timeline.WORLD,
          wait,
          () ->
              time.after(
                  caller.host(),
                  0,
                  () -> {
                    if (!over) {
                      over = true;
                      ok.accept(answer);
                    }
                  }));
    }

    void failAfter(long wait) {
      time.after(
          caller.host(),
          wait,
          () -> {
            if (!over) {
              over = true;
              failed.run();
            }
          });
    }
  }

  private <T> void call(Caller caller, Supplier<T> action, Consumer<T> ok, Runnable failed) {
    Call<T> call = new Call<>(caller, ok, failed);
    if (strikes(faults.pauses())) {
      // it has decided to call, and sleeps before it does
      pause(caller);
      time.after(caller.host(), 1, () -> send(call, action));
      return;
    }
    send(call, action);
  }

  private <T> void send(Call<T> call, Supplier<T> action) {
    Caller caller = call.caller;
    boolean answered = !strikes(faults.unanswered());
    boolean late = strikes(faults.delayed());
    boolean dies = caller.host() != Timeline.WORLD && strikes(faults.dies());
    boolean lost = strikes(faults.lost()) || isCut(caller);
    long there = late ? between(1, faults.longestDelay()) : between(200_000, 2_000_000);
    long back = strikes(faults.delayed()) ? between(1, TIMEOUT * 2) : between(200_000, 2_000_000);
    if (lost || late || !answered || there + back > TIMEOUT) {
      truth.troubled(caller.number(), time.now() + TIMEOUT);
    }
    if (lost) {
      call.failAfter(between(1_000_000, TIMEOUT));
      return;
    }
    if (!answered || late || standsUntil > time.now() || there + back > TIMEOUT) {
      call.failAfter(TIMEOUT);
    }
    if (dies && random.nextBoolean()) {
      caller.die(); // its call is on its way
      dies = false;
    }
    boolean diesThen = dies;
    time.after(
        Timeline.WORLD,
        there,
        () -> {
          if (standsUntil > time.now()) {
            time.after(
                Timeline.WORLD,
                standsUntil - time.now(),
                () -> arrive(call, action, answered, diesThen, back));
          } else {
            arrive(call, action, answered, diesThen, back);
          }
        });
  }

  private <T> void arrive(
      Call<T> call, Supplier<T> action, boolean answered, boolean dies, long back) {
    T answer = action.get();
    if (dies) {
      call.caller.die();
    } else if (answered) {
      call.answer(answer, back);
      if (strikes(faults.pauses())) {
        pause(call.caller);
      }
    }
  }

  /** For a while nothing that the caller sends comes to the store. */
  void cut(Caller caller, long nanos) {
    cutUntil.put(caller.number(), time.now() + nanos);
    time.tell(caller.number(), "is cut off", "", "ms", nanos / 1_000_000);
    truth.troubled(caller.number(), time.now() + nanos + TIMEOUT);
  }

  private boolean isCut(Caller caller) {
    return faulty() && cutUntil.getOrDefault(caller.number(), 0L) > time.now();
  }

  private void pause(Caller caller) {
    long most = random.nextInt(3) == 0 ? Faults.EXPIRY * 3 : Faults.EXPIRY / 4;
    pause(caller, between(1_000_000, most));
  }

  void pause(Caller caller, long nanos) {
    if (caller.host() != Timeline.WORLD) {
      time.pause(caller.host(), nanos);
      time.tell(caller.number(), "pauses", "", "ms", nanos / 1_000_000);
      truth.troubled(caller.number(), time.now() + nanos);
    }
  }
}
