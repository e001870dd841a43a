package dev.troupe.llm;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The one place that says what a call passes, and in which order: cache, then for each candidate of
 * the chain as often as the retry policy says: breaker, budget, quota, provider, settlement, which
 * are {@link Attempts}' part.
 */
final class Governor {
  private final List<Candidate> chain;
  private final Terms terms;
  private final Gates gates;
  private final @Nullable ResponseCache cache;
  private final Ticker ticker;
  private final Attempts attempts;

  Governor(
      List<Candidate> chain,
      Terms terms,
      Gates gates,
      @Nullable ResponseCache cache,
      Ticker ticker) {
    this.chain = List.copyOf(chain);
    this.terms = terms;
    this.gates = gates;
    this.cache = cache;
    this.ticker = ticker;
    this.attempts = new Attempts(terms, gates);
  }

  Candidate first() {
    return chain.get(0);
  }

  Terms terms() {
    return terms;
  }

  boolean allTakeJsonSchema() {
    return chain.stream().allMatch(candidate -> candidate.provider.takesJsonSchema());
  }

  Shown shown(LlmSink sink) {
    return new Shown(sink, ticker);
  }

  /** Asks until somebody answers, all have failed, or the deadline passes. */
  LlmResponse answer(Call call) throws InterruptedException {
    long began = ticker.nanos();
    Call.Deadline deadline =
        new Call.Deadline(ticker, began, call.options().deadline().orElse(terms.deadline()));
    Tries failures = new Tries();
    try {
      String key = cache == null || !call.options().cached() ? null : cache.key(first(), call);
      LlmResponse known = key == null ? null : Objects.requireNonNull(cache).find(key);
      if (known != null) {
        showWhole(known, call);
        return known;
      }
      for (Candidate candidate : inOrder(failures)) {
        if (failures.helps(candidate)) {
          LlmResponse answer = ask(candidate, call, deadline, failures);
          if (answer != null) {
            if (key != null) {
              Objects.requireNonNull(cache).keep(key, answer);
            }
            tellAnswered(call, began, candidate, answer);
            return answer;
          }
        }
      }
      throw failures.all();
    } catch (InterruptedException | RuntimeException failed) {
      tellFailed(call, deadline, failures, failed);
      throw failed;
    }
  }

  /** Those that failed a short time ago come last. */
  private List<Candidate> inOrder(Tries failures) {
    long now = ticker.nanos();
    List<Candidate> order = new ArrayList<>(chain.size());
    List<Candidate> late = new ArrayList<>();
    for (Candidate candidate : chain) {
      (candidate.paused(now) == null ? order : late).add(candidate);
    }
    for (Candidate candidate : late) {
      Candidate.Pause pause = candidate.paused(now);
      if (!order.isEmpty() && pause != null) {
        failures.passedOver(candidate, pause);
      }
    }
    order.addAll(late);
    return order;
  }

  /** Asks one candidate until it answers or is given up; null lets the next one try. */
  private @Nullable LlmResponse ask(
      Candidate candidate, Call call, Call.Deadline deadline, Tries failures)
      throws InterruptedException {
    ChatRequest request = call.to(candidate, first());
    for (int number = 1; ; number++) {
      AgentException failure;
      failures.begin();
      if (deadline.over()) {
        failures.add(candidate, candidate.model(request), deadline.passed(candidate));
        throw failures.all();
      }
      try {
        LlmResponse answer = attempts.make(candidate, request, call, deadline, failures);
        candidate.served();
        tellAttempt(candidate, request, null);
        return finished(answer, failures);
      } catch (AgentException failed) {
        if (brokeAtSink(call)) {
          throw failed;
        }
        failure = failed;
      }
      if (failures.asked()) {
        tellAttempt(candidate, request, failure.code());
      }
      failures.add(candidate, candidate.model(request), failure);
      if (call.partShown()) {
        LlmResponse kept = afterPart(candidate, call, deadline, failure, failures);
        if (kept != null) {
          return kept;
        }
      }
      Optional<Duration> wait = again(number, failure, deadline);
      if (wait.isEmpty()) {
        giveUp(candidate, failure, failures, deadline);
        return null;
      }
      ticker.pause(wait.get());
    }
  }

  private static LlmResponse finished(LlmResponse answer, Tries failures) {
    List<LlmResponse.Tried> tried = failures.tried();
    return tried.isEmpty()
        ? answer
        : new LlmResponse(
            answer.response(),
            answer.provider(),
            answer.complete(),
            answer.latency(),
            answer.cost(),
            answer.headers(),
            tried);
  }

  // what goes wrong

  private static boolean brokeAtSink(Call call) {
    return call.shown() != null && call.shown().broke();
  }

  /** As the caller chose: what came, a failure, or null to begin anew. */
  private @Nullable LlmResponse afterPart(
      Candidate candidate,
      Call call,
      Call.Deadline deadline,
      AgentException failure,
      Tries failures) {
    Shown shown = Objects.requireNonNull(call.shown());
    String text = shown.text();
    if (call.options().partial() == Partial.RESTART) {
      shown.restarted(failure.code() + ": the answer begins anew");
      return null;
    }
    if (call.options().partial() == Partial.KEEP && failure.retryable() && !text.isEmpty()) {
      ChatResponse kept =
          ChatResponse.builder()
              .aiMessage(AiMessage.from(text))
              .modelName(asked(call, candidate))
              .finishReason(FinishReason.OTHER)
              .build();
      return new LlmResponse(
          kept,
          candidate.provider.name(),
          false,
          deadline.took(),
          null,
          Map.of(),
          failures.tried());
    }
    throw failures.after(text);
  }

  /** How long to wait before the same candidate is asked again; empty to give it up. */
  private Optional<Duration> again(int number, AgentException failure, Call.Deadline deadline) {
    if (!failure.retryable() || failure.code() == ErrorCode.CIRCUIT_OPEN) {
      return Optional.empty();
    }
    Duration asked = failure.retryAfter().orElse(Duration.ZERO);
    if (asked.compareTo(terms.maxWait()) > 0) {
      return Optional.empty();
    }
    return terms
        .retry()
        .next(new RetryPolicy.Attempt(number, failure, ticker.chance()))
        .map(wait -> wait.compareTo(asked) < 0 ? asked : wait)
        .filter(wait -> wait.compareTo(deadline.left()) < 0);
  }

  /** Nobody else may be asked after some failures; then this throws. */
  private void giveUp(
      Candidate candidate, AgentException failure, Tries failures, Call.Deadline deadline) {
    switch (failure.code()) {
      case BUDGET_EXCEEDED -> failures.need(Fallback.CHEAPER);
      case CONTEXT_TOO_LONG -> failures.need(Fallback.LARGER_CONTEXT);
      case CIRCUIT_OPEN -> {}
      default -> {
        if (!terms.fallbackOn().test(failure)) {
          throw failures.all();
        }
        if (failures.asked() && !deadline.over()) {
          candidate.pause(ticker.nanos() + terms.cooldown().toNanos(), failure.code());
        }
      }
    }
  }

  // who is told

  private static void showWhole(LlmResponse answer, Call call) {
    if (call.shown() != null && !answer.text().isEmpty()) {
      call.shown().text(answer.text());
    }
  }

  private void tellAttempt(Candidate candidate, ChatRequest request, @Nullable ErrorCode error) {
    if (gates.ears() != null) {
      gates.ears().attempted(candidate.provider.name(), candidate.model(request), error);
    }
  }

  private void tellAnswered(Call call, long began, Candidate candidate, LlmResponse answer) {
    if (gates.ears() != null) {
      Shown shown = call.shown();
      Duration firstToken =
          shown == null || !shown.any() ? null : Duration.ofNanos(shown.firstAt() - began);
      gates.ears().answered(answer, asked(call, candidate), call.options(), firstToken);
    }
  }

  /** The model that a candidate was asked for, which may answer under another name. */
  private String asked(Call call, Candidate candidate) {
    return candidate.model(call.to(candidate, first()));
  }

  private void tellFailed(Call call, Call.Deadline deadline, Tries failures, Throwable why) {
    if (gates.ears() != null) {
      Candidate last = failures.last().orElse(first());
      gates
          .ears()
          .failed(last.provider.name(), asked(call, last), call.options(), deadline.took(), why);
    }
  }
}
