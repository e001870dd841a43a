package dev.troupe.llm;

import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.output.TokenUsage;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.CircuitBreaker;
import dev.troupe.resilience.CircuitBreaker.Permit;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** One attempt at one candidate: breaker, budget, quota, provider, settlement. */
final class Attempts {
  /** For how long a breaker opens at a provider's own word; then one call finds out. */
  private static final Duration LONGEST_SIGNAL = Duration.ofHours(1);

  private static final Duration SPENT_SIGNAL = Duration.ofMinutes(5);

  private final Terms terms;
  private final Gates gates;

  Attempts(Terms terms, Gates gates) {
    this.terms = terms;
    this.gates = gates;
  }

  /** One attempt: each gate in its order, and what was taken at one is given back at the next. */
  LlmResponse make(
      Candidate candidate, ChatRequest request, Call call, Call.Deadline deadline, Tries failures)
      throws InterruptedException {
    refuseIfOpen(candidate);
    Reserved reserved = reserve(candidate, request, call.options(), deadline);
    try (Permit permit = permit(candidate, reserved)) {
      CallLimits limits = limits(call.options(), deadline);
      failures.asking();
      try {
        LlmResponse answer = whole(candidate, asked(candidate, request, call, limits));
        LlmResponse priced = priced(candidate, request, answer);
        permit.succeeded();
        reserved.used(used(priced, reserved), priced.cost(), priced.headers());
        return priced;
      } catch (InterruptedException | RuntimeException | Error thrown) {
        LlmException failure = understood(candidate, thrown);
        reserved.failed(failure);
        if (call.shown() != null) {
          call.shown().throwWhatBroke();
        }
        if (!(thrown instanceof RuntimeException)
            || (thrown instanceof AgentException && thrown != failure)) {
          throw thrown;
        }
        // a limit that this caller's deadline cut short says nothing about the provider
        if (failure.code() != ErrorCode.TIMEOUT || limits.equals(usual(call.options()))) {
          permit.failed(failure);
        }
        signal(candidate, failure);
        throw failure;
      }
    }
  }

  private static Permit permit(Candidate candidate, Reserved reserved) throws InterruptedException {
    Permit permit = null;
    try {
      permit = candidate.breaker.acquire();
      return permit;
    } finally {
      if (permit == null) {
        reserved.unused();
      }
    }
  }

  private LlmResponse asked(Candidate candidate, ChatRequest request, Call call, CallLimits limits)
      throws InterruptedException {
    Shown shown = call.shown();
    if (shown == null) {
      return candidate.provider.generate(request, limits);
    }
    LlmResponse answer = candidate.provider.stream(request, limits, shown);
    shown.throwWhatBroke(); // also where a provider went on
    return answer;
  }

  // what goes in

  private void refuseIfOpen(Candidate candidate) {
    if (candidate.breaker.state() != CircuitBreaker.State.OPEN) {
      return;
    }
    CircuitBreaker.Status status = candidate.breaker.status();
    CircuitBreaker.Ruling ruling = status.ruling();
    boolean forced = ruling != null && ruling.mode() == CircuitBreaker.Mode.FORCED_OPEN;
    if (forced || !status.left().isZero()) {
      throw LlmException.of(
              ErrorCode.CIRCUIT_OPEN,
              candidate.provider.name(),
              "breaker '%s' is open: %s".formatted(candidate.breaker.name(), status.reason()))
          .retryAfter(forced ? null : status.left())
          .build();
    }
  }

  private Reserved reserve(
      Candidate candidate, ChatRequest request, CallOptions options, Call.Deadline deadline)
      throws InterruptedException {
    TokenEstimate estimate =
        gates.estimates() ? TokenEstimate.of(request, terms.assumedOutput()) : TokenEstimate.NONE;
    LlmProvider provider = candidate.provider;
    String model = candidate.model(request);
    BigDecimal cost =
        gates
            .price()
            .cost(provider.name(), model, estimate.input(), estimate.output())
            .orElse(null);
    Budgets.Charge charge =
        gates
            .budget()
            .charge(
                options.root().orElse(null),
                options.tenant(),
                estimate.input(),
                estimate.output(),
                cost);
    Quotas.Ticket ticket = null;
    try {
      Quotas.Ask ask =
          new Quotas.Ask(
              provider.name(),
              provider.account(),
              model,
              options.tenant(),
              options.priority(),
              estimate.input(),
              estimate.output());
      ticket = gates.quota().acquire(ask, shorter(terms.maxWait(), deadline.left()));
    } finally {
      if (ticket == null) {
        charge.unused();
      }
    }
    return new Reserved(charge, ticket, estimate, cost);
  }

  private CallLimits usual(CallOptions options) {
    return options.limits().orElse(terms.each());
  }

  private CallLimits limits(CallOptions options, Call.Deadline deadline) {
    CallLimits usual = usual(options);
    Duration left = deadline.left();
    if (left.compareTo(usual.timeLimit()) >= 0) {
      return usual;
    }
    Duration limit = left.isNegative() || left.isZero() ? Duration.ofMillis(1) : left;
    return new CallLimits(limit, shorter(usual.idleLimit(), limit), usual.maxCharacters());
  }

  private static Duration shorter(Duration one, Duration other) {
    Duration least = one.compareTo(other) < 0 ? one : other;
    return least.isNegative() ? Duration.ZERO : least;
  }

  // what comes out

  /** Without a finish reason nobody knows whether an answer is whole. */
  private static LlmResponse whole(Candidate candidate, LlmResponse answer) {
    if (answer.response().finishReason() == null) {
      throw LlmException.of(
              ErrorCode.ANSWER_INCOMPLETE,
              candidate.provider.name(),
              "the answer of %s has no finish reason: it was cut off"
                  .formatted(candidate.provider.model()))
          .partial(answer.text())
          .build();
    }
    return answer;
  }

  private LlmResponse priced(Candidate candidate, ChatRequest request, LlmResponse answer) {
    TokenUsage usage = answer.response().tokenUsage();
    if (gates.price() == Gates.NONE.price() || usage == null) {
      return answer;
    }
    String asked = candidate.model(request);
    String served = Objects.requireNonNullElse(answer.response().modelName(), asked);
    long input = count(usage.inputTokenCount(), 0);
    long output = count(usage.outputTokenCount(), 0);
    String provider = candidate.provider.name();
    BigDecimal cost =
        gates
            .price()
            .cost(provider, served, input, output)
            .or(() -> gates.price().cost(provider, asked, input, output))
            .orElse(null);
    return new LlmResponse(
        answer.response(),
        answer.provider(),
        answer.complete(),
        answer.latency(),
        cost,
        answer.headers(),
        answer.failed());
  }

  private static TokenEstimate used(LlmResponse answer, Reserved reserved) {
    TokenUsage usage = answer.response().tokenUsage();
    if (usage == null) {
      return new TokenEstimate(reserved.estimate().input(), TokenEstimate.of(answer.message()));
    }
    return new TokenEstimate(
        count(usage.inputTokenCount(), reserved.estimate().input()),
        count(usage.outputTokenCount(), TokenEstimate.of(answer.message())));
  }

  private static long count(@Nullable Integer tokens, long unknown) {
    return tokens == null ? unknown : tokens;
  }

  // what goes wrong

  private static LlmException understood(Candidate candidate, Throwable thrown) {
    if (thrown instanceof LlmException known) {
      return known;
    }
    return thrown instanceof RuntimeException unclassified
        ? Tries.unclassified(candidate, unclassified)
        : LlmException.of(ErrorCode.TIMEOUT, candidate.provider.name(), "the call was interrupted")
            .cause(thrown)
            .build();
  }

  private void signal(Candidate candidate, LlmException failure) {
    Duration asked = failure.retryAfter().orElse(Duration.ZERO);
    boolean spent = failure.code() == ErrorCode.QUOTA_SPENT;
    if (!spent && asked.compareTo(terms.maxWait()) <= 0) {
      return;
    }
    Duration time = spent && asked.isZero() ? SPENT_SIGNAL : asked;
    Duration bounded = time.compareTo(LONGEST_SIGNAL) > 0 ? LONGEST_SIGNAL : time;
    if (bounded.toMillis() > 0) {
      candidate.breaker.open(bounded, failure.code().name());
    }
  }
}
