package dev.troupe.run.sim;

import dev.troupe.run.Membership;
import dev.troupe.run.Membership.Standing;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One process among the others: the runtime's {@code Fleet}. */
final class SimFleet {
  private static final long INTERVAL = Faults.EXPIRY / 5;

  private final SimProcess process;
  private final Access access;
  private final List<String> former = new ArrayList<>();
  private Membership member;
  private @Nullable String joined;
  private int incarnations;
  private long beginsUntil;
  private long leaseUntil;
  private boolean beating;
  private boolean stopped;
  private int turn;

  SimFleet(SimProcess process) {
    this.process = process;
    this.access = process.access;
    this.member = incarnate();
  }

  private Membership incarnate() {
    String name = "p" + process.number() + "i" + ++incarnations;
    Membership made = new Membership(name, Network.PARTITIONS, Duration.ofNanos(Faults.EXPIRY));
    process.truth().isIncarnation(process.number(), made);
    return made;
  }

  Membership member() {
    return member;
  }

  String incarnation() {
    return member.incarnation();
  }

  /** In whose name records may be claimed; null while it has no record. */
  @Nullable String claimant() {
    return process.mutation() == Mutation.CLAIMS_UNJOINED ? incarnation() : joined;
  }

  /** What it was before, told once. */
  List<String> takeFormer() {
    List<String> all = List.copyOf(former);
    former.clear();
    return all;
  }

  // heartbeats

  void start() {
    beat(0);
  }

  private void beatAfter(long wait) {
    int mine = ++turn;
    process.after(
        wait,
        () -> {
          if (mine == turn) {
            beat(0);
          }
        });
  }

  void beatNow() {
    if (!beating) {
      beatAfter(1);
    }
  }

  void stop() {
    stopped = true;
  }

  boolean isBeating() {
    return beating;
  }

  private void beat(int tries) {
    if (stopped) {
      return;
    }
    Membership me = member;
    Instant now = access.now();
    long sent = access.nanos();
    beating = true;
    access.once(
        me.beat(access.newId(), new byte[0], now),
        outcome -> {
          beating = false;
          Standing standing = me.answered(outcome, now, sent, access.nanos());
          boolean alive = standing == Standing.MEMBER;
          if (standing != Standing.UNSURE) {
            joined = alive ? me.incarnation() : null;
          }
          beginsUntil = alive ? me.beginsUntil() : sent;
          leaseUntil = alive ? me.leaseUntil() : sent;
          if (standing == Standing.DEAD) {
            process.tell("is dead", "", me.incarnation(), 0);
            former.add(me.incarnation());
            member = incarnate();
            process.interruptAll();
          }
          if (!alive && tries < 3) {
            beat(tries + 1);
          } else {
            process.beaten();
            beatAfter(INTERVAL);
          }
        },
        () -> {
          beating = false;
          beatAfter(INTERVAL / 4);
        });
  }

  // the lease

  boolean mayBegin() {
    return process.mutation() == Mutation.NO_LEASE || beginsUntil - access.nanos() > 0;
  }

  boolean holdsLease() {
    return process.mutation() == Mutation.NO_LEASE || leaseUntil - access.nanos() > 0;
  }

  boolean mayJudge() {
    return process.mutation() == Mutation.HASTY_VERDICT
        ? holdsLease()
        : member.mayJudge(access.nanos());
  }
}
