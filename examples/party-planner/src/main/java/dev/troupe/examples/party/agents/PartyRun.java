package dev.troupe.examples.party.agents;

import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.Branch;
import dev.troupe.agent.Call;
import dev.troupe.agent.StepFailedException;
import dev.troupe.examples.party.catalogue.Money;
import dev.troupe.examples.party.plan.Missing;
import dev.troupe.examples.party.plan.Offer;
import dev.troupe.examples.party.plan.Offers;
import dev.troupe.examples.party.plan.Recommenders;
import dev.troupe.examples.party.plan.Sheet;
import dev.troupe.examples.party.plan.Verdict;
import dev.troupe.examples.party.request.Options;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The planning of one party: the agents wave by wave, then the budget, which may send some of them
 * back for something cheaper, then the final planner. An agent that fails leaves a gap, not a ruin.
 */
final class PartyRun {
  /** How often the agents are sent back for something cheaper. */
  private static final int ROUNDS = 3;

  private final Analysis.Party party;
  private final String strategy;
  private final Options options;
  private final Recommenders recommenders;
  private final FinalPlanner finalPlanner;

  PartyRun(
      Analysis.Party party,
      String strategy,
      Options options,
      Recommenders recommenders,
      FinalPlanner finalPlanner) {
    this.party = party;
    this.strategy = strategy;
    this.options = options;
    this.recommenders = recommenders;
    this.finalPlanner = finalPlanner;
  }

  /** What came of one agent. */
  private record Outcome(String agent, @Nullable Offers offers, @Nullable String failure) {}

  /** What there is so far; belongs to one execution. */
  private static final class State {
    final Map<String, Offers> offers = new LinkedHashMap<>();
    final List<Missing> missing = new ArrayList<>();
    final List<String> notes = new ArrayList<>();
    @Nullable Verdict verdict;
    int stagesLeft;
  }

  Sheet plan(AgentContext context, Consumer<String> ready) {
    State state = new State();
    state.missing.addAll(party.missing());
    List<List<String>> waves = Schedule.waves(party.needs());
    state.stagesLeft = waves.size() + 1;
    int number = 0;
    for (List<String> wave : waves) {
      number++;
      List<String> agents = wave.stream().filter(a -> !a.equals(BudgetAgent.NAME)).toList();
      for (Outcome outcome : ask("wave-" + number, agents, Map.of(), state, context, ready)) {
        keep(outcome, state);
      }
      if (wave.contains(BudgetAgent.NAME)) {
        settle(waves, state, context, ready);
      }
      state.stagesLeft--;
    }
    return finish(state, context, ready);
  }

  private void keep(Outcome outcome, State state) {
    Offers offers = outcome.offers();
    if (offers == null) {
      String reason = outcome.failure() == null ? "failed" : outcome.failure();
      state.missing.add(new Missing(outcome.agent(), reason));
    } else if (offers.list().isEmpty()) {
      String none = offers.none();
      state.missing.add(new Missing(outcome.agent(), none == null ? "nothing was found" : none));
      state.offers.put(outcome.agent(), offers);
    } else {
      state.offers.put(outcome.agent(), offers);
    }
  }

  private List<Outcome> ask(
      String group,
      List<String> agents,
      Map<String, Money> caps,
      State state,
      AgentContext context,
      Consumer<String> ready) {
    if (agents.isEmpty()) {
      return List.of();
    }
    Duration limit = callLimit(state, context);
    List<Branch<Outcome>> branches = new ArrayList<>();
    for (String agent : agents) {
      AgentTask task =
          new AgentTask(party.brief(), chosenBefore(agent, state), caps.get(agent), options);
      String name = caps.isEmpty() ? agent : agent + "-cheaper";
      branches.add(
          inner -> {
            Outcome outcome = call(agent, name, task, limit, inner);
            ready.accept(name);
            return outcome;
          });
    }
    return sideBySide(group, branches, context);
  }

  /** One branch needs no group: its call then stands in the journal under its own name. */
  static <T> List<T> sideBySide(String group, List<Branch<T>> branches, AgentContext context) {
    if (branches.size() > 1) {
      return context.all(group, branches.size(), branches);
    }
    try {
      return List.of(branches.get(0).run(context));
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static Outcome call(
      String agent, String name, AgentTask task, @Nullable Duration limit, AgentContext context) {
    try {
      return new Outcome(
          agent, context.call(limited(agent, name, task, Offers.class, limit)), null);
    } catch (StepFailedException e) {
      return new Outcome(agent, null, reason(e));
    }
  }

  private static <T> Call<T> limited(
      String agent, String name, Object task, Class<T> type, @Nullable Duration limit) {
    Call.Builder<T> call = Call.of(agent, task, type).name(name);
    return limit == null ? call.build() : call.timeLimit(limit).build();
  }

  private static String reason(StepFailedException e) {
    if (e.failure().kind().equals(ErrorCode.TIMEOUT.name())
        || e.failure().kind().equals(ErrorCode.DEADLINE_EXCEEDED.name())) {
      return "the agent took too long and was given up";
    }
    String message = e.failure().message();
    int exception = message.lastIndexOf("Exception: ");
    String last = exception < 0 ? message : message.substring(exception + "Exception: ".length());
    return "the agent failed, tried %d times: %s".formatted(CatalogueAgent.ATTEMPTS, last);
  }

  /** What an agent uses from those it depends on: the recommended offer of each. */
  private List<AgentTask.Choice> chosenBefore(String agent, State state) {
    List<AgentTask.Choice> before = new ArrayList<>();
    for (Need need : party.needs()) {
      if (need.agent().equals(agent)) {
        for (String other : need.dependsOn()) {
          Offers offers = state.offers.get(other);
          if (offers != null && !offers.list().isEmpty()) {
            Offer first = recommenders.named(strategy).rank(offers.list()).get(0);
            before.add(new AgentTask.Choice(other, first.id()));
          }
        }
      }
    }
    return before;
  }

  /**
   * Only a plan with a deadline limits its calls, as time in which no process runs counts for a
   * call: each stage gets its part of what is left. Without one, the limits of the agents' own
   * steps do.
   */
  private @Nullable Duration callLimit(State state, AgentContext context) {
    Instant deadline = context.deadline().orElse(null);
    if (options.deadline() == null || deadline == null) {
      return null;
    }
    long left = Duration.between(context.now(), deadline).toMillis() / (state.stagesLeft + 1);
    return Duration.ofMillis(Math.max(50, Math.min(left, options.agentTimeLimit().toMillis())));
  }

  /** Asks the budget agent, and the others again as long as it sends them back. */
  private void settle(
      List<List<String>> waves, State state, AgentContext context, Consumer<String> ready) {
    for (int round = 1; ; round++) {
      Verdict verdict = verdict(state, context, ready);
      state.verdict = verdict;
      if (verdict == null || round > ROUNDS) {
        return;
      }
      Map<String, Money> caps = new LinkedHashMap<>();
      verdict.caps().stream()
          .filter(Verdict.Cap::cheaper)
          .forEach(cap -> caps.put(cap.agent(), cap.most()));
      if (caps.isEmpty()) {
        return;
      }
      if (round == 1 && verdict.kind() == Verdict.Kind.REPLAN) {
        state.notes.add(
            "The first choice cost %s, so cheaper options were looked for: %s."
                .formatted(verdict.total(), String.join(", ", caps.keySet())));
      }
      state.notes.addAll(
          verdict.kind() == Verdict.Kind.REPLAN ? verdict.advice() : List.<String>of());
      cheaper(waves, verdict, caps, round, state, context, ready);
    }
  }

  private @Nullable Verdict verdict(State state, AgentContext context, Consumer<String> ready) {
    List<String> missing =
        state.missing.stream().map(Missing::agent).filter(a -> !a.equals("budget")).toList();
    BudgetTask task =
        new BudgetTask(
            party.brief(), List.copyOf(state.offers.values()), missing, strategy, options);
    try {
      Duration limit = callLimit(state, context);
      Verdict verdict =
          context.call(limited(BudgetAgent.NAME, BudgetAgent.NAME, task, Verdict.class, limit));
      ready.accept(BudgetAgent.NAME);
      return verdict;
    } catch (StepFailedException e) {
      ready.accept(BudgetAgent.NAME);
      state.missing.add(new Missing(BudgetAgent.NAME, reason(e) + "; the sum was not cut down"));
      return null;
    }
  }

  /** Sends agents back, and after them those whose basis has changed. */
  private void cheaper(
      List<List<String>> waves,
      Verdict verdict,
      Map<String, Money> caps,
      int round,
      State state,
      AgentContext context,
      Consumer<String> ready) {
    Map<String, Money> all = new LinkedHashMap<>();
    verdict.caps().forEach(cap -> all.put(cap.agent(), cap.most()));
    Map<String, List<AgentTask.Choice>> basis = new LinkedHashMap<>();
    state.offers.keySet().forEach(agent -> basis.put(agent, chosenBefore(agent, state)));
    int number = 0;
    for (List<String> wave : waves) {
      number++;
      List<String> again =
          wave.stream()
              .filter(all::containsKey)
              .filter(a -> caps.containsKey(a) || !chosenBefore(a, state).equals(basis.get(a)))
              .toList();
      String group = "round-" + round + "-wave-" + number;
      for (Outcome outcome : ask(group, again, all, state, context, ready)) {
        Offers offers = outcome.offers();
        if (offers != null && !offers.list().isEmpty()) {
          state.offers.put(outcome.agent(), offers);
        } else {
          String why = offers == null ? outcome.failure() : offers.none();
          state.notes.add(
              "No cheaper %s was found (%s); the dearer one stays."
                  .formatted(outcome.agent(), why));
        }
      }
    }
  }

  private Sheet finish(State state, AgentContext context, Consumer<String> ready) {
    FinalTask task =
        new FinalTask(
            party.brief(),
            List.copyOf(state.offers.values()),
            state.missing,
            state.verdict,
            strategy,
            state.notes);
    try {
      Sheet sheet = context.call(FinalPlanner.NAME, task, Sheet.class);
      ready.accept(FinalPlanner.NAME);
      return sheet;
    } catch (StepFailedException e) {
      state.notes.add("The final planner failed (" + reason(e) + "); this is a plain summary.");
      return finalPlanner.assemble(
          new FinalTask(
              task.brief(),
              task.offers(),
              task.missing(),
              task.verdict(),
              task.strategy(),
              state.notes));
    }
  }
}
