package dev.troupe.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a server says that its scripts have written to the hash of a group, in its order. */
final class ServerHistory implements AutoCloseable {
  private static final Pattern WRITTEN =
      Pattern.compile(
          "^\\+(\\d+)\\.(\\d{6}) \\[0 lua] \"HSET\" \"([^\"]+)\" \"n\" \"(\\d+)\" \"r([^\"]+)\""
              + " \"(\\d{19})\".*");

  /**
   * A decision's effect.
   *
   * @param server when the server did it, microseconds since 1970
   * @param decided the time of the decision
   * @param end when all that was granted will have come back, in nanoseconds
   */
  record Written(long server, long decided, long end) {}

  private final Socket socket;
  private final Thread reader;
  private final List<Written> all = new CopyOnWriteArrayList<>();

  ServerHistory(int port, String group) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.getOutputStream().write("MONITOR\r\n".getBytes(UTF_8));
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8));
    if (!"+OK".equals(lines.readLine())) {
      throw new IOException("no history of this server");
    }
    String key = "{troupe:limit:" + group + "}";
    reader = new Thread(() -> read(lines, key), "history");
    reader.start();
  }

  private void read(BufferedReader lines, String key) {
    try {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Matcher matcher = WRITTEN.matcher(line);
        if (matcher.matches() && matcher.group(3).equals(key)) {
          long seconds = Long.parseLong(matcher.group(1));
          all.add(
              new Written(
                  seconds * 1_000_000 + Long.parseLong(matcher.group(2)),
                  Long.parseLong(matcher.group(4)),
                  Long.parseLong(matcher.group(6))));
        }
      }
    } catch (IOException closed) {
      // over
    }
  }

  List<Written> written() {
    return all;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
