package dev.troupe.run.sim;

import dev.troupe.AgentException;
import dev.troupe.agent.RunEndingException;
import dev.troupe.run.Ending;
import dev.troupe.run.Journal;
import dev.troupe.run.Outbox;
import dev.troupe.run.RunEnd;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.Scan;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** One run while a process holds it: the runtime's {@code Execution} and its parts. */
final class SimRun {
  private static final long END_GRACE = Timeline.millis(1_000);

  /** How a run leaves this process without having ended. */
  enum Exit {
    NONE,
    PARK,
    HAND_BACK,
    LOST
  }

  /** Takes a strand off its stack. */
  static final class Unwinding extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Unwinding() {
      super(null, null, false, false);
    }
  }

  /** What undoes a step, by its path. */
  record Undo(String path, Program.Act act) {}

  final SimProcess process;
  final Program program;
  final NavigableMap<Long, Undo> undos = new TreeMap<>();
  final SimWriter writer = new SimWriter(this);
  private final List<SimStrand> strands = new ArrayList<>();
  final SimWaits waits = new SimWaits(this);
  private Journal journal;
  private Exit exit = Exit.NONE;
  private boolean settling;
  private boolean compensates;
  private boolean left;
  private boolean overHead;
  private long looked;
  private long endingSince;
  private long lastSeen;
  private long lastLook;

  SimRun(SimProcess process, Program program, Journal journal) {
    this.process = process;
    this.program = program;
    this.journal = journal;
    this.lastLook = process.access.nanos();
  }

  Journal journal() {
    return journal;
  }

  String runId() {
    return journal.header().id();
  }

  // executing

  void begin() {
    exit = Exit.NONE;
    settling = false;
    compensates = false;
    strands.clear();
    undos.clear();
    waits.clear();
    writer.clear();
    overdue(process.access.now());
    SimStrand main = new SimStrand(this, null, "", program.ops(), false);
    begin(main);
    main.start(this::returned);
  }

  private void returned(String result, @Nullable Throwable thrown) {
    if (!settling) {
      settling = true;
      settle(result, thrown);
    }
  }

  private void settle(String result, @Nullable Throwable thrown) {
    guard(
        () -> {
          if (exit != Exit.NONE) {
            depart(thrown);
            return;
          }
          if (journal.ending() == Ending.NOT && journal.mismatch() != null) {
            throw Truth.violation(runId(), "journal and code do not fit: %s", journal.mismatch());
          }
          if (thrown == null && journal.ending() == Ending.NOT) {
            finish(RunEnd.State.SUCCEEDED, result);
          } else {
            fail(thrown);
          }
        });
  }

  /** Whatever is thrown while the run settles makes it depart. */
  void guard(Runnable piece) {
    try {
      piece.run();
    } catch (Unwinding left) {
      depart(left);
    } catch (AgentException unexpected) {
      throw Truth.violation(runId(), "the engine says: %s", unexpected);
    }
  }

  private void depart(@Nullable Throwable thrown) {
    if (exit == Exit.LOST) {
      process.letGo(this);
      leave();
    } else if (exit == Exit.HAND_BACK) {
      handBack();
    } else if (thrown instanceof Unwinding) {
      park();
    } else {
      throw Truth.violation(runId(), "left with %s and exit %s", thrown, exit);
    }
  }

  private void leave() {
    if (!left) {
      left = true;
      process.left(this);
    }
  }

  // how it came out

  private void fail(@Nullable Throwable thrown) {
    byte[] known = journal.failure();
    String failure = known != null ? new String(known, StandardCharsets.UTF_8) : reason(thrown);
    List<Edit> failing =
        known == null && !undos.isEmpty()
            ? journal.failing(bytes(failure), process.access.now())
            : List.of();
    writer.write(
        this::guard,
        failing,
        () ->
            writer.write(
                this::guard,
                journal.cancelChildren("it is ending"),
                () -> {
                  SimStrand undoing = new SimStrand(this, null, "", List.of(), true);
                  journal.compensate();
                  compensates = true;
                  strands.clear();
                  strands.add(undoing);
                  List<Undo> order = new ArrayList<>(undos.descendingMap().values());
                  if (process.mutation() == Mutation.UNDO_FORWARD) {
                    Collections.reverse(order);
                  }
                  undo(undoing, order, 0, failure);
                }));
  }

  private void undo(SimStrand undoing, List<Undo> order, int next, String failure) {
    if (next == order.size()) {
      boolean cancelled = failure.startsWith(Ending.CANCELLED.code().name());
      finish(cancelled ? RunEnd.State.CANCELLED : RunEnd.State.FAILED, failure);
      return;
    }
    undoing.undo(order.get(next), () -> undo(undoing, order, next + 1, failure));
  }

  private String reason(@Nullable Throwable thrown) {
    Ending why = journal.ending();
    if (why != Ending.NOT && why != Ending.FAILED) {
      return why.code().name();
    }
    return "RUN_FAILED " + (thrown == null ? "" : thrown.getMessage());
  }

  private void finish(RunEnd.State state, String payload) {
    writer.write(
        this::guard,
        journal.cancelChildren("it has ended"),
        () -> {
          RunEnd end = new RunEnd(state, process.access.now(), bytes(payload));
          writer.send(
              this::guard,
              journal.end(end, null),
              outcome -> {
                if (outcome instanceof Outcome.Done done) {
                  for (Outcome.Seen seen : done.seen()) {
                    boolean box = Outbox.isOutbox(seen.key());
                    if (!seen.key().equals(runId()) && (box || seen.mailAccepted())) {
                      process.wake(seen);
                    }
                  }
                } else {
                  process.letGo(this);
                }
                leave();
              });
        });
  }

  private void park() {
    AgentException misfit = journal.ending() == Ending.NOT ? journal.mismatch() : null;
    if (misfit != null) {
      throw Truth.violation(runId(), "journal and code do not fit: %s", misfit);
    }
    if (journal.ending() != Ending.NOT && !compensates) {
      reload();
      return;
    }
    Instant due = compensates ? null : journal.header().terms().deadline();
    Instant first = waits.due();
    boolean sooner = first != null && (due == null || first.isBefore(due));
    Instant until = sooner ? first : due;
    sendLeaving(
        journal.park(until, looked),
        outcome -> {
          if (outcome instanceof Outcome.Done) {
            process.parked(until);
            leave();
          } else if (((Outcome.Refused) outcome).because() instanceof Edit.NoMailAfter) {
            reload();
          } else {
            process.letGo(this);
            leave();
          }
        });
  }

  private void reload() {
    process.access.first(
        Scan.whole(journal.id()),
        whole -> {
          if (whole != null
              && !overHead // its strands may still be there
              && whole.place() instanceof Place.Held held
              && held.grant().equals(journal.grant())) {
            journal = journal.reread(whole);
            begin();
          } else {
            process.letGo(this);
            leave();
          }
        },
        this::fallen);
  }

  private void handBack() {
    sendLeaving(journal.handBack(process.access.now()), outcome -> leave());
  }

  private void sendLeaving(Change change, Consumer<Outcome> then) {
    process.access.write(change, then, this::fallen);
  }

  private void fallen() {
    process.letGo(this);
    leave();
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** It has just learned what mail there is. */
  void looks() {
    lastLook = process.access.nanos();
  }

  boolean isLost() {
    return exit == Exit.LOST;
  }

  Unwinding lost() {
    leaveBy(Exit.LOST);
    return new Unwinding();
  }

  // control from outside

  boolean shouldLook(long every) {
    return !settling && (waits.any() || process.access.nanos() - lastLook >= every);
  }

  void fetchMail(Runnable then) {
    lastLook = process.access.nanos();
    process.access.first(
        Scan.mailAfter(journal.id(), journal.mailSeen()),
        record -> {
          if (record != null) {
            journal.receive(record.mail());
            afterMail();
          }
          then.run();
        },
        then);
  }

  private void afterMail() {
    if (journal.ending() != Ending.NOT && !settling) {
      interruptAll();
    }
    waits.changed();
  }

  private boolean overdue(Instant now) {
    Instant deadline = journal.header().terms().deadline();
    if (deadline != null && !deadline.isAfter(now) && journal.ending() == Ending.NOT) {
      journal.end(Ending.DEADLINE);
      afterMail();
    }
    if (journal.ending() == Ending.NOT || settling || journal.mismatch() != null) {
      endingSince = 0;
      return false;
    }
    endingSince = Math.max(endingSince, lastSeen);
    if (endingSince == 0) {
      endingSince = process.access.nanos();
    }
    return process.access.nanos() - endingSince > END_GRACE;
  }

  /** Watches the deadline, and ends the run when its strands do not react. */
  void watch(Instant now) {
    if (overdue(now) && !settling) {
      settling = true;
      overHead = true;
      settle("", new RunEndingException(journal.ending().code(), "it did not react"));
    }
  }

  void handBackSoon() {
    leaveBy(Exit.HAND_BACK);
  }

  void handBackNow() {
    if (!settling && !left) {
      settling = true;
      handBack();
    }
  }

  boolean departing() {
    return exit != Exit.NONE;
  }

  void leaveBy(Exit by) {
    if (by.compareTo(exit) > 0) {
      exit = by;
      looked = journal.mailSeen();
    }
    interruptAll();
    waits.changed();
  }

  private void interruptAll() {
    List.copyOf(strands).forEach(SimStrand::interrupt);
  }

  // strands

  int strandCount() {
    return strands.size();
  }

  void begin(SimStrand strand) {
    strands.add(strand);
  }

  void end(SimStrand strand) {
    strands.remove(strand);
    waits.changed();
  }

  void lose(List<SimStrand> losers) {
    losers.forEach(s -> s.lost = true);
    waits.dropLost();
    for (SimStrand strand : List.copyOf(strands)) {
      if (strand.isLost()) {
        strand.interrupt();
        strands.remove(strand);
      }
    }
    waits.changed();
  }

  void check(SimStrand strand) {
    if (journal.ending() != Ending.NOT) {
      lastSeen = process.access.nanos();
    }
    if (strand.isLost() || (settling && !strand.undoes) || exit != Exit.NONE) {
      throw new Unwinding();
    }
  }

  void forgetUndos(String group, int winner) {
    undos
        .values()
        .removeIf(
            undo -> undo.path().startsWith(group) && !undo.path().startsWith(group + winner + "/"));
  }

  <T extends @Nullable Object> T ask(SimStrand strand, Function<Journal, T> question) {
    check(strand);
    return question.apply(journal);
  }

  boolean mayEnter(SimStrand strand) {
    return exit == Exit.NONE
        && !strand.isLost()
        && (strand.undoes || (!settling && journal.ending() == Ending.NOT));
  }
}
