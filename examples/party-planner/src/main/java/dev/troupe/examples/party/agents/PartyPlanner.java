package dev.troupe.examples.party.agents;

import dev.troupe.agent.Agent;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.Branch;
import dev.troupe.agent.Call;
import dev.troupe.agent.RunEndingException;
import dev.troupe.examples.party.plan.PartyPlan;
import dev.troupe.examples.party.plan.Recommenders;
import dev.troupe.examples.party.plan.Sheet;
import dev.troupe.examples.party.request.PartyRequest;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The agent that calls the others: first the analyzer, then for each party of the text, side by
 * side, all that {@link PartyRun} does.
 */
public final class PartyPlanner implements Agent<PartyRequest, PartyPlan> {
  /** The agent's name. */
  public static final String NAME = "party-planner";

  private final Recommenders recommenders;
  private final FinalPlanner finalPlanner;
  private final Watcher watcher;
  private final @Nullable PartyModel model;

  /**
   * Is told when an agent's result is there, in this process or from before a crash. For the
   * display alone: nothing depends on it.
   */
  @FunctionalInterface
  public interface Watcher {
    /**
     * A result is there.
     *
     * @param run the planner's run
     * @param call the name of the call
     */
    void ready(String run, String call);
  }

  /**
   * Creates the agent.
   *
   * @param recommenders the strategies
   * @param watcher is told what is ready
   * @param model words the plans, null for none
   */
  public PartyPlanner(Recommenders recommenders, Watcher watcher, @Nullable PartyModel model) {
    this.recommenders = recommenders;
    this.model = model;
    this.finalPlanner = new FinalPlanner(recommenders);
    this.watcher = watcher;
  }

  @Override
  public PartyPlan execute(PartyRequest request, AgentContext context) {
    Call<Analysis> call = Call.of(InputAnalyzer.NAME, request, Analysis.class).build();
    Analysis analysis = context.call(call);
    watcher.ready(context.runId(), InputAnalyzer.NAME);
    if (analysis.refusal() != null) {
      return new PartyPlan(List.of(), analysis.notes(), analysis.refusal());
    }
    List<Branch<Sheet>> branches = new ArrayList<>();
    for (Analysis.Party party : analysis.parties()) {
      String key = context.runId() + "/" + branches.size();
      String strategy = recommenders.assign(key, request.options().strategy());
      PartyRun run = new PartyRun(party, strategy, request.options(), recommenders, finalPlanner);
      branches.add(
          inner -> worded(run.plan(inner, name -> watcher.ready(inner.runId(), name)), inner));
    }
    List<Sheet> sheets = PartyRun.sideBySide("parties", branches, context);
    return new PartyPlan(sheets, analysis.notes(), null);
  }

  private Sheet worded(Sheet sheet, AgentContext context) {
    PartyModel words = model;
    if (words == null) {
      return sheet;
    }
    try {
      context.publish(new Doing("asking the model for the words"));
      return words.word(sheet, context).map(sheet::worded).orElse(sheet);
    } catch (RunEndingException ending) {
      throw ending;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return sheet; // the run is ending, and says so at its next effect
    } catch (Exception e) {
      return sheet.noting("The model found no words (%s).".formatted(e.getMessage()));
    }
  }
}
