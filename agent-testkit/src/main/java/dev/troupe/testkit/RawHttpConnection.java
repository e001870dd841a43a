package dev.troupe.testkit;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.PushbackInputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** One connection of a {@link RawHttpStub}: reads requests and plays their answers. */
final class RawHttpConnection {
  private static final int MOST = 64 * 1024 * 1024;

  /** The answer, or its client, ended the connection. */
  private static final class Ended extends IOException {
    private static final long serialVersionUID = 1L;
  }

  private final RawHttpStub stub;
  private final Socket socket;
  private final int number;
  private final Thread thread;

  RawHttpConnection(RawHttpStub stub, Socket socket, int number) {
    this.stub = stub;
    this.socket = socket;
    this.number = number;
    this.thread = new Thread(this::run, "raw-http-stub-" + stub.port() + "-" + number);
    this.thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  /** False when the caller was interrupted before the thread was gone. */
  boolean end(long until) {
    ProxyConnection.closeQuietly(socket);
    thread.interrupt();
    try {
      TimeUnit.NANOSECONDS.timedJoin(thread, until - System.nanoTime());
      return true;
    } catch (InterruptedException e) {
      return false;
    }
  }

  private void run() {
    try (socket) {
      socket.setTcpNoDelay(true);
      PushbackInputStream in =
          new PushbackInputStream(new BufferedInputStream(socket.getInputStream()), 1);
      while (true) {
        socket.setSoTimeout(0);
        RawHttpStub.Request request = read(in);
        play(stub.answerTo(request), in);
      }
    } catch (IOException | InterruptedException e) {
      // the client has closed, the answer has, or the stub is being closed
    } finally {
      stub.ended(this);
    }
  }

  // a request

  private RawHttpStub.Request read(PushbackInputStream in) throws IOException {
    String[] first = line(in).split(" ", 3);
    if (first.length < 2) {
      throw new EOFException("not HTTP");
    }
    Map<String, String> headers = new HashMap<>();
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      int colon = line.indexOf(':');
      if (colon > 0) {
        String name = line.substring(0, colon).strip().toLowerCase(Locale.ROOT);
        headers.merge(name, line.substring(colon + 1).strip(), (a, b) -> a + ", " + b);
      }
    }
    String body = new String(body(in, headers), StandardCharsets.UTF_8);
    return new RawHttpStub.Request(number, first[0], first[1], headers, body);
  }

  private static byte[] body(PushbackInputStream in, Map<String, String> headers)
      throws IOException {
    if (!headers.getOrDefault("transfer-encoding", "").equalsIgnoreCase("chunked")) {
      return exactly(in, Integer.parseInt(headers.getOrDefault("content-length", "0")));
    }
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    while (true) {
      int size = Integer.parseInt(line(in).split(";", 2)[0].strip(), 16);
      if (size == 0) {
        while (!line(in).isEmpty()) {
          // trailers are of no interest
        }
        return all.toByteArray();
      }
      all.writeBytes(exactly(in, size));
      line(in);
    }
  }

  private static byte[] exactly(PushbackInputStream in, int size) throws IOException {
    if (size < 0 || size > MOST) {
      throw new IOException("a body of " + size + " bytes");
    }
    byte[] bytes = in.readNBytes(size);
    if (bytes.length < size) {
      throw new EOFException();
    }
    return bytes;
  }

  private static String line(PushbackInputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0 || line.size() > MOST) {
        throw new EOFException();
      }
      line.write(next);
    }
    return line.toString(StandardCharsets.ISO_8859_1).stripTrailing();
  }

  // its answer

  private void play(RawHttpAnswer answer, PushbackInputStream in)
      throws IOException, InterruptedException {
    Wire wire = new Wire(answer.pace(), in);
    boolean chunked = answer.chunked();
    silence(in, answer.delay());
    wire.write(answer.head());
    for (RawHttpAnswer.Act act : answer.acts()) {
      if (act instanceof RawHttpAnswer.Act.Send send) {
        wire.write(frame(send.bytes(), chunked));
      } else if (act instanceof RawHttpAnswer.Act.Repeat repeat) {
        byte[] frame = frame(repeat.bytes(), chunked);
        while (true) {
          wire.write(frame); // until that fails
        }
      } else if (act instanceof RawHttpAnswer.Act.Pause pause) {
        silence(in, pause.time());
      } else if (act instanceof RawHttpAnswer.Act.Stall) {
        silence(in, Duration.ofDays(1));
        throw new Ended();
      } else if (act instanceof RawHttpAnswer.Act.Cut cut) {
        throw cut(cut.reset());
      }
    }
    if (chunked) {
      wire.write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    }
    if (answer.closes()) {
      throw new Ended();
    }
  }

  private static byte[] frame(byte[] bytes, boolean chunked) {
    if (!chunked) {
      return bytes;
    }
    ByteArrayOutputStream frame = new ByteArrayOutputStream();
    frame.writeBytes(
        (Integer.toHexString(bytes.length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
    frame.writeBytes(bytes);
    frame.writeBytes("\r\n".getBytes(StandardCharsets.US_ASCII));
    return frame.toByteArray();
  }

  private Ended cut(boolean reset) throws IOException {
    if (reset) {
      socket.setSoLinger(true, 0);
    }
    return new Ended();
  }

  /** Listens meanwhile, so that a client that goes is seen at once. */
  private void silence(PushbackInputStream in, Duration time)
      throws IOException, InterruptedException {
    long until = System.nanoTime() + time.toNanos();
    long millis = Math.min(Integer.MAX_VALUE, time.toMillis());
    if (millis > 0) {
      try {
        socket.setSoTimeout((int) millis);
        int next = in.read();
        if (next < 0) {
          throw new Ended();
        }
        in.unread(next); // the next request comes early: it has to wait
      } catch (SocketTimeoutException e) {
        // silence, as it should be
      }
    }
    TimeUnit.NANOSECONDS.sleep(until - System.nanoTime());
  }

  /** Bytes at the pace of an answer. */
  private final class Wire {
    private final RawHttpAnswer.Pace pace;
    private final PushbackInputStream in;
    private long sent;

    Wire(RawHttpAnswer.Pace pace, PushbackInputStream in) {
      this.pace = pace;
      this.in = in;
    }

    void write(byte[] bytes) throws IOException, InterruptedException {
      int from = 0;
      while (from < bytes.length) {
        if (sent > 0 && pace.every().compareTo(Duration.ZERO) > 0) {
          silence(in, pace.every());
        }
        int size = (int) Math.min(Math.min(bytes.length - from, pace.slice()), pace.last() - sent);
        socket.getOutputStream().write(bytes, from, size);
        from += size;
        sent += size;
        if (sent >= pace.last()) {
          throw cut(pace.reset());
        }
      }
    }
  }
}
