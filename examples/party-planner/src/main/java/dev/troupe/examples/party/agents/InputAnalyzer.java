package dev.troupe.examples.party.agents;

import dev.troupe.agent.Agent;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.RunEndingException;
import dev.troupe.agent.Step;
import dev.troupe.agent.StepFailedException;
import dev.troupe.examples.party.plan.Missing;
import dev.troupe.examples.party.request.PartyBrief;
import dev.troupe.examples.party.request.PartyRequest;
import dev.troupe.examples.party.request.RequestReader;
import dev.troupe.examples.party.request.RuleReader;
import dev.troupe.examples.party.request.Rules;
import dev.troupe.examples.party.request.Sanitizer;
import dev.troupe.examples.party.request.Understanding;
import dev.troupe.resilience.BackoffRetryPolicy;
import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Understands the request: cleans and checks the text, has it read, by a model if there is one, and
 * works out which agents are needed and what depends on what.
 *
 * <p>A model that fails gives way to the rules, the rules to a general party.
 */
public final class InputAnalyzer implements Agent<PartyRequest, Analysis> {
  /** The agent's name. */
  public static final String NAME = "input-analyzer";

  private static final RetryPolicy RETRY =
      BackoffRetryPolicy.builder(3)
          .delay(Duration.ofMillis(100))
          .maxDelay(Duration.ofMillis(500))
          .build();

  private final Rules rules;
  private final RequestReader byRules;
  private final @Nullable PartyModel model;

  /**
   * Creates the agent.
   *
   * @param rules what it goes by
   * @param byRules reads by the rules
   * @param model reads after the rules, null for none
   */
  public InputAnalyzer(Rules rules, RequestReader byRules, @Nullable PartyModel model) {
    this.rules = rules;
    this.byRules = byRules;
    this.model = model;
  }

  @Override
  public Analysis execute(PartyRequest request, AgentContext context) {
    String text = Sanitizer.clean(request.text());
    String refusal = RuleReader.refusal(text, rules);
    if (!refusal.isEmpty()) {
      return new Analysis(List.of(), List.of(), refusal);
    }
    context.publish(new Doing("reading the request"));
    LocalDate today = LocalDate.ofInstant(context.now(), ZoneOffset.UTC);
    Duration limit = CatalogueAgent.attemptLimit(request.options().agentTimeLimit());
    List<String> notes = new ArrayList<>();
    Understanding understood = byRules(text, today, limit, context, notes);
    PartyModel reader = model;
    if (reader != null) {
      understood = byModel(reader, text, today, context, understood, notes);
    }
    notes.addAll(0, understood.notes());
    return new Analysis(
        understood.parties().stream().map(this::party).toList(), notes, understood.refusal());
  }

  private static Step<Understanding> step(String name, Duration limit) {
    return Step.of(name, Understanding.class).retry(RETRY).timeLimit(limit).build();
  }

  private Understanding byRules(
      String text, LocalDate today, Duration limit, AgentContext context, List<String> notes) {
    try {
      return context.step(step("read-by-rules", limit), attempt -> byRules.read(text, today));
    } catch (StepFailedException e) {
      notes.add(
          "The request could not be read (%s): planned as a general party. Check the allergies."
              .formatted(e.failure().message()));
      return rules.generalParty();
    }
  }

  /** What the model reads counts, but no allergy that the rules found may get lost. */
  private Understanding byModel(
      PartyModel reader,
      String text,
      LocalDate today,
      AgentContext context,
      Understanding ruled,
      List<String> notes) {
    try {
      context.publish(new Doing("asking the model what kind of party it is"));
      Understanding read = rules.checked(reader.read(text, today, ruled, context));
      List<PartyBrief> parties = new ArrayList<>();
      for (PartyBrief party : read.parties()) {
        PartyBrief safe = party;
        for (PartyBrief byRule : ruled.parties()) {
          safe = RuleReader.adding(safe, byRule.food());
        }
        parties.add(safe);
      }
      return new Understanding(parties, read.notes(), read.refusal());
    } catch (RunEndingException ending) {
      throw ending;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return ruled; // the run is ending, and says so at its next effect
    } catch (Exception e) {
      notes.add(
          "The model could not read the request (%s), so the rules did.".formatted(e.getMessage()));
      return ruled;
    }
  }

  private Analysis.Party party(PartyBrief brief) {
    List<String> wanted = new ArrayList<>(brief.needs().agents());
    List<Missing> missing = new ArrayList<>();
    if (wanted.contains(VenueAgent.NAME) && brief.place().city() == null) {
      wanted.remove(VenueAgent.NAME);
      missing.add(new Missing(VenueAgent.NAME, noCity(brief.place())));
    }
    List<Need> needs = new ArrayList<>();
    rules
        .agents()
        .forEach(
            (agent, dependsOn) -> {
              if (wanted.contains(agent)) {
                needs.add(new Need(agent, dependsOn.stream().filter(wanted::contains).toList()));
              }
            });
    return new Analysis.Party(brief, needs, missing);
  }

  private String noCity(PartyBrief.Place place) {
    String known = String.join(", ", rules.cityNames());
    if (place.name() == null) {
      return "skipped: the request names no city; name one of " + known;
    }
    String meant =
        place.suggestions().isEmpty()
            ? ""
            : " Did you mean " + String.join(" or ", place.suggestions()) + "?";
    return "skipped: “%s” is not among the cities of the sample data.%s Known are %s."
        .formatted(place.name(), meant, known);
  }
}
