package dev.troupe.testkit;

import dev.langchain4j.model.chat.request.ChatRequest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Which answer a request is given, and what was not as expected. */
final class Script {
  private record Expected(Predicate<ChatRequest> holds, String description) {}

  private record Line(int number, ScriptedAnswer answer, List<Expected> expected) {}

  private record Rule(
      Predicate<ChatRequest> asked, String description, Deque<ScriptedAnswer> left) {}

  private final ReentrantLock lock = new ReentrantLock();
  private final List<ChatRequest> requests = new ArrayList<>();
  private final List<Rule> rules = new ArrayList<>();
  private final Deque<Line> lines = new ArrayDeque<>();
  private final List<String> wrong = new ArrayList<>();
  private List<Expected> forNext = new ArrayList<>();
  private int written;
  private @Nullable Function<ChatRequest, @Nullable ScriptedAnswer> otherwise;
  private @Nullable RandomFailures failures;

  void add(ScriptedAnswer answer) {
    locked(
        () -> {
          lines.add(new Line(++written, answer, forNext));
          forNext = new ArrayList<>();
        });
  }

  void expect(Predicate<ChatRequest> holds, String description) {
    locked(() -> forNext.add(new Expected(holds, description)));
  }

  void when(Predicate<ChatRequest> asked, String description, List<ScriptedAnswer> answers) {
    if (answers.isEmpty()) {
      throw new IllegalArgumentException("no answer for requests that are " + description);
    }
    locked(() -> rules.add(new Rule(asked, description, new ArrayDeque<>(answers))));
  }

  void otherwise(Function<ChatRequest, @Nullable ScriptedAnswer> answer) {
    locked(() -> otherwise = answer);
  }

  void failAtRandom(RandomFailures chance) {
    locked(() -> failures = chance);
  }

  ScriptedAnswer answer(ChatRequest request) {
    ScriptedAnswer answer;
    Function<ChatRequest, @Nullable ScriptedAnswer> function;
    lock.lock();
    try {
      requests.add(request);
      answer = failures == null ? null : failures.next(request);
      if (answer == null) {
        answer = written(request);
      }
      function = otherwise;
    } finally {
      lock.unlock();
    }
    if (answer == null && function != null) {
      answer = function.apply(request); // the host's, and maybe slow: not under the lock
    }
    if (answer == null) {
      throw complaint(
          "request "
              + calls()
              + " is beyond the script, which had "
              + answers()
              + ": "
              + RequestJson.brief(request));
    }
    return answer;
  }

  private @Nullable ScriptedAnswer written(ChatRequest request) {
    for (Rule rule : rules) {
      if (!rule.left.isEmpty() && rule.asked.test(request)) {
        return rule.left.poll();
      }
    }
    Line line = lines.peek();
    if (line == null) {
      return null;
    }
    for (Expected expected : line.expected) {
      if (!expected.holds.test(request)) {
        throw complaint(
            "request "
                + requests.size()
                + ", for answer "
                + line.number
                + " of the script, should be one that "
                + expected.description
                + ", and is "
                + RequestJson.brief(request));
      }
    }
    lines.remove();
    return line.answer;
  }

  private AssertionError complaint(String what) {
    locked(() -> wrong.add(what));
    return new AssertionError(what);
  }

  private int calls() {
    return requests().size();
  }

  private String answers() {
    lock.lock();
    try {
      return written + (written == 1 ? " answer" : " answers") + inRules();
    } finally {
      lock.unlock();
    }
  }

  private String inRules() {
    return rules.isEmpty() ? "" : " and " + rules.size() + " rules that do not fit or are used up";
  }

  List<ChatRequest> requests() {
    lock.lock();
    try {
      return List.copyOf(requests);
    } finally {
      lock.unlock();
    }
  }

  void verifyDone() {
    List<String> all = new ArrayList<>();
    locked(
        () -> {
          all.addAll(wrong);
          for (Line line : lines) {
            all.add("answer " + line.number + " was not asked for: " + line.answer);
          }
          for (Rule rule : rules) {
            rule.left.forEach(
                answer ->
                    all.add(
                        "no request came, or too few, that "
                            + rule.description
                            + "; not asked for: "
                            + answer));
          }
          for (Expected expected : forNext) {
            all.add("no answer follows the expectation of a request that " + expected.description);
          }
        });
    if (!all.isEmpty()) {
      throw new AssertionError("after " + calls() + " requests:\n  " + String.join("\n  ", all));
    }
  }

  private void locked(Runnable action) {
    lock.lock();
    try {
      action.run();
    } finally {
      lock.unlock();
    }
  }
}
