package dev.troupe.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.Codec;
import dev.troupe.agent.Failure;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A store whose clock stands still unless told otherwise, and processes that claim in it and write
 * by the engine.
 */
final class GoldenWorld {
  static final long BEGIN = 1_767_323_045_000L;

  private final AtomicLong clock = new AtomicLong(BEGIN);
  private volatile InstantSource time = () -> Instant.ofEpochMilli(clock.get());
  final MemoryStateStore store = new MemoryStateStore(GoldenFile.PARTITIONS, () -> time.instant());
  private final Map<String, Integer> grants = new HashMap<>();
  private final Map<String, Instant> expires = new HashMap<>();
  private int changes;

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static byte[] failure(String kind, String message, boolean retryable) {
    return Codec.json().encode(new Failure(kind, message, retryable), Failure.class);
  }

  static RecordId id(String key) {
    return RecordId.of(key, GoldenFile.PARTITIONS);
  }

  Instant now() {
    return time.instant();
  }

  void tick(long millis) {
    clock.addAndGet(millis);
  }

  void tickTo(Instant time) {
    clock.set(time.toEpochMilli());
  }

  /** From here on time passes by itself: a runtime counts on that. */
  void letTimePass() {
    long begun = System.nanoTime();
    time = () -> Instant.ofEpochMilli(clock.get()).plusNanos(System.nanoTime() - begun);
  }

  /** A change's id. */
  String change() {
    return "change-" + ++changes;
  }

  Outcome apply(Change change) {
    for (Edit edit : change.edits()) {
      if (edit instanceof Edit.Put put && put.expires() != null) {
        expires.put(put.key(), put.expires());
      }
    }
    return store.apply(List.of(change)).get(0);
  }

  Outcome.Done done(Change change) {
    Outcome outcome = apply(change);
    assertThat(outcome).isInstanceOf(Outcome.Done.class);
    return (Outcome.Done) outcome;
  }

  List<Stored> claim(String holder, Claim.From from) {
    int number = grants.merge(holder, 1, Integer::sum);
    return store.claim(
        new Claim(new Grant(holder, number), from, store.info().all(), 64, Integer.MAX_VALUE));
  }

  /** What a queue hands out now, which is one record. */
  Stored due(String holder, String queue) {
    List<Stored> due = claim(holder, new Claim.From.Due(List.of(queue)));
    assertThat(due).as("what is due in %s", queue).hasSize(1);
    return due.get(0);
  }

  Journal named(String holder, String key) {
    List<Stored> named = claim(holder, new Claim.From.Named(List.of(id(key))));
    assertThat(named).as("what can be claimed of %s", key).hasSize(1);
    return new Journal(named.get(0));
  }

  Stored whole(String key) {
    List<Stored> found = store.scan(Scan.whole(id(key))).items();
    assertThat(found).as("record %s", key).hasSize(1);
    return found.get(0);
  }

  boolean has(String key) {
    return !store.scan(Scan.whole(id(key))).items().isEmpty();
  }

  /** The only record of an outbox of a run. */
  String outboxOf(String run) {
    List<Stored> found =
        store.scan(new Scan.Records(id(run).partition(), run + "/$out-", null, false, 10)).items();
    assertThat(found).as("outbox of %s", run).hasSize(1);
    return found.get(0).id().key();
  }

  String golden(String key) {
    return GoldenFile.of(whole(key), expires.get(key)).text();
  }
}
