package dev.troupe.examples.party.agents;

import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.output.structured.Description;
import dev.troupe.agent.AgentContext;
import dev.troupe.examples.party.catalogue.Catalogue;
import dev.troupe.examples.party.catalogue.Theme;
import dev.troupe.examples.party.plan.Pick;
import dev.troupe.examples.party.plan.Sheet;
import dev.troupe.examples.party.request.PartyBrief;
import dev.troupe.examples.party.request.RuleReader;
import dev.troupe.examples.party.request.Rules;
import dev.troupe.examples.party.request.Understanding;
import dev.troupe.llm.GovernedModel;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Asks a governed model; each answer is journaled with the run and never asked for twice. */
public final class AskedModel implements PartyModel {
  private static final int MOST_WORDS = 600;

  private final GovernedModel model;
  private final Rules rules;
  private final Catalogue catalogue;

  /**
   * Asks a model.
   *
   * @param model the model
   * @param rules know the occasions, allergens and diets that it may name
   * @param catalogue knows the themes that it may name
   */
  public AskedModel(GovernedModel model, Rules rules, Catalogue catalogue) {
    this.model = model;
    this.rules = rules;
    this.catalogue = catalogue;
  }

  /**
   * What kind of party a text means.
   *
   * @param occasion the id of the occasion
   * @param themes ids of themes that fit the text, the best first
   * @param avoid allergens that somebody must not have
   * @param diets diets that the cake has to suit
   */
  record Kind(
      @Description("id of the occasion") String occasion,
      @Description("ids of fitting themes, the best first; empty if the text asks for none")
          List<String> themes,
      @Description("allergens that somebody must not have") List<String> avoid,
      @Description("diets that the cake has to suit") List<String> diets) {}

  @Override
  public Understanding read(String text, LocalDate today, Understanding ruled, AgentContext context)
      throws InterruptedException {
    if (ruled.parties().size() != 1) {
      return ruled; // nothing to plan, or several parties that the rules have told apart
    }
    ChatRequest request =
        ChatRequest.builder()
            .messages(
                SystemMessage.from(
                    "You say what kind of party a request means. Use the ids and names of these lists only.\n"
                        + "occasions: "
                        + rules.occasionIds()
                        + "\nthemes: "
                        + catalogue.themes().stream().map(Theme::id).toList()
                        + "\nallergens: "
                        + rules.allergens()
                        + "\ndiets: "
                        + rules.diets()),
                UserMessage.from(text))
            .build();
    Kind kind = model.in(context, "classify").generate(request, Kind.class).value();
    return new Understanding(
        List.of(merged(ruled.parties().get(0), kind)), ruled.notes(), ruled.refusal());
  }

  private PartyBrief merged(PartyBrief ruled, Kind kind) {
    List<String> themes = new ArrayList<>(kind.themes());
    themes.retainAll(catalogue.themes().stream().map(Theme::id).toList());
    PartyBrief read = ruled.as(kind.occasion(), rules.occasionName(kind.occasion()), themes);
    return RuleReader.adding(read, new PartyBrief.Food(kind.avoid(), kind.diets(), List.of()));
  }

  @Override
  public Optional<String> word(Sheet sheet, AgentContext context) throws InterruptedException {
    StringBuilder facts = new StringBuilder();
    facts.append("occasion: ").append(sheet.brief().what().name());
    for (Pick pick : sheet.picks()) {
      facts.append('\n').append(pick.agent()).append(": ").append(pick.chosen().name());
    }
    ChatRequest request =
        ChatRequest.builder()
            .messages(
                SystemMessage.from(
                    "You write the invitation to a party: two or three friendly sentences in plain text, nothing that the facts do not say."),
                UserMessage.from(facts.toString()))
            .build();
    String words =
        model.in(context, "word").generate(request).text().replaceAll("\\s+", " ").strip();
    return words.isEmpty() || words.length() > MOST_WORDS ? Optional.empty() : Optional.of(words);
  }
}
