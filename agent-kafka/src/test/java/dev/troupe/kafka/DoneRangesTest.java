package dev.troupe.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What is done behind the committed offset, in memory and in a commit's metadata. */
class DoneRangesTest {
  @Test
  void anySetComesBackFromMetadata() {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      long base = random.nextLong(0, 1L << random.nextInt(1, 50));
      DoneRanges ranges = new DoneRanges();
      TreeSet<Long> expected = new TreeSet<>();
      for (int i = 0; i < random.nextInt(300); i++) {
        long offset = base + random.nextInt(400);
        ranges.add(offset);
        expected.add(offset);
      }
      String text = ranges.encode(base, 100_000);
      DoneRanges again = DoneRanges.decode(base, text);
      for (long offset = base - 5; offset < base + 410; offset++) {
        assertThat(ranges.contains(offset)).isEqualTo(expected.contains(offset));
        assertThat(again.contains(offset)).isEqualTo(expected.contains(offset));
      }
      assertThat(again.encode(base, 100_000)).isEqualTo(text);
    }
  }

  @Test
  void whatDoesNotFitIsLeftOutFromTheEnd() {
    DoneRanges ranges = new DoneRanges();
    for (long offset = 1; offset < 20_000; offset += 2) {
      ranges.add(offset);
    }
    String text = ranges.encode(0, 2_048);
    assertThat(text.length()).isBetween(1_500, 2_048);
    DoneRanges again = DoneRanges.decode(0, text);
    for (long offset = 0; offset < 1_000; offset++) {
      assertThat(again.contains(offset)).isEqualTo(offset % 2 == 1);
    }
    assertThat(again.contains(19_999)).isFalse();
  }

  @Test
  void whatIsBelowIsForgotten() {
    DoneRanges ranges = new DoneRanges();
    for (long offset = 0; offset < 10; offset++) {
      ranges.add(offset);
    }
    ranges.dropBelow(4);
    assertThat(ranges.contains(3)).isFalse();
    assertThat(ranges.contains(4)).isTrue();
    ranges.dropBelow(20);
    assertThat(ranges.encode(20, 100)).isEmpty();
  }

  @Test
  void whatOthersWroteIsNoRange() {
    for (String text :
        new String[] {"", "x", "troupe1:", "troupe1:%%", "troupe1:gICAgICAgICAgIA"}) {
      assertThat(DoneRanges.decode(0, text).encode(0, 100)).as(text).isEmpty();
    }
    assertThat(DoneRanges.decode(0, null).contains(0)).isFalse();
  }
}
