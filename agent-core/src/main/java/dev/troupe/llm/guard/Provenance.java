package dev.troupe.llm.guard;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Says of each part of a message where it comes from. What is known of a message's type needs no
 * mark; text that somebody else wrote is marked by the host, in an attribute of the message that no
 * provider is sent.
 */
public final class Provenance {
  /** The attribute: one word for each part, in the parts' order, with commas between. */
  public static final String ATTRIBUTE = "troupe.origins";

  private Provenance() {}

  /**
   * A message that holds nothing but text that somebody else wrote.
   *
   * @param text the text
   * @return a message of origin {@link Origin#RETRIEVED}
   */
  public static UserMessage retrieved(String text) {
    return marked(List.of(TextContent.from(text)), List.of(Origin.RETRIEVED));
  }

  /**
   * A message of parts of several origins, such as a question and the documents found for it.
   *
   * @param parts the parts
   * @param origins the origin of each part, in the same order
   * @return the message
   */
  public static UserMessage marked(List<? extends Content> parts, List<Origin> origins) {
    if (parts.size() != origins.size()) {
      throw new IllegalArgumentException(
          "each part needs its origin: %d parts, %d origins"
              .formatted(parts.size(), origins.size()));
    }
    String words =
        origins.stream()
            .map(origin -> origin.name().toLowerCase(Locale.ROOT))
            .collect(Collectors.joining(","));
    return UserMessage.builder()
        .contents(new ArrayList<>(parts))
        .attributes(Map.of(ATTRIBUTE, words))
        .build();
  }

  /**
   * Where the parts of a message come from.
   *
   * @param message the message
   * @return an origin for each part of a user's message, else one; a mark that can't be read counts
   *     as {@link Origin#RETRIEVED}
   */
  public static List<Origin> of(ChatMessage message) {
    if (message instanceof SystemMessage) {
      return List.of(Origin.HOST);
    }
    if (message instanceof AiMessage) {
      return List.of(Origin.MODEL);
    }
    if (message instanceof ToolExecutionResultMessage result) {
      return read(result.attributes(), 1, Origin.TOOL);
    }
    if (message instanceof UserMessage user) {
      return read(user.attributes(), user.contents().size(), Origin.USER);
    }
    return List.of(Origin.USER);
  }

  /**
   * Which origins there are in some messages.
   *
   * @param messages the messages
   * @return each origin once
   */
  public static Set<Origin> of(Collection<? extends ChatMessage> messages) {
    EnumSet<Origin> all = EnumSet.noneOf(Origin.class);
    messages.forEach(message -> all.addAll(of(message)));
    return Collections.unmodifiableSet(all);
  }

  private static List<Origin> read(Map<String, Object> attributes, int parts, Origin unmarked) {
    Object mark = attributes.get(ATTRIBUTE);
    if (mark == null) {
      return Collections.nCopies(parts, unmarked);
    }
    List<Origin> origins = new ArrayList<>();
    for (String word : mark.toString().split(",", -1)) {
      origins.add(origin(word));
    }
    // a mark that does not fit its message trusts nothing of it
    return origins.size() == parts
        ? List.copyOf(origins)
        : Collections.nCopies(parts, Origin.RETRIEVED);
  }

  private static Origin origin(String word) {
    for (Origin origin : Origin.values()) {
      if (origin.name().toLowerCase(Locale.ROOT).equals(word)) {
        return origin;
      }
    }
    return Origin.RETRIEVED;
  }
}
