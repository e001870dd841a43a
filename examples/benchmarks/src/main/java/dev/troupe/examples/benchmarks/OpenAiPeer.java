package dev.troupe.examples.benchmarks;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/** Speaks as much of OpenAI's API as a chat needs, whole and in parts, on loopback. */
final class OpenAiPeer implements AutoCloseable {
  private static final String ANSWER = "The show goes on, whatever happens behind the curtain.";
  private static final int PARTS = 20;
  private static final byte[] WHOLE = whole();
  private static final byte[] STREAM_HEAD =
      bytes(
          "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
  private static final byte[][] STREAM = stream();

  private final ServerSocket server;
  private final long delayNanos;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  final LongAdder requests = new LongAdder();

  private OpenAiPeer(ServerSocket server, Duration delay) {
    this.server = server;
    this.delayNanos = delay.toNanos();
  }

  /** Each answer begins so much after its request. */
  static OpenAiPeer start(Duration delay) {
    try {
      OpenAiPeer peer =
          new OpenAiPeer(new ServerSocket(0, 1_000, InetAddress.getLoopbackAddress()), delay);
      Thread accepting = new Thread(peer::accept, "peer-accepts");
      accepting.setDaemon(true);
      accepting.start();
      return peer;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  URI address() {
    return URI.create("http://127.0.0.1:%d/v1".formatted(server.getLocalPort()));
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = server.accept();
        socket.setTcpNoDelay(true);
        open.add(socket);
        Thread serving = new Thread(() -> serve(socket), "peer");
        serving.setDaemon(true);
        serving.start();
      }
    } catch (IOException closed) {
      // closed
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      InputStream in = new BufferedInputStream(socket.getInputStream(), 16_384);
      OutputStream out = socket.getOutputStream();
      while (true) {
        String head = head(in);
        if (head.isEmpty()) {
          return;
        }
        byte[] body = in.readNBytes(length(head));
        requests.increment();
        if (delayNanos > 0) {
          TimeUnit.NANOSECONDS.sleep(delayNanos);
        }
        if (contains(body, "\"stream\":true") || contains(body, "\"stream\" : true")) {
          out.write(STREAM_HEAD);
          for (byte[] part : STREAM) {
            out.write(part);
          }
        } else {
          out.write(WHOLE);
        }
        out.flush();
      }
    } catch (IOException | InterruptedException gone) {
      // so is the client
    } finally {
      open.remove(socket);
    }
  }

  private static String head(InputStream in) throws IOException {
    StringBuilder head = new StringBuilder(512);
    int last = 0;
    for (int c = in.read(); c >= 0; c = in.read()) {
      head.append((char) c);
      last = c == '\n' ? last + 1 : c == '\r' ? last : 0;
      if (last == 2) {
        return head.toString();
      }
    }
    return "";
  }

  private static int length(String head) {
    for (String line : head.split("\r\n")) {
      if (line.regionMatches(true, 0, "content-length:", 0, 15)) {
        return Integer.parseInt(line.substring(15).strip());
      }
    }
    return 0;
  }

  private static boolean contains(byte[] body, String text) {
    return new String(body, StandardCharsets.ISO_8859_1).contains(text);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] whole() {
    String json =
        "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\""
            + ANSWER
            + "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":10,\"total_tokens\":30}}";
    return bytes(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-request-id: req_1\r\nContent-Length: "
            + bytes(json).length
            + "\r\n\r\n"
            + json);
  }

  private static byte[][] stream() {
    byte[][] parts = new byte[PARTS + 1][];
    for (int i = 0; i < PARTS; i++) {
      parts[i] =
          chunk(
              "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"part "
                  + i
                  + " \"},\"finish_reason\":null}]}\n\n");
    }
    parts[PARTS] =
        bytes(
            text(
                    chunk(
                        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o-mini\",\"choices\":[],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":20,\"total_tokens\":40}}\n\ndata: [DONE]\n\n"))
                + "0\r\n\r\n");
    return parts;
  }

  private static byte[] chunk(String data) {
    return bytes(Integer.toHexString(bytes(data).length) + "\r\n" + data + "\r\n");
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    try {
      server.close();
      for (Socket socket : open) {
        socket.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
