package dev.troupe.llm;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.llm.LlmResponse.Tried;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What was tried for one call, and what the call fails with when nothing served. */
final class Tries {
  private final List<Tried> tried = new ArrayList<>();
  private final List<AgentException> thrown = new ArrayList<>();
  private @Nullable Fallback needed;
  private @Nullable Candidate last;
  private boolean asked;

  /** Whether the provider was asked in the last attempt; if not, something here refused. */
  boolean asked() {
    return asked;
  }

  void asking() {
    asked = true;
  }

  void begin() {
    asked = false;
  }

  /** An attempt failed. */
  void add(Candidate candidate, String model, AgentException failure) {
    tried.add(
        new Tried(
            candidate.provider.name(),
            model,
            failure.code(),
            Objects.requireNonNullElse(failure.getMessage(), "")));
    thrown.add(failure);
    last = candidate;
  }

  /** A candidate comes after the others, because it failed not long ago. */
  void passedOver(Candidate candidate, Candidate.Pause pause) {
    tried.add(
        new Tried(
            candidate.provider.name(),
            candidate.provider.model(),
            pause.code(),
            "not asked as long as others are left: it failed a short time ago"));
  }

  /** From now on only candidates that have this ahead of the others help. */
  void need(@Nullable Fallback fallback) {
    if (fallback != null) {
      needed = fallback;
    }
  }

  boolean helps(Candidate candidate) {
    return needed == null || candidate.ahead.contains(needed);
  }

  List<Tried> tried() {
    return List.copyOf(tried);
  }

  Optional<Candidate> last() {
    return Optional.ofNullable(last);
  }

  /** The failure of the whole call: the only one as it is, else one that holds all. */
  AgentException all() {
    return thrown.size() == 1 ? thrown.get(0) : together("");
  }

  /** The failure of a call whose parts were handed on. */
  AgentException after(String partial) {
    if (thrown.size() == 1 && thrown.get(0) instanceof LlmException only) {
      return only.partial().equals(partial) ? only : only.after(partial);
    }
    return together(partial);
  }

  /**
   * The code is that of the last failure that may pass, so that whoever can wait does; when none
   * may, of the last. So is the wait: the shortest that helps.
   */
  private LlmException together(String partial) {
    AgentException decisive = thrown.get(thrown.size() - 1);
    Duration wait = null;
    for (AgentException failure : thrown) {
      if (!failure.retryable()) {
        continue;
      }
      decisive = failure;
      Duration asked = failure.retryAfter().orElse(null);
      if (asked != null && (wait == null || asked.compareTo(wait) < 0)) {
        wait = asked;
      }
    }
    LlmException whole =
        LlmException.of(decisive.code(), provider(decisive), message())
            .cause(decisive)
            .retryAfter(decisive.retryable() ? wait : null)
            .status(decisive instanceof LlmException known ? known.status() : 0)
            .requestId(
                decisive instanceof LlmException known ? known.requestId().orElse(null) : null)
            .partial(partial)
            .build();
    thrown.forEach(whole::addSuppressed);
    return whole;
  }

  private String message() {
    return tried.stream()
        .map(t -> "%s %s: %s: %s".formatted(t.provider(), t.model(), t.code(), t.message()))
        .distinct()
        .collect(Collectors.joining("; ", "no model answered: ", ""));
  }

  private String provider(AgentException failure) {
    return failure instanceof LlmException known
        ? known.provider()
        : last().map(candidate -> candidate.provider.name()).orElse("");
  }

  /** What a provider threw that is none of ours: not understood, so perhaps it passes. */
  static LlmException unclassified(Candidate candidate, RuntimeException thrown) {
    return LlmException.of(
            ErrorCode.MODEL_FAILED,
            candidate.provider.name(),
            "provider %s threw %s; a provider has to classify its failures as LlmException"
                .formatted(candidate.provider.name(), thrown.getClass().getName()))
        .cause(thrown)
        .build();
  }
}
