package dev.troupe.testkit;

import static dev.troupe.testkit.FaultProxy.Way.ANSWERS;
import static dev.troupe.testkit.FaultProxy.Way.REQUESTS;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.troupe.testkit.FaultProxy.Way;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
class FaultProxyTest {
  private final List<Socket> sockets = new ArrayList<>();
  private EchoServer server;
  private FaultProxy proxy;

  @BeforeEach
  void open() throws IOException {
    server = new EchoServer();
    proxy = FaultProxy.to("localhost", server.port(), 42);
  }

  @AfterEach
  void close() throws IOException {
    proxy.close();
    for (Socket socket : sockets) {
      socket.close();
    }
    server.close();
    assertThat(threads()).as("threads of the proxy").isEmpty();
    assertThat(proxy.open()).isZero();
  }

  // without faults

  @Test
  void withoutFaultsBytesGoThroughAndAreCounted() throws Exception {
    Socket client = connect(proxy);
    byte[] much = new byte[1_000_000];
    new Random(1).nextBytes(much);
    CompletableFuture<Void> sending = CompletableFuture.runAsync(() -> send(client, much));
    assertThat(read(client, much.length)).isEqualTo(much);
    sending.get(10, TimeUnit.SECONDS);
    assertThat(proxy.connections()).isEqualTo(1);
    assertThat(proxy.open()).isEqualTo(1);
    for (Way way : Way.values()) {
      assertThat(proxy.received(way)).isEqualTo(much.length);
      await().until(() -> proxy.forwarded(way) == much.length);
    }
  }

  @Test
  void aHalfClosedConnectionStillAnswers() throws Exception {
    Socket client = connect(proxy);
    send(client, "bye".getBytes(US_ASCII));
    client.shutdownOutput();
    assertThat(new String(client.getInputStream().readAllBytes(), US_ASCII)).isEqualTo("bye");
    await().until(() -> proxy.open() == 0);
  }

  @Test
  void aServerThatIsAwayIsAClosedConnection() throws Exception {
    int free;
    try (ServerSocket gone = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      free = gone.getLocalPort();
    }
    try (FaultProxy lonely = FaultProxy.to("localhost", free)) {
      assertThat(isCut(connect(lonely))).isTrue();
      await().until(() -> lonely.open() == 0);
    }
  }

  // faults

  @ParameterizedTest
  @EnumSource(Way.class)
  void aDelayHoldsBytesBack(Way way) throws Exception {
    Socket client = connect(proxy);
    proxy.delay(way, Duration.ofMillis(200));
    long before = System.nanoTime();
    assertThat(echo(client, "slow")).isEqualTo("slow");
    assertThat(Duration.ofNanos(System.nanoTime() - before)).isGreaterThan(Duration.ofMillis(199));
  }

  @ParameterizedTest
  @EnumSource(Way.class)
  void healLetsGoWhatIsHeldBack(Way way) throws Exception {
    Socket client = connect(proxy);
    proxy.delay(way, Duration.ofHours(1));
    send(client, "late".getBytes(US_ASCII));
    await().until(() -> proxy.received(way) == 4);
    assertThat(proxy.forwarded(way)).isZero();
    proxy.heal();
    assertThat(read(client, 4)).asString(US_ASCII).isEqualTo("late");
    assertThat(echo(client, "soon")).isEqualTo("soon");
  }

  @ParameterizedTest
  @EnumSource(Way.class)
  void slicesAreSmallWritesAndLoseNothing(Way way) throws Exception {
    Socket before = connect(proxy);
    proxy.slice(way, 3);
    String text = "0123456789".repeat(100);
    assertThat(echo(before, text)).isEqualTo(text);
    assertThat(echo(connect(proxy), text)).isEqualTo(text);
    await().until(() -> proxy.forwarded(way) == 2_000);
    assertThat(proxy.writes(way)).isGreaterThanOrEqualTo(2_000 / 3);
  }

  @Test
  void oneByteSlicesWithADelayAreCorrectOnlySlower() throws Exception {
    for (Way way : Way.values()) {
      proxy.slice(way, 1);
      proxy.delay(way, Duration.ofMillis(50));
    }
    assertThat(echo(connect(proxy), "every byte")).isEqualTo("every byte");
  }

  @Test
  void cutClosesWhatIsOpenAndWelcomesWhatComes() throws Exception {
    Socket first = connect(proxy);
    Socket second = connect(proxy);
    assertThat(echo(first, "a")).isEqualTo("a");
    assertThat(echo(second, "b")).isEqualTo("b");
    proxy.cut();
    assertThat(isCut(first)).isTrue();
    assertThat(isCut(second)).isTrue();
    assertThat(echo(connect(proxy), "c")).isEqualTo("c");
    await().until(() -> proxy.open() == 1);
    assertThat(proxy.connections()).isEqualTo(3);
  }

  @Test
  void whatIsHeldBackIsCutToo() throws Exception {
    Socket client = connect(proxy);
    proxy.delay(ANSWERS, Duration.ofHours(1));
    send(client, "never".getBytes(US_ASCII));
    await().until(() -> proxy.received(ANSWERS) == 5);
    proxy.cut();
    assertThat(isCut(client)).isTrue();
    await().until(() -> proxy.open() == 0);
    assertThat(proxy.forwarded(ANSWERS)).isZero();
  }

  @ParameterizedTest
  @EnumSource(Way.class)
  void cutAfterLetsThroughExactlySoManyBytes(Way way) throws Exception {
    Socket client = connect(proxy);
    assertThat(echo(client, "ab")).isEqualTo("ab");
    proxy.slice(way, 4);
    proxy.cutAfter(way, 6);
    send(client, "0123456789".getBytes(US_ASCII));
    byte[] got = untilCut(client);
    if (way == ANSWERS) {
      assertThat(got).asString(US_ASCII).isEqualTo("012345");
    }
    await().until(() -> proxy.open() == 0);
    assertThat(proxy.forwarded(way)).isEqualTo(2 + 6);
    proxy.slice(way, 100);
    assertThat(echo(connect(proxy), "whole again")).isEqualTo("whole again");
  }

  @Test
  void cutAfterNothingLetsNothingThrough() throws Exception {
    Socket client = connect(proxy);
    proxy.cutAfter(REQUESTS, 0);
    send(client, "x".getBytes(US_ASCII));
    assertThat(untilCut(client)).isEmpty();
    assertThat(server.got()).isZero();
  }

  @Test
  void healTakesBackACutToCome() throws Exception {
    Socket client = connect(proxy);
    proxy.cutAfter(REQUESTS, 1);
    proxy.heal();
    assertThat(echo(client, "alive")).isEqualTo("alive");
  }

  @Test
  void refusedIsLikeAPortThatNobodyListensOn() throws Exception {
    Socket open = connect(proxy);
    assertThat(echo(open, "in")).isEqualTo("in");
    proxy.refuse();
    proxy.refuse(); // again does nothing
    assertThatThrownBy(() -> connect(proxy)).isInstanceOf(ConnectException.class);
    assertThat(echo(open, "still")).isEqualTo("still");
    int port = proxy.port();
    proxy.heal();
    assertThat(proxy.port()).isEqualTo(port);
    assertThat(echo(connect(proxy), "back")).isEqualTo("back");
    assertThat(proxy.connections()).isEqualTo(2);
  }

  @Test
  void nobodyElseIsGivenThePortMeanwhile() throws Exception {
    proxy.refuse();
    assertThatThrownBy(
            () -> {
              try (ServerSocket thief = new ServerSocket()) {
                thief.setReuseAddress(false);
                thief.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), proxy.port()));
              }
            })
        .isInstanceOf(IOException.class);
    proxy.heal();
    assertThat(echo(connect(proxy), "mine")).isEqualTo("mine");
  }

  @ParameterizedTest
  @EnumSource(Way.class)
  void corruptionOfEveryByteChangesEveryByte(Way way) throws Exception {
    Socket client = connect(proxy);
    assertThat(echo(client, "fine")).isEqualTo("fine");
    proxy.corrupt(way, 1);
    byte[] sent = new byte[1_000];
    send(client, sent);
    for (byte got : read(client, sent.length)) {
      assertThat(got).isNotZero();
    }
    proxy.heal();
    assertThat(echo(client, "fine")).isEqualTo("fine");
  }

  @Test
  void corruptionDependsOnTheSeedAndNotOnTiming() throws Exception {
    byte[] one = corrupted(7, 100_000);
    assertThat(corrupted(7, 10)).isEqualTo(one);
    assertThat(corrupted(8, 100_000)).isNotEqualTo(one);
    int changed = 0;
    for (byte b : one) {
      changed += b == 0 ? 0 : 1;
    }
    assertThat(changed).isBetween(50, 150); // 100 of 10,000 expected
  }

  private byte[] corrupted(long seed, int slice) throws IOException {
    try (FaultProxy own = FaultProxy.to("localhost", server.port(), seed)) {
      own.slice(REQUESTS, slice);
      own.corrupt(ANSWERS, 0.01);
      Socket client = connect(own);
      send(client, new byte[10_000]);
      return read(client, 10_000);
    }
  }

  @Test
  void swallowedRequestsNeverArrive() throws Exception {
    Socket client = connect(proxy);
    proxy.swallow(REQUESTS);
    send(client, "anybody?".getBytes(US_ASCII));
    await().until(() -> proxy.received(REQUESTS) == 8);
    assertThat(hears(client)).isFalse();
    assertThat(server.got()).isZero();
    assertThat(proxy.forwarded(REQUESTS)).isZero();
    proxy.heal();
    assertThat(isCut(client)).as("a stream with a hole is cut").isTrue();
    assertThat(echo(connect(proxy), "here")).isEqualTo("here");
  }

  @Test
  void swallowedAnswersLeaveTheWorkDone() throws Exception {
    Socket client = connect(proxy);
    assertThat(echo(client, "a")).isEqualTo("a");
    proxy.swallowAnswers();
    send(client, "do it".getBytes(US_ASCII));
    await().until(() -> proxy.received(ANSWERS) == 1 + 5);
    assertThat(server.got()).isEqualTo(1 + 5);
    assertThat(hears(client)).isFalse();
    assertThat(proxy.forwarded(ANSWERS)).isEqualTo(1);
    proxy.cut();
    assertThat(isCut(client)).isTrue();
  }

  @Test
  void aSwallowedFarewellIsNotHeard() throws Exception {
    Socket client = connect(proxy);
    assertThat(echo(client, "a")).isEqualTo("a");
    proxy.swallowAnswers();
    server.close();
    assertThat(hears(client)).isFalse();
    proxy.heal();
    assertThat(isCut(client)).isTrue();
  }

  // bounds

  @Test
  void tooManyConnectionsAreClosedAtOnce() throws Exception {
    for (int i = 0; i < 256; i++) {
      connect(proxy);
    }
    await().until(() -> proxy.open() == 256);
    assertThat(isCut(connect(proxy))).isTrue();
    assertThat(proxy.connections()).isEqualTo(256);
  }

  @Test
  void closeEndsEverythingWhateverTheFaults() throws Exception {
    Socket held = connect(proxy);
    proxy.delay(REQUESTS, Duration.ofHours(1));
    proxy.swallowAnswers();
    send(held, "x".getBytes(US_ASCII));
    await().until(() -> proxy.received(REQUESTS) == 1);
    proxy.close();
    assertThat(isCut(held)).isTrue();
    assertThat(threads()).isEmpty();
    assertThatThrownBy(() -> connect(proxy)).isInstanceOf(ConnectException.class);
    proxy.close(); // again does nothing
    proxy.heal(); // nor does this open it again
    assertThatThrownBy(() -> connect(proxy)).isInstanceOf(ConnectException.class);
  }

  @Test
  void nonsenseIsRefused() {
    assertThatThrownBy(() -> proxy.slice(ANSWERS, 0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> proxy.corrupt(ANSWERS, Double.NaN))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> proxy.delay(ANSWERS, Duration.ofMillis(-1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> proxy.cutAfter(ANSWERS, -1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  // a client

  private Socket connect(FaultProxy to) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), to.port());
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(10_000);
    sockets.add(socket);
    return socket;
  }

  private static void send(Socket socket, byte[] bytes) {
    try {
      socket.getOutputStream().write(bytes);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static byte[] read(Socket socket, int bytes) throws IOException {
    return socket.getInputStream().readNBytes(bytes);
  }

  private static String echo(Socket socket, String text) throws IOException {
    send(socket, text.getBytes(US_ASCII));
    return new String(read(socket, text.length()), US_ASCII);
  }

  private static boolean hears(Socket socket) throws IOException {
    socket.setSoTimeout(200);
    try {
      socket.getInputStream().read();
      return true;
    } catch (SocketTimeoutException silence) {
      return false;
    } finally {
      socket.setSoTimeout(10_000);
    }
  }

  private static byte[] untilCut(Socket socket) throws IOException {
    ByteArrayOutputStream got = new ByteArrayOutputStream();
    try {
      for (int b = socket.getInputStream().read(); b >= 0; b = socket.getInputStream().read()) {
        got.write(b);
      }
    } catch (SocketException reset) {
      // also a cut
    }
    return got.toByteArray();
  }

  private static boolean isCut(Socket socket) throws IOException {
    return untilCut(socket).length == 0;
  }

  private static List<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith("fault-proxy-"))
        .toList();
  }
}
