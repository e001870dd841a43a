package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.Page;
import dev.troupe.state.Place;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Sentence 11: what scan and find show. */
abstract class ReadContract extends TimeContract {
  @Guarantee(11)
  void g11_scanSeesEveryChangeAnsweredBefore() {
    assertThat(listed("r/")).isEmpty();
    for (int i = 0; i < 20; i++) {
      done(put("r/a", "" + i), row("r/a", "x", "" + i));
      Stored seen = page("r/", null, 10).items().get(0);
      assertThat(text(seen.value())).isEqualTo("" + i);
      assertThat(text(seen.rows().get("x"))).isEqualTo("" + i);
      assertThat(text(read("r/a").value())).isEqualTo("" + i);
    }
    done(queue("r/a"));
    assertThat(page("r/", null, 10).items().get(0).place()).isInstanceOf(Place.Queued.class);
    claimDue(1, QUEUE);
    assertThat(page("r/", null, 10).items().get(0).place()).isInstanceOf(Place.Held.class);
    done(new Edit.Delete("r/a"));
    assertThat(listed("r/")).isEmpty();
  }

  @Guarantee(11)
  void g11_scanSeesWhatAnotherThreadWasAnswered() {
    done(put("r/a", "0"));
    AtomicInteger turn = new AtomicInteger();
    List<Callable<Integer>> writers = new ArrayList<>();
    for (int w = 0; w < 2; w++) {
      int mine = w;
      writers.add(
          () -> {
            for (int i = 0; i < 200; i++) {
              while (turn.get() % 2 != mine) {
                Thread.onSpinWait();
              }
              try {
                assertThat(text(read("r/a").value())).isEqualTo("" + turn.get());
                done(put("r/a", "" + (turn.get() + 1)));
                assertThat(text(read("r/a").value())).isEqualTo("" + (turn.get() + 1));
              } finally {
                turn.incrementAndGet();
              }
            }
            return mine;
          });
    }
    assertThat(together(writers)).hasSize(2);
  }

  @Guarantee(11)
  void g11_scanListsOnePartitionInTheOrderOfKeysPageByPage() {
    List<String> all = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      all.add("r/b" + i);
      done(put("r/b" + (6 - i), "v"));
    }
    done(put("r/a", "v"), put("r/c", "v"), put("r", "v"));
    done(put(routeIn((id("r").partition() + 1) % store.info().partitions()) + "/b", "v"));
    assertThat(listed("r/b")).isEqualTo(all);
    assertThat(listed("")).startsWith("r", "r/a", "r/b0").endsWith("r/b6", "r/c").hasSize(10);
    for (int limit : List.of(1, 2, 3, 7)) {
      List<String> paged = new ArrayList<>();
      String after = null;
      do {
        Page<Stored> page = page("r/b", after, limit);
        assertThat(page.items()).isNotEmpty().hasSizeLessThanOrEqualTo(limit);
        paged.addAll(keys(page.items()));
        after = page.next();
      } while (after != null);
      assertThat(paged).isEqualTo(all);
    }
    assertThat(keys(page("r/b", "r/b3x", 2).items())).containsExactly("r/b4", "r/b5");
    assertThat(keys(page("r/b", "a", 2).items())).containsExactly("r/b0", "r/b1");
    assertThat(page("r/b", "r/c", 2).items()).isEmpty();
    assertThat(page("nothing", null, 2)).isEqualTo(new Page<Stored>(List.of(), null));
  }

  @Guarantee(11)
  void g11_scanShowsRowsMailAndCountersWhenAskedFor() {
    done(
        new Edit.Put("r/a", bytes("v"), Map.of("t", "1"), null),
        queue("r/a"),
        row("r/a", "x", "y"));
    done(mail("r/a", "m"), new Edit.NoRow("r/a", "z"), row("r/a", "z", ""), add("r/a"));
    assertThat(shown(page("r/", null, 1).items().get(0))).isEqualTo(shown(read("r/a")));
    Scan bare = new Scan.Records(id("r").partition(), "r/", null, false, 1);
    Stored head = store.scan(bare).items().get(0);
    assertThat(text(head.value())).isEqualTo("v");
    assertThat(head.tags()).isEqualTo(Map.of("t", "1"));
    assertThat(head.version()).isEqualTo(read("r/a").version());
    assertThat(head.mailNumber()).isEqualTo(1);
    assertThat(head.rows()).isEmpty();
    assertThat(head.mail()).isEmpty();
    assertThat(head.counters()).isEmpty();
  }

  private static Edit.Add add(String key) {
    return new Edit.Add(key, "c", 1, 0);
  }

  @Guarantee(11)
  void g11_rowsOfOneRecordArePagedAndMailIsShownAfterANumber() {
    for (int i = 0; i < 5; i++) {
      done(queue("r/a"), row("r/a", "row-" + (4 - i), "" + i), mail("r/a", "mail-" + i));
    }
    Page<Stored> first = store.scan(new Scan.Rows(id("r/a"), null, 0, 2));
    assertThat(first.items().get(0).rows().keySet()).containsExactly("row-0", "row-1");
    assertThat(first.items().get(0).mail()).hasSize(5);
    assertThat(first.next()).isNotNull();
    Page<Stored> second = store.scan(new Scan.Rows(id("r/a"), first.next(), 3, 3));
    assertThat(second.items().get(0).rows().keySet()).containsExactly("row-2", "row-3", "row-4");
    assertThat(second.items().get(0).mail())
        .extracting(Stored.MailItem::number)
        .containsExactly(4L, 5L);
    assertThat(second.next()).isNull();
    Stored none = store.scan(Scan.mailAfter(id("r/a"), 5)).items().get(0);
    assertThat(none.rows()).isEmpty();
    assertThat(none.mail()).isEmpty();
    assertThat(none.mailNumber()).isEqualTo(5);
    Stored beyond = store.scan(new Scan.Rows(id("r/a"), "row-4", 99, 2)).items().get(0);
    assertThat(beyond.rows()).isEmpty();
    assertThat(beyond.mail()).isEmpty();
    assertThat(store.scan(Scan.mailAfter(id("r/none"), 0)).items()).isEmpty();
  }

  /** A character beyond U+FFFF is two code units from U+D800 on, so it sorts before U+FF5E. */
  @Guarantee(11)
  void g11_keysAndRowsAreOrderedByCodeUnitInAnyAlphabet() {
    List<String> names = List.of("Z", "a", "a b", "\u00e9", "\u4e2d", "\ud83d\ude00", "\uff5e");
    for (int i = names.size() - 1; i >= 0; i--) {
      done(put("r/" + names.get(i), "v"));
      done(row("rows", names.get(i), "v"));
    }
    assertThat(listed("r/")).isEqualTo(names.stream().map(name -> "r/" + name).toList());
    assertThat(read("rows").rows().keySet()).containsExactlyElementsOf(names);
    Scan rest = new Scan.Rows(id("rows"), "\ud83d\ude00", 0, 9);
    assertThat(store.scan(rest).items().get(0).rows().keySet()).containsExactly("\uff5e");
    assertThat(keys(page("r/", "r/\u4e2d", 1).items())).containsExactly("r/\ud83d\ude00");
  }

  @Guarantee(11)
  void g11_bytesComeBackAsTheyWereGiven() {
    byte[] all = new byte[256];
    for (int i = 0; i < all.length; i++) {
      all[i] = (byte) i;
    }
    done(
        new Edit.Put("r/a", all, Map.of("\u00e9", "\ud83d\ude00 'quoted' %s {}"), null),
        queue("r/a"),
        new Edit.Row("r/a", "all", all),
        new Edit.Mail("r/a", "all", all, false));
    Stored seen = read("r/a");
    assertThat(seen.value()).isEqualTo(all);
    assertThat(seen.rows().get("all")).isEqualTo(all);
    assertThat(seen.mail().get(0).value()).isEqualTo(all);
    assertThat(seen.tags()).isEqualTo(Map.of("\u00e9", "\ud83d\ude00 'quoted' %s {}"));
    byte[] none = new byte[0];
    done(
        new Edit.Put("r/b", none, Map.of("empty", ""), null),
        queue("r/b"),
        new Edit.Row("r/b", "none", none),
        new Edit.Mail("r/b", "none", none, false));
    Stored empty = read("r/b");
    assertThat(empty.value()).isEmpty();
    assertThat(empty.rows()).containsOnlyKeys("none");
    assertThat(empty.rows().get("none")).isEmpty();
    assertThat(empty.mail().get(0).value()).isEmpty();
    assertThat(empty.tags()).isEqualTo(Map.of("empty", ""));
  }

  @Guarantee(11)
  void g11_findSeesTagsAfterItsLag() {
    Find both = new Find(Map.of("a", "1", "b", "2"), null, null, null, 10);
    String elsewhere = routeIn((id("r").partition() + 1) % store.info().partitions());
    done(tagged("r/one", Map.of("a", "1")));
    done(
        tagged("r/both", Map.of("a", "1", "b", "2", "c", "3")),
        queue("r/both"),
        row("r/both", "x", ""));
    done(tagged(elsewhere, Map.of("a", "1", "b", "2")));
    done(tagged("r/other", Map.of("a", "2", "b", "2")));
    eventually(() -> assertThat(found(both)).containsExactlyInAnyOrder("r/both", elsewhere));
    done(tagged("r/one", Map.of("b", "2", "a", "1")));
    done(tagged("r/both", Map.of("c", "3")));
    done(new Edit.Delete(elsewhere));
    eventually(() -> assertThat(found(both)).containsExactly("r/one"));
    Find everything = new Find(Map.of(), null, null, null, 10);
    eventually(() -> assertThat(found(everything)).hasSize(3));
    Stored head = store.find(Find.tagged("c", "3", 1)).items().get(0);
    assertThat(head.place()).isInstanceOf(Place.Queued.class);
    assertThat(head.id()).isEqualTo(id("r/both"));
    assertThat(text(head.value())).isEqualTo("v");
    assertThat(head.rows()).isEmpty();
    assertThat(store.find(Find.tagged("no", "such", 1))).isEqualTo(new Page<>(List.of(), null));
  }

  @Guarantee(11)
  void g11_findListsTheNewestFirstPageByPage() {
    List<String> newestFirst = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      String key = routeIn(i % 4) + "/" + i;
      done(tagged(key, Map.of("t", "1")));
      newestFirst.add(0, key);
      advance(Duration.ofMillis(2));
    }
    done(
        put(newestFirst.get(3), "changed, not created"),
        tagged(newestFirst.get(3), Map.of("t", "1")));
    eventually(() -> assertThat(found(Find.tagged("t", "1", 10))).isEqualTo(newestFirst));
    for (int limit : List.of(1, 3, 7)) {
      assertThat(foundPageByPage(limit)).isEqualTo(newestFirst);
    }
  }

  @Guarantee(11)
  void g11_findPagesLoseNothingThatWasCreatedAtOneInstant() {
    List<String> all = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      all.add(routeIn(i % 3) + "/" + i);
      done(tagged(all.get(i), Map.of("t", "1")));
    }
    eventually(() -> assertThat(found(Find.tagged("t", "1", 10))).hasSize(9));
    assertThat(foundPageByPage(2)).containsExactlyInAnyOrderElementsOf(all);
  }

  private List<String> foundPageByPage(int limit) {
    List<String> paged = new ArrayList<>();
    String cursor = null;
    do {
      Page<Stored> page = store.find(new Find(Map.of("t", "1"), null, null, cursor, limit));
      assertThat(page.items()).isNotEmpty().hasSizeLessThanOrEqualTo(limit);
      paged.addAll(keys(page.items()));
      cursor = page.next();
    } while (cursor != null);
    return paged;
  }

  @Guarantee(11)
  void g11_findFiltersByWhenARecordWasCreated() {
    for (String key : List.of("r/a", "r/b", "r/c")) {
      done(tagged(key, Map.of("t", "1")));
      advance(Duration.ofMillis(5));
    }
    Instant middle = read("r/b").created();
    eventually(() -> assertThat(found(middle, null)).containsExactly("r/c", "r/b"));
    eventually(() -> assertThat(found(null, middle)).containsExactly("r/a"));
    assertThat(found(middle, middle.plusMillis(1))).containsExactly("r/b");
    assertThat(found(middle, middle)).isEmpty();
  }

  private List<String> found(@Nullable Instant from, @Nullable Instant to) {
    return found(new Find(Map.of("t", "1"), from, to, null, 10));
  }

  private List<String> found(Find find) {
    return keys(store.find(find).items());
  }

  private List<String> listed(String prefix) {
    return keys(page(prefix, null, 100).items());
  }

  private Page<Stored> page(String prefix, @Nullable String after, int limit) {
    return store.scan(new Scan.Records(id("r").partition(), prefix, after, true, limit));
  }

  private static Edit.Put tagged(String key, Map<String, String> tags) {
    return new Edit.Put(key, bytes("v"), tags, null);
  }

  /** Tries again until the lag of find and a second have passed; at once when there is no lag. */
  private void eventually(Runnable assertion) {
    Duration lag = store.info().findLag();
    long deadline = lag.isZero() ? 0 : lag.plusSeconds(1).toNanos();
    long begun = System.nanoTime();
    advance(lag);
    while (true) {
      try {
        assertion.run();
        return;
      } catch (AssertionError e) {
        if (System.nanoTime() - begun >= deadline) {
          throw e;
        }
        LockSupport.parkNanos(5_000_000);
      }
    }
  }
}
