package dev.troupe.redis;

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
import dev.troupe.testkit.RedisServer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Random changes and claims have the same outcomes in Redis as in memory, apart from the time. */
class RedisLikeMemoryTest {
  private static final String[] KEYS = {"r/a", "r/b", "r/c", "r/d", "r/e", "r/f"};
  private static final String[] NAMES = {"x", "y", "\u00e9\ud83d\ude00"};
  private static final String[] LANES = {"one", "two", null};
  private static final Set<Integer> WHERE = Set.of(RecordId.of("r", 64).partition());

  private final long seed = System.nanoTime();
  private final Random random = new Random(seed);
  private final List<Grant> grants = new ArrayList<>();
  private int count;

  @Test
  void randomWorkHasTheSameOutcomes() {
    try (RedisServer server = RedisServer.start();
        StateStore redis = RedisStateStore.connect(server.uri().toString());
        StateStore memory = new MemoryStateStore(64, new MovableClock())) {
      Change last = null;
      for (int i = 0; i < 6_000; i++) {
        String what = "seed " + seed + ", step " + i;
        if (random.nextInt(5) > 0) {
          // sometimes what was sent before, as after a lost answer
          last = last != null && random.nextInt(8) == 0 ? last : change();
          List<Change> list = List.of(last, change());
          List<Outcome> expected = memory.apply(list);
          List<Outcome> found = redis.apply(list);
          for (int k = 0; k < 2; k++) {
            assertThat(shown(found.get(k)))
                .as(what + ": " + list.get(k))
                .isEqualTo(shown(expected.get(k)));
          }
        } else {
          Claim claim = claim();
          assertThat(records(redis.claim(claim)))
              .as(what + ": " + claim)
              .isEqualTo(records(memory.claim(claim)));
        }
        if (i % 10 == 0) {
          assertThat(all(redis)).as(what).isEqualTo(all(memory));
          Find find = Find.tagged("t", "1", 50);
          assertThat(records(redis.find(find).items()))
              .as(what)
              .isEqualTo(records(memory.find(find).items()));
        }
      }
      assertNothingIsLeft(server, redis);
    }
  }

  /** When all records are gone, so is everything that found them. */
  private void assertNothingIsLeft(RedisServer server, StateStore redis) {
    Edit[] deletions = List.of(KEYS).stream().map(Edit.Delete::new).toArray(Edit[]::new);
    redis.apply(List.of(new Change("end", WHERE.iterator().next(), List.of(deletions))));
    Claim.From due = new Claim.From.Due(List.of("q0", "q1"));
    assertThat(redis.claim(new Claim(new Grant("h", 0), due, WHERE, 9, 9))).isEmpty();
    assertThat(server.command("ZCARD", "{troupe:29}:i")).as("seed " + seed).isEqualTo(":0");
    // the time, the turn of lanes, and bounds of two queues where something was due far ahead
    assertThat(server.command("HLEN", "{troupe:29}:h")).as("seed " + seed).isIn(":2", ":3", ":4");
    assertThat(server.command("DBSIZE")).as("seed " + seed).isEqualTo(":2");
  }

  private static Map<String, Object> all(StateStore store) {
    Scan all = new Scan.Records(WHERE.iterator().next(), "", null, true, 100);
    return records(store.scan(all).items());
  }

  private Change change() {
    List<Edit> edits = new ArrayList<>();
    for (int n = 1 + random.nextInt(5); n > 0; n--) {
      edits.add(edit());
    }
    if (edits.stream().anyMatch(edit -> edit instanceof Edit.Add)) {
      String once = "once-" + count;
      edits.add(new Edit.NoRow("r/a", once));
      edits.add(new Edit.Row("r/a", once, new byte[0]));
    }
    return new Change("c" + ++count, WHERE.iterator().next(), edits);
  }

  private Edit edit() {
    String key = KEYS[random.nextInt(KEYS.length)];
    String name = NAMES[random.nextInt(NAMES.length)];
    byte[] value = new byte[random.nextInt(90)];
    random.nextBytes(value);
    return switch (random.nextInt(24)) {
      case 0 -> new Edit.Absent(key);
      case 1 -> new Edit.AtVersion(key, random.nextInt(6));
      case 2, 3 -> new Edit.Held(key, oldGrant());
      case 4 -> new Edit.NoMailAfter(key, random.nextInt(4));
      case 5 -> new Edit.NoRow(key, name);
      case 6, 7, 8 -> new Edit.Put(key, value, tags(), null);
      case 9, 10 -> new Edit.Row(key, name, value);
      case 11 -> new Edit.Row(key, name, null);
      case 12, 13 -> new Edit.Mail(key, name, value, random.nextBoolean());
      case 14 -> new Edit.Add(key, name, delta(), random.nextBoolean() ? Long.MIN_VALUE : delta());
      case 15, 16, 17, 18, 19 -> queue(key);
      case 20, 21 -> new Edit.Release(key);
      default -> new Edit.Delete(key);
    };
  }

  private long delta() {
    long[] some = {0, 1, -1, 999_999_999, -1_000_000_000, 1L << 53, Long.MAX_VALUE, Long.MIN_VALUE};
    return some[random.nextInt(some.length)];
  }

  private Edit queue(String key) {
    Instant due = random.nextBoolean() ? Instant.EPOCH : Edit.LATEST;
    return new Edit.Queue(
        key,
        "q" + random.nextInt(2),
        random.nextInt(3),
        due,
        LANES[random.nextInt(LANES.length)],
        random.nextInt(4));
  }

  private Map<String, String> tags() {
    Map<String, String> tags = new HashMap<>();
    for (String tag : List.of("s", "t", "u")) {
      if (random.nextBoolean()) {
        tags.put(tag, "" + random.nextInt(2));
      }
    }
    return tags;
  }

  private Grant oldGrant() {
    boolean recent = !grants.isEmpty() && random.nextInt(4) > 0;
    int back = recent ? random.nextInt(Math.min(4, grants.size())) : 0;
    return recent ? grants.get(grants.size() - 1 - back) : new Grant("nobody", 0);
  }

  private Claim claim() {
    Grant grant = new Grant("h" + random.nextInt(3), ++count);
    grants.add(grant);
    Claim.From from;
    switch (random.nextInt(3)) {
      case 0 -> {
        List<RecordId> ids = new ArrayList<>();
        for (int n = random.nextInt(4); n > 0; n--) {
          ids.add(RecordId.of(KEYS[random.nextInt(KEYS.length)], 64));
        }
        from = new Claim.From.Named(ids);
      }
      case 1 ->
          from = new Claim.From.Due(random.nextBoolean() ? List.of("q0") : List.of("q0", "q1"));
      default -> from = new Claim.From.HeldBy("h" + random.nextInt(3), Set.of((long) count - 3));
    }
    return new Claim(grant, from, WHERE, 100, Integer.MAX_VALUE);
  }

  private static Object shown(Outcome outcome) {
    if (outcome instanceof Outcome.Done done) {
      return done.seen();
    }
    Outcome.Refused refused = (Outcome.Refused) outcome;
    Stored found = refused.found();
    return List.of(refused.because(), found == null ? "absent" : shown(found));
  }

  private static Map<String, Object> records(List<Stored> records) {
    Map<String, Object> all = new TreeMap<>();
    records.forEach(record -> all.put(record.id().key(), shown(record)));
    return all;
  }

  /** All that can be compared: times differ, but not whether something is due in the far future. */
  private static List<Object> shown(Stored s) {
    Map<String, String> rows = new TreeMap<>();
    s.rows().forEach((name, value) -> rows.put(name, HexFormat.of().formatHex(value)));
    List<String> mail =
        s.mail().stream()
            .map(m -> m.number() + m.name() + HexFormat.of().formatHex(m.value()))
            .toList();
    Object place = s.place();
    if (place instanceof Place.Queued q) {
      place =
          List.of(
              q.queue(), q.priority(), q.due().equals(Edit.LATEST), "" + q.lane(), q.wakeAtMail());
    }
    return List.of(
        HexFormat.of().formatHex(s.value()),
        s.version(),
        s.mailNumber(),
        s.lastChange(),
        s.tags(),
        place,
        rows,
        mail,
        s.counters());
  }
}
