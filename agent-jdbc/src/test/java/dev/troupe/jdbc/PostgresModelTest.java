package dev.troupe.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.Grant;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import dev.troupe.testkit.MovableClock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Does the same at random to this store and to the one in memory, which must show the same. */
class PostgresModelTest {
  private static final List<String> KEYS = List.of("r", "r/a", "r/b", "r/c", "r/d", "r/e");
  private static final List<String> LANES = List.of("one", "two");
  private static final Set<Integer> ALL =
      IntStream.range(0, 64).boxed().collect(Collectors.toSet());

  private final MovableClock clock = new MovableClock();
  private final StateStore model = new MemoryStateStore(64, clock);
  private final long seed = Long.getLong("troupe.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final List<Grant> grants = new ArrayList<>(List.of(new Grant("nobody", 0)));
  private int count;

  @Test
  void theStoreShowsWhatTheModelShows() {
    try (StateStore store = new PostgresFixture().builder().clock(clock).open()) {
      for (int round = 0; round < 400; round++) {
        if (random.nextInt(5) == 0) {
          clock.advance(Duration.ofMillis(random.nextInt(3000)));
        }
        String description = "seed " + seed + ", round " + round;
        if (random.nextInt(4) == 0) {
          Claim claim = claim();
          assertThat(claimed(store, claim)).as(description).isEqualTo(claimed(model, claim));
        } else {
          List<Change> list = list();
          List<String> expected = model.apply(list).stream().map(PostgresModelTest::text).toList();
          List<String> actual = store.apply(list).stream().map(PostgresModelTest::text).toList();
          assertThat(actual).as("%s, %s", description, list).isEqualTo(expected);
        }
        assertThat(everything(store)).as(description).isEqualTo(everything(model));
      }
    }
  }

  private Claim claim() {
    Grant grant = new Grant("p" + random.nextInt(3), ++count);
    grants.add(grant);
    Claim.From from;
    if (random.nextInt(3) == 0) {
      Set<Long> except = random.nextBoolean() ? Set.of() : Set.of((long) random.nextInt(count));
      from = new Claim.From.HeldBy("p" + random.nextInt(3), except);
    } else if (random.nextInt(3) == 0) {
      from = new Claim.From.Due(List.of("work", "idle"));
    } else {
      from = new Claim.From.Named(List.of(id(key()), id(key())));
    }
    return new Claim(grant, from, ALL, 10, Integer.MAX_VALUE);
  }

  private static RecordId id(String key) {
    return RecordId.of(key, 64);
  }

  private List<Change> list() {
    List<Change> list = new ArrayList<>();
    int size = random.nextInt(4) == 0 ? 1 + random.nextInt(5) : 1;
    for (int i = 0; i < size; i++) {
      List<Edit> edits = new ArrayList<>();
      if (random.nextInt(3) == 0) {
        step(edits);
      } else {
        int lines = 1 + random.nextInt(4);
        for (int l = 0; l < lines; l++) {
          edit(edits);
        }
      }
      String id = random.nextInt(8) == 0 && count > 0 ? "c" + count : "c" + ++count;
      list.add(new Change(id, id("r").partition(), edits));
    }
    return list;
  }

  /** What the one statement for steps and parking may do. */
  private void step(List<Edit> edits) {
    String key = key();
    edits.add(new Edit.Held(key, present(key)));
    if (random.nextInt(3) == 0) {
      edits.add(new Edit.NoMailAfter(key, random.nextInt(3)));
    }
    for (int i = random.nextInt(3); i >= 0; i--) {
      edits.add(
          new Edit.Row(key, "x" + random.nextInt(3), random.nextInt(4) == 0 ? null : bytes()));
    }
    if (random.nextInt(3) == 0) {
      edits.add(queue(key, random.nextInt(3) == 0 ? any(LANES) : lane(key)));
    }
  }

  /** Most often the grant under which the record is held, so that guards hold. */
  private Grant present(String key) {
    for (Stored found : model.scan(Scan.whole(id(key))).items()) {
      if (found.place() instanceof Place.Held held && random.nextInt(6) != 0) {
        return held.grant();
      }
    }
    return any(grants);
  }

  private String lane(String key) {
    for (Stored found : model.scan(Scan.whole(id(key))).items()) {
      if (found.place() instanceof Place.Held held) {
        return held.lane();
      }
    }
    return null;
  }

  private void edit(List<Edit> edits) {
    String key = key();
    switch (random.nextInt(16)) {
      case 0 -> edits.add(new Edit.Absent(key));
      case 1 -> edits.add(new Edit.AtVersion(key, random.nextInt(6)));
      case 2 -> edits.add(new Edit.Held(key, present(key)));
      case 3 -> edits.add(new Edit.NoMailAfter(key, random.nextInt(3)));
      case 4 -> edits.add(new Edit.NoRow(key, "x" + random.nextInt(3)));
      case 5, 6 -> edits.add(put(key));
      case 7, 8 -> edits.add(new Edit.Row(key, "x" + random.nextInt(3), row()));
      case 9, 10 ->
          edits.add(new Edit.Mail(key, "m" + random.nextInt(4), bytes(), random.nextBoolean()));
      case 11 -> {
        String row = "n" + random.nextInt(50);
        edits.add(new Edit.NoRow(key, row));
        edits.add(new Edit.Row(key, row, bytes()));
        edits.add(new Edit.Add(key(), "c" + random.nextInt(2), random.nextInt(9) - 4, -3));
      }
      case 12, 13 -> edits.add(queue(key, random.nextBoolean() ? null : any(LANES)));
      case 14 -> edits.add(new Edit.Release(key));
      default -> edits.add(new Edit.Delete(key));
    }
  }

  private Edit.Put put(String key) {
    Instant expires =
        switch (random.nextInt(8)) {
          case 0 -> clock.instant().plusMillis(1 + random.nextInt(5000));
          case 1 -> clock.instant().minusMillis(random.nextInt(2));
          default -> null;
        };
    Map<String, String> tags =
        random.nextBoolean() ? Map.of() : Map.of("t", "" + random.nextInt(2), "u\u00e9", "");
    byte[] value = random.nextInt(6) == 0 ? new byte[5000] : bytes();
    return new Edit.Put(key, value, tags, expires);
  }

  private Edit.Queue queue(String key, String lane) {
    Instant due = clock.instant().plusMillis(random.nextInt(4000) - 2000);
    String queue = random.nextBoolean() ? "work" : "idle";
    return new Edit.Queue(key, queue, random.nextInt(3), due, lane, 1 + random.nextInt(4));
  }

  private byte[] row() {
    return random.nextInt(4) == 0 ? null : bytes();
  }

  private String key() {
    return any(KEYS);
  }

  private <T> T any(List<T> some) {
    return some.get(random.nextInt(some.size()));
  }

  private byte[] bytes() {
    byte[] bytes = new byte[random.nextInt(5)];
    random.nextBytes(bytes);
    return bytes;
  }

  private static List<String> claimed(StateStore store, Claim claim) {
    List<String> records =
        new ArrayList<>(store.claim(claim).stream().map(PostgresModelTest::text).toList());
    records.sort(null); // each store has its own turns
    return records;
  }

  /** All records, each with everything, and what a search for a tag shows. */
  private static List<String> everything(StateStore store) {
    int partition = id("r").partition();
    List<String> all = new ArrayList<>();
    for (Stored found : store.scan(new Scan.Records(partition, "", null, true, 99)).items()) {
      all.add(text(found));
      assertThat(text(store.scan(Scan.whole(found.id())).items().get(0))).isEqualTo(text(found));
    }
    List<String> tagged = new ArrayList<>();
    for (Find find :
        List.of(
            Find.tagged("t", "1", 9),
            new Find(Map.of("t", "0", "u\u00e9", ""), null, null, null, 9),
            new Find(Map.of(), null, null, null, 99))) {
      store.find(find).items().forEach(s -> tagged.add(text(s)));
    }
    tagged.sort(null);
    all.addAll(tagged);
    return all;
  }

  private static String text(Outcome outcome) {
    if (outcome instanceof Outcome.Refused refused) {
      Stored found = refused.found();
      return "refused by " + refused.because() + " of " + (found == null ? null : text(found));
    }
    return outcome.toString();
  }

  private static String text(Stored s) {
    Map<String, String> rows = new TreeMap<>();
    s.rows().forEach((name, value) -> rows.put(name, Arrays.toString(value)));
    return "%s v%d %s mail %d by %s value %d tags %s created %s rows %s mail %s counters %s now %s"
        .formatted(
            s.id().key(),
            s.version(),
            s.place(),
            s.mailNumber(),
            s.lastChange(),
            Arrays.hashCode(s.value()),
            new TreeMap<>(s.tags()),
            s.created(),
            rows,
            s.mail().stream().map(m -> m.number() + m.name() + Arrays.toString(m.value())).toList(),
            new TreeMap<>(s.counters()),
            s.now());
  }
}
