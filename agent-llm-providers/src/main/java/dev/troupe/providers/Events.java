package dev.troupe.providers;

import dev.langchain4j.http.client.sse.ServerSentEvent;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Cuts an answer into events: server-sent ones, or one JSON object a line. Comments, by which
 * servers keep a connection alive, are no events, but whoever waits for the next bytes sees them.
 */
final class Events {
  private final Exchange exchange;
  private final boolean lines;
  private final Call call;
  private final long mostBytes;
  private final ArrayDeque<String> ready = new ArrayDeque<>();
  private byte[] open = new byte[1024];
  private int size;
  private boolean atEnd;
  private @Nullable String name;
  private final StringBuilder data = new StringBuilder();

  /** Over an answer whose head came. */
  Events(Exchange exchange, boolean lines, Call call) {
    this.exchange = exchange;
    this.lines = lines;
    this.call = call;
    this.mostBytes = Wire.mostBytes(call.limits());
  }

  /** What is no event: what was found in place of one, to be shown in no message as it is. */
  static final class Stray extends Exception {
    private static final long serialVersionUID = 1L;
    private final String text;

    Stray(String text) {
      super("not an event", null, false, false);
      this.text = text;
    }

    String text() {
      return text;
    }
  }

  /** The next event; null at the end. */
  @Nullable ServerSentEvent next() throws InterruptedException, Stray {
    for (String line = line(); line != null; line = line()) {
      if (lines) {
        if (!line.isBlank()) {
          return new ServerSentEvent(null, line);
        }
      } else if (line.isEmpty()) {
        if (data.length() > 0) {
          return event();
        }
        name = null;
      } else {
        field(line);
      }
    }
    return data.length() > 0 ? event() : null;
  }

  /** What came and was not looked at; for whoever wants to know what a stray belongs to. */
  String rest() {
    StringBuilder rest = new StringBuilder();
    ready.forEach(line -> rest.append('\n').append(line));
    return rest.append('\n').append(new String(open, 0, size, StandardCharsets.UTF_8)).toString();
  }

  private ServerSentEvent event() {
    ServerSentEvent event = new ServerSentEvent(name, data.toString());
    name = null;
    data.setLength(0);
    return event;
  }

  private void field(String line) throws Stray {
    int colon = line.indexOf(':');
    String field = colon < 0 ? line : line.substring(0, colon);
    for (int i = 0; i < field.length(); i++) {
      if (!Character.isLetter(field.charAt(i))) {
        throw new Stray(line);
      }
    }
    if (colon < 0) {
      throw new Stray(line);
    }
    String value = line.substring(line.startsWith(" ", colon + 1) ? colon + 2 : colon + 1);
    if (field.equals("event")) {
      name = value.strip();
    } else if (field.equals("data")) {
      if (data.length() > 0) {
        data.append('\n');
      }
      data.append(value);
      if (data.length() > mostBytes) {
        throw call.tooLarge();
      }
    }
  }

  private @Nullable String line() throws InterruptedException {
    while (ready.isEmpty() && !atEnd) {
      byte[] bytes = exchange.next();
      if (bytes == null) {
        atEnd = true;
        if (size > 0) {
          cut(size);
        }
      } else {
        append(bytes);
      }
    }
    return ready.poll();
  }

  private void append(byte[] bytes) {
    int from = 0;
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == '\n') {
        keep(bytes, from, i);
        cut(size);
        from = i + 1;
      }
    }
    keep(bytes, from, bytes.length);
  }

  private void keep(byte[] bytes, int from, int to) {
    if (size + (long) (to - from) > mostBytes) {
      throw call.tooLarge();
    }
    if (size + to - from > open.length) {
      open = Arrays.copyOf(open, Math.max(open.length * 2, size + to - from));
    }
    System.arraycopy(bytes, from, open, size, to - from);
    size += to - from;
  }

  private void cut(int length) {
    int end = length > 0 && open[length - 1] == '\r' ? length - 1 : length;
    String line = new String(open, 0, end, StandardCharsets.UTF_8);
    ready.add(line.startsWith("\uFEFF") ? line.substring(1) : line);
    size = 0;
  }
}
