package dev.troupe.llm;

import dev.troupe.llm.BudgetScope.Kind;
import dev.troupe.state.Edit;
import dev.troupe.state.RecordId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A scope's two records as they are known at a moment, and what is written from that knowledge. */
final class BudgetSheet {
  private static final Duration KEPT_SETTINGS = Duration.ofDays(400);
  private static final Duration KEPT_DAYS = Duration.ofDays(35);
  private static final Duration KEPT_MONTHS = Duration.ofDays(400);

  final BudgetScope scope;
  final BudgetRules rules;
  final Known known;
  final RecordId settingsId;
  final RecordId accountId;

  /** The name of the account's period. */
  final String period;

  private final long now;

  /**
   * What was last seen of a scope; version 0 is absent.
   *
   * @param settingsVersion of the settings
   * @param settings what they say
   * @param period which account it is
   * @param accountVersion of the account
   * @param account what it says, null while it is absent
   */
  record Known(
      long settingsVersion,
      BudgetSettings settings,
      String period,
      long accountVersion,
      @Nullable BudgetAccount account) {
    static final Known NOTHING = new Known(0, BudgetSettings.NONE, "", 0, null);

    Known ofPeriod(String name) {
      return period.equals(name) ? this : new Known(settingsVersion, settings, name, 0, null);
    }
  }

  BudgetSheet(BudgetScope scope, BudgetRules rules, Known known, long now, int partitions) {
    this.scope = scope;
    this.rules = rules;
    this.now = now;
    this.period = scope.kind() == Kind.RUN ? "all" : periodOf(known.settings()).nameAt(now);
    this.known = known.ofPeriod(period);
    String key = scope.key();
    this.settingsId = RecordId.of(key, partitions);
    this.accountId = new RecordId(settingsId.partition(), key + "/" + period);
  }

  private BudgetPeriod periodOf(BudgetSettings settings) {
    BudgetPeriod theirs = settings.period();
    return theirs == null ? rules.period(scope.kind()) : theirs;
  }

  /** When the period is over; null for trees. */
  @Nullable Instant until() {
    return scope.kind() == Kind.RUN ? null : periodOf(known.settings()).endAfter(now);
  }

  /** What holds now. */
  @Nullable Budget budget() {
    if (known.account() != null) {
      return known.account().budget();
    }
    Budget theirs = known.settings().budget();
    return theirs == null ? rules.budget(scope.kind()) : theirs;
  }

  /** Whether calls are written into the account. */
  boolean active() {
    return budget() != null || (scope.kind() == Kind.RUN && rules.recording());
  }

  /** How long the tree has been at it. */
  Duration spent() {
    BudgetAccount account = known.account();
    return account == null ? Duration.ZERO : Duration.ofMillis(Math.max(0, now - account.since()));
  }

  Instant now() {
    return Instant.ofEpochMilli(now);
  }

  private Edit settingsGuard() {
    String key = settingsId.key();
    return known.settingsVersion() == 0
        ? new Edit.Absent(key)
        : new Edit.AtVersion(key, known.settingsVersion());
  }

  private Edit accountGuard() {
    String key = accountId.key();
    return known.account() == null
        ? new Edit.Absent(key)
        : new Edit.AtVersion(key, known.accountVersion());
  }

  private Edit put(BudgetAccount account) {
    return new Edit.Put(
        accountId.key(), account.encode(), Map.of(), Instant.ofEpochMilli(account.expires()));
  }

  /**
   * What sets aside what a call may take. The guard of the mark comes first: it is what refuses a
   * change that was made before and whose answer was lost.
   */
  List<Edit> reserve(String mark, BudgetAmounts take) {
    List<Edit> edits = new ArrayList<>(9);
    if (!active()) {
      edits.add(settingsGuard());
      return edits;
    }
    String key = accountId.key();
    Budget limit = budget();
    edits.add(new Edit.NoRow(key, mark));
    edits.add(settingsGuard());
    edits.add(accountGuard());
    BudgetAccount opened = opened();
    if (opened != null) {
      edits.add(put(opened));
    }
    edits.add(new Edit.Row(key, mark, take.encode()));
    boolean fresh = known.account() == null;
    boolean calls = limit != null && limit.calls() != null;
    boolean tokens = limit != null && limit.tokens() != null;
    boolean money = limit != null && limit.money() != null;
    edits.add(take(BudgetAccount.LEFT_CALLS, fresh ? BudgetAccount.calls(limit) : 0, 1, calls));
    edits.add(
        take(
            BudgetAccount.LEFT_TOKENS,
            fresh ? BudgetAccount.tokens(limit) : 0,
            take.tokens(),
            tokens));
    edits.add(
        take(
            BudgetAccount.LEFT_MONEY, fresh ? BudgetAccount.money(limit) : 0, take.nanos(), money));
    return edits;
  }

  private Edit take(String counter, long begin, long amount, boolean limited) {
    return new Edit.Add(accountId.key(), counter, begin - amount, limited ? 0 : Long.MIN_VALUE);
  }

  /** The account as the next call has to write it; null when it stays as it is. */
  private @Nullable BudgetAccount opened() {
    BudgetAccount account = known.account();
    if (account == null) {
      return new BudgetAccount(budget(), now, expires().toEpochMilli(), "");
    }
    boolean renewed =
        scope.kind() == Kind.RUN && account.expires() - now < rules.keepTrees().toMillis() / 2;
    return renewed ? account.keptUntil(expires()) : null;
  }

  private Instant expires() {
    Instant end = until();
    if (end == null) {
      return now().plus(rules.keepTrees());
    }
    return end.plus(periodOf(known.settings()) == BudgetPeriod.DAY ? KEPT_DAYS : KEPT_MONTHS);
  }

  /** What writes other settings. */
  List<Edit> write(BudgetSettings anew) {
    List<Edit> edits = new ArrayList<>(10);
    edits.add(settingsGuard());
    Instant expires = scope.kind() == Kind.RUN ? now().plus(KEPT_SETTINGS) : null;
    edits.add(new Edit.Put(settingsId.key(), anew.encode(), Map.of(), expires));
    return edits;
  }

  /** What makes an account follow another budget; calls may go on meanwhile. */
  List<Edit> follow(Budget anew, String id) {
    List<Edit> edits = new ArrayList<>(8);
    edits.add(accountGuard());
    BudgetAccount account = known.account();
    if (account == null) {
      return edits; // the first call opens it as the settings say
    }
    String key = accountId.key();
    Budget before = account.budget();
    String mark = BudgetAccount.CHANGED + id;
    edits.add(new Edit.NoRow(key, mark));
    edits.add(put(account.changed(anew, mark)));
    edits.add(new Edit.Row(key, mark, new byte[0]));
    if (!account.mark().isEmpty()) {
      edits.add(new Edit.Row(key, account.mark(), null));
    }
    more(edits, BudgetAccount.LEFT_CALLS, BudgetAccount.calls(anew) - BudgetAccount.calls(before));
    more(
        edits,
        BudgetAccount.LEFT_TOKENS,
        BudgetAccount.tokens(anew) - BudgetAccount.tokens(before));
    more(edits, BudgetAccount.LEFT_MONEY, BudgetAccount.money(anew) - BudgetAccount.money(before));
    return edits;
  }

  private void more(List<Edit> edits, String counter, long delta) {
    if (delta != 0) {
      edits.add(new Edit.Add(accountId.key(), counter, delta, Long.MIN_VALUE));
    }
  }
}
