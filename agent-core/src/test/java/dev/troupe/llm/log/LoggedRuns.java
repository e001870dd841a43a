package dev.troupe.llm.log;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.agent.AgentDefinition;
import dev.troupe.llm.log.LogEntry.Kind;
import dev.troupe.run.RunEnd;
import dev.troupe.run.RunHeader;
import dev.troupe.run.RunRecord;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;

/**
 * What tests of logs begin with: a store, logs over it that are closed, a run without a runtime.
 */
@Timeout(60)
abstract class LoggedRuns {
  static final String RUN = "run-1";

  final StateStore store = new MemoryStateStore();
  final List<RunLog> open = new ArrayList<>();

  @AfterEach
  void close() {
    open.forEach(RunLog::close);
  }

  RunLog log(StateStore over) {
    RunLog log = RunLog.over(over);
    open.add(log);
    return log;
  }

  RunLog log() {
    return log(store);
  }

  void apply(Edit... edits) {
    int partition = RecordId.of(edits[0].key(), store.info().partitions()).partition();
    Outcome outcome =
        store
            .apply(List.of(new Change(UUID.randomUUID().toString(), partition, List.of(edits))))
            .get(0);
    assertThat(outcome).isInstanceOf(Outcome.Done.class);
  }

  static RunRecord record(@Nullable RunEnd end) {
    return new RunRecord(
        new RunHeader(
            RUN,
            "a",
            "1",
            new RunHeader.Origin(null, null, "a", Instant.EPOCH),
            new RunHeader.Terms(0, null, null, "", "", ""),
            new RunHeader.Encoding("json", ""),
            new byte[0]),
        end);
  }

  void endedLongAgo() {
    ended(Instant.EPOCH.plusSeconds(1));
  }

  void ended(Instant at) {
    RunEnd end = new RunEnd(RunEnd.State.FAILED, at, new byte[0]);
    apply(record(end).put(), new Edit.Release(RUN));
  }

  /** A run that a process holds, without a runtime. */
  Grant held(String holder) {
    apply(record(null).put(), new Edit.Queue(RUN, "queue", 1, Instant.EPOCH, null, Long.MAX_VALUE));
    Grant grant = new Grant(holder, 1);
    RecordId id = RecordId.of(RUN, store.info().partitions());
    assertThat(
            store.claim(
                new Claim(
                    grant, new Claim.From.Named(List.of(id)), Set.of(id.partition()), 1, 1 << 20)))
        .hasSize(1);
    return grant;
  }

  List<LogEntry> all(long after) {
    List<LogEntry> entries = new ArrayList<>();
    LogPage page;
    do {
      long seen = entries.isEmpty() ? after : entries.get(entries.size() - 1).number();
      page = log().read(RUN, seen);
      entries.addAll(page.entries());
    } while (page.more());
    return entries;
  }

  String shown() {
    StringBuilder shown = new StringBuilder();
    for (LogEntry entry : all(0)) {
      if (entry.kind() == Kind.RESTARTED) {
        shown.setLength(0);
      } else if (entry.kind() == Kind.TEXT) {
        shown.append(entry.text());
      }
    }
    return shown.toString();
  }

  void awaitShown(String text) {
    Awaitility.await().until(this::shown, text::equals);
  }

  static AgentDefinition<String, String> agent(dev.troupe.agent.Agent<String, String> code) {
    return AgentDefinition.of("speaker", String.class, String.class, code).build();
  }

  AgentRuntime runtime(StateStore over, RunLog log, AgentDefinition<String, String> agent) {
    return AgentRuntime.builder()
        .store(over)
        .listener(log)
        .agent(agent)
        .endGrace(Duration.ofMillis(300))
        .shutdownGrace(Duration.ofMillis(300))
        .pollInterval(Duration.ofMillis(20))
        .start();
  }
}
