package dev.troupe.llm;

import dev.troupe.ErrorCode;
import dev.troupe.llm.QuotaLimiter.Answer;
import dev.troupe.llm.QuotaPlan.Entry;
import dev.troupe.llm.QuotaPlan.Want;
import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter.Decision;
import dev.troupe.resilience.RateLimiter.Demand;
import dev.troupe.resilience.RateLimiter.Line;
import dev.troupe.resilience.RateLimiter.Reservation;
import dev.troupe.resilience.RateLimiter.Settlement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** What a limiter granted to one call. Only the first of what it is told counts. */
final class QuotaTicket implements Quotas.Ticket {
  /** How long all wait when a provider says that it was too much and not for how long. */
  private static final Duration SOME = Duration.ofSeconds(1);

  private final Quotas quotas;
  private final Quotas.Ask ask;
  private final Want want;
  private final Answer answer;
  private final Reservation reservation;
  private final AtomicBoolean told = new AtomicBoolean();

  QuotaTicket(Quotas quotas, Quotas.Ask ask, Want want, Answer answer) {
    this.quotas = quotas;
    this.ask = ask;
    this.want = want;
    this.answer = answer;
    this.reservation = inAdvance(((Decision.Granted) answer.decision()).reservation());
  }

  /** Takes what goes beyond the bursts, and returns what is then reserved in all. */
  private Reservation inAdvance(Reservation granted) {
    Map<String, Long> beyond =
        (answer.by() == quotas.shared() ? want.shared() : want.alone()).beyond();
    if (beyond.isEmpty()) {
      return granted;
    }
    Demand demand = granted.demand();
    List<Line> more = new ArrayList<>();
    List<Line> all = new ArrayList<>();
    Map<String, Long> ends = new HashMap<>(granted.ends());
    for (Line line : demand.lines()) {
      Long rest = beyond.get(line.name());
      if (rest == null || !(line.limit() instanceof Limit.Rate rate)) {
        all.add(line);
        continue;
      }
      more.add(new Line(line.name(), rate, 0));
      all.add(new Line(line.name(), rate, line.permits() + rest));
      double each = (double) rate.window().toNanos() / 1_000 / (rate.permits() - rate.burst() + 1);
      ends.merge(line.name(), (long) (rest * each), Long::sum);
    }
    // a settlement of nothing with more is what takes permits without asking
    Reservation none =
        new Reservation(granted.id() + ".more", new Demand(demand.group(), more), Map.of());
    quotas.settle(answer.by(), new Settlement(none, beyond), () -> {});
    return new Reservation(granted.id(), new Demand(demand.group(), all), ends);
  }

  @Override
  public void used(long inputTokens, long outputTokens, Map<String, String> headers) {
    if (!told.compareAndSet(false, true)) {
      return;
    }
    Map<String, Long> used = new HashMap<>();
    for (Entry entry : want.plan().entries()) {
      if (entry.kind().estimated()) {
        used.put(entry.name(), Math.max(0, entry.kind().of(inputTokens, outputTokens)));
      }
    }
    settle(new Settlement(reservation, used));
    correct(headers);
  }

  @Override
  public void unused() {
    if (told.compareAndSet(false, true)) {
      settle(reservation.unused());
    }
  }

  @Override
  public void failed(LlmException failure) {
    if (!told.compareAndSet(false, true)) {
      return;
    }
    settle(reservation.used());
    Duration wait = failure.retryAfter().orElse(null);
    if (failure.code() == ErrorCode.RATE_LIMITED) {
      quotas.pause(ask, want.plan(), wait == null ? SOME : wait, QuotaKind.PAUSE);
    } else if (failure.code() == ErrorCode.MODEL_OVERLOADED && wait != null) {
      quotas.pause(ask, want.plan(), wait, QuotaKind.PAUSE);
    }
  }

  private void settle(Settlement settlement) {
    boolean matters = false;
    for (Line line : reservation.demand().lines()) {
      boolean flies = line.limit() instanceof Limit.InFlight && line.permits() > 0;
      long used = settlement.used().getOrDefault(line.name(), line.permits());
      matters |= flies || used != line.permits();
    }
    if (matters) {
      quotas.settle(answer.by(), settlement, () -> quotas.freed(want));
    }
  }

  /** Waits when the provider has less left than we would use until it has more. */
  private void correct(Map<String, String> headers) {
    for (QuotaHeaders.Left left : QuotaHeaders.read(headers)) {
      Quota.Rate rate = meant(left);
      if (rate != null) {
        Duration pause = QuotaHeaders.pause(left, rate);
        if (!pause.isZero()) {
          quotas.pause(ask, want.plan(), pause, left.kind());
        }
      }
    }
  }

  /** Of several windows, the one whose limit is nearest to what the provider says. */
  private Quota.@Nullable Rate meant(QuotaHeaders.Left left) {
    Quota.Rate best = null;
    double least = 0;
    for (Quota.Rate rate : want.plan().told().rates()) {
      double off =
          left.limit() > 0
              ? Math.abs(Math.log((double) rate.permits() / left.limit()))
              : rate.window().toMillis();
      if (rate.kind() == left.kind() && (best == null || off < least)) {
        best = rate;
        least = off;
      }
    }
    return best;
  }
}
