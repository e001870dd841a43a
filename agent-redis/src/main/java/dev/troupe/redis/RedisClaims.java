package dev.troupe.redis;

import static dev.troupe.redis.RedisNames.ascii;

import dev.troupe.redis.RedisLink.Command;
import dev.troupe.state.Claim;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import redis.clients.jedis.Protocol;

/**
 * Hands out records: looks first, because a script may touch only what it was told by name, and
 * then takes. Each is one round trip for all partitions. What another took between the two is left
 * out. Safe for use by many threads.
 */
final class RedisClaims {
  /** The most looks of one claim; each looks twice as far as the one before. */
  private static final int LOOKS = 8;

  /** How often a claim removes what has expired, 64 records of each partition at a time. */
  private static final int BURIALS = 4;

  /** The most records that one script hands out. */
  private static final int PORTION = 64;

  private static final int GOLDEN = 0x9E3779B9;
  private static final Comparator<Candidate> LONGEST_DUE = Comparator.comparingLong(Candidate::due);
  private static final Comparator<Candidate> MOST_URGENT =
      Comparator.comparingInt(Candidate::priority).reversed().thenComparing(LONGEST_DUE);

  private final RedisLink link;
  private final RedisKeys keys;
  private final RedisClock clock;
  private final RedisChanges changes;
  private final AtomicInteger handedOut = new AtomicInteger();
  private final AtomicInteger asked = new AtomicInteger();

  /** A record that may be taken, and what it was found by; nothing when it was named. */
  private record Wanted(RecordId id, byte[] by) {}

  private record Candidate(int priority, long due, Wanted wanted) {}

  RedisClaims(RedisLink link, RedisKeys keys, RedisClock clock, RedisChanges changes) {
    this.link = link;
    this.keys = keys;
    this.clock = clock;
    this.changes = changes;
  }

  List<Stored> claim(Claim claim) {
    Taken taken = new Taken(claim);
    if (claim.from() instanceof Claim.From.Due due) {
      takeDue(List.copyOf(new LinkedHashSet<>(due.queues())), taken);
    } else if (claim.from() instanceof Claim.From.Named named) {
      takeNamed(named, taken);
    } else if (claim.from() instanceof Claim.From.HeldBy held) {
      takeHeld(held, taken);
    }
    return taken.records;
  }

  /** The partitions asked for, another one first each time. */
  private List<Integer> partitions(Claim claim) {
    List<Integer> some = new ArrayList<>(claim.partitions());
    some.removeIf(partition -> partition < 0 || partition >= keys.partitions());
    some.sort(null);
    int many = some.size();
    if (many > 1) {
      int turn = asked.getAndIncrement() * GOLDEN;
      Collections.rotate(some, (int) ((Integer.toUnsignedLong(turn) * many) >>> 32));
    }
    return some;
  }

  private void takeDue(List<String> queues, Taken taken) {
    List<Integer> partitions = partitions(taken.claim);
    if (partitions.isEmpty() || queues.isEmpty()) {
      return;
    }
    int burials = 0;
    boolean more = true;
    for (int look = 0; more && look < LOOKS && !taken.full(); look++) {
      int room = taken.claim.limit() - taken.records.size();
      int share = Math.max(4, 2 * (room / partitions.size() + 1));
      Due due = look(partitions, queues, (int) Math.min(room, (long) share << look));
      if (!due.expired.isEmpty() && burials < BURIALS) {
        // they may have stood before others in their lanes: look again
        changes.bury(due.expired);
        burials++;
        look--;
      } else {
        more = due.more;
        more |= take(choose(due.candidates, room), taken).skipped;
      }
    }
  }

  /** What a look found. */
  private static final class Due {
    final List<Candidate> candidates = new ArrayList<>();
    final Map<Integer, List<byte[]>> expired = new LinkedHashMap<>();
    boolean more;
  }

  private Due look(List<Integer> partitions, List<String> queues, int most) {
    List<byte[]> words = new ArrayList<>(List.of(clock.offset(), ascii(Integer.toString(most))));
    for (String queue : queues) {
      words.add(RedisNames.with("q:", RedisNames.encode(queue)));
    }
    List<RedisLink.Call> calls = new ArrayList<>(partitions.size());
    for (int partition : partitions) {
      calls.add(new RedisLink.Call(RedisScript.PEEK, keys.fixed(partition), words));
    }
    List<Object> answers = link.run(calls);
    Due due = new Due();
    for (int i = 0; i < answers.size(); i++) {
      int partition = partitions.get(i);
      List<?> answer = (List<?>) answers.get(i);
      note(due.expired, partition, (List<?>) answer.get(1));
      due.more |= RedisChanges.number(answer.get(2)) == 1;
      for (Object entry : answer.subList(3, answer.size())) {
        due.candidates.add(candidate(partition, (byte[]) entry));
      }
    }
    return due;
  }

  private static void note(Map<Integer, List<byte[]>> expired, int partition, List<?> names) {
    for (Object name : names) {
      expired.computeIfAbsent(partition, p -> new ArrayList<>()).add((byte[]) name);
    }
  }

  /** Reads an entry: r, queue, separator, priority, fifteen digits of the due time, key. */
  private static Candidate candidate(int partition, byte[] entry) {
    int at = RedisKeys.indexOf(entry, RedisKeys.SEPARATOR, 0) + 1;
    long due = Long.parseLong(RedisNames.decode(Arrays.copyOfRange(entry, at + 1, at + 16)));
    String key = RedisNames.decode(Arrays.copyOfRange(entry, at + 16, entry.length));
    return new Candidate(entry[at] - '0', due, new Wanted(new RecordId(partition, key), entry));
  }

  /**
   * The most urgent of all partitions; one in eight is the one due longest, whatever its priority.
   */
  private List<Wanted> choose(List<Candidate> candidates, int most) {
    candidates.sort(MOST_URGENT);
    List<Wanted> chosen = new ArrayList<>();
    while (chosen.size() < most && !candidates.isEmpty()) {
      Candidate next = candidates.get(0);
      if ((handedOut.incrementAndGet() * GOLDEN) >>> 29 == 7) {
        next = candidates.stream().min(LONGEST_DUE).orElse(next);
      }
      candidates.remove(next);
      chosen.add(next.wanted());
    }
    return chosen;
  }

  private void takeNamed(Claim.From.Named named, Taken taken) {
    List<Wanted> wanted = new ArrayList<>();
    for (RecordId id : new LinkedHashSet<>(named.ids())) {
      wanted.add(new Wanted(id, new byte[0]));
    }
    Map<Integer, List<byte[]>> expired = takeAll(wanted, taken);
    if (!expired.isEmpty() && !taken.full()) {
      changes.bury(expired);
      wanted.removeIf(one -> taken.ids.contains(one.id()));
      takeAll(wanted, taken);
    }
  }

  private void takeHeld(Claim.From.HeldBy from, Taken taken) {
    List<Integer> partitions = partitions(taken.claim);
    byte[] holder = RedisNames.with("h", RedisNames.encode(from.holder()));
    byte[] entry = RedisKeys.join(holder, new byte[] {RedisKeys.SEPARATOR});
    byte[] least = RedisNames.with("[", entry);
    byte[] most = RedisKeys.join(least, new byte[] {RedisKeys.SEPARATOR});
    List<Object> found =
        link.all(
            partitions.stream()
                .map(p -> Command.of(Protocol.Command.ZRANGE, keys.index(p), least, most, "BYLEX"))
                .toList());
    List<Wanted> wanted = new ArrayList<>();
    for (int i = 0; i < found.size(); i++) {
      for (Object one : (List<?>) found.get(i)) {
        byte[] held = (byte[]) one;
        int end = RedisKeys.indexOf(held, RedisKeys.SEPARATOR, entry.length);
        byte[] number = Arrays.copyOfRange(held, entry.length, end);
        String key = RedisNames.decode(Arrays.copyOfRange(held, end + 1, held.length));
        if (!from.except().contains(Long.parseLong(RedisNames.decode(number)))) {
          byte[] grant = RedisKeys.join(number, ascii(" "), RedisNames.encode(from.holder()));
          wanted.add(new Wanted(new RecordId(partitions.get(i), key), grant));
        }
      }
    }
    takeAll(wanted, taken);
  }

  /** Takes what can be taken until the answer is full; what had expired in the way of others. */
  private Map<Integer, List<byte[]>> takeAll(List<Wanted> wanted, Taken taken) {
    Map<Integer, List<byte[]>> expired = new LinkedHashMap<>();
    List<Wanted> left = new ArrayList<>(wanted);
    while (!left.isEmpty() && !taken.full()) {
      int room = taken.claim.limit() - taken.records.size();
      List<Wanted> some = List.copyOf(left.subList(0, Math.min(room, left.size())));
      int before = taken.records.size();
      Result result = take(some, taken);
      result.expired.forEach(expired::putIfAbsent);
      left.removeAll(result.skipped ? taken.among(some) : some);
      if (result.skipped && taken.records.size() == before) {
        // the first is never left for its bytes: it was not there to be taken
        left.remove(some.get(0));
      }
    }
    return expired;
  }

  /** What a take left. */
  private static final class Result {
    final Map<Integer, List<byte[]>> expired = new LinkedHashMap<>();
    boolean skipped;
  }

  private Result take(List<Wanted> wanted, Taken taken) {
    Result result = new Result();
    Map<Integer, List<Wanted>> parts = new LinkedHashMap<>();
    for (Wanted one : wanted) {
      parts.computeIfAbsent(one.id().partition(), p -> new ArrayList<>()).add(one);
    }
    List<List<Wanted>> portions = new ArrayList<>();
    for (List<Wanted> part : parts.values()) {
      for (int from = 0; from < part.size(); from += PORTION) {
        portions.add(part.subList(from, Math.min(part.size(), from + PORTION)));
      }
    }
    List<RedisLink.Call> calls = new ArrayList<>();
    for (List<Wanted> portion : portions) {
      calls.add(call(portion, taken, calls.isEmpty(), portions.size()));
    }
    List<Object> answers = calls.isEmpty() ? List.of() : link.run(calls);
    Map<RecordId, Stored> handed = new HashMap<>();
    for (int i = 0; i < answers.size(); i++) {
      int partition = portions.get(i).get(0).id().partition();
      List<?> answer = (List<?>) answers.get(i);
      Instant now = clock.shown(RedisChanges.number(answer.get(0)));
      result.skipped |= RedisChanges.number(answer.get(1)) == 1;
      note(result.expired, partition, (List<?>) answer.get(2));
      for (int at = 3; at < answer.size(); at += 2) {
        RecordId id = new RecordId(partition, RedisNames.decode((byte[]) answer.get(at)));
        RedisRecord record = RedisRecord.whole((List<?>) answer.get(at + 1));
        Place.Held place = new Place.Held(taken.claim.grant(), record.lane());
        handed.put(id, record.taken(id, now, place));
      }
    }
    for (Wanted one : wanted) {
      Stored record = handed.remove(one.id());
      if (record != null) {
        taken.add(record);
      }
    }
    return result;
  }

  /**
   * Bytes are shared among the scripts of a trip. The first may pass its share with its last
   * record; the others leave out what does not fit, and it is looked for again.
   */
  private RedisLink.Call call(List<Wanted> portion, Taken taken, boolean first, int calls) {
    List<byte[]> touched = keys.fixed(portion.get(0).id().partition());
    List<byte[]> words = new ArrayList<>();
    words.add(clock.offset());
    words.add(ascii(Long.toString(taken.claim.grant().number())));
    words.add(RedisNames.encode(taken.claim.grant().holder()));
    words.add(ascii(Long.toString(taken.bytesLeft() / calls)));
    words.add(ascii(first ? "0" : "1"));
    for (Wanted one : portion) {
      touched.add(keys.record(one.id().partition(), RedisNames.encode(one.id().key())));
      words.add(one.by());
    }
    return new RedisLink.Call(RedisScript.TAKE, touched, words);
  }

  /** The answer to a claim while it grows. */
  private static final class Taken {
    final Claim claim;
    final List<Stored> records = new ArrayList<>();
    final Set<RecordId> ids = new HashSet<>();
    private long bytes;

    Taken(Claim claim) {
      this.claim = claim;
    }

    boolean full() {
      return records.size() >= claim.limit() || (bytes > claim.maxBytes() && !records.isEmpty());
    }

    long bytesLeft() {
      return Math.max(0, claim.maxBytes() - bytes);
    }

    List<Wanted> among(List<Wanted> wanted) {
      return wanted.stream().filter(one -> ids.contains(one.id())).toList();
    }

    void add(Stored record) {
      records.add(record);
      ids.add(record.id());
      bytes += record.value().length;
      for (byte[] row : record.rows().values()) {
        bytes += row.length;
      }
      for (Stored.MailItem item : record.mail()) {
        bytes += item.value().length;
      }
    }
  }
}
