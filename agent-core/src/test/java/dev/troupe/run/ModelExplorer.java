package dev.troupe.run;

import dev.troupe.run.ModelSteps.Step;
import dev.troupe.state.Place;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Visits every state that can be reached, breadth first, so that the first fault found is one with
 * the fewest steps. States are compared whole, not by a fingerprint: nothing is left to chance.
 */
final class ModelExplorer {
  /** More than fits the memory of a build. */
  private static final int MOST_STATES = 3_000_000;

  private final ModelScenario scenario;
  private final ProtocolModel model;
  private final List<ModelState> states = new ArrayList<>();
  private final Map<ModelState, Integer> numbers = new HashMap<>();
  private int[] parents = new int[1 << 12];
  // own steps: from, to, from, to …
  private int[] edges = new int[1 << 14];
  private int edgeEnd;

  /**
   * What came of it.
   *
   * @param states how many states were visited
   * @param millis how long it took
   * @param fault what is wrong, null when nothing is
   * @param story how it comes to that, step by step
   */
  record Result(String name, int states, long millis, String fault, List<String> story) {
    @Override
    public String toString() {
      StringBuilder text = new StringBuilder();
      text.append("%-34s %7d states %6d ms".formatted(name, states, millis));
      if (fault != null) {
        text.append("  FAULT after ").append(story.size()).append(" steps: ").append(fault);
        for (int i = 0; i < story.size(); i++) {
          text.append("\n    ").append(i + 1).append(". ").append(story.get(i));
        }
      }
      return text.toString();
    }
  }

  ModelExplorer(ModelScenario scenario) {
    this.scenario = scenario;
    this.model = new ProtocolModel(scenario);
  }

  Result explore() {
    long began = System.nanoTime();
    List<String> story = new ArrayList<>();
    String fault = visit(story);
    long millis = (System.nanoTime() - began) / 1_000_000;
    return new Result(scenario.name, states.size(), millis, fault, story);
  }

  private String visit(List<String> story) {
    number(model.begin(), 0);
    for (int i = 0; i < states.size(); i++) {
      ModelState from = states.get(i);
      String wrong = model.fault(from);
      if (wrong != null) {
        story.addAll(way(i));
        return wrong;
      }
      for (Step step : model.steps(from)) {
        if (step.fault() != null) {
          story.addAll(way(i));
          story.add(step.words());
          return step.fault();
        }
        int to = number(step.next(), i);
        if (step.own() && to != i) {
          edge(i, to);
        }
      }
      if (states.size() > MOST_STATES) {
        throw new IllegalStateException(scenario.name + " has too many states");
      }
    }
    return stuck(story);
  }

  private int number(ModelState state, int parent) {
    Integer known = numbers.putIfAbsent(state, states.size());
    if (known != null) {
      return known;
    }
    if (states.size() == parents.length) {
      parents = Arrays.copyOf(parents, parents.length * 2);
    }
    parents[states.size()] = parent;
    states.add(state);
    return states.size() - 1;
  }

  private void edge(int from, int to) {
    if (edgeEnd == edges.length) {
      edges = Arrays.copyOf(edges, edges.length * 2);
    }
    edges[edgeEnd++] = from;
    edges[edgeEnd++] = to;
  }

  /** The steps from the beginning to a state. */
  private List<String> way(int state) {
    List<String> words = new ArrayList<>();
    for (int at = state; at != 0; at = parents[at]) {
      ModelState wanted = states.get(at);
      for (Step step : model.steps(states.get(parents[at]))) {
        if (step.fault() == null && step.next().equals(wanted)) {
          words.add(step.words());
          break;
        }
      }
    }
    Collections.reverse(words);
    return words;
  }

  /** Looks for a state from where own steps do not lead to rest. */
  private String stuck(List<String> story) {
    int[] starts = new int[states.size() + 1]; // the steps that lead to each state, sorted by it
    for (int e = 1; e < edgeEnd; e += 2) {
      starts[edges[e] + 1]++;
    }
    for (int i = 0; i < states.size(); i++) {
      starts[i + 1] += starts[i];
    }
    int[] sources = new int[edgeEnd / 2];
    int[] next = Arrays.copyOf(starts, states.size());
    for (int e = 0; e < edgeEnd; e += 2) {
      sources[next[edges[e + 1]]++] = edges[e];
    }
    BitSet good = new BitSet(states.size());
    ArrayDeque<Integer> todo = new ArrayDeque<>();
    for (int i = 0; i < states.size(); i++) {
      if (model.atRest(states.get(i))) {
        good.set(i);
        todo.add(i);
      }
    }
    while (!todo.isEmpty()) {
      int to = todo.remove();
      for (int e = starts[to]; e < starts[to + 1]; e++) {
        if (!good.get(sources[e])) {
          good.set(sources[e]);
          todo.add(sources[e]);
        }
      }
    }
    int first = good.nextClearBit(0);
    if (first == states.size()) {
      return null;
    }
    story.addAll(way(first));
    return "stuck for ever: " + places(states.get(first));
  }

  private static String places(ModelState state) {
    List<String> all = new ArrayList<>();
    for (ModelRecord record : state.store().all()) {
      if (record.place instanceof Place.Held held) {
        all.add(record.key() + " is held by " + held.grant().holder());
      } else if (record.place instanceof Place.Queued queued && !record.isProcess()) {
        boolean due = !queued.due().isAfter(state.store().now);
        all.add(record.key() + (due ? " is due" : " waits"));
      }
    }
    return String.join(", ", all);
  }
}
