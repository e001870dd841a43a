package dev.troupe.testkit;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Which recorded request is the nearest to one that was not recorded, and what differs. */
final class RequestNearest {
  private static final int MOST_DIFFERENCES = 8;
  private static final int SHOWN_BEFORE = 20;
  private static final int SHOWN = 120;

  private RequestNearest() {}

  static String describe(JsonNode asked, Recording recording) {
    Map<String, String> leaves = leaves(asked);
    int nearest = -1;
    double least = Double.MAX_VALUE;
    for (int i = 0; i < recording.exchanges().size(); i++) {
      double distance = distance(leaves(recording.exchanges().get(i).request()), leaves);
      if (distance < least) {
        nearest = i;
        least = distance;
      }
    }
    if (nearest < 0) {
      return "Nothing is recorded. Asked: " + last(asked);
    }
    return "The nearest is exchange "
        + (nearest + 1)
        + " of "
        + recording.exchanges().size()
        + ", which differs:"
        + differences(leaves(recording.exchanges().get(nearest).request()), leaves);
  }

  /** The last message in a line. */
  static String last(JsonNode request) {
    JsonNode messages = request.path("messages");
    return RequestJson.cut(messages.path(messages.size() - 1).toString());
  }

  /** Every value by the place where it stands. */
  private static Map<String, String> leaves(JsonNode document) {
    Map<String, String> leaves = new TreeMap<>();
    collect("", document, leaves);
    return leaves;
  }

  private static void collect(String place, JsonNode node, Map<String, String> leaves) {
    if (node.isObject()) {
      node.properties().forEach(f -> collect(place + "/" + f.getKey(), f.getValue(), leaves));
    } else if (node.isArray()) {
      for (int i = 0; i < node.size(); i++) {
        collect(place + "/" + i, node.get(i), leaves);
      }
    } else {
      leaves.put(place, node.isTextual() ? '"' + node.textValue() + '"' : node.toString());
    }
  }

  /** One for each value that differs, less for texts that begin alike. */
  private static double distance(Map<String, String> recorded, Map<String, String> asked) {
    double distance = 0;
    for (String place : places(recorded, asked)) {
      String a = recorded.getOrDefault(place, "");
      String b = asked.getOrDefault(place, "");
      if (!a.equals(b)) {
        distance += 1 - 0.9 * alike(a, b) / Math.max(a.length(), b.length());
      }
    }
    return distance;
  }

  private static String differences(Map<String, String> recorded, Map<String, String> asked) {
    StringBuilder text = new StringBuilder();
    int differences = 0;
    for (String place : places(recorded, asked)) {
      String a = recorded.get(place);
      String b = asked.get(place);
      if (a == null || b == null || !a.equals(b)) {
        differences++;
        if (differences <= MOST_DIFFERENCES) {
          int from = a == null || b == null ? 0 : Math.max(0, alike(a, b) - SHOWN_BEFORE);
          text.append("\n    ").append(place);
          text.append("\n      recorded: ").append(shown(a, from));
          text.append("\n      asked:    ").append(shown(b, from));
        }
      }
    }
    if (differences > MOST_DIFFERENCES) {
      text.append("\n    and ").append(differences - MOST_DIFFERENCES).append(" more");
    }
    return text.toString();
  }

  private static SortedSet<String> places(Map<String, String> a, Map<String, String> b) {
    TreeSet<String> places = new TreeSet<>(a.keySet());
    places.addAll(b.keySet());
    return places;
  }

  private static int alike(String a, String b) {
    int same = 0;
    while (same < Math.min(a.length(), b.length()) && a.charAt(same) == b.charAt(same)) {
      same++;
    }
    return same;
  }

  private static String shown(@Nullable String value, int from) {
    if (value == null) {
      return "nothing";
    }
    int end = Math.min(value.length(), from + SHOWN);
    String line = value.substring(from, end).replaceAll("\\s+", " ");
    return (from > 0 ? "…" : "") + line + (end < value.length() ? "…" : "");
  }
}
