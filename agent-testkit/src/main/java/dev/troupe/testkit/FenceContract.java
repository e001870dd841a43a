package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.AgentException;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/** Sentence 6, and sentence 1 among many threads. */
abstract class FenceContract extends MailContract {
  private static final int ROUNDS = 200;

  @Guarantee(6)
  void g06_afterATakeOverTheOldGrantIsRefused() {
    Grant old = createHeld("dead", "r/a");
    Grant mine = freshGrant("heir");
    List<Stored> taken = store.claim(takeOver(mine, "dead"));
    assertThat(keys(taken)).containsExactly("r/a");
    assertThat(taken.get(0).place()).isEqualTo(new Place.Held(mine, null));
    assertFenced(old, mine);
  }

  @Guarantee(6)
  void g06_afterAClaimByTheSameHolderItsOlderGrantIsRefused() {
    Grant old = createHeld("me", "r/a");
    done(new Edit.Held("r/a", old), queue("r/a"));
    assertFenced(old, take("me", "r/a"));
  }

  @Guarantee(6)
  void g06_takingBackWhatIHoldMyselfFencesMyOlderGrant() {
    Grant old = createHeld("me", "r/a");
    Grant mine = freshGrant("me");
    assertThat(keys(store.claim(takeOver(mine, "me")))).containsExactly("r/a");
    assertFenced(old, mine);
  }

  @Guarantee(6)
  void g06_aGrantOfTheSameNumberAndAnotherHolderIsRefused() {
    Grant mine = createHeld("me", "r/a");
    assertFenced(new Grant("you", mine.number()), mine);
  }

  private void assertFenced(Grant old, Grant present) {
    Shown before = shown(read("r/a"));
    Edit.Held guard = new Edit.Held("r/a", old);
    for (Edit edit : List.of(row("r/a", "late", "x"), put("r/a", "late"), queue("r/a"))) {
      Outcome.Refused refused = refused(guard, edit, row("r/other", "late", "x"));
      assertThat(refused.because()).isEqualTo(guard);
      assertThat(refused.found()).isNotNull();
      assertThat(refused.found().place()).isEqualTo(new Place.Held(present, null));
    }
    refused(guard, new Edit.Release("r/a"));
    refused(guard, new Edit.Delete("r/a"));
    assertThat(shown(read("r/a"))).isEqualTo(before);
    assertThat(absent("r/other")).isTrue();
    Outcome.Seen seen = only(done(new Edit.Held("r/a", present), row("r/a", "x", "y")));
    assertThat(seen.holder()).isEqualTo(present);
  }

  @Guarantee(6)
  void g06_aTakeOverLeavesOthersAndTheExceptedGrantsAlone() {
    Grant running = createHeld("me", "r/running");
    createHeld("me", "r/lost");
    Grant others = createHeld("other", "r/other");
    done(put("r/queued", "v"), queue("r/queued"));
    Grant again = freshGrant("me");
    assertThat(keys(store.claim(takeOver(again, "me", running.number()))))
        .containsExactly("r/lost");
    assertThat(read("r/running").place()).isEqualTo(new Place.Held(running, null));
    assertThat(read("r/other").place()).isEqualTo(new Place.Held(others, null));
    assertThat(read("r/queued").place()).isInstanceOf(Place.Queued.class);
    assertThat(store.claim(takeOver(freshGrant("x"), "nobody"))).isEmpty();
  }

  @Guarantee(6)
  void g06_aTakeOverInPortionsAndByPartitionGetsEverythingOnce() {
    List<String> all = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      all.add(routeIn(i % 4) + "/" + i);
      createHeld("dead", all.get(i));
    }
    List<String> taken = new ArrayList<>();
    for (Set<Integer> part : List.of(Set.of(0, 1), Set.of(2), Set.of(3, 4))) {
      List<Stored> portion;
      do {
        Claim.From from = new Claim.From.HeldBy("dead", Set.of());
        Grant grant = freshGrant("heir");
        portion = store.claim(new Claim(grant, from, part, 2, Integer.MAX_VALUE));
        assertThat(portion).hasSizeLessThanOrEqualTo(2);
        assertThat(portion).allMatch(s -> part.contains(s.id().partition()));
        taken.addAll(keys(portion));
      } while (!portion.isEmpty());
    }
    assertThat(taken).containsExactlyInAnyOrderElementsOf(all);
  }

  @Guarantee(6)
  void g06_nothingThatWasInFlightAppearsAfterATakeOverWasAnswered() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < ROUNDS; round++) {
      String key = "r/round-" + round;
      Grant old = createHeld("dead", key);
      raceAgainst(
          key,
          old,
          random.nextInt(200),
          () -> assertThat(store.claim(takeOver(freshGrant("heir"), "dead"))).hasSize(1),
          "seed " + seed + ", round " + round);
    }
  }

  @Guarantee(6)
  void g06_nothingThatWasInFlightAppearsAfterTheNextClaimWasAnswered() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < ROUNDS; round++) {
      String key = "r/round-" + round;
      Grant old = createHeld("me", key);
      raceAgainst(
          key,
          old,
          random.nextInt(200),
          () -> {
            done(queue(key));
            take("me", key);
          },
          "seed " + seed + ", round " + round);
    }
  }

  /** A writes row after row under its grant while B claims; what B read then must stay. */
  private void raceAgainst(String key, Grant old, int spin, Runnable claim, String description) {
    AtomicBoolean claimed = new AtomicBoolean();
    AtomicReference<Shown> afterClaim = new AtomicReference<>();
    Callable<Integer> writer =
        () -> {
          for (int i = 0; ; i++) {
            boolean late = claimed.get();
            Edit guard = new Edit.Held(key, old);
            Outcome outcome = send(change(guard, row(key, "late", "" + i), put(key, "" + i)));
            if (outcome instanceof Outcome.Refused) {
              return i;
            }
            assertThat(late).as("done after the claim was answered; " + description).isFalse();
            Thread.onSpinWait();
          }
        };
    Callable<Integer> taker =
        () -> {
          for (int i = 0; i < spin; i++) {
            Thread.onSpinWait();
          }
          try {
            claim.run();
            afterClaim.set(shown(read(key)));
          } finally {
            claimed.set(true);
          }
          return spin;
        };
    int written = together(List.of(writer, taker)).get(0);
    assertThat(shown(read(key))).as(description).isEqualTo(afterClaim.get());
    assertThat(rows(key))
        .as("what A was told is done, and no more; " + description)
        .isEqualTo(written == 0 ? Map.of() : Map.of("late", "" + (written - 1)));
  }

  @Guarantee(1)
  void g01_aReaderNeverSeesHalfAChange() {
    done(put("r/a", "0"), row("r/a", "x", "0"), row("r/a", "y", "0"));
    AtomicBoolean stop = new AtomicBoolean();
    Callable<Integer> writer =
        () -> {
          int written = 0;
          while (!stop.get()) {
            String next = "" + ++written;
            done(row("r/a", "x", next), put("r/a", next), row("r/a", "y", next));
            Thread.onSpinWait();
          }
          return written;
        };
    Callable<Integer> reader =
        () -> {
          try {
            for (int i = 0; i < 300; i++) {
              Stored seen = store.scan(Scan.whole(id("r/a"))).items().get(0);
              String value = text(seen.value());
              assertThat(shownRows(seen)).isEqualTo(Map.of("x", value, "y", value));
            }
          } finally {
            stop.set(true);
          }
          return 300;
        };
    assertThat(together(List.of(writer, reader))).last().isEqualTo(300);
  }

  private static Map<String, String> shownRows(Stored stored) {
    return Map.of(
        "x", text(stored.rows().getOrDefault("x", bytes("none"))),
        "y", text(stored.rows().getOrDefault("y", bytes("none"))));
  }

  @Guarantee(1)
  void g01_concurrentChangesOfTwoRecordsAddUp() {
    done(new Edit.NoRow("r/from", "0"), row("r/from", "0", ""), new Edit.Add("r/from", "c", 9, 0));
    List<Callable<Integer>> movers = new ArrayList<>();
    for (int m = 0; m < 6; m++) {
      int mover = m;
      movers.add(
          () -> {
            int moved = 0;
            for (int i = 0; i < 10; i++) {
              String name = mover + "-" + i;
              Outcome outcome =
                  send(
                      change(
                          new Edit.NoRow("r/from", name),
                          row("r/from", name, ""),
                          new Edit.Add("r/to", "c", 1, 0),
                          new Edit.Add("r/from", "c", -1, 0)));
              moved += outcome instanceof Outcome.Done ? 1 : 0;
            }
            return moved;
          });
    }
    assertThat(together(movers).stream().mapToInt(Integer::intValue).sum()).isEqualTo(9);
    assertThat(read("r/from").counters()).isEqualTo(Map.of("c", 0L));
    assertThat(read("r/to").counters()).isEqualTo(Map.of("c", 9L));
    assertThat(read("r/from").rows()).hasSize(10);
  }

  @Guarantee(1)
  void g01_anInterruptedCallerLeavesWholeChangesAndAStoreThatWorks() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 50; round++) {
      AtomicInteger answered = new AtomicInteger();
      AtomicBoolean stopped = new AtomicBoolean();
      Thread writer = new Thread(() -> writeUntilInterrupted(answered, stopped), "writer");
      writer.start();
      LockSupport.parkNanos(random.nextInt(500_000));
      writer.interrupt();
      stopped.set(true);
      join(writer);
      if (!absent("r/a")) {
        Stored seen = read("r/a");
        String value = text(seen.value());
        assertThat(shownRows(seen)).as("seed " + seed).isEqualTo(Map.of("x", value, "y", value));
        assertThat(Integer.parseInt(value))
            .as("the last change answered, or one more; seed " + seed)
            .isBetween(answered.get(), answered.get() + 1);
      }
      done(new Edit.Delete("r/a"));
    }
  }

  private void writeUntilInterrupted(AtomicInteger answered, AtomicBoolean stopped) {
    while (!stopped.get()) {
      String next = "" + (answered.get() + 1);
      try {
        done(row("r/a", "x", next), put("r/a", next), row("r/a", "y", next));
      } catch (AgentException e) {
        return;
      }
      answered.incrementAndGet();
    }
  }

  private static void join(Thread thread) {
    try {
      thread.join(30_000);
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted while waiting for a thread", e);
    }
    assertThat(thread.isAlive()).as("still in apply half a minute after the interrupt").isFalse();
  }
}
