package dev.troupe.testkit;

import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.StateStore;
import java.util.function.Function;

/** Stores that break one guarantee each, in a way in which an adapter's author would. */
enum BrokenStores {
  HALF_DONE(1, BrokenChanges.HalfDone::new),
  STOPS_AT_THE_FIRST_REFUSAL(1, BrokenChanges.StopsAtTheFirstRefusal::new),
  READS_VALUE_AND_ROWS_APART(1, BrokenChanges.ReadsValueAndRowsApart::new),
  SPLITS_BY_PARTITION(2, BrokenChanges.SplitsByPartition::new),
  CHECKS_PARTITIONS_ONE_BY_ONE(2, BrokenChanges.ChecksPartitionsOneByOne::new),
  ROW_RAISES_THE_VERSION(3, BrokenChanges.RowRaisesTheVersion::new),
  CLAIM_LEAVES_THE_VERSION(3, BrokenChanges.ClaimLeavesTheVersion::new),
  RAISES_ONCE_PER_CHANGE(3, BrokenChanges.RaisesOncePerChange::new),
  DROPPED_MAIL_TAKES_A_NUMBER(4, BrokenMail.DroppedMailTakesANumber::new),
  CALLS_DROPPED_MAIL_ACCEPTED(4, BrokenMail.CallsDroppedMailAccepted::new),
  KNOWS_MAIL_BY_ITS_CHANGE(4, BrokenMail.KnowsMailByItsChange::new),
  SHOWS_MAIL_BY_NAME(4, BrokenMail.ShowsMailByName::new),
  URGENT_MAIL_DOES_NOT_WAKE(5, clock -> new BrokenMail.OneUrgency(clock, false)),
  ALL_MAIL_WAKES(5, clock -> new BrokenMail.OneUrgency(clock, true)),
  WAKES_ONE_MAIL_LATE(5, clock -> new BrokenMail.WakesLate(clock, 1)),
  NEVER_WAKES_AT_A_NUMBER(5, clock -> new BrokenMail.WakesLate(clock, 1_000)),
  CHECKS_MAIL_BEFOREHAND(
      5, clock -> new BrokenHolders.ChecksBeforehand(clock, Edit.NoMailAfter.class)),
  FENCES_BY_HOLDER_ONLY(
      6,
      clock ->
          new BrokenHolders.LooseFence(clock, (one, other) -> one.holder().equals(other.holder()))),
  FENCES_BY_NUMBER_ONLY(6, clock -> new BrokenHolders.LooseFence(clock, BrokenStores::sameNumber)),
  CHECKS_THE_GRANT_BEFOREHAND(
      6, clock -> new BrokenHolders.ChecksBeforehand(clock, Edit.Held.class)),
  NAMED_TAKES_WHAT_IS_HELD(7, BrokenHolders.NamedTakesWhatIsHeld::new),
  NAMED_IGNORES_LANES(7, BrokenHolders.NamedIgnoresLanes::new),
  SELECTS_THEN_UPDATES(7, BrokenHolders.SelectsThenUpdates::new),
  IGNORES_LANES(7, BrokenHolders.IgnoresLanes::new),
  CLAIM_FREES_THE_LANE(7, BrokenHolders.ClaimFreesTheLane::new),
  QUEUEING_AGAIN_LOSES_THE_TURN(7, BrokenHolders.QueueingAgainLosesTheTurn::new),
  IGNORES_PRIORITY(8, BrokenOrder.IgnoresPriority::new),
  STARVES_LOW_PRIORITY(
      8,
      clock -> new BrokenOrder.InOrder(clock, BrokenOrder.PRIORITY.thenComparing(BrokenOrder.DUE))),
  IGNORES_DUE_ORDER(
      8,
      clock -> new BrokenOrder.InOrder(clock, BrokenOrder.PRIORITY.thenComparing(BrokenOrder.KEY))),
  NEWEST_FIRST(
      8,
      clock ->
          new BrokenOrder.InOrder(
              clock, BrokenOrder.PRIORITY.thenComparing(BrokenOrder.DUE.reversed()))),
  FIRST_PARTITION_FIRST(
      8,
      clock ->
          new BrokenOrder.InOrder(clock, BrokenOrder.PARTITION.thenComparing(BrokenOrder.DUE))),
  FIRST_QUEUE_FIRST(8, BrokenOrder.FirstQueueFirst::new),
  CLOCK_AHEAD(8, BrokenOrder.ClockAhead::new),
  FORGETS_CHANGE_IDS(9, BrokenChanges.ForgetsChangeIds::new),
  CLAIM_HIDES_THE_LAST_CHANGE(9, BrokenChanges.ClaimHidesTheLastChange::new),
  REFUSES_WITHOUT_LAST_CHANGE(9, BrokenChanges.RefusesWithoutLastChange::new),
  ADDS_WITHOUT_A_GUARD(9, BrokenChanges.AddsWithoutAGuard::new),
  REPEATED_MAIL_WAKES(9, BrokenChanges.RepeatedMailWakes::new),
  CLOCK_OF_TWO_SERVERS(10, BrokenReads.OtherNow::ofTwoServers),
  SHOWS_MICROSECONDS(10, clock -> new BrokenReads.OtherNow(clock, now -> now.plusNanos(1_000))),
  REMEMBERS_LISTINGS(11, BrokenReads.RemembersListings::new),
  READS_FROM_A_REPLICA(11, BrokenReads.ReadsFromAReplica::new),
  INDEXES_TAGS_ONCE(11, BrokenReads.IndexesTagsOnce::new),
  ORDERS_BY_CODE_POINT(11, BrokenReads.OrdersByCodePoint::new),
  PAGES_BY_TIME_ALONE(11, BrokenReads.PagesByTimeAlone::new),
  FIND_SHOWS_EXPIRED(12, clock -> new BrokenReads.ExpiresIn(clock, "apply", "claim", "scan")),
  SCAN_SHOWS_EXPIRED(12, clock -> new BrokenReads.ExpiresIn(clock, "apply", "claim", "find")),
  CLAIM_HANDS_OUT_EXPIRED(12, clock -> new BrokenReads.ExpiresIn(clock, "apply", "scan", "find")),
  GUARDS_SEE_EXPIRED(12, clock -> new BrokenReads.ExpiresIn(clock, "claim", "scan", "find")),
  PUT_KEEPS_THE_OLD_EXPIRY(12, BrokenReads.PutKeepsTheOldExpiry::new),
  TRUNCATES_CONTENT(13, BrokenChanges.TruncatesContent::new),
  CHECKS_LIMITS_ONE_BY_ONE(13, BrokenChanges.ChecksLimitsOneByOne::new),
  NAMES_NO_LIMIT(13, BrokenChanges.NamesNoLimit::new),
  REFUSES_EXACTLY_THE_LIMIT(13, BrokenChanges.RefusesExactlyTheLimit::new),
  KEEPS_NOTHING(14, BrokenSurvival.KeepsNothing::new),
  FREES_WHAT_IS_HELD_WHEN_OPENED(14, BrokenSurvival.FreesWhatIsHeldWhenOpened::new),
  LOSES_THE_LAST_ANSWER(14, BrokenSurvival.LosesTheLastAnswer::new),
  FORGETS_MAIL_NAMES(14, BrokenSurvival.ForgetsMailNames::new),
  FORGETS_LAST_CHANGES(14, BrokenSurvival.ForgetsLastChanges::new),
  ANSWERS_AFTER_CLOSE(14, BrokenSurvival.AnswersAfterClose::new);

  /** The number of the sentence that it breaks. */
  final int guarantee;

  @SuppressWarnings("ImmutableEnumChecker") // the factories hold nothing
  private final Function<MovableClock, StateStore> factory;

  BrokenStores(int guarantee, Function<MovableClock, StateStore> factory) {
    this.guarantee = guarantee;
    this.factory = factory;
  }

  StateStore open(MovableClock clock) {
    return factory.apply(clock);
  }

  private static boolean sameNumber(Grant one, Grant other) {
    return one.number() == other.number();
  }
}
