package dev.troupe.redis;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import dev.troupe.testkit.RedisServer;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;

/** Short words for what the tests of the Redis store do. */
final class RedisFixture {
  private static final AtomicLong COUNT = new AtomicLong();

  private RedisFixture() {}

  static RedisStateStore open(RedisServer server) {
    return RedisStateStore.builder().uri(server.uri()).open();
  }

  static Change change(Edit... edits) {
    int partition = RecordId.of(edits[0].key(), 64).partition();
    return new Change("c" + COUNT.incrementAndGet(), partition, List.of(edits));
  }

  static Outcome send(StateStore store, Edit... edits) {
    return store.apply(List.of(change(edits))).get(0);
  }

  static Outcome.Done done(StateStore store, Edit... edits) {
    Outcome outcome = send(store, edits);
    assertThat(outcome).isInstanceOf(Outcome.Done.class);
    return (Outcome.Done) outcome;
  }

  static Edit.Put put(String key, String value) {
    return new Edit.Put(key, value.getBytes(UTF_8), Map.of("kind", "test"), null);
  }

  static Edit.Row row(String key, String row, String value) {
    return new Edit.Row(key, row, value.getBytes(UTF_8));
  }

  static Edit.Queue queue(String key) {
    return new Edit.Queue(key, "work", 1, Instant.EPOCH, null, Long.MAX_VALUE);
  }

  static String text(byte[] bytes) {
    return new String(bytes, UTF_8);
  }

  static List<Stored> read(StateStore store, String key) {
    return store.scan(Scan.whole(RecordId.of(key, 64))).items();
  }

  static Grant grant() {
    return new Grant("me", COUNT.incrementAndGet());
  }

  static Set<Integer> everywhere() {
    return IntStream.range(0, 64).boxed().collect(Collectors.toSet());
  }

  static List<Stored> claimDue(StateStore store, int limit) {
    Claim.From due = new Claim.From.Due(List.of("work"));
    return store.claim(new Claim(grant(), due, everywhere(), limit, Integer.MAX_VALUE));
  }

  static List<Stored> claimNamed(StateStore store, Grant grant, String key) {
    Claim.From from = new Claim.From.Named(List.of(RecordId.of(key, 64)));
    return store.claim(new Claim(grant, from, Set.of(), 1, Integer.MAX_VALUE));
  }

  /** Creates a record and takes it. */
  static Edit.Held held(StateStore store, String key) {
    done(store, put(key, "v"), queue(key));
    Grant grant = grant();
    assertThat(claimNamed(store, grant, key)).hasSize(1);
    return new Edit.Held(key, grant);
  }

  /** Waits through what dies in threads of the client's when a node of a cluster has gone. */
  static ConditionFactory patiently() {
    return Awaitility.await().dontCatchUncaughtExceptions();
  }

  static AgentException failure(ErrorCode code, ThrowingCallable call) {
    AgentException failure = catchThrowableOfType(AgentException.class, call);
    assertThat(failure).isNotNull();
    assertThat(failure.code()).as(failure.toString()).isEqualTo(code);
    return failure;
  }
}
