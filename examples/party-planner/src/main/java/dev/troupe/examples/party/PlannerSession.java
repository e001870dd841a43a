package dev.troupe.examples.party;

import dev.troupe.AgentException;
import dev.troupe.examples.party.page.JsonPage;
import dev.troupe.examples.party.page.MarkdownPage;
import dev.troupe.examples.party.page.TextPage;
import dev.troupe.examples.party.plan.PartyPlan;
import dev.troupe.examples.party.request.Options;
import dev.troupe.examples.party.request.PartyRequest;
import dev.troupe.runtime.RunHandle;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Answers requests one after another: submits, follows, prints and writes each plan. */
final class PlannerSession {
  static final int COMPLETE = 0;
  static final int FAILED = 1;
  static final int REFUSED = 2;
  static final int PARTIAL = 3;

  private static final int MOST_AGAIN = 1_000;

  private final Planner planner;
  private final PlanWatch watch;
  private final LiveDisplay display;
  private final Output output;

  /** Where plans go. */
  record Output(PrintStream out, PrintStream err, Path folder, boolean quiet, boolean colours) {}

  PlannerSession(Planner planner, PlanWatch watch, LiveDisplay display, Output output) {
    this.planner = planner;
    this.watch = watch;
    this.display = display;
    this.output = output;
  }

  /**
   * Answers one request.
   *
   * @param text the request
   * @param options how to plan
   * @param again whether to make a new plan even if there is one
   * @return the exit code
   */
  int answer(String text, Options options, boolean again) throws InterruptedException, IOException {
    watch.reset();
    display.begin();
    PartyRequest request = new PartyRequest(text, options);
    String id = PlanId.of(request);
    RunHandle<PartyPlan> handle = planner.submit(id, request);
    for (int number = 2; again && finished(handle) && number < MOST_AGAIN; number++) {
      watch.reset();
      request = new PartyRequest(text, numbered(options, number));
      id = PlanId.of(request);
      handle = planner.submit(id, request);
    }
    try {
      PartyPlan plan = follow(handle);
      display.done();
      return print(id, plan);
    } catch (ExecutionException e) {
      display.done();
      output.err.println("error: the plan failed: " + why(e) + " Run again with --again.");
      return FAILED;
    }
  }

  private static boolean finished(RunHandle<PartyPlan> handle) throws InterruptedException {
    if (handle.isNew()) {
      return false;
    }
    try {
      future(handle).get(200, TimeUnit.MILLISECONDS);
      return true;
    } catch (ExecutionException e) {
      return true;
    } catch (TimeoutException e) {
      return false;
    }
  }

  private static Options numbered(Options o, int number) {
    return new Options(
        o.strategy(),
        o.fail(),
        o.hang(),
        o.slow(),
        o.agentTimeLimit(),
        o.deadline(),
        Integer.toString(number));
  }

  private static CompletableFuture<PartyPlan> future(RunHandle<PartyPlan> handle) {
    return handle.completion().toCompletableFuture();
  }

  /** Waits for a plan; says so when it is one that was begun or finished before. */
  private PartyPlan follow(RunHandle<PartyPlan> handle)
      throws InterruptedException, ExecutionException {
    boolean said = handle.isNew();
    int waited = 0;
    while (true) {
      try {
        PartyPlan plan = future(handle).get(200, TimeUnit.MILLISECONDS);
        if (!said) {
          say(
              watch.executing()
                  ? watch.resumed()
                  : "This plan was finished before; here it is again (--again makes a new one).");
        }
        return plan;
      } catch (TimeoutException e) {
        waited++;
        String stopped = watch.stopped();
        if (stopped != null) {
          throw new ExecutionException(new IllegalStateException(stopped));
        }
        if (!said && watch.caughtUp()) {
          say(watch.resumed());
          said = true;
        } else if (!said && waited == 10 && !watch.active()) {
          say("The plan was interrupted; waiting until the process that held it is given up.");
        }
      }
    }
  }

  private void say(String line) {
    if (!output.quiet) {
      output.err.println(line);
    }
  }

  private static String why(ExecutionException e) {
    Throwable cause = e.getCause();
    if (cause instanceof AgentException known) {
      return known.getMessage() + " (" + known.code() + ").";
    }
    return String.valueOf(cause) + ".";
  }

  private int print(String id, PartyPlan plan) throws IOException {
    if (plan.refusal() != null) {
      output.err.println("error: " + plan.refusal());
      return REFUSED;
    }
    output.out.print(TextPage.write(plan, output.colours));
    Files.createDirectories(output.folder);
    Path json = output.folder.resolve(id + ".json");
    Path markdown = output.folder.resolve(id + ".md");
    Files.writeString(json, JsonPage.write(plan));
    Files.writeString(markdown, MarkdownPage.write(plan));
    say("Written: " + json + " and " + markdown);
    return plan.complete() ? COMPLETE : PARTIAL;
  }
}
