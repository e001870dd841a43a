package dev.troupe.examples.party;

import dev.troupe.examples.party.catalogue.Catalogue;
import dev.troupe.examples.party.catalogue.DataFiles;
import dev.troupe.examples.party.catalogue.Money;
import dev.troupe.examples.party.plan.Fact;
import dev.troupe.examples.party.plan.Offer;
import dev.troupe.examples.party.plan.PartyPlan;
import dev.troupe.examples.party.plan.Pick;
import dev.troupe.examples.party.plan.Recommenders;
import dev.troupe.examples.party.plan.Sheet;
import dev.troupe.examples.party.request.Options;
import dev.troupe.examples.party.request.PartyBrief;
import dev.troupe.examples.party.request.PartyRequest;
import dev.troupe.examples.party.request.RuleReader;
import dev.troupe.examples.party.request.Rules;
import dev.troupe.examples.party.request.Sanitizer;
import dev.troupe.examples.party.request.Understanding;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.util.List;

/** What the tests share: the data, loaded once, and short ways to ask for plans. */
public final class Parties {
  public static final LocalDate TODAY = LocalDate.of(2026, 11, 21);
  public static final Catalogue CATALOGUE = Catalogue.load(DataFiles.bundled());
  public static final Rules RULES = Rules.load(DataFiles.bundled(), CATALOGUE);

  private Parties() {}

  public static Understanding read(String text) {
    return new RuleReader(RULES).read(Sanitizer.clean(text), TODAY);
  }

  public static PartyBrief brief(String text) {
    List<PartyBrief> parties = read(text).parties();
    if (parties.size() != 1) {
      throw new AssertionError(parties.size() + " parties in: " + text);
    }
    return parties.get(0);
  }

  static PlannerAgents agents() {
    return PlannerAgents.load(DataFiles.bundled(), Recommenders.standard());
  }

  public static Options options(String strategy) {
    Options o = Options.standard();
    return new Options(
        strategy, o.fail(), o.hang(), o.slow(), o.agentTimeLimit(), o.deadline(), o.again());
  }

  static Options faults(List<String> fail, List<String> hang, Duration limit) {
    return new Options("best-fit", fail, hang, Duration.ZERO, limit, null, null);
  }

  public static PartyPlan plan(String text) {
    return plan(text, options("best-fit"));
  }

  public static PartyPlan plan(String text, Options options) {
    return new FakeStage(agents().definitions())
        .run("party-planner", new PartyRequest(text, options), PartyPlan.class, "test");
  }

  public static Sheet sheet(String text) {
    PartyPlan plan = plan(text);
    if (plan.sheets().size() != 1) {
      throw new AssertionError(plan.sheets().size() + " sheets, " + plan.refusal());
    }
    return plan.sheets().get(0);
  }

  public static Offer chosen(Sheet sheet, String agent) {
    return sheet.picks().stream()
        .filter(pick -> pick.agent().equals(agent))
        .map(Pick::chosen)
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + agent + ": " + sheet.missing()));
  }

  public static String fact(Offer offer, String label) {
    return offer.facts().stream()
        .filter(fact -> fact.label().equals(label))
        .map(Fact::value)
        .findFirst()
        .orElse("");
  }

  public static Offer offer(String id, long euros, int fit) {
    return new Offer(id, id, Money.euros(euros), fit, false, List.of(), List.of(), List.of());
  }

  public static String request(String name) {
    try {
      byte[] bytes = Files.readAllBytes(Path.of("requests", name + ".txt"));
      return new String(bytes, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new AssertionError("run the tests in the module's folder", e);
    }
  }
}
