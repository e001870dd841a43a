package dev.troupe.event;

import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * Which buses may hold records of the store: a row for each that ever began, and a record for each
 * that lives, which expires unless it is written again. Whoever sees a row without a record gives
 * back what that one held. A row stays for some time after that, because a claim may arrive late.
 */
final class Holders {
  private static final String ROUTE = "$bus";
  private static final String ROW = "holder ";
  private static final int LATE_LEASES = 20;
  private static final int TOGETHER = 100;

  private final StoreAccess access;
  private final long lease;
  private final RecordId id;
  private String me = "";
  private long claims;
  private long renewed;
  private long swept;

  Holders(StoreAccess access, Duration lease) {
    this.access = access;
    this.lease = lease.toNanos();
    this.id = access.id(ROUTE);
  }

  void begin() {
    me = "bus-" + UUID.randomUUID();
    claims = 0;
    renewed = System.nanoTime();
    swept = renewed - lease;
    access.apply(id.partition(), List.of(new Edit.Row(ROUTE, ROW + me, new byte[0]), alive()));
  }

  private Edit alive() {
    long until = access.now(id) + Duration.ofNanos(lease).toMillis();
    return new Edit.Put(ROUTE + "/" + me, new byte[0], Map.of(), Instant.ofEpochMilli(until));
  }

  /** A grant that was never used. */
  Grant next() {
    return new Grant(me, ++claims);
  }

  void tend() {
    long now = System.nanoTime();
    if (now - renewed > lease) {
      begin(); // others may have taken this one for dead
    } else if (now - renewed > lease / 3) {
      access.apply(id.partition(), List.of(alive()));
      renewed = now;
    }
    if (now - swept > lease / 2) {
      sweep();
      swept = now;
    }
  }

  private void sweep() {
    Stored rows = access.look(id, true);
    if (rows == null) {
      return;
    }
    Set<String> living = new HashSet<>();
    String after = null;
    do {
      Page<Stored> page =
          access.store.scan(new Scan.Records(id.partition(), ROUTE + "/", after, false, 500));
      page.items().forEach(one -> living.add(one.id().key().substring(ROUTE.length() + 1)));
      after = page.next();
    } while (after != null);
    for (Map.Entry<String, byte[]> row : rows.rows().entrySet()) {
      String holder = row.getKey().substring(ROW.length());
      if (!living.contains(holder)) {
        bury(holder, row.getValue());
      }
    }
  }

  private void bury(String holder, byte[] since) {
    int found;
    do {
      Grant grant = next();
      List<Stored> left =
          access.store.claim(
              new Claim(
                  grant,
                  new Claim.From.HeldBy(holder, Set.of()),
                  access.store.info().all(),
                  TOGETHER,
                  Integer.MAX_VALUE));
      found = left.size();
      for (Stored one : left) {
        giveBack(one, grant);
      }
    } while (found == TOGETHER);
    long now = access.now(id);
    List<Edit> edits = new ArrayList<>();
    if (since.length == 0) {
      edits.add(
          new Edit.Row(
              ROUTE, ROW + holder, Long.toString(now).getBytes(StandardCharsets.US_ASCII)));
    } else {
      long dead = now - Long.parseLong(new String(since, StandardCharsets.US_ASCII));
      if (dead > LATE_LEASES * Duration.ofNanos(lease).toMillis()) {
        edits.add(new Edit.Row(ROUTE, ROW + holder, null));
      }
    }
    if (!edits.isEmpty()) {
      access.apply(id.partition(), edits);
    }
  }

  private void giveBack(Stored one, Grant grant) {
    String key = one.id().key();
    Parked found = Parked.decode(one);
    Parked.Note note = found.note().with(found.attempts(), found.note().deaths() + 1);
    Parked parked = new Parked(one.id(), null, note, found.event());
    List<Edit> edits = new ArrayList<>();
    edits.add(new Edit.Held(key, grant));
    edits.addAll(parked.edits(key));
    edits.add(
        new Edit.Queue(
            key,
            ParkingLot.queue(note),
            0,
            Instant.EPOCH,
            ParkingLot.lane(parked),
            Long.MAX_VALUE));
    access.apply(one.id().partition(), edits);
  }

  /** What is still held is given back by others when they see that this one is not there. */
  void leave() {
    access.apply(id.partition(), List.of(new Edit.Delete(ROUTE + "/" + me)));
  }
}
