package dev.troupe.jdbc;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A process that opens a store and says so, then writes until it is killed and prints the number of
 * each change that was answered. Change {@code n} is row {@code n} of two records of one route.
 */
final class SqliteWorker {
  private SqliteWorker() {}

  public static void main(String[] args) throws Exception {
    try (SqliteStateStore store = SqliteStateStore.open(Path.of(args[0]))) {
      System.out.println("open");
      if (args[1].equals("hold")) {
        System.in.read();
        return;
      }
      int number = Integer.parseInt(args[1]);
      while (true) {
        List<Change> list = new ArrayList<>();
        for (int i = 0; i <= number % 5; i++) {
          String name = String.valueOf(number + i);
          Edit left = SqliteFixture.row("pair/left", name, name + "!".repeat(number % 3000));
          Edit right = SqliteFixture.row("pair/right", name, name);
          list.add(SqliteFixture.change(left, right, SqliteFixture.put("pair/left", name)));
        }
        store.apply(list);
        number += list.size();
        System.out.println(number - 1);
      }
    }
  }
}
