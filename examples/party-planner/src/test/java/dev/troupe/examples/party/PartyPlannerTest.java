package dev.troupe.examples.party;

import static dev.troupe.examples.party.Parties.chosen;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.examples.party.agents.Doing;
import dev.troupe.examples.party.plan.Missing;
import dev.troupe.examples.party.plan.PartyPlan;
import dev.troupe.examples.party.plan.Sheet;
import dev.troupe.examples.party.request.Options;
import dev.troupe.examples.party.request.PartyBrief;
import dev.troupe.examples.party.request.PartyRequest;
import dev.troupe.examples.party.request.Understanding;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class PartyPlannerTest {
  private static final String TEXT =
      "a dinosaur party for 12 kids on 6 June in Lisbon, 600 euros, one is allergic to nuts";
  private static final Duration SHORT = Duration.ofMillis(300);

  private static Sheet withFaults(List<String> fail, List<String> hang) {
    return Parties.plan(TEXT, Parties.faults(fail, hang, SHORT)).sheets().get(0);
  }

  @Test
  void aFailedAgentLeavesAPartialPlanThatSaysWhy() {
    Sheet sheet = withFaults(List.of("venue"), List.of());
    assertThat(sheet.missing())
        .containsExactly(
            new Missing("venue", "the agent failed, tried 3 times: told to fail by --fail venue"));
    assertThat(chosen(sheet, "theme").id()).isEqualTo("dinosaur");
    assertThat(sheet.costs().reserved()).hasToString("330.00 EUR");
  }

  @Test
  void aHangingAgentIsGivenUp() {
    Sheet sheet = withFaults(List.of(), List.of("cake"));
    assertThat(sheet.missing())
        .containsExactly(new Missing("cake", "the agent took too long and was given up"));
    assertThat(chosen(sheet, "venue").id()).startsWith("lis-");
  }

  @Test
  void thoseThatDependOnAFailedAgentStillWork() {
    Sheet sheet = withFaults(List.of("theme"), List.of());
    assertThat(sheet.missing()).extracting(Missing::agent).containsExactly("theme");
    assertThat(chosen(sheet, "cake").name()).isNotEmpty();
    assertThat(chosen(sheet, "venue").id()).startsWith("lis-");
  }

  @Test
  void whatFailsTwiceIsTriedAThirdTime() {
    Sheet sheet = withFaults(List.of("venue:2", "cake:1"), List.of("theme:1"));
    assertThat(sheet.missing()).isEmpty();
  }

  @Test
  void withoutTheBudgetAgentTheSumIsStillTrue() {
    Sheet sheet = withFaults(List.of("budget"), List.of());
    assertThat(sheet.missing()).extracting(Missing::agent).containsExactly("budget");
    assertThat(sheet.costs().lines()).hasSize(3);
  }

  @Test
  void aPlanThatIsTooDearIsPlannedAgainWithCheaperOptions() {
    Sheet sheet =
        Parties.sheet("a unicorn party for 10 girls in Porto on 14 March, 300 euros in all");
    assertThat(sheet.costs().within()).isTrue();
    assertThat(sheet.notes()).anyMatch(note -> note.contains("cheaper options were looked for"));
  }

  @Test
  void aFreeTextThatHoldsNoPartyEndsBeforeAnyAgentIsCalled() {
    FakeStage stage = new FakeStage(Parties.agents().definitions());
    PartyPlan plan =
        stage.run(
            "party-planner",
            new PartyRequest("asdf qwer", Options.standard()),
            PartyPlan.class,
            "x");
    assertThat(plan.refusal()).isNotNull();
    assertThat(stage.rows()).noneMatch(row -> row.contains("theme"));
  }

  @Test
  void agentsTellWhatTheyDo() {
    FakeStage stage = new FakeStage(Parties.agents().definitions());
    stage.run("party-planner", request(), PartyPlan.class, "x");
    assertThat(stage.progress())
        .contains(
            new Doing("looking for a venue in Lisbon"),
            new Doing("looking for a cake without peanuts, nuts"));
  }

  private static PartyRequest request() {
    return new PartyRequest(TEXT, Parties.options("best-value"));
  }

  @Test
  void afterACrashAtEachRowThePlanIsTheSameAndNothingFinishedIsDoneAgain() {
    FakeStage whole = new FakeStage(Parties.agents().definitions());
    PartyPlan expected = whole.run("party-planner", request(), PartyPlan.class, "plan");
    for (int rows = 0; rows < whole.rows().size(); rows++) {
      List<String> worked = new ArrayList<>();
      FakeStage stage =
          new FakeStage(
              Parties.agents().effects((run, step) -> worked.add(run + " " + step)).definitions());
      stage.crashAfter(rows);
      assertThat(crashes(stage)).isTrue();
      List<String> finished = List.copyOf(stage.rows());
      worked.clear();
      stage.crashAfter(Integer.MAX_VALUE);
      assertThat(stage.run("party-planner", request(), PartyPlan.class, "plan"))
          .as("after %d rows", rows)
          .isEqualTo(expected);
      assertThat(worked).as("after %d rows", rows).noneMatch(finished::contains);
      assertThat(stage.rows()).hasSameElementsAs(whole.rows());
    }
  }

  private static boolean crashes(FakeStage stage) {
    try {
      stage.run("party-planner", request(), PartyPlan.class, "plan");
      return false;
    } catch (FakeStage.Crash expected) {
      return true;
    }
  }

  @Test
  void aModelMayReadTheRequestButLosesNoAllergy() {
    PlannerAgents agents = Parties.agents();
    Understanding other = Parties.read("a pirate party for 20 kids in Madrid, 900 euros");
    agents.model((text, today, ruled, context) -> other);
    Sheet sheet = plan(agents).sheets().get(0);
    assertThat(chosen(sheet, "theme").id()).isEqualTo("pirate");
    assertThat(sheet.brief().food().avoid()).containsExactly("peanuts", "nuts");
  }

  @Test
  void aModelThatFailsGivesWayToTheRules() {
    AtomicInteger asked = new AtomicInteger();
    PlannerAgents agents = Parties.agents();
    agents.model(
        (text, today, ruled, context) -> {
          asked.incrementAndGet();
          throw new IOException("the model is away");
        });
    PartyPlan plan = plan(agents);
    assertThat(chosen(plan.sheets().get(0), "theme").id()).isEqualTo("dinosaur");
    assertThat(plan.notes()).anyMatch(note -> note.contains("the model is away"));
    assertThat(asked).as("a governed model tries again by itself").hasValue(1);
  }

  @Test
  void aModelThatInventsACityGivesWayToTheRules() {
    Understanding invented = Parties.read("a party in Romsey for 12 kids");
    PlannerAgents agents = Parties.agents();
    agents.model((text, today, ruled, context) -> invent(invented));
    PartyPlan plan = plan(agents);
    assertThat(plan.sheets().get(0).brief().place().city()).isEqualTo("lis");
    assertThat(plan.notes()).anyMatch(note -> note.contains("an unknown city: atl"));
  }

  private static Understanding invent(Understanding read) {
    var p = read.parties().get(0);
    var place = new PartyBrief.Place("atl", "Atlantis", List.of());
    return new Understanding(
        List.of(
            new PartyBrief(
                p.what(),
                p.guests(),
                p.when(),
                place,
                p.budget(),
                p.food(),
                p.wishes(),
                p.needs(),
                p.notes())),
        List.of(),
        null);
  }

  private static PartyPlan plan(PlannerAgents agents) {
    return new FakeStage(agents.definitions(), Instant.parse("2026-11-21T10:00:00Z"), e -> {})
        .run("party-planner", request(), PartyPlan.class, "x");
  }
}
