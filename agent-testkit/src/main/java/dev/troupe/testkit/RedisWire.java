package dev.troupe.testkit;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A connection to a Redis server on this machine. Belongs to one thread. */
final class RedisWire implements AutoCloseable {
  private final Socket socket = new Socket();
  private final InputStream in;

  RedisWire(int port, @Nullable String password, Duration patience) throws IOException {
    try {
      int millis = (int) patience.toMillis();
      socket.connect(
          new InetSocketAddress(InetAddress.getLoopbackAddress(), port), Math.min(millis, 2_000));
      socket.setSoTimeout(millis);
      in = new BufferedInputStream(socket.getInputStream());
      if (password != null) {
        firstLine("AUTH", password);
      }
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  /** The first line of the answer, as it came; empty when the server closed the connection. */
  String firstLine(String... words) throws IOException {
    socket.getOutputStream().write((String.join(" ", words) + "\r\n").getBytes(UTF_8));
    return line();
  }

  /**
   * The whole answer. Words and answers hold a byte in each char, so that keys of any bytes come
   * back as they were.
   *
   * @return a string, a number, a list of these, or null
   * @throws IllegalStateException with the server's words when it refuses
   */
  @Nullable Object call(String... words) throws IOException {
    StringBuilder out = new StringBuilder("*" + words.length + "\r\n");
    for (String word : words) {
      out.append('$').append(word.length()).append("\r\n").append(word).append("\r\n");
    }
    socket.getOutputStream().write(out.toString().getBytes(ISO_8859_1));
    return answer();
  }

  private @Nullable Object answer() throws IOException {
    String line = line();
    if (line.isEmpty()) {
      throw new EOFException("closed by the server");
    }
    String rest = line.substring(1);
    return switch (line.charAt(0)) {
      case '+' -> rest;
      case '-' -> throw new IllegalStateException(rest);
      case ':' -> Long.valueOf(rest);
      case '$' -> text(Integer.parseInt(rest));
      case '*' -> list(Integer.parseInt(rest));
      default -> throw new IOException("not an answer of Redis: " + line);
    };
  }

  private @Nullable String text(int length) throws IOException {
    if (length < 0) {
      return null;
    }
    byte[] text = in.readNBytes(length);
    line();
    return new String(text, ISO_8859_1);
  }

  private List<@Nullable Object> list(int length) throws IOException {
    List<@Nullable Object> all = new ArrayList<>();
    for (int left = length; left > 0; left--) {
      all.add(answer());
    }
    return all;
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
      line.append((char) c);
    }
    return line.toString().trim();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
