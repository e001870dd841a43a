package dev.troupe.testkit;

import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.ErrorCode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Which calls fail by chance; not safe for several threads. */
final class RandomFailures {
  private static final List<ErrorCode> PASSING =
      List.of(
          ErrorCode.RATE_LIMITED,
          ErrorCode.MODEL_OVERLOADED,
          ErrorCode.MODEL_FAILED,
          ErrorCode.MODEL_UNREACHABLE);

  private final double share;
  private final long seed;
  private final List<ErrorCode> codes;
  private final Map<String, Integer> asked = new HashMap<>();

  RandomFailures(double share, long seed, List<ErrorCode> codes) {
    if (!(share >= 0 && share <= 1)) {
      throw new IllegalArgumentException("a share of " + share + " is not from 0 to 1");
    }
    codes.forEach(ScriptedFailures::status); // knows the codes of models
    this.share = share;
    this.seed = seed;
    this.codes = codes.isEmpty() ? PASSING : codes;
  }

  @Nullable ScriptedAnswer next(ChatRequest request) {
    String fingerprint = RequestJson.fingerprint(RequestJson.document(request));
    int before = asked.merge(fingerprint, 1, Integer::sum) - 1;
    long content = Long.parseUnsignedLong(fingerprint.substring(0, 16), 16);
    SplittableRandom chance = new SplittableRandom(seed ^ content).split();
    for (int i = 0; i < before; i++) {
      chance = chance.split();
    }
    if (chance.nextDouble() >= share) {
      return null;
    }
    return ScriptedAnswer.failure(codes.get(chance.nextInt(codes.size())));
  }
}
