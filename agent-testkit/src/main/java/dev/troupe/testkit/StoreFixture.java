package dev.troupe.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** The store under test and short words for what the contract does with it. */
abstract class StoreFixture {
  static final String QUEUE = "work";
  static final Instant LONG_AGO = Instant.EPOCH;
  static final Duration LATER = Duration.ofHours(1);

  /** How long records of these tests live; an adapter that really waits waits so long. */
  static final Duration SPAN = Duration.ofSeconds(2);

  private final AtomicLong count = new AtomicLong();
  StateStore store;

  // the hooks are described in StateStoreContract, which is what adapters see
  protected abstract StateStore open();

  protected abstract void advance(Duration duration);

  protected abstract StateStore reopen(StateStore store);

  @BeforeEach
  final void openStore() {
    store = open();
    assertThat(store.info().partitions())
        .as("open the store with 8 partitions at least, so that there are some to tell apart")
        .isGreaterThanOrEqualTo(8);
  }

  @AfterEach
  final void closeStore() {
    store.close();
  }

  /** What a record shows, comparable. */
  record Shown(
      String value,
      long version,
      long mailNumber,
      String lastChange,
      Map<String, String> tags,
      Place place,
      Instant created,
      Map<String, String> rows,
      List<String> mail,
      Map<String, Long> counters) {}

  static Shown shown(Stored s) {
    Map<String, String> rows = new TreeMap<>();
    s.rows().forEach((name, value) -> rows.put(name, hex(value)));
    List<String> mail =
        s.mail().stream().map(m -> m.number() + " " + m.name() + " " + hex(m.value())).toList();
    return new Shown(
        hex(s.value()),
        s.version(),
        s.mailNumber(),
        s.lastChange(),
        s.tags(),
        s.place(),
        s.created(),
        rows,
        mail,
        s.counters());
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }

  static String text(byte[] bytes) {
    return new String(bytes, UTF_8);
  }

  // Keys

  final RecordId id(String key) {
    return RecordId.of(key, store.info().partitions());
  }

  /** A route whose records lie in this partition, found by trial. */
  final String routeIn(int partition) {
    for (int i = 0; ; i++) {
      String route = "p" + partition + "-" + i;
      if (id(route).partition() == partition) {
        return route;
      }
    }
  }

  final Set<Integer> allPartitions() {
    return IntStream.range(0, store.info().partitions()).boxed().collect(Collectors.toSet());
  }

  // Edits

  static Edit.Put put(String key, String value) {
    return new Edit.Put(key, bytes(value), Map.of(), null);
  }

  static Edit.Put putUntil(String key, Instant expires) {
    return new Edit.Put(key, bytes("mortal"), Map.of("kind", "mortal"), expires);
  }

  static Edit.Row row(String key, String row, String value) {
    return new Edit.Row(key, row, bytes(value));
  }

  static Edit.Mail mail(String key, String name) {
    return new Edit.Mail(key, name, bytes("content of " + name), false);
  }

  static Edit.Mail urgent(String key, String name) {
    return new Edit.Mail(key, name, bytes("content of " + name), true);
  }

  static Edit.Queue queue(String key) {
    return queue(key, LONG_AGO);
  }

  static Edit.Queue queue(String key, Instant due) {
    return new Edit.Queue(key, QUEUE, 1, due, null, Long.MAX_VALUE);
  }

  static Edit.Queue lane(String key, String lane) {
    return new Edit.Queue(key, QUEUE, 1, LONG_AGO, lane, Long.MAX_VALUE);
  }

  // Calls

  final String freshId() {
    return "change-" + count.incrementAndGet();
  }

  final Grant freshGrant(String holder) {
    return new Grant(holder, count.incrementAndGet());
  }

  final Change change(Edit... edits) {
    return new Change(freshId(), id(edits[0].key()).partition(), List.of(edits));
  }

  final Outcome send(Change change) {
    List<Outcome> outcomes = store.apply(List.of(change));
    assertThat(outcomes).hasSize(1);
    return outcomes.get(0);
  }

  final Outcome.Done done(Edit... edits) {
    return done(send(change(edits)));
  }

  static Outcome.Done done(Outcome outcome) {
    assertThat(outcome).isInstanceOf(Outcome.Done.class);
    return (Outcome.Done) outcome;
  }

  final Outcome.Refused refused(Edit... edits) {
    return refused(send(change(edits)));
  }

  static Outcome.Refused refused(Outcome outcome) {
    assertThat(outcome).isInstanceOf(Outcome.Refused.class);
    return (Outcome.Refused) outcome;
  }

  static Outcome.Seen only(Outcome.Done done) {
    assertThat(done.seen()).hasSize(1);
    return done.seen().get(0);
  }

  /** The store's time, asked for without touching anything. */
  final Instant now() {
    return send(change(new Edit.Absent("no/such"))).now();
  }

  final List<Stored> claim(Claim.From from, int limit) {
    return store.claim(
        new Claim(freshGrant("me"), from, allPartitions(), limit, Integer.MAX_VALUE));
  }

  final List<Stored> claimDue(int limit, String... queues) {
    return claim(new Claim.From.Due(List.of(queues)), limit);
  }

  final List<String> dueKeys() {
    return keys(claimDue(100, QUEUE));
  }

  final List<Stored> claimNamed(Grant grant, String... keys) {
    List<RecordId> ids = new ArrayList<>();
    for (String key : keys) {
      ids.add(id(key));
    }
    Claim.From from = new Claim.From.Named(ids);
    return store.claim(new Claim(grant, from, Set.of(), 100, Integer.MAX_VALUE));
  }

  /** Takes a queued record and returns the grant under which it is held. */
  final Grant take(String holder, String key) {
    Grant grant = freshGrant(holder);
    assertThat(keys(claimNamed(grant, key))).containsExactly(key);
    return grant;
  }

  /** Creates a record and takes it. */
  final Grant createHeld(String holder, String key) {
    done(put(key, "v"), queue(key));
    return take(holder, key);
  }

  final Claim takeOver(Grant grant, String from, Long... except) {
    return new Claim(
        grant,
        new Claim.From.HeldBy(from, Set.of(except)),
        allPartitions(),
        100,
        Integer.MAX_VALUE);
  }

  static List<String> keys(List<Stored> records) {
    return records.stream().map(s -> s.id().key()).toList();
  }

  final boolean absent(String key) {
    return store.scan(Scan.whole(id(key))).items().isEmpty();
  }

  final Stored read(String key) {
    Page<Stored> page = store.scan(Scan.whole(id(key)));
    assertThat(page.items()).as("record " + key).hasSize(1);
    return page.items().get(0);
  }

  final Map<String, String> rows(String key) {
    Map<String, String> rows = new TreeMap<>();
    read(key).rows().forEach((name, value) -> rows.put(name, text(value)));
    return rows;
  }

  /** Starts all at once, waits for all, and passes on the first failure. */
  static <T> List<T> together(List<? extends Callable<T>> tasks) {
    ExecutorService threads = Executors.newFixedThreadPool(tasks.size());
    try {
      CountDownLatch ready = new CountDownLatch(tasks.size());
      List<Future<T>> futures = new ArrayList<>();
      for (Callable<T> task : tasks) {
        futures.add(
            threads.submit(
                () -> {
                  ready.countDown();
                  ready.await();
                  return task.call();
                }));
      }
      List<T> results = new ArrayList<>();
      for (Future<T> future : futures) {
        results.add(future.get(60, TimeUnit.SECONDS));
      }
      return results;
    } catch (ExecutionException e) {
      throw new AssertionError("a thread failed: " + e.getCause(), e.getCause());
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError("the threads did not come back", e);
    } finally {
      threads.shutdownNow();
    }
  }
}
