package dev.troupe.resilience;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which processes use which breakers now, and how they find them: what each process announces about
 * itself, in a record that expires unless it is renewed.
 */
final class BreakerUsers {
  private final Map<String, Integer> users = new HashMap<>();
  private final Map<String, List<String>> votes = new HashMap<>();

  /** A line for the process, and one for each breaker: {@code open name} or {@code closed name}. */
  static byte[] encode(String process, Map<String, Boolean> open) {
    StringBuilder text = new StringBuilder("process ").append(process).append('\n');
    new TreeMap<>(open)
        .forEach((name, vote) -> text.append(vote ? "open " : "closed ").append(name).append('\n'));
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  /** Adds what one process announced. */
  void add(byte[] announced) {
    String process = "";
    for (String line : new String(announced, StandardCharsets.UTF_8).split("\n")) {
      if (line.startsWith("process ")) {
        process = line.substring("process ".length());
      } else if (line.startsWith("open ")) {
        String name = line.substring("open ".length());
        users.merge(name, 1, Integer::sum);
        votes.computeIfAbsent(name, none -> new ArrayList<>()).add(process);
      } else if (line.startsWith("closed ")) {
        users.merge(line.substring("closed ".length()), 1, Integer::sum);
      }
    }
  }

  /** How many processes use a breaker. */
  int users(String breaker) {
    return users.getOrDefault(breaker, 0);
  }

  /** Which processes find a breaker open, by their own calls. */
  List<String> votes(String breaker) {
    return votes.getOrDefault(breaker, List.of());
  }
}
