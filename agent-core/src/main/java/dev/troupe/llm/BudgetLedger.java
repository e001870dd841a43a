package dev.troupe.llm;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.llm.BudgetSheet.Known;
import dev.troupe.state.Change;
import dev.troupe.state.Combiner;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.StoreTime;
import dev.troupe.state.Stored;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The records of all scopes in a store, and what this process remembers of them. What is remembered
 * may be out of date: every change says on what it counts, and is refused when that has changed.
 */
final class BudgetLedger {
  private static final int MOST_KNOWN = 10_000;
  private static final int MOST_EDITS = 1_024;
  private static final int SENT = 3;
  private static final long PAUSE_NANOS = 20_000_000;

  final BudgetRules rules;
  private final StateStore store;
  private final int partitions;
  private final boolean here;
  private final StoreTime time = new StoreTime();
  private final Map<BudgetScope, Known> seen = new ConcurrentHashMap<>();
  private final Combiner<List<Change>, List<Outcome>> combiner;
  private final String process = UUID.randomUUID().toString().replace("-", "") + "-";
  private final AtomicLong count = new AtomicLong();

  BudgetLedger(StateStore store, BudgetRules rules) {
    this.store = store;
    this.rules = rules;
    this.partitions = store.info().partitions();
    this.here = store.info().survives() == StoreInfo.Durability.NOTHING;
    this.combiner = new Combiner<>(this::apply, BudgetLedger::weight, MOST_EDITS);
  }

  /** Whether the accounts lie in this process's memory, so that writing them takes no time. */
  boolean here() {
    return here;
  }

  private static int weight(List<Change> changes) {
    int edits = 0;
    for (Change change : changes) {
      edits += change.edits().size();
    }
    return edits;
  }

  private List<List<Outcome>> apply(List<List<Change>> all) {
    if (all.size() == 1) {
      return List.of(store.apply(all.get(0)));
    }
    List<Change> flat = new ArrayList<>();
    all.forEach(flat::addAll);
    List<Outcome> outcomes = store.apply(flat);
    List<List<Outcome>> parted = new ArrayList<>(all.size());
    int from = 0;
    for (List<Change> changes : all) {
      parted.add(outcomes.subList(from, from + changes.size()));
      from += changes.size();
    }
    return parted;
  }

  /** A name that was never given before, by any process. */
  String unique() {
    return process + Long.toString(count.incrementAndGet(), Character.MAX_RADIX);
  }

  Change change(RecordId at, List<Edit> edits) {
    return new Change(unique(), at.partition(), edits);
  }

  /** What is known of a scope; nothing is asked. */
  BudgetSheet sheet(BudgetScope scope) {
    return sheet(scope, seen.getOrDefault(scope, Known.NOTHING));
  }

  private BudgetSheet sheet(BudgetScope scope, Known known) {
    if (!time.isKnown()) {
      time.learn(store, RecordId.of(scope.key(), partitions));
    }
    return new BudgetSheet(scope, rules, known, time.millis(), partitions);
  }

  /**
   * Makes changes, and again when no answer came: they have to be such that this does no harm.
   *
   * @throws AgentException when the store did not answer; whether they were made is then unknown
   */
  List<Outcome> ask(List<Change> changes) {
    if (!here) {
      store.info().check(changes); // what breaks a rule spoils no one else's
    }
    for (int sent = 1; ; sent++) {
      try {
        // in this process's memory there is no way to share
        List<Outcome> outcomes = here ? store.apply(changes) : combiner.ask(changes);
        time.heard(outcomes.get(outcomes.size() - 1).now());
        return outcomes;
      } catch (AgentException lost) {
        if (lost.code() != ErrorCode.STORE_UNAVAILABLE || sent == SENT) {
          throw lost;
        }
        LockSupport.parkNanos(PAUSE_NANOS * sent);
      }
    }
  }

  /** A change was made as a sheet said. */
  void done(BudgetSheet sheet, Change change, Outcome.Done done) {
    for (Edit edit : change.edits()) {
      if (edit instanceof Edit.Put put && put.key().equals(sheet.accountId.key())) {
        long version =
            done.seen().stream()
                .filter(s -> s.key().equals(put.key()))
                .findFirst()
                .orElseThrow()
                .version();
        BudgetAccount account = BudgetAccount.decode(put.key(), put.value());
        Known known = sheet.known;
        remember(
            sheet.scope,
            new Known(known.settingsVersion(), known.settings(), sheet.period, version, account));
      }
    }
  }

  /** A sheet was out of date. */
  void refused(BudgetSheet sheet, Outcome.Refused refused) {
    Stored found = refused.found();
    Known known = sheet.known;
    if (refused.because().key().equals(sheet.settingsId.key())) {
      remember(
          sheet.scope,
          new Known(
              found == null ? 0 : found.version(),
              settings(found),
              known.period(),
              known.accountVersion(),
              known.account()));
    } else {
      remember(
          sheet.scope,
          new Known(
              known.settingsVersion(),
              known.settings(),
              sheet.period,
              found == null ? 0 : found.version(),
              account(found)));
    }
  }

  void forget(BudgetScope scope) {
    seen.remove(scope);
  }

  private void remember(BudgetScope scope, Known known) {
    seen.put(scope, known);
    if (seen.size() > MOST_KNOWN) {
      Iterator<BudgetScope> some = seen.keySet().iterator();
      for (int i = 0; i < MOST_KNOWN / 10 && some.hasNext(); i++) {
        some.next();
        some.remove();
      }
    }
  }

  private static BudgetSettings settings(@Nullable Stored found) {
    return found == null
        ? BudgetSettings.NONE
        : BudgetSettings.decode(found.id().key(), found.value());
  }

  private static @Nullable BudgetAccount account(@Nullable Stored found) {
    return found == null ? null : BudgetAccount.decode(found.id().key(), found.value());
  }

  /** A scope as the store has it now, seen under a period of its own or another one. */
  BudgetSheet read(BudgetScope scope, @Nullable BudgetPeriod period) {
    BudgetSheet before = sheet(scope);
    Stored settings = head(before.settingsId);
    BudgetSettings said = settings(settings);
    if (period != null) {
      said = new BudgetSettings(said.budget(), period, said.stop(), said.changes());
    }
    long version = settings == null ? 0 : settings.version();
    BudgetSheet there = sheet(scope, new Known(version, said, "", 0, null));
    Stored account = head(there.accountId);
    long accountVersion = account == null ? 0 : account.version();
    return sheet(scope, new Known(version, said, there.period, accountVersion, account(account)));
  }

  /** A scope as the store has it now, and remembered so. */
  BudgetSheet look(BudgetScope scope) {
    BudgetSheet sheet = read(scope, null);
    remember(scope, sheet.known);
    return sheet;
  }

  private @Nullable Stored head(RecordId id) {
    Page<Stored> page = store.scan(Scan.mailAfter(id, Long.MAX_VALUE));
    if (page.items().isEmpty()) {
      return null;
    }
    time.heard(page.items().get(0).now());
    return page.items().get(0);
  }

  /** A record with all its rows, in parts; empty when it is absent. */
  List<Stored> whole(RecordId id) {
    List<Stored> parts = new ArrayList<>(1);
    String after = null;
    do {
      Page<Stored> page = store.scan(new Scan.Rows(id, after, Long.MAX_VALUE, 10_000));
      parts.addAll(page.items());
      after = page.next();
    } while (after != null);
    return parts;
  }
}
