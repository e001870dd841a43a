package dev.troupe.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.run.Membership.Standing;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Grant;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The shortest story that {@link ProtocolModel} found of a heartbeat whose answer was lost. */
@Timeout(60)
class JudgedProcessTest {
  private static final Duration EXPIRY = Duration.ofSeconds(10);

  private final AtomicReference<Instant> now =
      new AtomicReference<>(Instant.ofEpochSecond(1_767_323_045L));
  private final MemoryStateStore store = new MemoryStateStore(1, now::get);
  private final Membership member = new Membership("slow", 1, EXPIRY);

  private Outcome apply(Change change) {
    return store.apply(List.of(change)).get(0);
  }

  private Standing beat(String id) {
    Instant at = now.get();
    Outcome outcome = apply(member.beat(id, new byte[0], at));
    return member.answered(outcome, at, nanos(), nanos());
  }

  private long nanos() {
    return Duration.between(Instant.EPOCH, now.get()).toNanos();
  }

  private List<Stored> judge() {
    Claim.From dead = new Claim.From.Due(List.of(Membership.FLEET));
    return store.claim(new Claim(new Grant("judge", 1), dead, Set.of(0), 16, 1 << 20));
  }

  @Test
  void aProcessWhoseRecordIsHeldByAJudgeIsDeadThoughItsLastHeartbeatWasNotAnswered() {
    assertThat(beat("first")).isEqualTo(Standing.MEMBER);
    apply(member.beat("unanswered", new byte[0], now.get()));
    now.set(now.get().plus(EXPIRY.multipliedBy(2)));
    assertThat(judge()).as("whoever is handed the record takes over").hasSize(1);

    assertThat(beat("late")).isEqualTo(Standing.DEAD);
  }

  @Test
  void aProcessThatNobodyJudgedGoesOnAfterAHeartbeatThatWasNotAnswered() {
    assertThat(beat("first")).isEqualTo(Standing.MEMBER);
    apply(member.beat("unanswered", new byte[0], now.get()));

    assertThat(beat("second")).isEqualTo(Standing.UNSURE);
    assertThat(beat("third")).isEqualTo(Standing.MEMBER);
  }
}
