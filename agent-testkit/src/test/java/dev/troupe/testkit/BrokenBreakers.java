package dev.troupe.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

/** Stores that spoil what breakers share, so that one sentence breaks. */
enum BrokenBreakers {
  COUNTS_EVERYBODY_AS_A_VOTE(1, text -> text.replaceAll("(?m)^closed ", "open ")),
  LOSES_VOTES(2, text -> text.replaceAll("(?m)^open (?=provider$)", "closed ")),
  FORGETS_OPENINGS_WHEN_ALL_HAVE_LEFT(4, text -> text),
  LOSES_PROBES(5, text -> text.replaceAll("(?m)^probe .*\n", "")),
  LOSES_RULINGS(6, text -> text.replaceAll("(?m)^ruling .*\n", ""));

  final int guarantee;
  private final UnaryOperator<String> spoils;

  BrokenBreakers(int guarantee, UnaryOperator<String> spoils) {
    this.guarantee = guarantee;
    this.spoils = spoils;
  }

  StateStore over(StateStore store) {
    return new Spoiled(store, spoils, this == FORGETS_OPENINGS_WHEN_ALL_HAVE_LEFT);
  }

  private static final class Spoiled extends ForwardingStore {
    private final UnaryOperator<String> spoils;
    private final boolean forgets;
    private final AtomicInteger left = new AtomicInteger();

    Spoiled(StateStore store, UnaryOperator<String> spoils, boolean forgets) {
      super(store);
      this.spoils = spoils;
      this.forgets = forgets;
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      List<Outcome> outcomes = super.apply(changes.stream().map(this::spoiled).toList());
      for (Change change : changes) {
        if (forgets
            && change.edits().get(0) instanceof Edit.Delete
            && left.incrementAndGet() == 2) {
          forget();
        }
      }
      return outcomes;
    }

    private Change spoiled(Change change) {
      List<Edit> edits = new ArrayList<>();
      for (Edit edit : change.edits()) {
        edits.add(
            edit instanceof Edit.Put put
                ? new Edit.Put(
                    put.key(),
                    spoils.apply(new String(put.value(), UTF_8)).getBytes(UTF_8),
                    put.tags(),
                    put.expires())
                : edit);
      }
      return new Change(change.id(), change.partition(), edits);
    }

    private void forget() {
      RecordId route = RecordId.of("$breaker/", info().partitions());
      Scan all = new Scan.Records(route.partition(), route.key(), null, false, 100);
      for (Stored one : scan(all).items()) {
        if (new String(one.value(), UTF_8).startsWith("open ")) {
          Edit delete = new Edit.Delete(one.id().key());
          super.apply(
              List.of(
                  new Change(UUID.randomUUID().toString(), route.partition(), List.of(delete))));
        }
      }
    }
  }
}
