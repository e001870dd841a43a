package dev.troupe.resilience;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.BreakerRecord.Opening;
import dev.troupe.resilience.BreakerRecord.Probe;
import dev.troupe.resilience.BreakerStore.Look;
import dev.troupe.resilience.BreakerStore.Seen;
import dev.troupe.resilience.CircuitBreaker.Mode;
import dev.troupe.resilience.CircuitBreaker.ProbeEnd;
import dev.troupe.resilience.CircuitBreaker.Ruling;
import dev.troupe.resilience.CircuitBreaker.Signal;
import dev.troupe.resilience.Phase.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks after the breakers of a process: tells the store what happened here, and the breakers what
 * the store says. All of it on one thread, in rounds, so that no call waits for a store.
 *
 * <p>A breaker's phase is changed by callers and by this thread. A round notes the phases before it
 * asks the store, and sets only those that are still the same after: what a caller did meanwhile is
 * newer than what the store said.
 */
final class BreakerWatch implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(CircuitBreakers.class);

  /** The names of all breakers lie in one value of the store. */
  private static final int MOST = 400;

  private static final Duration FIRST_LOOK = Duration.ofSeconds(1);
  private static final Duration SHORTEST_ANNOUNCEMENT = Duration.ofSeconds(1);

  /** Without a look for so many times its interval, and this long, the store counts as away. */
  private static final int MISSED = 3;

  private static final long SHORTEST_AWAY_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final String process;
  private final String incarnation = UUID.randomUUID().toString();
  private final BreakerStore store;
  private final Duration lookEvery;
  private final Duration announcedFor;
  private final BreakerMetrics metrics;
  private final Map<String, CircuitBreaker> breakers = new ConcurrentHashMap<>();
  private final AtomicBoolean woken = new AtomicBoolean();
  private final AtomicBoolean closed = new AtomicBoolean();
  private final Thread thread;
  private volatile boolean failing;
  private volatile long lookedAt = System.nanoTime();
  private final LongAdder failures = new LongAdder();

  // of the watching thread alone
  private byte[] announced = new byte[0];
  private long announcedAt;
  private long announcedSince;
  private boolean everAnnounced;

  BreakerWatch(String process, BreakerStore store, Duration lookEvery, BreakerMetrics metrics) {
    this.process = process;
    this.store = store;
    this.lookEvery = lookEvery;
    Duration ten = lookEvery.multipliedBy(10);
    this.announcedFor = ten.compareTo(SHORTEST_ANNOUNCEMENT) < 0 ? SHORTEST_ANNOUNCEMENT : ten;
    this.metrics = metrics;
    this.thread = new Thread(this, "troupe-breakers");
    thread.setDaemon(true);
  }

  void start() {
    metrics.watch(this);
    thread.start();
  }

  Duration lookEvery() {
    return lookEvery;
  }

  double failures() {
    return failures.doubleValue();
  }

  boolean away() {
    long since = System.nanoTime() - lookedAt;
    long most = Math.max(SHORTEST_AWAY_NANOS, MISSED * lookEvery.toNanos());
    return failing || since > most || closed.get();
  }

  @Nullable CircuitBreaker known(String name) {
    return breakers.get(name);
  }

  CircuitBreaker breaker(String name, BreakerSettings settings) {
    CircuitBreaker known = breakers.get(name);
    if (known == null) {
      if (closed.get()) {
        throw new AgentException(ErrorCode.CLOSED, "the circuit breakers of " + process);
      }
      if (breakers.size() >= MOST) {
        throw new AgentException(
            ErrorCode.LIMIT_EXCEEDED,
            "a process uses at most %d breakers; '%s' is one more".formatted(MOST, name));
      }
      CircuitBreaker mine = new CircuitBreaker(name, settings, this);
      known = breakers.putIfAbsent(name, mine);
      if (known == null) {
        known = mine;
        metrics.watch(mine);
        wake();
      }
    }
    try {
      if (!known.looked.await(FIRST_LOOK.toMillis(), TimeUnit.MILLISECONDS)) {
        LOG.warn("breaker '{}' goes by its own calls until the store answers", name);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return known;
  }

  void wake() {
    woken.set(true);
    LockSupport.unpark(thread);
  }

  void close() {
    if (closed.compareAndSet(false, true)) {
      wake();
      metrics.close();
      try {
        thread.join(TimeUnit.SECONDS.toMillis(1));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** What an operator says, on the operator's thread. */
  void rule(CircuitBreaker breaker, Mode mode, String by, String reason) {
    Seen seen =
        store.update(
            breaker.name(),
            (record, now) -> record.ruled(new Ruling(mode, by, reason, Instant.ofEpochMilli(now))));
    boolean adopted = false;
    while (!adopted) { // whatever others make of it at the same time: this was said last
      adopted = adopt(breaker, breaker.phase.get(), seen);
    }
    wake();
  }

  // the thread

  @Override
  public void run() {
    while (!closed.get()) {
      woken.set(false);
      List<CircuitBreaker> all = List.copyOf(breakers.values());
      try {
        round(all);
        lookedAt = System.nanoTime();
        if (failing) {
          failing = false;
          LOG.info("the store answers again: circuit breakers are shared");
        }
      } catch (RuntimeException e) {
        failures.increment();
        if (!failing && !closed.get()) {
          failing = true;
          LOG.warn("the store does not answer: circuit breakers go by this process's calls", e);
        }
      }
      for (CircuitBreaker breaker : all) {
        breaker.looked.countDown();
        CompletableFuture<Boolean> asking = breaker.asking.get();
        if (failing && asking != null) {
          asking.complete(false);
        }
      }
      pause();
    }
    leave();
  }

  private void pause() {
    long most = lookEvery.toNanos();
    long until = System.nanoTime() + most / 2 + ThreadLocalRandom.current().nextLong(most / 2);
    // what a store that fails has to be told waits for the next round
    while (!closed.get() && (failing || !woken.get())) {
      long left = until - System.nanoTime();
      if (left <= 0) {
        return;
      }
      LockSupport.parkNanos(this, left);
      if (Thread.interrupted()) {
        LOG.debug("the thread of the circuit breakers is not to be interrupted");
      }
    }
  }

  private void leave() {
    for (CircuitBreaker breaker : breakers.values()) {
      breaker.looked.countDown();
      CompletableFuture<Boolean> asking = breaker.asking.get();
      if (asking != null) {
        asking.complete(false);
      }
    }
    try {
      if (everAnnounced) {
        store.leave(incarnation);
      }
    } catch (RuntimeException e) {
      LOG.debug("the announcement expires by itself", e);
    }
  }

  private void round(List<CircuitBreaker> all) {
    if (all.isEmpty()) {
      return;
    }
    Map<CircuitBreaker, Phase> before = new HashMap<>();
    all.forEach(breaker -> before.put(breaker, breaker.phase.get()));
    announce(before);
    for (CircuitBreaker breaker : all) {
      tell(breaker);
      answer(breaker);
    }
    Look look = store.look();
    for (CircuitBreaker breaker : all) {
      Phase then = before.getOrDefault(breaker, Phase.CLOSED);
      Seen seen = then.votes() ? count(breaker, then, look) : look.of(breaker.name());
      adopt(breaker, then, seen);
    }
  }

  // telling the store

  private void announce(Map<CircuitBreaker, Phase> phases) {
    Map<String, Boolean> open = new HashMap<>();
    phases.forEach((breaker, phase) -> open.put(breaker.name(), phase.votes()));
    byte[] value = BreakerUsers.encode(process, open);
    long now = System.nanoTime();
    long age = now - announcedAt;
    long time = announcedFor.toNanos();
    if (everAnnounced && age < time / 3 && Arrays.equals(value, announced)) {
      return;
    }
    store.announce(incarnation, value, announcedFor);
    if (!everAnnounced || age > time) {
      announcedSince = now;
    }
    everAnnounced = true;
    announced = value;
    announcedAt = now;
  }

  private void tell(CircuitBreaker breaker) {
    ProbeEnd end = breaker.ended.get();
    if (end != null) {
      store.update(breaker.name(), (record, now) -> ended(breaker, end, record, now));
      breaker.ended.compareAndSet(end, null);
    }
    Signal signal = breaker.signal.get();
    if (signal != null) {
      store.update(breaker.name(), (record, now) -> signalled(signal, record, now));
      breaker.signal.compareAndSet(signal, null);
    }
  }

  /** What a probe found, unless another one has taken its place. */
  private @Nullable BreakerRecord ended(
      CircuitBreaker breaker, ProbeEnd end, BreakerRecord record, long now) {
    Probe probe = record.probe();
    Opening opening = record.opening();
    if (probe == null || opening == null || !probe.id().equals(end.probe())) {
      return null;
    }
    if (end.good() == null) {
      return record.probed(null);
    }
    if (end.good()) {
      return record.closed();
    }
    int times = opening.times() + 1;
    long until = now + breaker.settings.openTime(times).toMillis();
    return record.opened(new Opening(until, times, process, end.why()));
  }

  private @Nullable BreakerRecord signalled(Signal signal, BreakerRecord record, long now) {
    long left = TimeUnit.NANOSECONDS.toMillis(signal.until() - System.nanoTime());
    Opening opening = record.opening();
    if (left <= 0 || (opening != null && opening.until() > now + left)) {
      return null;
    }
    int times = opening == null ? 1 : opening.times();
    return record.opened(new Opening(now + left, times, process, signal.reason()));
  }

  /** Gives the probe to a caller that waits for it, if it is free. */
  private void answer(CircuitBreaker breaker) {
    CompletableFuture<Boolean> asking = breaker.asking.get();
    if (asking == null || asking.isDone()) {
      return;
    }
    Phase before = breaker.phase.get();
    String id = incarnation + "/" + UUID.randomUUID();
    long began = System.nanoTime();
    Seen seen =
        store.update(
            breaker.name(),
            (record, now) ->
                free(record, now)
                    ? record.probed(new Probe(id, now + breaker.settings.probeTime.toMillis()))
                    : null);
    Probe probe = seen.record().probe();
    if (probe == null || !probe.id().equals(id)) {
      adopt(breaker, before, seen);
      asking.complete(false);
      return;
    }
    Opening opening = seen.record().opening();
    long until = began + breaker.settings.probeTime.toNanos();
    Phase probing =
        new Phase(
            Kind.PROBING,
            until,
            opening == null ? 1 : opening.times(),
            id,
            opening == null ? "" : opening.why());
    boolean taken = breaker.phase.compareAndSet(before, probing);
    if (!asking.complete(taken) || !taken) {
      breaker.phase.compareAndSet(probing, before);
      store.update(
          breaker.name(),
          (record, now) ->
              record.probe() != null && record.probe().id().equals(id)
                  ? record.probed(null)
                  : null);
    }
  }

  private static boolean free(BreakerRecord record, long now) {
    Opening opening = record.opening();
    Probe probe = record.probe();
    return opening != null
        && !record.forced()
        && opening.until() <= now
        && (probe == null || probe.until() <= now);
  }

  /** Opens for all what enough processes find open. */
  private Seen count(CircuitBreaker breaker, Phase then, Look look) {
    Seen seen = look.of(breaker.name());
    if (seen.record().opening() != null || seen.record().forced()) {
      return seen;
    }
    List<String> votes = look.users().votes(breaker.name());
    int quorum = breaker.settings.quorum;
    // who has just come, or come back, may not see yet who else is there
    if (System.nanoTime() - announcedSince > announcedFor.toNanos()) {
      quorum = Math.min(quorum, look.users().users(breaker.name()));
    }
    if (votes.size() < quorum || !breaker.phase.get().votes()) {
      return seen;
    }
    String by = String.join(", ", votes);
    return store.update(
        breaker.name(),
        (record, now) ->
            record.opening() != null || record.forced()
                ? null
                : record.opened(
                    new Opening(now + breaker.settings.openTime(1).toMillis(), 1, by, then.why())));
  }

  // telling the breakers

  /** Sets how a breaker stands, unless that has changed since; then it does nothing. */
  private static boolean adopt(CircuitBreaker breaker, Phase before, Seen seen) {
    Ruling known = breaker.ruling;
    if (known == null || seen.now() >= known.at().toEpochMilli()) {
      breaker.ruling = seen.record().ruling();
    }
    Phase next = next(before, seen);
    boolean changed;
    if (next.equals(before)) {
      return true;
    } else if (next.kind() == Kind.CLOSED) {
      changed = breaker.close(before);
    } else {
      changed = breaker.phase.compareAndSet(before, next);
    }
    if (changed && next.kind() != before.kind()) {
      if (next.kind() == Kind.OPEN && before.kind() == Kind.CLOSED) {
        breaker.opened.increment();
      }
      LOG.info("breaker '{}' is {}: {}", breaker.name(), next.kind(), next.why());
    }
    return changed;
  }

  /** What the shared record makes of how a breaker stood when it was read. */
  private static Phase next(Phase before, Seen seen) {
    BreakerRecord record = seen.record();
    Ruling ruling = record.ruling();
    if (ruling != null && record.forced()) {
      Kind kind = ruling.mode() == Mode.FORCED_OPEN ? Kind.FORCED_OPEN : Kind.FORCED_CLOSED;
      return new Phase(kind, 0, 0, "", "forced by " + ruling.by() + ": " + ruling.reason());
    }
    Opening opening = record.opening();
    if (opening == null) {
      return before.kind().shared ? Phase.CLOSED : before;
    }
    String why = "opened by " + opening.by() + ": " + opening.why();
    Probe probe = record.probe();
    if (probe != null && probe.until() > seen.now()) {
      return probe.id().equals(before.probe())
          ? before
          : new Phase(Kind.PROBED_ELSEWHERE, nanos(seen, probe.until()), opening.times(), "", why);
    }
    return new Phase(Kind.OPEN, nanos(seen, opening.until()), opening.times(), "", why);
  }

  /** A time of the store on the monotonic clock; never sooner. */
  private static long nanos(Seen seen, long time) {
    return seen.heard() + TimeUnit.MILLISECONDS.toNanos(time - seen.now());
  }
}
