package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.StoreInfo;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Events of one call, each with its shard, until all are in. */
final class Appending {
  private static final int MOST_TOGETHER = StoreInfo.MAX_EDITS;
  private static final int ATTEMPTS = 100;

  private final StoreTransport transport;
  private final StoreAccess access;
  private final List<Outgoing> events;
  private final ShardLog[] logs;
  private final byte[][] values;
  private final BitSet in;

  Appending(StoreTransport transport, List<Outgoing> events) {
    this.transport = transport;
    this.access = transport.access();
    this.events = events;
    this.logs = new ShardLog[events.size()];
    this.values = new byte[events.size()][];
    this.in = new BitSet(events.size());
  }

  void run() {
    try {
      encode();
      for (int attempt = 1; !round(); attempt++) {
        if (attempt == ATTEMPTS) {
          throw new AgentException(
              ErrorCode.STORE_UNAVAILABLE,
              "the log was full in each of %d attempts".formatted(ATTEMPTS));
        }
      }
    } catch (AppendFailedException e) {
      throw e;
    } catch (AgentException e) {
      List<Outgoing> failed = new ArrayList<>();
      for (int i = 0; i < events.size(); i++) {
        if (!in.get(i)) {
          failed.add(events.get(i));
        }
      }
      throw new AppendFailedException(e.code(), failed, String.valueOf(e.getMessage()), e);
    }
  }

  private void encode() {
    KnownEvents known = transport.known();
    List<Outgoing> tooLarge = new ArrayList<>(0);
    String time = "";
    for (int i = 0; i < values.length; i++) {
      Outgoing one = events.get(i);
      logs[i] = transport.log(one);
      if (i == 0) {
        time = Long.toString(access.now(logs[i].about()));
      }
      values[i] = EventText.encode(time, one.event());
      if (values[i].length > ShardLog.MAX_BYTES) {
        tooLarge.add(one);
      } else if (known != null) {
        known.put(values[i], one.event());
      }
    }
    if (!tooLarge.isEmpty()) {
      throw new AppendFailedException(
          ErrorCode.LIMIT_EXCEEDED,
          events, // nothing is appended of such a call
          "%d event(s) have more than %d bytes, the first is %s"
              .formatted(tooLarge.size(), ShardLog.MAX_BYTES, tooLarge.get(0).event()),
          null);
    }
  }

  /** Appends what is not in yet; true when all is. */
  private boolean round() {
    if (values.length == 1) {
      Part only = new Part(logs[0]);
      only.add(0);
      Change change = access.change(only.log.partition(), only.edits);
      boolean accepted = only.appended(access.apply(List.of(change)).get(0));
      transport.trim(only.log);
      return accepted;
    }
    Map<ShardLog, Part> last = new LinkedHashMap<>();
    List<Part> parts = new ArrayList<>();
    for (int i = in.nextClearBit(0); i < values.length; i = in.nextClearBit(i + 1)) {
      Part part = last.get(logs[i]);
      if (part == null || part.edits.size() == MOST_TOGETHER) {
        part = new Part(logs[i]);
        last.put(logs[i], part);
        parts.add(part);
      }
      part.add(i);
    }
    List<Change> changes = new ArrayList<>(parts.size());
    parts.forEach(part -> changes.add(access.change(part.log.partition(), part.edits)));
    List<Outcome> outcomes = access.apply(changes);
    boolean all = true;
    for (int i = 0; i < parts.size(); i++) {
      all &= parts.get(i).appended(outcomes.get(i));
    }
    last.keySet().forEach(transport::trim);
    return all;
  }

  /** Events of one shard, as many as a change holds. */
  private final class Part {
    private final ShardLog log;
    private final String record;
    private final List<Edit> edits = new ArrayList<>();
    private final BitSet places = new BitSet();
    private long bytes;

    Part(ShardLog log) {
      this.log = log;
      this.record = log.open();
    }

    void add(int i) {
      edits.add(new Edit.Mail(record, mailName(events.get(i).event()), values[i], false));
      places.set(i);
      bytes += values[i].length;
    }

    boolean appended(Outcome outcome) {
      boolean accepted = log.appended(record, outcome, bytes);
      if (accepted) {
        in.or(places);
      }
      return accepted;
    }
  }

  /** The same for the same event, so that the store drops its second copy. */
  private static String mailName(Event event) {
    String name =
        event.source().equals(Event.OWN_SOURCE) ? event.id() : event.source() + " " + event.id();
    return name.length() <= StoreInfo.MAX_NAME ? name : Hash.of(name);
  }
}
