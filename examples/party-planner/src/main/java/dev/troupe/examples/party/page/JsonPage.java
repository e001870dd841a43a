package dev.troupe.examples.party.page;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.troupe.Codec;
import dev.troupe.examples.party.plan.PartyPlan;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** Writes a plan as JSON, in the form in which it is journaled, with line breaks. */
public final class JsonPage {
  private JsonPage() {}

  /**
   * Writes a plan.
   *
   * @param plan the plan
   * @return JSON
   */
  public static String write(PartyPlan plan) {
    byte[] compact = Codec.json().encode(plan, PartyPlan.class);
    try {
      ObjectMapper mapper = new ObjectMapper();
      Object tree = mapper.readTree(new String(compact, StandardCharsets.UTF_8));
      return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(tree) + "\n";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
