package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.troupe.testkit.RawHttpStub.Request;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RawHttpStubTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final RawHttpStub stub = RawHttpStub.start();
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @AfterEach
  void close() {
    stub.close();
  }

  private HttpResponse<String> ask(String body) throws IOException, InterruptedException {
    return client.send(request(body), BodyHandlers.ofString());
  }

  private HttpRequest request(String body) {
    return HttpRequest.newBuilder(stub.uri("/v1/chat?a=b"))
        .header("Authorization", "Bearer key")
        .header("X-Two", "1")
        .header("X-Two", "2")
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build();
  }

  /** What comes until the end of the connection, asked for over a plain socket. */
  private String raw() throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), stub.port())) {
      socket.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      StringBuilder text = new StringBuilder();
      InputStream in = socket.getInputStream();
      for (int next = in.read(); next >= 0; next = in.read()) {
        text.append((char) next);
      }
      return text.toString();
    }
  }

  @Test
  void requestsAreRecordedAndConnectionsKept() throws Exception {
    stub.answer(
        RawHttpAnswer.openAiText("hello"),
        RawHttpAnswer.openAiStream("a", "b"),
        RawHttpAnswer.status(204));
    assertThat(ask("one").statusCode()).isEqualTo(200);
    assertThat(ask("zwölf").statusCode()).isEqualTo(200);
    HttpRequest chunked =
        HttpRequest.newBuilder(stub.uri("/put"))
            .PUT(
                HttpRequest.BodyPublishers.fromPublisher(
                    HttpRequest.BodyPublishers.ofString("x".repeat(100_000))))
            .build();
    assertThat(client.send(chunked, BodyHandlers.ofString()).statusCode()).isEqualTo(204);
    assertThat(stub.connections()).isEqualTo(1);
    assertThat(stub.open()).isEqualTo(1);
    List<Request> requests = stub.requests();
    assertThat(requests).hasSize(3);
    assertThat(requests.get(1))
        .satisfies(
            request -> {
              assertThat(request.connection()).isEqualTo(1);
              assertThat(request.method()).isEqualTo("POST");
              assertThat(request.path()).isEqualTo("/v1/chat?a=b");
              assertThat(request.body()).isEqualTo("zwölf");
              assertThat(request.headers()).containsEntry("authorization", "Bearer key");
              assertThat(request.headers()).containsEntry("x-two", "1, 2");
            });
    assertThat(requests.get(2).method()).isEqualTo("PUT");
    assertThat(requests.get(2).body()).hasSize(100_000);
    stub.verifyDone();
  }

  @Test
  void answersOfOpenAiAreWhatAClientReads() throws Exception {
    stub.answer(
        RawHttpAnswer.openAiText("Tea \"costs\" three."),
        RawHttpAnswer.openAiToolCall("pay", "{\"price\":3}"),
        RawHttpAnswer.openAiError(429, "rate_limit_exceeded", "slow down")
            .header("retry-after", "7"));
    JsonNode text = JSON.readTree(ask("a").body());
    assertThat(text.at("/choices/0/message/content").asText()).isEqualTo("Tea \"costs\" three.");
    assertThat(text.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
    assertThat(text.at("/usage/total_tokens").asInt()).isPositive();
    JsonNode call = JSON.readTree(ask("b").body()).at("/choices/0");
    assertThat(call.at("/message/tool_calls/0/function/arguments").asText())
        .isEqualTo("{\"price\":3}");
    assertThat(call.at("/finish_reason").asText()).isEqualTo("tool_calls");
    HttpResponse<String> error = ask("c");
    assertThat(error.statusCode()).isEqualTo(429);
    assertThat(error.headers().firstValue("retry-after")).contains("7");
    assertThat(JSON.readTree(error.body()).at("/error/code").asText())
        .isEqualTo("rate_limit_exceeded");
  }

  @Test
  void aStreamOfOpenAiHasAnEventForEachPartAndItsEnd() throws Exception {
    stub.answer(RawHttpAnswer.openAiStream("Tea ", "costs"));
    List<String> data = new ArrayList<>();
    for (String event : ask("a").body().split("\n\n", -1)) {
      if (!event.isEmpty()) {
        assertThat(event).startsWith("data: ");
        data.add(event.substring(6));
      }
    }
    assertThat(data).hasSize(5).last().isEqualTo("[DONE]");
    assertThat(JSON.readTree(data.get(0)).at("/choices/0/delta/content").asText())
        .isEqualTo("Tea ");
    assertThat(JSON.readTree(data.get(1)).at("/choices/0/delta/content").asText())
        .isEqualTo("costs");
    assertThat(JSON.readTree(data.get(1)).at("/choices/0/finish_reason").isNull()).isTrue();
    assertThat(JSON.readTree(data.get(2)).at("/choices/0/finish_reason").asText())
        .isEqualTo("stop");
    assertThat(JSON.readTree(data.get(3)).at("/usage/completion_tokens").asInt()).isEqualTo(3);
  }

  @Test
  void aStreamThatLosesItsEndStillEndsCleanly() throws Exception {
    stub.answer(
        RawHttpAnswer.openAiStream("a", "b").first(2),
        RawHttpAnswer.openAiStream("a", "b").first(1).event("{\"error\":{}}"));
    String body = ask("a").body();
    assertThat(body).contains("\"a\"", "\"b\"").doesNotContain("stop").doesNotContain("[DONE]");
    assertThat(ask("b").body()).contains("\"a\"").doesNotContain("\"b\"").endsWith("{}}\n\n");
    assertThat(stub.connections()).isEqualTo(1);
  }

  @Test
  void aCutOrAResetBreaksABody() throws Exception {
    stub.answer(
        RawHttpAnswer.openAiStream("a", "b").first(1).cut(),
        RawHttpAnswer.openAiStream("a", "b").first(1).reset(),
        RawHttpAnswer.status(200).part("abc").contentLength(10).cut());
    for (int i = 0; i < 3; i++) {
      assertThatThrownBy(() -> ask("a")).isInstanceOf(IOException.class);
    }
    await().until(() -> stub.open() == 0);
    assertThat(stub.requests()).hasSize(3);
  }

  @Test
  void aResetIsNoCleanEnd() throws Exception {
    stub.answer(RawHttpAnswer.raw().reset(), RawHttpAnswer.raw().cut());
    assertThatThrownBy(this::raw).isInstanceOf(SocketException.class);
    assertThat(raw()).isEmpty();
  }

  @Test
  void rawBytesAreSentAsTheyAre() throws Exception {
    stub.answer(RawHttpAnswer.raw().part("not ").pause(Duration.ofMillis(1)).part("HTTP").cut());
    assertThat(raw()).isEqualTo("not HTTP");
  }

  @Test
  void aConnectionEndsBehindAnyByte() throws Exception {
    RawHttpAnswer answer = RawHttpAnswer.status(200).part("a").part("b");
    stub.answer(answer.header("connection", "close"));
    String whole = raw();
    assertThat(whole).endsWith("\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
    for (int bytes = 0; bytes < whole.length(); bytes += 7) {
      stub.answer(answer.header("connection", "close").cutAtByte(bytes));
      assertThat(raw()).isEqualTo(whole.substring(0, bytes));
    }
    stub.answer(answer.resetAtByte(0));
    assertThatThrownBy(this::raw).isInstanceOf(SocketException.class);
  }

  @Test
  void aBodyMayEndWithItsConnection() throws Exception {
    stub.answer(RawHttpAnswer.status(200).part("abc").untilClose(), RawHttpAnswer.status(200));
    HttpResponse<String> response = ask("a");
    assertThat(response.body()).isEqualTo("abc");
    assertThat(response.headers().firstValue("content-length")).isEmpty();
    ask("b");
    assertThat(stub.connections()).isEqualTo(2);
  }

  @Test
  void aWrongLengthKeepsAClientWaitingOrLeavesARest() throws Exception {
    stub.answer(
        RawHttpAnswer.status(200).part("abcdef").contentLength(3).header("connection", "close"),
        RawHttpAnswer.status(200).part("abc").contentLength(10).stall());
    assertThat(ask("a").body()).isEqualTo("abc");
    HttpRequest hurried =
        HttpRequest.newBuilder(stub.uri("/")).timeout(Duration.ofMillis(300)).build();
    HttpResponse<InputStream> response = client.send(hurried, BodyHandlers.ofInputStream());
    try (InputStream in = response.body()) {
      assertThat(in.readNBytes(3)).asString(StandardCharsets.UTF_8).isEqualTo("abc");
    }
    await().until(() -> stub.open() == 0); // the client left, and the stub saw it while it stalled
  }

  @Test
  void bytesMayDrip() throws Exception {
    RawHttpAnswer dripping =
        RawHttpAnswer.openAiText("slow").drip(20, Duration.ofMillis(10)); // some 20 drops
    stub.answer(dripping, RawHttpAnswer.openAiText("late").after(Duration.ofMillis(200)));
    for (int i = 0; i < 2; i++) {
      long before = System.nanoTime();
      assertThat(ask("a").body()).contains(i == 0 ? "slow" : "late");
      assertThat(Duration.ofNanos(System.nanoTime() - before))
          .isGreaterThan(Duration.ofMillis(150));
    }
  }

  @Test
  void anAnswerThatNeverStartsIsSeenToBeGivenUp() throws Exception {
    stub.answer(RawHttpAnswer.raw().stall());
    HttpRequest hurried =
        HttpRequest.newBuilder(stub.uri("/")).timeout(Duration.ofMillis(200)).build();
    assertThatThrownBy(() -> client.send(hurried, BodyHandlers.ofString()))
        .isInstanceOf(java.net.http.HttpTimeoutException.class);
    await().atMost(Duration.ofSeconds(5)).until(() -> stub.open() == 0);
  }

  @Test
  void anEndlessBodyEndsWhenTheClientGoes() throws Exception {
    stub.answer(RawHttpAnswer.openAiStream("a").first(1).endless("data: {}\n\n"));
    HttpResponse<Stream<String>> response = client.send(request("a"), BodyHandlers.ofLines());
    try (Stream<String> lines = response.body()) {
      assertThat(lines.limit(10_000)).hasSize(10_000);
    }
    await().atMost(Duration.ofSeconds(5)).until(() -> stub.open() == 0);
  }

  @Test
  void requestsBeyondTheScriptFailLoudly() throws Exception {
    assertThat(ask("a").statusCode()).isEqualTo(500);
    stub.answer(RawHttpAnswer.openAiText("left"));
    assertThatThrownBy(stub::verifyDone)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("POST /v1/chat?a=b is beyond the stub's script")
        .hasMessageContaining("not asked for: status 200, 1 part");
  }

  @Test
  void otherRequestsAreAnsweredByWhatTheyAre() throws Exception {
    stub.answer(RawHttpAnswer.openAiText("first"))
        .otherwise(request -> RawHttpAnswer.status(200).part("you said " + request.body()));
    assertThat(ask("a").body()).contains("first");
    assertThat(ask("b").body()).isEqualTo("you said b");
    stub.verifyDone();
  }

  @Test
  void closingLeavesNothingBehind() throws Exception {
    stub.answer(RawHttpAnswer.raw().part("x").stall(), RawHttpAnswer.openAiText("hello"));
    Socket stalled = new Socket(InetAddress.getLoopbackAddress(), stub.port());
    stalled.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    assertThat(stalled.getInputStream().read()).isEqualTo('x');
    ask("idle afterwards");
    assertThat(stub.open()).isEqualTo(2);
    stub.close();
    stub.close();
    assertThat(stub.open()).isZero();
    assertThat(Thread.getAllStackTraces().keySet())
        .noneMatch(thread -> thread.getName().startsWith("raw-http-stub-" + stub.port()));
    assertThatThrownBy(() -> new Socket(InetAddress.getLoopbackAddress(), stub.port()))
        .isInstanceOf(ConnectException.class);
    stalled.close();
  }
}
