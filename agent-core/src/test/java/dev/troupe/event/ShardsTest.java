package dev.troupe.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.GroupCursors.Held;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** How shards are divided, and what is kept of each. */
final class ShardsTest {
  private static final Delivery ANY =
      new Delivery(
          new Shard("t", 0),
          "1",
          Instant.EPOCH,
          1,
          new Delivery.Decoded(Event.builder("t").build()));

  @Test
  void aCursorIsReadAsItWasWritten() {
    Random random = new Random(3);
    for (int i = 0; i < 500; i++) {
      Cursor cursor = new Cursor();
      cursor.prefix = random.nextInt(1_000);
      cursor.owner = random.nextBoolean() ? "me" : Cursor.NOBODY;
      cursor.until = random.nextLong(1L << 40);
      cursor.restarts = random.nextInt(4);
      cursor.suspect = random.nextInt(5_000);
      for (int j = random.nextInt(50); j > 0; j--) {
        cursor.done.add(1_000L + random.nextInt(60));
        cursor.taken.put(
            2_000L + random.nextInt(60),
            new Cursor.Taken(random.nextBoolean() ? "a" : "b", 5, 1 + random.nextInt(2)));
      }
      Cursor read = Cursor.decode("key", cursor.encode());
      assertThat(read).usingRecursiveComparison().isEqualTo(cursor);
    }
  }

  @Test
  void theRingKnowsWhatIsOpen() {
    Random random = new Random(5);
    Handed handed = new Handed();
    TreeMap<Long, Boolean> model = new TreeMap<>(); // position to whether it is open
    long next = 1;
    for (int i = 0; i < 20_000; i++) {
      if (random.nextInt(3) > 0) {
        next += 1 + random.nextInt(3);
        boolean open = random.nextInt(10) > 0;
        handed.add(next, open ? ANY : null);
        model.put(next, open);
      } else {
        long some = random.nextLong(next + 2);
        boolean was = Boolean.TRUE.equals(model.get(some));
        assertThat(handed.has(some)).isEqualTo(was);
        assertThat(handed.settle(some)).isEqualTo(was);
        if (was) {
          model.put(some, false);
        }
      }
      if (random.nextInt(20) == 0) {
        long passed = -1;
        while (!model.isEmpty() && !model.firstEntry().getValue()) {
          passed = model.pollFirstEntry().getKey();
        }
        assertThat(handed.pass()).isEqualTo(passed);
        assertThat(handed.settledBehind())
            .containsExactly(
                model.entrySet().stream()
                    .filter(e -> !e.getValue())
                    .mapToLong(Map.Entry::getKey)
                    .toArray());
        assertThat(handed.size()).isEqualTo(model.size());
        assertThat(handed.open()).isEqualTo((int) model.values().stream().filter(o -> o).count());
      }
    }
  }

  /** Members look in any order, come and go; in the end all have as many, or one more. */
  @Test
  void shardsAreDividedEvenlyAndThenStay() {
    for (int shards : new int[] {1, 4, 8, 17}) {
      for (int members = 1; members <= 6; members++) {
        Map<Integer, String> owners = new HashMap<>();
        Random random = new Random(31L * shards + members);
        Set<String> there = new TreeSet<>();
        for (int m = 0; m < members; m++) {
          there.add("m" + m);
          for (int look = 0; look < 3; look++) {
            look(owners, there, shards, "m" + random.nextInt(m + 1));
          }
        }
        for (int round = 0; round < 40; round++) {
          look(owners, there, shards, "m" + random.nextInt(members));
        }
        for (int round = 0; round < 3; round++) {
          there.forEach(me -> look(owners, there, shards, me));
        }
        Map<Integer, String> settled = Map.copyOf(owners);
        assertThat(settled).hasSize(shards);
        for (String me : there) {
          long has = settled.values().stream().filter(me::equals).count();
          assertThat(has)
              .as("%d shards, %d members: %s", shards, members, settled)
              .isBetween((long) shards / members, (long) (shards + members - 1) / members);
        }
        there.forEach(me -> look(owners, there, shards, me));
        assertThat(owners).isEqualTo(settled);
      }
    }
  }

  private static void look(
      Map<Integer, String> owners, Set<String> members, int shards, String me) {
    TreeMap<Integer, Held> cursors = new TreeMap<>();
    Set<Integer> mine = new HashSet<>();
    for (int shard = 0; shard < shards; shard++) {
      Cursor cursor = new Cursor();
      cursor.owner = owners.getOrDefault(shard, Cursor.NOBODY);
      cursor.until = cursor.owner.equals(Cursor.NOBODY) ? 0 : Long.MAX_VALUE;
      cursors.put(shard, new Held(shard, 1, cursor));
      if (cursor.owner.equals(me)) {
        mine.add(shard);
      }
    }
    GroupCursors.View view = new GroupCursors.View(1, new TreeSet<>(members), cursors);
    ShardBalance balance = new ShardBalance(view, me, mine);
    balance.give().forEach(owners::remove);
    balance.take(true).forEach(held -> owners.put(held.number(), me));
  }
}
