package dev.troupe.examples.party;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Where the process begins. */
public final class PlannerProcess {
  private PlannerProcess() {}

  /**
   * Runs the command and ends the process with its exit code.
   *
   * @param args the command's arguments
   */
  public static void main(String[] args) {
    PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    PrintStream err =
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
    System.exit(PlannerCommand.run(args, out, err));
  }
}
