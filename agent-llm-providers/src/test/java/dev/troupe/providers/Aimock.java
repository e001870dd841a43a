package dev.troupe.providers;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The independent peer: a server by others ({@code @copilotkit/aimock}) that speaks the providers'
 * protocols as their documents say. What it answers is written in {@code answers.json}. It accepts
 * one key and keeps a journal of what it was asked.
 */
final class Aimock implements AutoCloseable {
  static final String KEY = "sk-canary7c1d9e0f2a3b4c5d6e7f";

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Pattern LISTENS = Pattern.compile("listening on (http://[0-9.:]+)");
  private static final ObjectMapper JSON = new ObjectMapper();

  /** A request as the peer saw it; its body is in OpenAI's words, whoever's the request was. */
  record Asked(String method, String path, JsonNode headers, JsonNode body, JsonNode response) {}

  private final Process process;
  private final URI address;
  private final Thread hook;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private Aimock(Process process, Path log) {
    this.process = process;
    this.hook = new Thread(process::destroyForcibly, "end-of-aimock");
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      this.address = URI.create(listening(log));
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  static Aimock start() {
    Path folder = AimockProgram.folder();
    Path log = folder.resolve("aimock.log");
    ProcessBuilder command =
        new ProcessBuilder(
                "node",
                "--require",
                "./end-with-parent.cjs",
                "node_modules/@copilotkit/aimock/dist/cli.js",
                "--host",
                "127.0.0.1",
                "--port",
                "0",
                "--fixtures",
                "answers.json",
                "--validate-on-load")
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    command.environment().put("AIMOCK_API_KEYS", KEY);
    return new Aimock(AimockProgram.start(command), log);
  }

  private String listening(Path log) {
    long until = System.nanoTime() + PATIENCE.toNanos();
    while (System.nanoTime() - until < 0) {
      Matcher listens = LISTENS.matcher(AimockProgram.read(log));
      if (listens.find()) {
        return listens.group(1);
      }
      try {
        if (process.waitFor(20, TimeUnit.MILLISECONDS)) {
          throw AimockProgram.failed("aimock ended with exit code " + process.exitValue(), log);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw AimockProgram.failed("aimock was interrupted", log);
      }
    }
    throw AimockProgram.failed("aimock did not listen for " + PATIENCE.toSeconds() + " s", log);
  }

  URI at(String path) {
    return address.resolve(path);
  }

  /** What was asked with this header {@code x-test-id}, in order. */
  List<Asked> asked(String test) throws IOException, InterruptedException {
    HttpResponse<String> journal =
        client.send(
            HttpRequest.newBuilder(at("/__aimock/journal?testId=" + URLEncoder.encode(test, UTF_8)))
                .header("authorization", "Bearer " + KEY)
                .timeout(PATIENCE)
                .build(),
            BodyHandlers.ofString());
    if (journal.statusCode() != 200) {
      throw new AssertionError("no journal: " + journal.statusCode() + " " + journal.body());
    }
    List<Asked> asked = new ArrayList<>();
    for (JsonNode entry : JSON.readTree(journal.body())) {
      asked.add(
          new Asked(
              entry.path("method").asText(),
              entry.path("path").asText(),
              entry.path("headers"),
              entry.path("body"),
              entry.path("response")));
    }
    return asked;
  }

  /** Kills it. */
  @Override
  public void close() {
    process.destroyForcibly();
    try {
      process.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException shuttingDown) {
      // the hook runs, and has nothing left to do
    }
  }
}
