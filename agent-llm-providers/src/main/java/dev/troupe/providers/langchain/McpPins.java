package dev.troupe.providers.langchain;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Which tools of a server were approved, by their fingerprints, for all processes. */
final class McpPins {
  private static final int MOST_TOOLS = 200;

  private final StateStore store;

  McpPins(StateStore store) {
    this.store = store;
  }

  private RecordId id(String server) {
    return RecordId.of("$mcp:" + server, store.info().partitions());
  }

  /** What was approved; at the first use, what the server has now. */
  Map<String, String> of(String server, Map<String, String> now) {
    RecordId id = id(server);
    List<Stored> found = store.scan(Scan.whole(id)).items();
    if (found.isEmpty()) {
      if (now.size() > MOST_TOOLS) {
        throw new AgentException(
            ErrorCode.LIMIT_EXCEEDED,
            "MCP server %s has %d tools, %d are allowed".formatted(server, now.size(), MOST_TOOLS));
      }
      List<Edit> edits = new ArrayList<>();
      edits.add(new Edit.Absent(id.key()));
      edits.add(new Edit.Put(id.key(), bytes("1"), Map.of("troupe", "mcp"), null));
      now.forEach((tool, print) -> edits.add(new Edit.Row(id.key(), tool, bytes(print))));
      apply(id, edits); // refused where another process was faster: its pins count
      found = store.scan(Scan.whole(id)).items();
    }
    Map<String, String> pins = new HashMap<>();
    found
        .get(0)
        .rows()
        .forEach((tool, print) -> pins.put(tool, new String(print, StandardCharsets.UTF_8)));
    return pins;
  }

  void approve(String server, String tool, String fingerprint) {
    RecordId id = id(server);
    apply(id, List.of(new Edit.Row(id.key(), tool, bytes(fingerprint))));
  }

  private void apply(RecordId id, List<Edit> edits) {
    store.apply(List.of(new Change(UUID.randomUUID().toString(), id.partition(), edits)));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
