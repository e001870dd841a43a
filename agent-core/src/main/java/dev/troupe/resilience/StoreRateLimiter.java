package dev.troupe.resilience;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Combiner;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreTime;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A rate limiter over any store: a record for each group, written under its version. Processes that
 * share the store share the limits, and what was granted survives what the store survives.
 *
 * <p>A decision is one change of the store while only this process asks for the group, and two or
 * more round trips while others do; demands of concurrent callers ride together. A group of which
 * nothing is used any more leaves the store by itself. Time is the store's, in whole milliseconds.
 *
 * <p>A refusal that others' settling may have made out of date is made sure of in the store first.
 * A decision counts from when it was made, or, when it took the store more than 10 ms to store it,
 * from then on; so a window may see as much more as comes back in 10 ms.
 *
 * <p>When the store does not answer, calls fail after a second and a few of its time limits at the
 * latest, however many ask and for however many groups: who has waited for a second while others
 * were not answered fails without asking.
 *
 * <p>Safe for use by many threads.
 */
public final class StoreRateLimiter implements RateLimiter {
  /** How often a group is tried that others write at the same time, before the call fails. */
  private static final int ATTEMPTS = 50;

  private static final int MAX_TOGETHER = 256;

  /** Of how many groups it is remembered how they stood; of others the store is asked. */
  private static final int MAX_GROUPS = 10_000;

  /** A decision that is stored so much later is counted from then, by a change of its own. */
  private static final long LATE_MICROS = 10_000;

  private static final Duration KEPT_LONGER = Duration.ofMinutes(1);

  /** Who has waited for so long when others are not answered is not to wait for an own answer. */
  private static final long PATIENCE_NANOS = 1_000_000_000;

  private final StateStore store;
  private final Combiner<Work, Work> combiner;

  /** What was last seen of a group; only the combiner's one thread at a time looks here. */
  private final Map<String, Seen> groups = new LinkedHashMap<>(16, 0.75f, true);

  private final String process = UUID.randomUUID().toString().replace("-", "") + "-";
  private long count;
  private final StoreTime time = new StoreTime();
  private long latest;
  private @Nullable Away away;

  /** When the store last failed to answer. */
  private record Away(long nanos, AgentException why) {}

  /** A group's record as it was at a version; 0 for absent. */
  private static final class Seen {
    final long version;
    final byte @Nullable [] value;
    private @Nullable Limits read;

    Seen(long version, byte @Nullable [] value, @Nullable Limits read) {
      this.version = version;
      this.value = value;
      this.read = read;
    }

    /** What the record says, to be changed; once without reading it. */
    Limits limits() {
      Limits known = read;
      read = null;
      return known == null ? Limits.decode(value) : known;
    }
  }

  /** What one caller wants of one group: demands or settlements; or what is to be made good. */
  private static final class Work {
    final String group;
    final List<Demand> demands;
    final List<Settlement> settlements;
    final long since = System.nanoTime();
    Map<String, Long> late = Map.of();
    List<Decision> decisions = List.of();
    @Nullable RuntimeException failure;

    Work(String group, List<Demand> demands, List<Settlement> settlements) {
      this.group = group;
      this.demands = demands;
      this.settlements = settlements;
    }
  }

  /** Work of one group that is decided and stored together. */
  private static final class Batch {
    final RecordId id;
    final List<Work> works = new ArrayList<>();
    boolean fresh;

    Batch(RecordId id) {
      this.id = id;
    }
  }

  private record Tried(Batch batch, Change change, Seen known, Played played) {}

  /**
   * Limits over a store.
   *
   * @param store where the groups' records lie; not closed by this
   */
  public StoreRateLimiter(StateStore store) {
    this.store = store;
    this.combiner = new Combiner<>(this::serve, work -> 1, MAX_TOGETHER);
  }

  @Override
  public List<Decision> reserve(List<Demand> demands) {
    demands.forEach(Demand::check);
    Map<String, List<Integer>> groups = new LinkedHashMap<>();
    for (int i = 0; i < demands.size(); i++) {
      groups.computeIfAbsent(demands.get(i).group(), g -> new ArrayList<>()).add(i);
    }
    Decision[] decisions = new Decision[demands.size()];
    groups.forEach(
        (group, places) -> {
          Work work = new Work(group, places.stream().map(demands::get).toList(), List.of());
          List<Decision> decided = done(work).decisions;
          for (int i = 0; i < decided.size(); i++) {
            decisions[places.get(i)] = decided.get(i);
          }
        });
    return List.of(decisions);
  }

  @Override
  public void settle(List<Settlement> settlements) {
    Map<String, List<Settlement>> groups = new LinkedHashMap<>();
    for (Settlement settlement : settlements) {
      String group = settlement.reservation().demand().group();
      groups.computeIfAbsent(group, g -> new ArrayList<>()).add(settlement);
    }
    groups.forEach((group, some) -> done(new Work(group, List.of(), some)));
  }

  private Work done(Work work) {
    combiner.ask(work);
    RuntimeException failure = work.failure;
    if (failure != null) {
      throw failure;
    }
    return work;
  }

  // one thread at a time

  private List<Work> serve(List<Work> works) {
    Map<String, Batch> batches = new LinkedHashMap<>();
    for (Work work : works) {
      batches
          .computeIfAbsent(work.group, group -> new Batch(RecordId.of(key(group), partitions())))
          .works
          .add(work);
    }
    List<Batch> open = new ArrayList<>(batches.values());
    for (int attempt = 1; !open.isEmpty(); attempt++) {
      if (attempt > ATTEMPTS) {
        fail(
            open,
            new AgentException(
                ErrorCode.STORE_UNAVAILABLE,
                "limits of group '%s' are written by so many at once that none of %d attempts went through; split the group"
                    .formatted(open.get(0).works.get(0).group, ATTEMPTS)));
        break;
      }
      if (attempt > 3) {
        LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(1_000_000L * attempt / 2));
      }
      open = attempt(open);
    }
    return works;
  }

  private int partitions() {
    return store.info().partitions();
  }

  static String key(String group) {
    return "$limit/" + group;
  }

  /** Decides and stores; returns what has to be tried again. */
  private List<Batch> attempt(List<Batch> open) {
    List<Batch> again = new ArrayList<>();
    List<Tried> tried = new ArrayList<>();
    for (Batch batch : open) {
      AgentException tooLate = outOfPatience(batch);
      if (tooLate != null) {
        fail(List.of(batch), tooLate);
        continue;
      }
      try {
        Tried decided = decide(batch);
        if (decided != null) {
          tried.add(decided);
        }
      } catch (AgentException e) {
        lost(e);
        fail(List.of(batch), e);
      }
    }
    if (tried.isEmpty()) {
      return again;
    }
    List<Outcome> outcomes;
    try {
      outcomes = store.apply(tried.stream().map(Tried::change).toList());
    } catch (AgentException e) {
      tried.forEach(t -> groups.remove(t.batch.id.key()));
      lost(e);
      fail(tried.stream().map(Tried::batch).toList(), e);
      return again;
    }
    for (int i = 0; i < tried.size(); i++) {
      Tried one = tried.get(i);
      time.heard(outcomes.get(i).now());
      if (outcomes.get(i) instanceof Outcome.Done done) {
        Edit.Put put = (Edit.Put) one.change.edits().get(1);
        remember(put.key(), new Seen(done.seen().get(0).version(), put.value(), one.played.after));
        Batch rest = late(one, TimeUnit.MILLISECONDS.toMicros(done.now().toEpochMilli()));
        if (rest != null) {
          again.add(rest);
        }
      } else {
        Stored found = ((Outcome.Refused) outcomes.get(i)).found();
        remember(one.batch.id.key(), seen(found));
        one.batch.fresh = true;
        again.add(one.batch);
      }
    }
    return again;
  }

  private void lost(AgentException why) {
    if (why.code() == ErrorCode.STORE_UNAVAILABLE) {
      away = new Away(System.nanoTime(), why);
    }
  }

  /** Why a batch is not to be asked for; null when it is. */
  private @Nullable AgentException outOfPatience(Batch batch) {
    Away last = away;
    if (last == null) {
      return null;
    }
    long lostAt = last.nanos;
    if (batch.works.stream().noneMatch(work -> lostAt - work.since > PATIENCE_NANOS)) {
      return null;
    }
    return new AgentException(
        ErrorCode.STORE_UNAVAILABLE,
        "nothing was granted or settled, because the store did not answer those before in time: "
            + last.why.getMessage(),
        last.why);
  }

  /** What was decided long before it was stored counts from when it was stored. */
  private static @Nullable Batch late(Tried tried, long stored) {
    long decided = tried.played.now;
    if (stored - decided <= LATE_MICROS) {
      return null;
    }
    Map<String, Long> more = new HashMap<>();
    Limits before = Limits.decode(tried.known.value);
    for (Work work : tried.batch.works) {
      for (int i = 0; i < work.decisions.size(); i++) {
        if (work.decisions.get(i).granted()) {
          more.putAll(before.late(work.demands.get(i), decided, stored));
        }
      }
    }
    if (more.isEmpty()) {
      return null;
    }
    Work rest = new Work(tried.batch.works.get(0).group, List.of(), List.of());
    rest.late = more;
    Batch batch = new Batch(tried.batch.id);
    batch.works.add(rest);
    return batch;
  }

  private void remember(String key, Seen seen) {
    groups.put(key, seen);
    if (groups.size() > MAX_GROUPS) {
      groups.remove(groups.keySet().iterator().next());
    }
  }

  private static Seen seen(@Nullable Stored found) {
    return found == null ? new Seen(0, null, null) : new Seen(found.version(), found.value(), null);
  }

  private static void fail(List<Batch> batches, RuntimeException why) {
    for (Batch batch : batches) {
      batch.works.forEach(work -> work.failure = why);
    }
  }

  /** What a batch makes of a group's limits. */
  private record Played(Limits after, long now, boolean changed) {}

  /** Decides what a batch wants from what is known; null when nothing has to be stored. */
  private @Nullable Tried decide(Batch batch) {
    Seen known = groups.get(batch.id.key());
    if (known == null) {
      known = look(batch);
    }
    Played played = play(batch, known);
    if (!played.changed && !batch.fresh) {
      // all refused, by what may be out of date
      known = look(batch);
      played = play(batch, known);
    }
    if (!played.changed) {
      return null;
    }
    String key = batch.id.key();
    Edit guard = known.version == 0 ? new Edit.Absent(key) : new Edit.AtVersion(key, known.version);
    // some time longer, because the time that is known may be behind
    Instant expires =
        Instant.ofEpochMilli(played.after.forgottenAt(played.now) / 1_000).plus(KEPT_LONGER);
    byte[] value = played.after.encode(played.now);
    Change change =
        new Change(
            unique(),
            batch.id.partition(),
            List.of(guard, new Edit.Put(key, value, Map.of(), expires)));
    return new Tried(batch, change, known, played);
  }

  private Played play(Batch batch, Seen known) {
    Limits limits = known.limits();
    long now = now();
    boolean changed = false;
    for (Work work : batch.works) {
      limits.use(work.late);
      changed |= !work.late.isEmpty();
      for (Settlement settlement : work.settlements) {
        limits.settle(settlement, now);
        changed = true;
      }
      List<Decision> decisions = new ArrayList<>(work.demands.size());
      for (Demand demand : work.demands) {
        Decision decision = limits.reserve(demand, unique(), now);
        decisions.add(decision);
        changed |= decision.granted();
      }
      work.decisions = decisions;
    }
    return new Played(limits, now, changed);
  }

  private String unique() {
    return process + Long.toString(++count, Character.MAX_RADIX);
  }

  private Seen look(Batch batch) {
    Page<Stored> page = store.scan(Scan.mailAfter(batch.id, Long.MAX_VALUE));
    Stored found = page.items().isEmpty() ? null : page.items().get(0);
    if (found != null) {
      time.heard(found.now());
    } else {
      time.learn(store, batch.id);
    }
    batch.fresh = true;
    Seen seen = seen(found);
    remember(batch.id.key(), seen);
    return seen;
  }

  /** The store's time in microseconds. Never back. */
  private long now() {
    latest = Math.max(latest, TimeUnit.MILLISECONDS.toMicros(time.millis()));
    return latest;
  }
}
