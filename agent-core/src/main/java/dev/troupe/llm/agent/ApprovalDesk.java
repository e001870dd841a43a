package dev.troupe.llm.agent;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.run.Entry;
import dev.troupe.run.RunRecord;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Where people see which tool calls wait for them, and decide. Works in any process that has the
 * runs' store, wherever the runs are executed and whether or not they are at the moment. Safe for
 * use by many threads.
 */
public final class ApprovalDesk {
  private static final String DECISION = "decision";

  private final AgentRuntime runtime;
  private final StateStore store;
  private final Codec codec;

  private ApprovalDesk(AgentRuntime runtime, StateStore store, Codec codec) {
    this.runtime = Objects.requireNonNull(runtime, "runtime");
    this.store = Objects.requireNonNull(store, "store");
    this.codec = Objects.requireNonNull(codec, "codec");
  }

  /**
   * A desk.
   *
   * @param runtime takes the decisions to the runs; it need not execute any
   * @param store the runtime's store
   * @param codec the runtime's codec
   * @return the desk
   */
  public static ApprovalDesk of(AgentRuntime runtime, StateStore store, Codec codec) {
    return new ApprovalDesk(runtime, store, codec);
  }

  /**
   * The calls of a run that wait for a decision.
   *
   * @param run the run's id
   * @return the requests, in the order in which they were made; empty when there is no such run, or
   *     it has ended
   */
  public List<ApprovalRequest> pending(String run) {
    Stored record = record(run);
    if (record == null || RunRecord.decode(record).end() != null) {
      return List.of();
    }
    record Asked(long number, ApprovalRequest request) {}
    List<Asked> asked = new ArrayList<>();
    for (String path : record.rows().keySet()) {
      Entry entry = isAsked(path, "") ? entry(record, path) : null;
      if (entry != null && entry.kind() == Entry.Kind.DONE) {
        ApprovalRequest request =
            Objects.requireNonNull(
                (ApprovalRequest) codec.decode(entry.payload(), ApprovalRequest.class));
        Entry wait = wait(record, path, request.call());
        if (wait == null || wait.kind() == Entry.Kind.OPEN) {
          asked.add(new Asked(entry.number(), request));
        }
      }
    }
    asked.sort(Comparator.comparingLong(Asked::number));
    return asked.stream().map(Asked::request).toList();
  }

  /**
   * Approves a call.
   *
   * @param run the run that waits
   * @param call which call, as the request names it
   * @param by who decides
   * @param reason why
   * @return whether it is this decision that counts; false when there was another one before, the
   *     time had passed, or the run had ended. A decision that comes within milliseconds of the
   *     expiry may be told true and yet be too late; the model is told what counted
   * @throws AgentException with {@link ErrorCode#RUN_NOT_FOUND}, or {@link ErrorCode#INVALID_INPUT}
   *     when the run never asked about such a call
   */
  public boolean approve(String run, String call, String by, String reason) {
    return decide(run, call, new Decision(true, by, reason));
  }

  /**
   * Denies a call.
   *
   * @param run the run that waits
   * @param call which call, as the request names it
   * @param by who decides
   * @param reason why; the model is told
   * @return as {@link #approve}
   * @throws AgentException as {@link #approve}
   */
  public boolean deny(String run, String call, String by, String reason) {
    return decide(run, call, new Decision(false, by, reason));
  }

  private boolean decide(String run, String call, Decision decision) {
    Stored before = record(run);
    if (before != null && before.rows().keySet().stream().noneMatch(row -> isAsked(row, call))) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "run %s did not ask for approval of call '%s'; take its name from the request"
              .formatted(run, call));
    }
    // one id for all decisions on a call: the store keeps the first
    if (!runtime.signal(run, Approvals.SIGNAL + call, DECISION, decision)) {
      return false;
    }
    Stored after = record(run);
    return after != null && decision.equals(kept(after, call)) && !isTooLate(after, call);
  }

  private @Nullable Object kept(Stored record, String call) {
    String name = "signal/" + Approvals.SIGNAL + call + "/" + DECISION;
    for (Stored.MailItem item : record.mail()) {
      if (item.name().equals(name)) {
        return codec.decode(item.value(), Decision.class);
      }
    }
    return null;
  }

  private static boolean isTooLate(Stored record, String call) {
    return record.rows().keySet().stream()
        .filter(path -> isAsked(path, call))
        .map(path -> wait(record, path, call))
        .anyMatch(wait -> wait != null && wait.kind() == Entry.Kind.TIMED_OUT);
  }

  private static boolean isAsked(String path, String call) {
    return path.startsWith(Approvals.ASKED + call, path.lastIndexOf('/') + 1)
        && (call.isEmpty() || path.endsWith(" " + call + "#1"));
  }

  /** The wait that belongs to what was asked. */
  private static @Nullable Entry wait(Stored record, String asked, String call) {
    String prefix = asked.substring(0, asked.lastIndexOf('/') + 1);
    String path = prefix + "signal " + Approvals.SIGNAL + call + "#1";
    return record.rows().containsKey(path) ? entry(record, path) : null;
  }

  private static Entry entry(Stored record, String path) {
    byte[] row = Objects.requireNonNull(record.rows().get(path));
    return Entry.decode(row, "row " + path + " of run " + record.id().key());
  }

  private @Nullable Stored record(String run) {
    List<Stored> found =
        store.scan(Scan.whole(RecordId.of(run, store.info().partitions()))).items();
    return found.isEmpty() ? null : found.get(0);
  }
}
