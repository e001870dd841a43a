package dev.troupe.examples.party;

import dev.troupe.agent.AgentDefinition;
import dev.troupe.examples.party.agents.AgentTask;
import dev.troupe.examples.party.agents.Analysis;
import dev.troupe.examples.party.agents.BudgetAgent;
import dev.troupe.examples.party.agents.BudgetTask;
import dev.troupe.examples.party.agents.CakeAgent;
import dev.troupe.examples.party.agents.CatalogueAgent;
import dev.troupe.examples.party.agents.Effects;
import dev.troupe.examples.party.agents.FinalPlanner;
import dev.troupe.examples.party.agents.FinalTask;
import dev.troupe.examples.party.agents.InputAnalyzer;
import dev.troupe.examples.party.agents.PartyModel;
import dev.troupe.examples.party.agents.PartyPlanner;
import dev.troupe.examples.party.agents.ResultCache;
import dev.troupe.examples.party.agents.ThemeAgent;
import dev.troupe.examples.party.agents.VenueAgent;
import dev.troupe.examples.party.catalogue.Catalogue;
import dev.troupe.examples.party.catalogue.DataFiles;
import dev.troupe.examples.party.catalogue.Money;
import dev.troupe.examples.party.plan.Offers;
import dev.troupe.examples.party.plan.PartyPlan;
import dev.troupe.examples.party.plan.Recommenders;
import dev.troupe.examples.party.plan.Sheet;
import dev.troupe.examples.party.plan.Verdict;
import dev.troupe.examples.party.request.Options;
import dev.troupe.examples.party.request.PartyBrief;
import dev.troupe.examples.party.request.PartyRequest;
import dev.troupe.examples.party.request.RuleReader;
import dev.troupe.examples.party.request.Rules;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Puts the agents together. Knows nothing of the runtime under them. */
public final class PlannerAgents {
  private static final int CACHED = 1_000;
  private static final Duration KEPT = Duration.ofMinutes(10);

  private final Catalogue catalogue;
  private final Rules rules;
  private final Recommenders recommenders;
  private final Map<String, CatalogueAgent.Lookup<AgentTask, Offers>> finders =
      new LinkedHashMap<>();
  private @Nullable PartyModel model;
  private Effects effects = Effects.uncounted();
  private PartyPlanner.Watcher watcher = (run, call) -> {};

  private PlannerAgents(Catalogue catalogue, Rules rules, Recommenders recommenders) {
    this.catalogue = catalogue;
    this.rules = rules;
    this.recommenders = recommenders;
    finders.put(ThemeAgent.NAME, new ThemeAgent(catalogue));
    finders.put(VenueAgent.NAME, new VenueAgent(catalogue));
    finders.put(CakeAgent.NAME, new CakeAgent(catalogue, rules));
  }

  /**
   * Reads the data and makes the agents.
   *
   * @param files the data
   * @param recommenders the strategies
   * @return the agents
   * @throws dev.troupe.examples.party.catalogue.DataException when something is wrong with the data
   */
  public static PlannerAgents load(DataFiles files, Recommenders recommenders) {
    Catalogue catalogue = Catalogue.load(files);
    return new PlannerAgents(catalogue, Rules.load(files, catalogue), recommenders);
  }

  /**
   * Lets a model classify the requests and word the plans; the rules stay behind it.
   *
   * @param model the model
   * @return this
   */
  public PlannerAgents model(PartyModel model) {
    this.model = model;
    return this;
  }

  /**
   * Has the agents' work counted.
   *
   * @param effects is told when an agent works
   * @return this
   */
  public PlannerAgents effects(Effects effects) {
    this.effects = effects;
    return this;
  }

  /**
   * Has somebody watch the planner.
   *
   * @param watcher is told what is ready
   * @return this
   */
  public PlannerAgents watcher(PartyPlanner.Watcher watcher) {
    this.watcher = watcher;
    return this;
  }

  /**
   * The rules in use.
   *
   * @return the rules
   */
  public Rules rules() {
    return rules;
  }

  /**
   * The data in use.
   *
   * @return the catalogue
   */
  public Catalogue catalogue() {
    return catalogue;
  }

  /**
   * The definitions to register.
   *
   * @return the planner and all agents it calls
   */
  public List<AgentDefinition<?, ?>> definitions() {
    return List.of(
        AgentDefinition.of(
                PartyPlanner.NAME,
                PartyRequest.class,
                PartyPlan.class,
                new PartyPlanner(recommenders, watcher, model))
            .build(),
        AgentDefinition.of(
                InputAnalyzer.NAME,
                PartyRequest.class,
                Analysis.class,
                new InputAnalyzer(rules, new RuleReader(rules), model))
            .build(),
        finder(ThemeAgent.NAME),
        finder(VenueAgent.NAME),
        finder(CakeAgent.NAME),
        AgentDefinition.of(
                BudgetAgent.NAME,
                BudgetTask.class,
                Verdict.class,
                new CatalogueAgent<>(
                    BudgetAgent.NAME,
                    Verdict.class,
                    new BudgetAgent(rules.shares(), recommenders, this::leastCost),
                    cache(),
                    effects))
            .build(),
        AgentDefinition.of(
                FinalPlanner.NAME, FinalTask.class, Sheet.class, new FinalPlanner(recommenders))
            .build());
  }

  private AgentDefinition<AgentTask, Offers> finder(String name) {
    CatalogueAgent<AgentTask, Offers> agent =
        new CatalogueAgent<>(name, Offers.class, finder(name, finders), cache(), effects);
    return AgentDefinition.of(name, AgentTask.class, Offers.class, agent).build();
  }

  private static <T> T finder(String name, Map<String, T> finders) {
    T finder = finders.get(name);
    if (finder == null) {
      throw new IllegalArgumentException("no finder for " + name);
    }
    return finder;
  }

  private static <V> ResultCache<V> cache() {
    return new ResultCache<>(CACHED, KEPT, System::nanoTime);
  }

  private @Nullable Money leastCost(PartyBrief brief, List<String> agents) {
    Money sum = Money.ZERO;
    for (String agent : agents) {
      try {
        AgentTask task = new AgentTask(brief, List.of(), null, Options.standard());
        Money floor = finder(agent, finders).find(task).floor();
        if (floor == null) {
          return null;
        }
        sum = sum.plus(floor);
      } catch (Exception e) {
        return null;
      }
    }
    return sum;
  }
}
