package dev.troupe.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SqliteNamesTest {
  private static final String ALPHABET =
      "\u0000a~\u007f\u0080\u07ff\u0800\ud7ff\ud800\udbff\udc00\udfff\ue000\uffff";

  @Test
  void everyNameComesBackAndBytesSortAsStringsDo() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    String before = "";
    for (int i = 0; i < 100_000; i++) {
      String name = name(random);
      byte[] bytes = SqliteNames.encode(name);
      assertThat(SqliteNames.decode(bytes)).as("seed " + seed).isEqualTo(name);
      assertThat(Integer.signum(Arrays.compareUnsigned(SqliteNames.encode(before), bytes)))
          .as("seed " + seed)
          .isEqualTo(Integer.signum(before.compareTo(name)));
      before = name;
    }
  }

  @Test
  void whatStartsWithAPrefixLiesBelowItsEnd() {
    byte[] end = SqliteNames.after(SqliteNames.encode("a"));
    assertThat(Arrays.compareUnsigned(SqliteNames.encode("a\uffff\uffff"), end)).isNegative();
    assertThat(Arrays.compareUnsigned(SqliteNames.encode("b"), end)).isPositive();
  }

  private static String name(Random random) {
    StringBuilder name = new StringBuilder();
    for (int length = random.nextInt(5); length > 0; length--) {
      name.append(ALPHABET.charAt(random.nextInt(ALPHABET.length())));
    }
    return name.toString();
  }
}
