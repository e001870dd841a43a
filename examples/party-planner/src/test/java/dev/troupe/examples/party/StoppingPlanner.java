package dev.troupe.examples.party;

import java.util.Arrays;

/** The planner's process over a store that holds still after a row; the row comes first. */
final class StoppingPlanner {
  private StoppingPlanner() {}

  public static void main(String[] args) {
    int lastRow = Integer.parseInt(args[0]);
    StoppingStore[] used = new StoppingStore[1];
    int code =
        PlannerCommand.run(
            Arrays.copyOfRange(args, 1, args.length),
            System.out,
            System.err,
            file -> used[0] = new StoppingStore(Stores.open(file), lastRow, System.out));
    System.out.println("rows " + used[0].rows());
    System.exit(code);
  }
}
