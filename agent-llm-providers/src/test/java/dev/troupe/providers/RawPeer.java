package dev.troupe.providers;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** A server that answers byte by byte as a test says, over HTTP/1.1, and notes what it saw. */
final class RawPeer implements AutoCloseable {
  /** What a test says. */
  interface Script {
    void answer(Request request, Reply reply) throws IOException, InterruptedException;
  }

  /** What came. Header names are in lower case. */
  record Request(int connection, String line, Map<String, String> headers, String body) {
    boolean stream() {
      return line.contains("streamGenerate")
          || line.contains("converse-stream")
          || body.replaceAll("\\s", "").contains("\"stream\":true");
    }
  }

  private final ServerSocket server;
  private final Script script;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  final List<Request> requests = new CopyOnWriteArrayList<>();
  final AtomicInteger connections = new AtomicInteger();
  final AtomicLong sent = new AtomicLong();
  final CountDownLatch left = new CountDownLatch(1);

  RawPeer(Script script) {
    this.script = script;
    try {
      this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    start(this::accept);
  }

  private static void start(Runnable work) {
    Thread thread = new Thread(work, "raw peer");
    thread.setDaemon(true);
    thread.start();
  }

  URI at(String path) {
    return URI.create("http://127.0.0.1:" + server.getLocalPort() + path);
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = server.accept();
        open.add(socket);
        int number = connections.incrementAndGet();
        start(() -> serve(socket, number));
      }
    } catch (IOException e) {
      return; // closed
    }
  }

  private void serve(Socket socket, int number) {
    try (socket) {
      InputStream in = new BufferedInputStream(socket.getInputStream());
      for (Request request = read(in, number); request != null; request = read(in, number)) {
        requests.add(request);
        script.answer(request, new Reply(socket, in));
      }
    } catch (IOException e) {
      left.countDown();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      open.remove(socket);
    }
  }

  private static Request read(InputStream in, int connection) throws IOException {
    String line = line(in);
    if (line == null) {
      return null;
    }
    Map<String, String> headers = new TreeMap<>();
    for (String header = line(in); header != null && !header.isEmpty(); header = line(in)) {
      int colon = header.indexOf(':');
      headers.put(
          header.substring(0, colon).toLowerCase(Locale.ROOT), header.substring(colon + 1).strip());
    }
    String body;
    if ("chunked".equals(headers.get("transfer-encoding"))) {
      StringBuilder chunks = new StringBuilder();
      for (int size = size(in); size > 0; size = size(in)) {
        chunks.append(new String(in.readNBytes(size), StandardCharsets.UTF_8));
        line(in);
      }
      line(in);
      body = chunks.toString();
    } else {
      int length = Integer.parseInt(headers.getOrDefault("content-length", "0"));
      body = new String(in.readNBytes(length), StandardCharsets.UTF_8);
    }
    return new Request(connection, line, headers, body);
  }

  private static int size(InputStream in) throws IOException {
    return Integer.parseInt(String.valueOf(line(in)).split(";", 2)[0].strip(), 16);
  }

  private static String line(InputStream in) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int b = in.read();
    if (b < 0) {
      return null;
    }
    while (b >= 0 && b != '\n') {
      if (b != '\r') {
        bytes.write(b);
      }
      b = in.read();
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  boolean isLeft() {
    return left.getCount() == 0;
  }

  boolean leftWithin(int millis) throws InterruptedException {
    return left.await(millis, TimeUnit.MILLISECONDS);
  }

  /** One answer, being written. */
  final class Reply {
    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;

    private Reply(Socket socket, InputStream in) throws IOException {
      this.socket = socket;
      this.in = in;
      this.out = socket.getOutputStream();
    }

    void raw(byte[] bytes) throws IOException {
      out.write(bytes);
      out.flush();
    }

    void raw(String text) throws IOException {
      raw(text.getBytes(StandardCharsets.UTF_8));
    }

    /** A whole answer. Headers are lines without their ends. */
    void whole(int status, String type, String body, String... headers) throws IOException {
      byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
      raw(head(status, type, headers) + "Content-Length: " + bytes.length + "\r\n\r\n" + body);
      sent.addAndGet(bytes.length);
    }

    /** The head of an answer that comes in parts. */
    void begin(int status, String type, String... headers) throws IOException {
      raw(head(status, type, headers) + "Transfer-Encoding: chunked\r\n\r\n");
    }

    private String head(int status, String type, String... headers) {
      StringBuilder head = new StringBuilder("HTTP/1.1 " + status + " Said\r\n");
      head.append("Content-Type: ").append(type).append("\r\n");
      for (String header : headers) {
        head.append(header).append("\r\n");
      }
      return head.toString();
    }

    void part(String text) throws IOException {
      part(text.getBytes(StandardCharsets.UTF_8));
    }

    void part(byte[] bytes) throws IOException {
      ByteArrayOutputStream chunk = new ByteArrayOutputStream();
      chunk.writeBytes(
          (Integer.toHexString(bytes.length) + "\r\n").getBytes(StandardCharsets.UTF_8));
      chunk.writeBytes(bytes);
      chunk.writeBytes("\r\n".getBytes(StandardCharsets.UTF_8));
      raw(chunk.toByteArray());
      sent.addAndGet(bytes.length);
    }

    void end() throws IOException {
      raw("0\r\n\r\n");
    }

    void cut() throws IOException {
      socket.close();
    }

    /** Says no more until the other side has gone. */
    void silence() throws IOException {
      while (in.read() >= 0) {
        // nothing is expected
      }
      left.countDown();
      socket.close();
    }
  }

  @Override
  public void close() {
    try {
      server.close();
      for (Socket socket : open) {
        socket.close();
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
